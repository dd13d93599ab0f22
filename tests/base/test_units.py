"""Units: factors by their definition, and refusals."""

from __future__ import annotations

import pytest

from auscult.base.errors import UnitError
from auscult.base.units import UNITS, to_home


@pytest.mark.parametrize(
    ("unit", "quantity", "home", "factor"),
    [
        ("uV", "voltage", "mV", 1e-3),  # SI prefixes
        ("µV", "voltage", "mV", 1e-3),
        (" mV ", "voltage", "mV", 1.0),
        ("kPa", "pressure", "mmHg", 1 / 0.133322387415),  # 1 mmHg = 133.322387415 Pa, ISO 80000-4
        ("mmol/L", "glucose", "mg/dL", 180.156 / 10),  # molar mass of glucose 180.156 g/mol, 1 L = 10 dL
        ("min", "time", "s", 60.0),
        ("cm", "length", "mm", 10.0),
        ("bpm", "heart rate", "1/min", 1.0),
    ],
)
def test_factors(unit: str, quantity: str, home: str, factor: float) -> None:
    assert to_home(unit, quantity, where="test") == (home, pytest.approx(factor, rel=1e-9))


def test_both_letters_for_micro_are_known() -> None:
    assert UNITS["\u00b5V"] == UNITS["\u03bcV"]


def test_every_home_unit_is_its_own_home() -> None:
    for unit in UNITS.values():
        same = [u for name, u in UNITS.items() if unit.home in {name, u.home}]
        assert any(u.factor == 1.0 for u in same), unit
        assert unit.source


@pytest.mark.parametrize("unit", ["", "mv", "MV", "adu"])
def test_an_unknown_unit_is_refused(unit: str) -> None:
    with pytest.raises(UnitError, match=r"unknown unit '.*' in lead II.*Known: .*mV"):
        to_home(unit, "voltage", where="lead II")


def test_a_unit_of_something_else_is_refused() -> None:
    with pytest.raises(UnitError, match="lead II: expected a unit of voltage, got 'mmHg', a unit of pressure"):
        to_home("mmHg", "voltage", where="lead II")
