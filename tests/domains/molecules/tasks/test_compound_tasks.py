"""One class and one value of a compound: what is learned from, what is answered, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import ReadError
from auscult.domains.molecules.tasks.compound_class import CompoundClass, CompoundClassConfig
from auscult.domains.molecules.tasks.compound_value import CompoundValue, CompoundValueConfig

CLASS = CompoundClass(CompoundClassConfig(column="Y", descriptors="none"))
VALUE = CompoundValue(CompoundValueConfig(column="Y", unit="log(mol/L)", descriptors="none"))


def batch(smiles: list[str], values: list[float] | None = None) -> RecordBatch:
    columns = {Field("smiles", "text"): np.array(smiles)}
    if values is not None:
        measured = np.array(values, dtype=np.float64)[:, None]
        columns[Field("values", "array", "C", channels=("Y",), missing=True)] = measured
    records = np.array([f"r{k}" for k in range(len(smiles))])
    return RecordBatch(tuple(columns), {f.name: c for f, c in columns.items()}, records)


def test_what_was_not_measured_is_answered_but_not_learned_from() -> None:
    given = CLASS.prepare(batch(["CCO", "CCN", "CCC"], [1, np.nan, 0]))
    learned, asked = CLASS.cut(given), CLASS.cut_new(given)
    assert learned.record.tolist() == [0, 2]
    assert learned.target is not None
    assert learned.target.tolist() == [1, 0]
    assert asked.record.tolist() == [0, 1, 2]
    assert asked.target is None


def test_a_value_keeps_its_size_and_unit() -> None:
    given = VALUE.prepare(batch(["CCO", "CCN"], [-2.5, np.nan]))
    assert VALUE.cut(given).target.tolist() == [[-2.5]]
    assert len(VALUE.cut_new(given)) == 2
    assert VALUE.spec.unit == "log(mol/L)"
    assert VALUE.spec.labels == ("Y",)


def test_nothing_measured_gives_no_target() -> None:
    assert CLASS.cut(CLASS.prepare(batch(["CCO"]))).target is None
    assert VALUE.cut(VALUE.prepare(batch(["CCO"]))).target is None


def test_a_class_is_nothing_but_0_or_1() -> None:
    with pytest.raises(ReadError, match="column 'Y': expected 0 or 1, got 1 other values"):
        CLASS.cut(CLASS.prepare(batch(["CCO", "CCN"], [1, 7])))


@pytest.mark.parametrize("task", [CLASS, VALUE])
def test_a_structure_that_is_none_is_named(task: CompoundClass | CompoundValue) -> None:
    made, reasons = task.sift(batch(["CCO", "C1CC"], [1, 0]))
    assert made is not None
    assert len(made) == 1
    assert "SMILES: expected" in reasons[1]
    with pytest.raises(ReadError, match="SMILES: expected"):
        task.prepare(batch(["C1CC"], [1]))
