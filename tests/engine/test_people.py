"""Ages, age bands and sex; expected values by hand."""

from __future__ import annotations

import pytest

from auscult.engine.people import age_band, sex, years_between, years_of


@pytest.mark.parametrize(
    ("years", "band"),
    [
        (0, "0-17"),
        (17.99, "0-17"),
        (18, "18-39"),
        (40, "40-64"),
        (64.9, "40-64"),
        (65, "65+"),
        (130, "65+"),
        (131, "unknown"),
        (-1, "unknown"),
        (None, "unknown"),
        (float("nan"), "unknown"),
        (float("inf"), "unknown"),
    ],
)
def test_age_band(years: float | None, band: str) -> None:
    assert age_band(years) == band


def test_sex() -> None:
    assert [sex(t) for t in ("F", "female", " W ", "2")] == ["F"] * 4
    assert [sex(t) for t in ("M", "Male", "1")] == ["M"] * 3
    assert [sex(t) for t in (None, "", "X", "0", "?")] == ["unknown"] * 5


@pytest.mark.parametrize(
    ("birth", "later", "years"),
    [
        ("19530508", "20021122091000.000", 49.0),
        ("19530508", "20030507", 49.0),
        ("19530508", "20030508", 50.0),
        ("1953", "2003", 50.0),
        (None, "2003", None),
        ("", "2003", None),
        ("08.05.1953", "2003", None),
    ],
)
def test_years_between(birth: str | None, later: str, years: float | None) -> None:
    assert years_between(birth, later) == years


@pytest.mark.parametrize(("age", "years"), [("042Y", 42.0), ("018M", 1.5), ("42", None), ("", None), (None, None)])
def test_years_of(age: str | None, years: float | None) -> None:
    assert years_of(age) == years
