"""How varied the lists of many users are, beside how right they are."""

from __future__ import annotations

import numpy as np

from auscult.base.contracts import Outputs
from auscult.engine.answers.ranking import numbered


def variety(outputs: Outputs) -> dict[str, float]:
    """Figures over ranked lists and what was really taken.

    Parameters
    ----------
    outputs : Outputs
        ``item`` (M, k) names, padded with empty ones, and the truth ``relevant``.

    Returns
    -------
    dict
        ``listed_items``: different items in all lists; ``coverage``: their share of all items that were listed or
        taken; ``novelty_bits``: mean information of a listed item, -log2 of the share of users who took it among the
        truth, counted with one more (Vargas and Castells 2011, RecSys).
    """
    taken, item = numbered(outputs.ragged_truth("relevant").values, outputs.array("item"))
    listed = item[item >= 0]
    if not len(listed):
        return {"listed_items": 0.0, "coverage": 0.0, "novelty_bits": 0.0}
    every = 1 + max(int(listed.max()), int(taken.max(initial=-1)))
    users, shown = np.bincount(taken, minlength=every), np.bincount(listed, minlength=every)
    bits = -np.log2((users + 1) / (len(outputs) + 1))
    different = np.count_nonzero(shown)
    return {
        "listed_items": float(different),
        "coverage": different / np.count_nonzero(users + shown),
        "novelty_bits": float(shown @ bits / len(listed)),
    }
