"""Numbers as a report prints them: digits by the interval, units, nothing that is not a number."""

from __future__ import annotations

from typing import Any

import pytest

from auscult.base.contracts import TaskSpec
from auscult.engine.release.report_text import count, digits_of, interval, shown, told, unit_of

SPEC = TaskSpec("bp", "value", "Values.", ("sbp", "5 min"), "mae", ("mae",), "floor", "toy", unit="mg/dL")


def figure(value: float, low: float, high: float) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high}


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (-0.04, 1, "0.0"),
        (-1.25, 2, "−1.25"),
        (1234567.0, 0, "1\u202f234\u202f567"),
        (float("inf"), 1, "unbounded"),
        (float("nan"), 1, "not defined"),
        (None, 1, "not defined"),
    ],
)
def test_numbers_as_they_are_printed(value: float | None, digits: int, text: str) -> None:
    assert shown(value, digits) == text


def test_digits_follow_the_narrowest_interval() -> None:
    # GUM 7.2.6: a width of 0.0012 has its second significant digit at the fourth decimal.
    assert digits_of([figure(0.9, 0.8990, 0.9002)], least=3) == 4
    assert digits_of([figure(10.0, 9.0, 11.0)], least=2) == 2
    assert digits_of([figure(1.0, 1.0, 1.0 + 1e-15)], least=2) == 2


def test_intervals_and_units() -> None:
    assert interval(figure(1.0, float("nan"), float("nan")), 2) == "not defined"
    assert [unit_of(name, SPEC) for name in ("mae", "mae_sbp", "mae_5 min", "coverage")] == [
        "mg/dL",
        "mmHg",
        "mg/dL",
        "",
    ]
    assert told("mae", SPEC, figure(7.126, 6.8, 7.4)) == "7.13 mg/dL (6.80\u00a0to\u00a07.40)"
    assert [count(n, "pass", "passes") for n in (0, 1, 2)] == ["0 passes", "1 pass", "2 passes"]
