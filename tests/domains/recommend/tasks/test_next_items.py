"""The question of a user, and why an item is in the answer."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import ReadError
from auscult.domains.recommend.preprocess.names import as_names, padded, unpadded
from auscult.domains.recommend.tasks.next_items import NextItems, NextItemsConfig
from auscult.engine.outputs import take_items


def _batch(*users: tuple[str, list[str]]) -> RecordBatch:
    items = Ragged.of([as_names(i) if i else as_names(["x"])[:0] for _, i in users])
    names = np.array([u for u, _ in users])
    return RecordBatch((Field("item", "ids", "L", ragged=True),), {"item": items}, names, names)


def test_a_question_has_what_is_known_and_a_truth_what_is_asked() -> None:
    task = NextItems(NextItemsConfig())
    batch = task.prepare(_batch(("a", ["D1", "D2", "D3"]), ("b", []), ("c", ["D4"])))
    items = task.cut(batch)
    assert items.record.tolist() == [0, 0, 0, 2]
    assert items.position.tolist() == [0, 1, 2, 0]
    known, asked = (take_items(items, np.array(r), items.record[r]) for r in ([0, 2], [1, 3]))
    made = task.ask(batch, known, asked)
    assert made.inputs["history"].tolist() == [[b"D1", b"D3"], [b"", b""], [b"", b""]]
    assert made.target is not None
    assert made.target.tolist() == [[b"D2"], [b""], [b"D4"]]


def test_records_of_something_else_are_refused() -> None:
    batch = RecordBatch((Field("age", "scalar"),), {"age": np.ones(1)}, np.array(["r"]))
    with pytest.raises(ReadError, match="expected items of users, got age"):
        NextItems(NextItemsConfig()).prepare(batch)


def test_rows_are_padded_and_come_back() -> None:
    names = as_names(["a", "b", "c", "d"])
    rows = padded(names, np.array([2, 0, 2, 2]), 4)
    assert rows.tolist() == [[b"b", b"", b""], [b"", b"", b""], [b"a", b"c", b"d"], [b"", b"", b""]]
    assert [r.tolist() for r in unpadded(rows)] == [[b"b"], [], [b"a", b"c", b"d"], []]
