"""Why an item is in a list: the items of the history that led to it, or that many take it."""

from __future__ import annotations

from typing import Any

import numpy as np

from auscult.base.contracts import Run
from auscult.domains.recommend.preprocess.names import Names


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
