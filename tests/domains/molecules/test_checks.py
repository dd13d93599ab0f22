"""Checks of compounds, on a few structures in which one thing at a time is wrong."""

from __future__ import annotations

from dataclasses import replace

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
    others = (checks.missing_measurements, checks.duplicates, checks.scaffold_overlap)
    for check in (checks.standardised, checks.metals, checks.conflicting_measurements, *others):
        assert check([batch]) == []


def test_a_finding_names_twenty_records_at_the_most() -> None:
    (found,) = checks.standardised([prepared(["CCN.Cl"] * 25, [[1, 0]] * 25)])
    assert (found.count, len(found.records)) == (25, 20)


def test_the_same_structure_written_in_three_ways() -> None:
    (found,) = checks.duplicates(
        [prepared(["OCC", "CCN"], [[1, 0], [1, 0]]), prepared(["CCO.Cl", "CCF"], [[1, 0]] * 2)]
    )
    assert (found.count, found.records, found.severity) == (2, ("r0", "r0"), "warning")


def test_scaffolds_of_the_test_that_training_knows() -> None:
    batch = prepared(["CCc1ccccc1", "COc1ccccc1", "c1ccncc1"], [[0, 0]] * 3)
    batch = replace(batch, groups={**batch.groups, "role": np.array(["train", "test", "test"])})
    (found,) = checks.scaffold_overlap([batch])
    assert (found.count, found.records) == (1, ("r1",))
    assert "of 2 test compounds whose scaffold is also in training" in found.message
    assert checks.scaffold_overlap([replace(batch, groups={**batch.groups, "role": np.full(3, "none")})]) == []


def test_a_structure_as_it_comes_from_a_file_may_break_the_syntax() -> None:
    texts = np.array(["C1CC", "CCO", "C" * 60 + "(", "CN(C)(C)(C)C"])  # the last is impossible, and well written
    raw = RecordBatch((Field("smiles", "text"),), {"smiles": texts}, np.array(["r0", "r1", "r2", "r3"]))
    (found,) = checks.broken_structures([raw])
    assert (found.count, found.records, found.severity) == (2, ("r0", "r2"), "warning")
    assert "break the syntax of SMILES" in found.message
    assert [f.records for f in checks.sizes([raw])] == [("r1",)]
    assert checks.broken_structures([prepared(["CCO"], [[0, 0]])]) == []


def test_what_is_very_small_or_very_large() -> None:
    found = checks.sizes([prepared(["CCO", "c1ccccc1", "C" * 120, "N"], [[0, 0]] * 4)])
    assert [(f.count, f.records) for f in found] == [(2, ("r0", "r3")), (1, ("r2",))]
    assert "fewer than 4 heavy atoms" in found[0].message
    assert "more than 100 heavy atoms" in found[1].message


def test_missing_measurements_target_by_target() -> None:
    found = checks.missing_measurements([prepared(["CCO", "CCN", "CCF"], [[1, np.nan], [-1, np.nan], [0, 1]])])
    assert [(f.count, f.severity) for f in found] == [(1, "info"), (2, "warning")]
    assert found[1].message == "compounds without a measurement of 'b': 67 % of 3"


def test_minus_one_is_a_value_where_others_are_numbers() -> None:
    assert checks.missing_measurements([prepared(["CCO", "CCN"], [[-1, 0], [2.5, 1]])]) == []
