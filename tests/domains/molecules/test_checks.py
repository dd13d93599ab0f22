"""Checks of compounds, on a few structures in which one thing at a time is wrong."""

from __future__ import annotations

import numpy as np

from auscult.base.contracts import Field, RecordBatch
from auscult.domains.molecules import checks
from auscult.domains.molecules.tasks.toxicity import Toxicity, ToxicityConfig

TASK = Toxicity(ToxicityConfig(targets=("a", "b"), descriptors="none"))


def prepared(smiles: list[str], values: list[list[float]]) -> RecordBatch:
    columns = {
        Field("smiles", "text"): np.array(smiles),
        Field("values", "array", "C", channels=("a", "b"), missing=True): np.array(values, dtype=np.float64),
    }
    records = np.array([f"r{k}" for k in range(len(smiles))])
    return TASK.prepare(RecordBatch(tuple(columns), {f.name: c for f, c in columns.items()}, records))


def test_salts_and_charges_are_counted_step_by_step() -> None:
    batch = prepared(["CCO", "CCN.Cl", "C[NH3+]"], [[0, 0]] * 3)
    found = checks.standardised([batch])
    assert [(f.count, f.records, f.severity) for f in found] == [(1, ("r1",), "info"), (1, ("r2",), "info")]
    assert "'largest-fragment'" in found[0].message
    assert "'neutralise'" in found[1].message


def test_metals_are_named_and_organic_brackets_are_not() -> None:
    batch = prepared(["C[Hg]C", "c1cc[nH]c1", "N[C@@H](C)C(=O)O", "C[Si](C)(C)C", "c1ccc[se]1"], [[0, 0]] * 5)
    (found,) = checks.metals([batch])
    assert (found.severity, found.records) == ("warning", ("r0",))
    assert "Hg" not in found.message


def test_one_structure_with_two_answers_is_a_conflict() -> None:
    batch = prepared(["OCC", "CCO", "CCN", "NCC", "CCN.Cl"], [[1, 0], [0, np.nan], [1, np.nan], [-1, 1], [1, 1]])
    (found,) = checks.conflicting_measurements([batch])
    assert found.records == ("r0", "r1")


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    batch = prepared(["CCO", "CCN"], [[1, 0], [0, 1]])
    for check in (checks.standardised, checks.metals, checks.conflicting_measurements):
        assert check([batch]) == []


def test_a_finding_names_twenty_records_at_the_most() -> None:
    (found,) = checks.standardised([prepared(["CCN.Cl"] * 25, [[1, 0]] * 25)])
    assert (found.count, len(found.records)) == (25, 20)
