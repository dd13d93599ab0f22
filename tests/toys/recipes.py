"""A small recipe for each toy task."""

from __future__ import annotations

from typing import Any

from auscult.base.recipe import Recipe, validated
from auscult.base.registry import resolve
from toys import DOMAIN

MAIN = {
    "colour": "linear",
    "codes": "words",
    "ahead": "mlp",
    "spikes": "mlp",
    "parts": "mlp",
    "blob": "tiles",
    "frame": "mlp",
    "next-devices": "together",
    "ring": "gan",
    "sentence": "chain",
}
INTENT = {
    "use": "Shows that a contract carries this kind of answer.",
    "not_for": "Any decision about a person.",
    "population": "None: simulated numbers.",
    "device": "None: a simulated text file.",
}


def toy_recipe(task: str, /, **changes: Any) -> Recipe:
    """Return the recipe of a toy task; ``changes`` replace or extend its tables."""
    spec = resolve(DOMAIN.tasks[task])(resolve(DOMAIN.tasks[task]).Config()).spec
    table: dict[str, Any] = {
        "name": f"toy-{task}",
        "domain": DOMAIN.name,
        "data": {"example": spec.example},
        "task": {"name": task},
        "model": {"name": MAIN[task]},
        "split": {"test": 0.25, "valid": 0.25},
        "train": {"epochs": 12, "batch_size": 16, "learning_rate": 0.02, "threads": 1, "patience": 12},
        "calibrate": {"gate_refusal": 0.02},
        "evaluate": {"resamples": 100},
        "intent": INTENT,
    }
    if task in ("frame", "ring"):
        table["train"] |= {"epochs": 60, "patience": 60}
    if task == "next-devices":
        table["split"]["policy"] = "per-user-holdout"
    for key, value in changes.items():
        table[key] = {**table.get(key, {}), **value} if isinstance(value, dict) else value
    return validated(Recipe, table, where="toy recipe")
