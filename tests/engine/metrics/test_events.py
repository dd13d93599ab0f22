"""Matching of events: maximum against an independent algorithm, nearest partners, counts, end to end."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from auscult.base.errors import ShapeError
from auscult.engine.metrics.classification import accuracy
from auscult.engine.metrics.events import (
    end_to_end_classes,
    event_counts,
    event_f1,
    event_ppv,
    event_sensitivity,
    match_events,
)


@pytest.mark.parametrize("seed", range(40))
def test_as_many_pairs_as_any_matching(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference = np.sort(rng.integers(0, 120, rng.integers(0, 25)))
    detected = np.sort(rng.integers(0, 120, rng.integers(0, 25)))
    pairs = match_events(reference, detected, 5)
    assert (np.diff(pairs, axis=0) > 0).all()
    assert (np.abs(reference[pairs[:, 0]] - detected[pairs[:, 1]]) <= 5).all()
    near = np.abs(reference[:, None] - detected[None]) <= 5
    maximum = maximum_bipartite_matching(csr_array(near)) if near.size else np.array([])
    assert len(pairs) == (maximum >= 0).sum()


def test_tolerance_is_inclusive() -> None:
    assert match_events(np.array([100]), np.array([154]), 54).tolist() == [[0, 0]]
    assert match_events(np.array([100]), np.array([155]), 54).tolist() == []


def test_free_positions_that_are_nearer_are_used() -> None:
    # The sweep pairs 100 with 60 and 150 with 100; both have a partner at distance 0.
    assert match_events(np.array([100, 150]), np.array([60, 100, 150]), 54).tolist() == [[0, 1], [1, 2]]
    assert match_events(np.array([60, 100]), np.array([100]), 54).tolist() == [[1, 0]]


def test_counts_and_shares_by_hand() -> None:
    target = [np.array([10, 50, 90]), np.array([5])]
    output = [np.array([11, 70, 91]), np.array([], dtype=int)]
    assert event_counts(target, output, tolerance=2).tolist() == [[2, 1, 1], [0, 0, 1]]
    np.testing.assert_allclose(event_sensitivity(target, output, tolerance=2), [2 / 4])
    np.testing.assert_allclose(event_ppv(target, output, tolerance=2), [2 / 3])
    np.testing.assert_allclose(event_f1(target, output, tolerance=2), [4 / 7])


def test_undefined_is_nan() -> None:
    nothing = [np.array([], dtype=int)]
    assert np.isnan(event_sensitivity(nothing, [np.array([3])], tolerance=2)).all()
    assert np.isnan(event_ppv([np.array([3])], nothing, tolerance=2)).all()
    assert np.isnan(event_f1(nothing, [np.array([3])], tolerance=2)).all()


def test_end_to_end_makes_missed_and_false_events_errors() -> None:
    reference = (np.array([10, 50, 90]), np.array([0, 1, 2]))
    detected = (np.array([11, 70, 91]), np.array([0, 0, 1]))
    target, decided = end_to_end_classes(reference, detected, tolerance=2, n_classes=3)
    assert target.tolist() == [0, 1, 2, 3]
    assert decided.tolist() == [0, 3, 1, 0]
    np.testing.assert_allclose(accuracy(target, decided), [1 / 4])


def test_refusals() -> None:
    with pytest.raises(ShapeError, match="detected: expected ascending positions"):
        match_events(np.array([1, 2]), np.array([3, 2]), 1)
    with pytest.raises(ShapeError, match=r"reference: expected shape \(K\), got \(1, 2\)"):
        match_events(np.array([[1, 2]]), np.array([1]), 1)
    with pytest.raises(ShapeError, match="tolerance: expected 0 or more, got -1"):
        match_events(np.array([1]), np.array([1]), -1)
    with pytest.raises(ShapeError, match="expected 1 records as in the target, got 2"):
        event_counts([np.array([1])], [np.array([1]), np.array([1])], tolerance=1)
    with pytest.raises(ShapeError, match=r"classes of detected: expected shape \(1\), got \(2,\)"):
        end_to_end_classes((np.array([1]), np.array([0])), (np.array([1]), np.array([0, 1])), tolerance=1, n_classes=2)


def test_a_long_record_is_matched_in_linear_time() -> None:
    reference = np.arange(0, 20_000_000, 200)
    assert len(match_events(reference, reference + 3, 54)) == len(reference)
