"""Lists of actives and decoys → which compound is known to be active at which target."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import ReadError
from auscult.domains.molecules.tasks.compound_screen import CompoundScreen
from auscult.domains.molecules.tasks.toxicity import ToxicityConfig

TASK = CompoundScreen(ToxicityConfig(targets=("er", "ar", "long_ar"), descriptors="none"))


def batch(files: list[str]) -> RecordBatch:
    smiles = np.array(["CCO", "c1ccccc1", "CCN", "CCC", "CCCl"][: len(files)])
    names = np.array([f"x#{k}" for k in range(len(files))])
    return RecordBatch((Field("smiles", "text"),), {"smiles": smiles}, names, groups={"file": np.array(files)})


def test_a_list_says_what_is_known_of_its_target_alone() -> None:
    files = ["cmp_er_actives", "cmp_er_decoys", "ar_actives", "cmp_long_ar_decoys", "others"]
    items = TASK.cut(TASK.prepare(batch(files)))
    expected = [[1, -1, -1], [0, -1, -1], [-1, 1, -1], [-1, -1, 0], [-1, -1, -1]]
    assert items.target is not None
    assert items.target.tolist() == expected


def test_a_library_is_no_list() -> None:
    prepared = TASK.prepare(batch(["library"]))
    assert not prepared.has("measured")
    assert TASK.cut(prepared).target is None


def test_a_broken_structure_costs_its_row() -> None:
    broken = batch(["er_actives", "er_decoys"])
    broken.columns["smiles"][0] = "C1CC"  # type: ignore[index]
    prepared, reasons = TASK.sift(broken)
    assert list(reasons) == [0]
    assert prepared is not None
    np.testing.assert_array_equal(prepared.dense("measured"), [[0, np.nan, np.nan]])


def test_the_list_of_an_unknown_target_is_refused() -> None:
    with pytest.raises(ReadError, match=r"cmp_gr_actives: expected the list of a target .*er, ar.*got 'cmp_gr'"):
        TASK.prepare(batch(["cmp_gr_actives"]))
