"""Effects of compounds: what is prepared, cut and refused."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import ReadError, RecipeError
from auscult.domains.molecules.tasks.toxicity import Toxicity, ToxicityConfig

TASK = Toxicity(ToxicityConfig(targets=("a", "b"), descriptors="none"))


def batch(
    smiles: list[str], values: list[list[float]] | None = None, names: tuple[str, ...] = ("a", "b")
) -> RecordBatch:
    columns = {Field("smiles", "text"): np.array(smiles)}
    if values is not None:
        columns[Field("values", "array", "C", channels=names, missing=True)] = np.array(values, dtype=np.float64)
    records = np.array([f"r{k}" for k in range(len(smiles))])
    return RecordBatch(tuple(columns), {f.name: c for f, c in columns.items()}, records)


def test_one_pass_keeps_what_can_be_used_and_names_the_rest() -> None:
    made, reasons = TASK.sift(batch(["CCO", "C1CC", "[NH3+]CC.[Cl-]"], [[1, 0], [0, 0], [np.nan, -1]]))
    assert made is not None
    assert made.record.tolist() == ["r0", "r2"]
    assert made.dense("smiles").tolist() == ["CCO", "CCN"]
    assert made.dense("steps").tolist() == [0, 3]
    assert list(reasons) == [1]
    items = TASK.cut(made)
    assert items.target is not None
    assert items.target.tolist() == [[1, 0], [-1, -1]]
    assert items.inputs["ecfp4"].shape == (2, 2048)


def test_none_of_a_batch() -> None:
    made, reasons = TASK.sift(batch(["C1CC", ""]))
    assert made is None
    assert sorted(reasons) == [0, 1]


def test_the_same_features_with_and_without_measurements() -> None:
    smiles = ["OCC", "[O-]C(=O)c1ccccc1.[Na+]"]
    known, new = TASK.prepare(batch(smiles, [[1, 0], [0, 0]])), TASK.prepare(batch(smiles))
    np.testing.assert_array_equal(known.dense("ecfp4"), new.dense("ecfp4"))
    assert new.dense("smiles").tolist() == ["OCC", "O=C(O)c1ccccc1"]  # canonical only where something changed
    assert known.dense("smiles").tolist() == ["CCO", "O=C(O)c1ccccc1"]
    assert TASK.cut(new).target is None


def test_targets_that_are_there_in_part() -> None:
    with pytest.raises(ReadError, match=r"unknown column 'b' in the measured values.* Known: a"):
        TASK.prepare(batch(["CCO"], [[1.0]], ("a",)))
    assert TASK.cut(TASK.prepare(batch(["CCO"], [[1.0]], ("c",)))).target is None


def test_a_value_that_is_no_effect() -> None:
    with pytest.raises(ReadError, match="effects: expected 1, 0 or nothing in each column, got 1 other values"):
        TASK.cut(TASK.prepare(batch(["CCO"], [[1.0, 3.5]])))


def test_columns_fit_targets() -> None:
    with pytest.raises(RecipeError, match="expected a column for each of 2 targets, got 1"):
        Toxicity(ToxicityConfig(targets=("a", "b"), columns=("x",)))
    named = Toxicity(ToxicityConfig(targets=("a",), columns=("x",), descriptors="none"))
    assert named.cut(named.prepare(batch(["CCO"], [[1.0]], ("x",)))).target.tolist() == [[1]]
