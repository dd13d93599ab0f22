"""Which pairs decide the epoch of the content network."""

from __future__ import annotations

import numpy as np

from auscult.base.contracts import Items, ItemSet
from auscult.domains.recommend.models.content_network import _held_out


def test_a_tenth_is_held_out_where_validation_knows_no_device_of_training() -> None:
    n = 45
    items = Items({"place": np.arange(n)}, np.arange(n), np.zeros(n, dtype=np.int64), np.arange(n))
    learned, judged = _held_out(ItemSet(items, np.arange(n)), np.random.default_rng(0))
    assert len(judged) == 4
    assert sorted([*learned.rows, *judged.rows]) == list(range(n))
    again, _ = _held_out(ItemSet(items, np.arange(n)), np.random.default_rng(0))
    assert again.rows.tolist() == learned.rows.tolist()
    assert len(_held_out(ItemSet(items, np.arange(2)), np.random.default_rng(0))[1]) == 1
