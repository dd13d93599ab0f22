"""Exact and near-duplicates, and leaks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from auscult.base.contracts import Index
from auscult.base.errors import DataError
from auscult.engine.dataset import Dataset
from auscult.engine.quality.duplicates import duplicate_pairs
from auscult.engine.quality.generic import generic_findings
from auscult.engine.quality.leaks import Leak, find_leaks, require_no_leak
from auscult.engine.splits import Split
from toys.battery import task_of
from toys.examples import RATE_HZ, array, ids, write_toy

Make = Callable[..., Dataset]


def _write(folder: Path) -> None:
    """Ten waves; r1 is r0 again, r3 is r2 with another gain and a little noise; r8 and r9 are of one person."""
    rng = np.random.default_rng(0)
    waves = [rng.normal(size=120).cumsum() for _ in range(10)]
    waves[1] = waves[0]
    waves[3] = 2.0 * waves[2] + 0.5 + rng.normal(0, 1e-3, 120)
    head = array("wave", "TC", unit="mV", rate_hz=RATE_HZ, ragged=True, channels=["a"])
    records = [
        {
            "record": f"r{k}",
            "subject": f"s{min(k, 8)}",
            "values": {"wave": w.round(6)[:, None].tolist(), "spike": [5]},
        }
        for k, w in enumerate(waves)
    ]
    write_toy(folder / "a.toy", [head, ids("spike", "T", ragged=True)], records)


def _split(test: list[int]) -> Split:
    role = np.array(["test" if k in test else "train" for k in range(10)])
    role[5] = "valid"
    none: Index = np.full(10, -1, dtype=np.int64)
    return Split("given", "record", np.arange(10), role, none, none, np.ones(10, np.int64), none)


def _leaks(waves: Dataset, split: Split) -> Leak:
    return find_leaks(waves, split, duplicate_pairs(waves))


def test_pairs(dataset: Make) -> None:
    assert duplicate_pairs(dataset("ahead", write=_write)) == [(0, 1, "exact"), (2, 3, "near")]


def test_short_records_are_compared_for_equality_only(dataset: Make) -> None:
    """Three numbers correlate by chance: of 90 random points, none is a duplicate."""
    assert duplicate_pairs(dataset("colour", "points")) == []


def test_findings(dataset: Make) -> None:
    waves = dataset("ahead", write=_write)
    found = generic_findings(waves, task_of("toys", "ahead").spec, duplicate_pairs(waves))
    assert {(f.check, f.count) for f in found} == {("exact-duplicates", 2), ("near-duplicates", 2)}


def test_leaks_by_content_and_by_subject(dataset: Make) -> None:
    waves = dataset("ahead", write=_write)
    assert len(_leaks(waves, _split([4, 6])).records) == 0
    assert _leaks(waves, _split([1, 4])).content.tolist() == [1]
    assert _leaks(waves, _split([3])).content.tolist() == [3]
    assert _leaks(waves, _split([9])).subject.tolist() == [9]
    assert _leaks(waves, _split([0, 1])).records.tolist() == []  # both on one side


def test_a_leak_is_refused_in_words_or_reported(dataset: Make) -> None:
    waves = dataset("ahead", write=_write)
    leak = _leaks(waves, _split([1, 9]))
    with pytest.raises(
        DataError, match=r"1 test records share a subject with training and 1 have nearly the same content .*\(r1, r9\)"
    ):
        require_no_leak(leak, waves, on_leak="fail")
    require_no_leak(leak, waves, on_leak="report")


def test_vectors_of_features_are_compared_for_equality_only(dataset: Make) -> None:
    """Columns of different size make any two vectors correlate; that is no likeness of content."""

    def write(folder: Path) -> None:
        rows = np.arange(64.0) ** 3 + np.random.default_rng(0).normal(size=(4, 64))
        rows[3] = rows[2]
        heads = [array("point", "C"), ids("colour", "")]
        records = [{"record": f"r{k}", "values": {"point": r.tolist(), "colour": 0}} for k, r in enumerate(rows)]
        write_toy(folder / "a.toy", heads, records)

    assert duplicate_pairs(dataset("colour", write=write)) == [(2, 3, "exact")]
