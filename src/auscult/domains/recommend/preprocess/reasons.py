"""Why an item is in a list: the items of the history that led to it, or that many take it; which led to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Items, Run
from auscult.domains.recommend.preprocess.names import Names, item_text

NOTE_BYTES = 256
NAMED = 3
"""Unknown items that a note names, of ``NAME_BYTES`` at the most each, so that a note has room for them."""


def noted(items: Items, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Items and scores of lists, and for each new question a ``note`` of what in its history training did not know.

    Parameters
    ----------
    items : Items
        The questions, with their ``history`` (N, L).
    arrays : mapping
        What a program of the driver ``sparse-topk`` gave them.
    """
    made = {name: arrays[name] for name in ("item", "score")}
    if items.target is not None or "unknown" not in arrays:
        return made
    notes = map(_note, items.inputs["history"], arrays["unknown"])
    return {**made, "note": np.array([n.encode() for n in notes], dtype=f"S{NOTE_BYTES}")}


def _note(history: Names, unknown: Array) -> str:
    names = [item_text(name) for name in history[unknown]]
    if not names:
        return ""
    given = np.count_nonzero(history != b"")
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    told = f"{len(names)} of {given} items unknown from training and not looked at: {', '.join(names[:NAMED])}{more}"
    return told if len(names) < given else f"{told}; popular items are listed"


def reasons(history: Names, run: Run) -> list[dict[str, Any]]:
    """Ask a program of the driver ``sparse-topk`` for the reasons of its lists.

    Parameters
    ----------
    history : (N, L) array of bytes
        What each query has taken, padded with empty names.
    run : Run
        The program.

    Returns
    -------
    list of dict
        For each query ``items``: name, and ``because``, the known items with their share of the score, largest first.
        Where no known item led to it, ``because`` is empty and ``popular`` is true.
    """
    made = run({"history": history, "explain": np.zeros(len(history))})
    return [
        {
            "items": [
                _reason(item, made["because"][row, place], made["share"][row, place])
                for place, item in enumerate(made["item"][row])
                if item
            ],
        }
        for row in range(len(history))
    ]


def _reason(item: bytes, because: Names, share: np.ndarray[Any, Any]) -> dict[str, Any]:
    led = [
        {"item": name.decode(errors="replace"), "share": round(float(part), 3)}
        for name, part in zip(because, share, strict=True)
        if name
    ]
    return {"item": item.decode(errors="replace"), "because": led, **({} if led else {"popular": True})}
