"""A recipe that builds in a few seconds, for tests that need a release."""

from __future__ import annotations

from typing import Any

SMALL_RECIPE: dict[str, Any] = {
    "name": "library-test",
    "domain": "molecules",
    "data": {"example": "assays"},
    "task": {"name": "toxicity", "descriptors": "none"},
    "model": {"name": "fingerprint-forest", "trees": 5},
    "split": {"on_leak": "report"},
    "train": {"threads": 1},
    "evaluate": {"resamples": 100},
    "intent": {"use": "test", "not_for": "use", "population": "none", "device": "none"},
}
