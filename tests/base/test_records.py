"""Record batches, items and outputs: every row stays with its record."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, Items, ItemSet, Outputs, RecordBatch
from auscult.base.errors import ShapeError

WAVE = Field("wave", "array", "TC", "mV", rate_hz=10.0, ragged=True)
AGE = Field("age", "scalar", unit="year")


def _batch(n: int = 3, wave: Field = WAVE) -> RecordBatch:
    rows = [np.full((k + 1, 2), k, dtype=np.float32) for k in range(n)]
    columns = {"wave": Ragged.of(rows), "age": np.arange(n)}
    names = np.array([f"r{k}" for k in range(n)])
    return RecordBatch(
        (wave, AGE), columns, names, np.array([f"s{k}" for k in range(n)]), {"site": np.array(["n"] * n)}
    )


def test_take_and_concat_keep_rows_together() -> None:
    batch = _batch()
    mixed = RecordBatch.concat([batch.take(np.array([2])), batch.take(np.array([0, 1]))])
    assert mixed.record.tolist() == ["r2", "r0", "r1"]
    assert mixed.subject is not None
    assert mixed.subject.tolist() == ["s2", "s0", "s1"]
    assert mixed.dense("age").tolist() == [2, 0, 1]
    assert mixed.ragged("wave").lengths.tolist() == [3, 1, 2]
    assert mixed.groups["site"].tolist() == ["n"] * 3


def test_numbers_stay_with_their_records() -> None:
    numbered = replace(_batch(), named_by_subject=True, number=np.array([3, 1, 2])).take(np.array([2, 0]))
    assert numbered.number is not None
    assert numbered.number.tolist() == [2, 3]


def test_two_rates_do_not_mix() -> None:
    with pytest.raises(ShapeError, match="records with different fields cannot be joined: wave"):
        RecordBatch.concat([_batch(), _batch(wave=replace(WAVE, rate_hz=20.0))])


def test_subjects_are_dropped_where_some_have_none() -> None:
    assert RecordBatch.concat([_batch(), replace(_batch(), subject=None)]).subject is None


def test_columns_must_fit_fields_and_records() -> None:
    with pytest.raises(ShapeError, match=r"expected columns \['age', 'wave'\], got \['age'\]"):
        RecordBatch((WAVE, AGE), {"age": np.arange(1)}, np.array(["r"]))
    with pytest.raises(ShapeError, match="column 'age': expected 1 records, got 2"):
        RecordBatch((AGE,), {"age": np.arange(2)}, np.array(["r"]))


def test_dense_and_ragged_are_not_confused() -> None:
    batch = _batch()
    with pytest.raises(ShapeError, match="column 'wave': expected one shape for every record, got a ragged column"):
        batch.dense("wave")
    with pytest.raises(ShapeError, match=r"column 'age': expected a ragged column, got shape \(3,\)"):
        batch.ragged("age")
    with pytest.raises(ShapeError, match=r"unknown field 'wav'; did you mean 'wave'\?"):
        batch.field("wav")


def test_with_columns_adds_replaces_and_drops() -> None:
    made = _batch().with_columns({Field("new", "scalar"): np.zeros(3), AGE: np.ones(3)}, drop=["wave"])
    assert sorted(made.columns) == ["age", "new"]
    assert made.dense("age").tolist() == [1, 1, 1]
    assert [f.name for f in made.fields] == ["new", "age"]


def test_repr_shows_no_value_and_no_name() -> None:
    assert repr(_batch()) == "RecordBatch(3 records, fields ['wave', 'age'])"


def test_item_sets_show_their_rows_only() -> None:
    items = Items({"x": np.arange(10)}, np.arange(10), np.arange(10), np.arange(10) * 2)
    chosen = ItemSet(items, np.array([7, 1, 4]))
    assert len(chosen) == 3
    assert chosen.inputs()["x"].tolist() == [7, 1, 4]
    assert chosen.inputs(np.array([2, 0]))["x"].tolist() == [4, 7]
    assert chosen.target(np.array([1])).tolist() == [2]
    with pytest.raises(ShapeError, match="expected a target for training, got none"):
        ItemSet(replace(items, target=None), np.array([0])).target()


def test_outputs_take_their_truth_along() -> None:
    outputs = Outputs(
        {"p": np.array([[1.0], [2.0]]), "at": Ragged.of([np.array([1]), np.array([2, 3])])},
        np.array([0, 1]), np.array([5, 6]), {"label": np.array([0, 1])},
    )  # fmt: skip
    second = outputs.take(np.array([1]))
    assert second.array("p").tolist() == [[2.0]]
    assert second.ragged("at")[0].tolist() == [2, 3]
    assert second.truth("label").tolist() == [1]  # type: ignore[union-attr]
    assert second.position is not None
    assert second.position.tolist() == [6]
    with pytest.raises(ShapeError, match="expected a truth 'value' to judge against, got none"):
        outputs.truth("value")
    with pytest.raises(ShapeError, match="output 'at': expected a dense array, got a ragged one"):
        outputs.array("at")
    with pytest.raises(ShapeError, match="output 'p': expected a ragged array"):
        outputs.ragged("p")
    with pytest.raises(ShapeError, match="truth 'label': expected a ragged array"):
        outputs.ragged_truth("label")
