"""Arithmetic of BHS and ISO 81060-2, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ShapeError
from auscult.domains.signals.preprocess.pressure import bhs_percentages, iso_81060_arithmetic


def errors_of(within_5: int, within_10: int, within_15: int) -> list[float]:
    """A hundred errors of which so many lie within each limit."""
    counts = (within_5, within_10 - within_5, within_15 - within_10, 100 - within_15)
    return [size for size, count in zip((5.0, -10.0, 15.0, -15.1), counts, strict=True) for _ in range(count)]


@pytest.mark.parametrize(
    ("counts", "grade"),
    [  # the table of grades of O'Brien et al. 1993, and one percent less in each column
        ((60, 85, 95), "A"),
        ((59, 85, 95), "B"),
        ((60, 84, 95), "B"),
        ((60, 85, 94), "B"),
        ((50, 75, 90), "B"),
        ((50, 75, 89), "C"),
        ((40, 65, 85), "C"),
        ((39, 65, 85), "D"),
    ],
)
def test_grade_follows_the_table(counts: tuple[int, int, int], grade: str) -> None:
    found = bhs_percentages(errors_of(*counts))
    assert (found.within_5, found.within_10, found.within_15) == counts
    assert found.grade == grade


def test_iso_by_hand() -> None:
    found = iso_81060_arithmetic([1.0, 3.0, 5.0, 7.0], ["a", "a", "b", "b"])
    assert (found.n_readings, found.n_subjects) == (4, 2)
    assert found.mean_mmhg == 4.0
    assert found.sd_mmhg == pytest.approx(np.sqrt(20.0 / 3.0))  # deviations -3, -1, 1, 3
    assert found.subject_mean_mmhg == 4.0
    assert found.subject_sd_mmhg == pytest.approx(np.sqrt(8.0))  # means 2 and 6
    assert found.within_criterion_1


@pytest.mark.parametrize(
    ("errors", "inside"), [([5.0, 5.0], True), ([5.1, 5.1], False), ([-6.0, 6.0], False), ([-5.0, 5.0], True)]
)
def test_iso_limits(errors: list[float], inside: bool) -> None:
    """Two errors of -x and x have a standard deviation of x times the root of 2: 8.5 and 7.1 mmHg."""
    assert iso_81060_arithmetic(errors, [0, 1]).within_criterion_1 is inside


def test_subjects_with_many_readings_count_once() -> None:
    found = iso_81060_arithmetic([0.0, 0.0, 0.0, 4.0], [7, 7, 7, 2])
    assert found.mean_mmhg == 1.0
    assert found.subject_mean_mmhg == 2.0


def test_refusals_say_what_was_expected() -> None:
    with pytest.raises(ShapeError, match=r"expected a list \(N,\) of at least 1, got \(0,\)"):
        bhs_percentages([])
    with pytest.raises(ShapeError, match="got NaN or infinity; leave abstentions out"):
        bhs_percentages([1.0, float("nan")])
    with pytest.raises(ShapeError, match=r"one label an error, shape \(2,\), got \(3,\)"):
        iso_81060_arithmetic([1.0, 2.0], [1, 2, 3])
    with pytest.raises(ShapeError, match="expected at least 2 of them, got 1"):
        iso_81060_arithmetic([1.0, 2.0], [1, 1])
