"""What is said about interactions before anything is learned."""

from __future__ import annotations

import numpy as np

from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, RecordBatch
from auscult.domains.recommend.checks import one_part_only, popularity_share, rare_items, short_histories


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
    assert popularity_share([other]) == rare_items([other]) == short_histories([other]) == one_part_only([other]) == []


def test_what_only_the_test_has_is_told() -> None:
    batch = _batch(["a", "b"], ["c"], ["a"])
    parts = Ragged.of([np.array(p, np.int8) for p in ([0, 2], [2], [1])])
    made = one_part_only([batch.with_columns({Field("part", "ids", "L", ragged=True): parts})])
    assert [f.message for f in made] == [
        "2 items are in the test only; nothing that learns from use can list them",
        "1 users are in the test only; they are answered without a history",
    ]
    clean = Ragged.of([np.array(p, np.int8) for p in ([0, 0], [0], [2])])
    assert [f.count for f in one_part_only([batch.with_columns({Field("part", "ids", "L", ragged=True): clean})])] == [
        1
    ]
