"""How varied the lists of many users are, beside how right they are."""

from __future__ import annotations

import numpy as np

from auscult.base.contracts import Outputs


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
    item, taken = outputs.array("item"), outputs.ragged_truth("relevant").values
    listed = item[item != b""]
    if not len(listed):
        return {"listed_items": 0.0, "coverage": 0.0, "novelty_bits": 0.0}
    names, counts = np.unique(taken, return_counts=True)
    every = np.union1d(names, listed)
    users = np.zeros(len(every))
    users[np.searchsorted(every, names)] = counts
    share = (users + 1) / (len(outputs) + 1)
    bits = -np.log2(share[np.searchsorted(every, listed)])
    different = len(np.unique(listed))
    return {
        "listed_items": float(different),
        "coverage": different / len(every),
        "novelty_bits": float(bits.mean()),
    }
