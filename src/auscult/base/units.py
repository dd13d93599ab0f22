"""Units: one table of what is known, how it converts, and where the factor is from.

Inside Auscult a quantity has one unit (the *home* unit). Readers convert to it; an unknown unit is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from auscult.base.errors import UnitError, unknown


@dataclass(frozen=True)
class Unit:
    """One way to write a unit.

    Parameters
    ----------
    home : str
        The unit in which Auscult keeps this quantity.
    factor : float
        ``value in home unit = value * factor``.
    quantity : str
        What is measured.
    source : str
        Where the factor is from.
    """

    home: str
    factor: float
    quantity: str
    source: str


_SI = "SI Brochure, 9th edition (BIPM 2019)"
_UCUM = "UCUM, unifiedcodeforunitsofmeasure.org, version 2.1"
_GLUCOSE = "molar mass of D-glucose 180.156 g/mol (IUPAC atomic weights 2021)"

UNITS: dict[str, Unit] = {
    "mV": Unit("mV", 1.0, "voltage", _SI),
    "uV": Unit("mV", 1e-3, "voltage", _SI),
    "µV": Unit("mV", 1e-3, "voltage", _SI),
    "μV": Unit("mV", 1e-3, "voltage", _SI),
    "nV": Unit("mV", 1e-6, "voltage", _SI),
    "V": Unit("mV", 1e3, "voltage", _SI),
    "mmHg": Unit("mmHg", 1.0, "pressure", _UCUM),
    "mm[Hg]": Unit("mmHg", 1.0, "pressure", _UCUM),
    "kPa": Unit("mmHg", 7.500615758, "pressure", "1 mmHg = 133.322387415 Pa (ISO 80000-4:2019, annex)"),
    "mg/dL": Unit("mg/dL", 1.0, "glucose", _UCUM),
    "mmol/L": Unit("mg/dL", 18.0156, "glucose", _GLUCOSE),
    "s": Unit("s", 1.0, "time", _SI),
    "ms": Unit("s", 1e-3, "time", _SI),
    "us": Unit("s", 1e-6, "time", _SI),
    "min": Unit("s", 60.0, "time", _SI),
    "h": Unit("s", 3600.0, "time", _SI),
    "Hz": Unit("Hz", 1.0, "rate", _SI),
    "kHz": Unit("Hz", 1e3, "rate", _SI),
    "bpm": Unit("1/min", 1.0, "heart rate", _UCUM),
    "b/m": Unit("1/min", 1.0, "heart rate", _UCUM),
    "1/min": Unit("1/min", 1.0, "heart rate", _UCUM),
    "%": Unit("%", 1.0, "fraction", _UCUM),
    "mm": Unit("mm", 1.0, "length", _SI),
    "cm": Unit("mm", 10.0, "length", _SI),
    "m": Unit("mm", 1e3, "length", _SI),
    "kg": Unit("kg", 1.0, "mass", _SI),
    "g": Unit("kg", 1e-3, "mass", _SI),
    "kg/m2": Unit("kg/m2", 1.0, "body mass index", _SI),
    "year": Unit("year", 1.0, "age", _UCUM),
    "HU": Unit("HU", 1.0, "attenuation", "DICOM PS3.3 C.11.1.1.2 (Rescale Type)"),
    "1": Unit("1", 1.0, "number", _UCUM),
}


def to_home(unit: str, quantity: str, *, where: str) -> tuple[str, float]:
    """Return the home unit of a quantity and the factor that leads to it.

    Parameters
    ----------
    unit : str
        The unit as a file wrote it.
    quantity : str
        What is expected to be measured, for example ``"voltage"``.
    where : str
        The file and field, for the message.

    Returns
    -------
    tuple of (str, float)
        Home unit and factor: ``home = value * factor``.

    Raises
    ------
    UnitError
        If the unit is unknown, or is one of another quantity.

    Examples
    --------
    >>> to_home("uV", "voltage", where="lead II")
    ('mV', 0.001)
    """
    entry = UNITS.get(unit.strip())
    if entry is None:
        known = [name for name, u in UNITS.items() if u.quantity == quantity]
        raise UnitError(unknown("unit", unit, known, where=where))
    if entry.quantity != quantity:
        raise UnitError(f"{where}: expected a unit of {quantity}, got '{unit}', a unit of {entry.quantity}")
    return entry.home, entry.factor
