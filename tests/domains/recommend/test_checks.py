"""What is said about interactions before anything is learned."""

from __future__ import annotations

import numpy as np

from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, RecordBatch
from auscult.domains.recommend.checks import popularity_share, rare_items, short_histories


def _batch(*users: list[str]) -> RecordBatch:
    items = Ragged.of([np.array(u, dtype="S32") for u in users])
    return RecordBatch((Field("item", "ids", "L", ragged=True),), {"item": items}, np.arange(len(users)).astype(str))


def test_one_item_for_everybody_is_told() -> None:
    batch = _batch(*[["star"] for _ in range(30)], [f"i{k}" for k in range(20)])
    (found,) = popularity_share([batch])
    assert found.message == "1 of 21 items hold 60 % of the interactions; read the floor popularity"
    assert popularity_share([_batch([f"i{k}" for k in range(20)])]) == []
    (rare,) = rare_items([batch])
    assert rare.count == 20
    assert rare.message.startswith("20 of 21 items were taken by fewer than 5 users")
    (short,) = short_histories([batch])
    assert short.count == 30


def test_records_without_items_are_none_of_ours() -> None:
    other = RecordBatch((Field("age", "scalar"),), {"age": np.ones(1)}, np.array(["r"]))
    assert popularity_share([other]) == rare_items([other]) == short_histories([other]) == []
