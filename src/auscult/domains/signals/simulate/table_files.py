"""Write simulated records as the tables that devices, portals and studies export.

Dexcom Clarity and LibreView publish no specification; the layouts are those of their exports as found in
public repositories (Clarity since 2023: byte order mark, every field quoted; LibreView: one title line, 19
columns).
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from auscult.base.errors import UsageError, unknown
from auscult.domains.signals.simulate.cgm import RANGE_MGDL, SimulatedCgm
from auscult.domains.signals.simulate.ecg import SimulatedEcg
from auscult.domains.signals.simulate.person import FIRST_DAY, SimulatedPerson

CLARITY_COLUMNS = (
    "Index",
    "Timestamp (YYYY-MM-DDThh:mm:ss)",
    "Event Type",
    "Event Subtype",
    "Patient Info",
    "Device Info",
    "Source Device ID",
    "Glucose Value (mg/dL)",
    "Insulin Value (u)",
    "Carb Value (grams)",
    "Duration (hh:mm:ss)",
    "Glucose Rate of Change (mg/dL/min)",
    "Transmitter Time (Long Integer)",
    "Transmitter ID",
)
LIBREVIEW_COLUMNS = (
    "Device",
    "Serial Number",
    "Device Timestamp",
    "Record Type",
    "Historic Glucose mg/dL",
    "Scan Glucose mg/dL",
    "Non-numeric Rapid-Acting Insulin",
    "Rapid-Acting Insulin (units)",
    "Non-numeric Food",
    "Carbohydrates (grams)",
    "Carbohydrates (servings)",
    "Non-numeric Long-Acting Insulin",
    "Long-Acting Insulin (units)",
    "Notes",
    "Strip Glucose mg/dL",
    "Ketone mmol/L",
    "Meal Insulin (units)",
    "Correction Insulin (units)",
    "User Change Insulin (units)",
)
_NOBODY = SimulatedPerson()
_ALERTS = (
    ("Fall", "", "", "3"),
    ("High", "200", "", ""),
    ("Low", "70", "", ""),
    ("Signal Loss", "", "00:20:00", ""),
    ("Rise", "", "", "3"),
    ("Urgent Low", "55", "", ""),
    ("Urgent Low Soon", "55", "", ""),
)


def write_cgm_csv(path: Path, cgm: SimulatedCgm, *, flavour: str = "dexcom", subject: str = "SIM-0001") -> Path:
    """Write glucose readings as one vendor's portal exports them.

    Parameters
    ----------
    path : Path
        File to write.
    cgm : SimulatedCgm
        Readings and meals.
    flavour : str
        ``dexcom`` (Clarity; readings at the ends of the range are the words Low and High), ``libreview``
        (times to the minute) or ``glucobench`` (``id,time,gl``).
    subject : str
        Simulated identifier.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    UsageError
        The flavour is none of the three.
    """
    writers: dict[str, Callable[[Path, SimulatedCgm, str], None]] = {
        "dexcom": _write_clarity,
        "libreview": _write_libreview,
        "glucobench": _write_plain,
    }
    if flavour not in writers:
        raise UsageError(unknown("flavour", flavour, writers, where="write_cgm_csv"))
    writers[flavour](path, cgm, subject)
    return path


def _moment(cgm: SimulatedCgm, seconds: float) -> datetime:
    """Date and time so many seconds after the first reading."""
    return FIRST_DAY + timedelta(seconds=round(cgm.start_s + seconds))


def _events(cgm: SimulatedCgm) -> list[tuple[float, str, float]]:
    """List readings and meals as (time_s, kind, value), in the order of time."""
    readings = [(float(s), "EGV", float(v)) for s, v in zip(cgm.time_s, cgm.glucose_mgdl, strict=True)]
    meals = [(float(s), "Carbs", float(grams)) for s, grams in cgm.meals if s >= 0]
    return sorted(readings + meals)


def _write_clarity(path: Path, cgm: SimulatedCgm, subject: str) -> None:
    """Dexcom Clarity: untimed rows about person, device and alerts, then events."""
    untimed = [("FirstName", "", "Simulated"), ("LastName", "", subject), ("DateOfBirth", "", "1958-01-01")]
    rows = [[kind, sub, info, *[""] * 8] for kind, sub, info in untimed]
    rows.append(["Device", "", "", "Dexcom G6 Mobile App", "iPhone G6", *[""] * 6])
    for name, glucose, duration, rate in _ALERTS:
        rows.append(["Alert", name, "", "", "iPhone G6", glucose, "", "", duration, rate, ""])
    lines = [[str(number), "", *row, ""] for number, row in enumerate(rows, 1)]
    for number, (seconds, kind, value) in enumerate(_events(cgm), len(rows) + 1):
        when = _moment(cgm, seconds).isoformat()
        glucose, carbs = (_words(value), "") if kind == "EGV" else ("", f"{value:.0f}")
        transmitter = [str(round(seconds) + 7200), "8SIMUL"] if kind == "EGV" else ["", ""]
        lines.append([str(number), when, kind, "", "", "", "iPhone G6", glucose, "", carbs, "", "", *transmitter])
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(CLARITY_COLUMNS)
        writer.writerows(lines)


def _words(glucose_mgdl: float) -> str:
    """Print a reading as Clarity does: a number inside the sensor's range, else a word."""
    if glucose_mgdl <= RANGE_MGDL[0]:
        return "Low"
    return "High" if glucose_mgdl >= RANGE_MGDL[1] else f"{glucose_mgdl:.0f}"


def _write_libreview(path: Path, cgm: SimulatedCgm, subject: str) -> None:
    """LibreView: a title line, then record type 0 (historic reading) and 5 (food)."""
    device = "FreeStyle Libre 3" if cgm.interval_s < 900 else "FreeStyle LibreLink"
    printed = _moment(cgm, float(cgm.time_s[-1]) + 3600.0)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        title = ["Glucose Data", "Generated on", f"{printed:%d-%m-%Y %H:%M} UTC", "Generated by"]
        writer.writerow([*title, f"Simulated {subject}"])
        writer.writerow(LIBREVIEW_COLUMNS)
        for seconds, kind, value in _events(cgm):
            row = [device, subject, f"{_moment(cgm, seconds):%d-%m-%Y %H:%M}", "0", *[""] * 15]
            if kind == "EGV":
                row[4] = f"{value:.0f}"
            else:
                row[3], row[9] = "5", f"{value:.0f}"
            writer.writerow(row)


def _write_plain(path: Path, cgm: SimulatedCgm, subject: str) -> None:
    """Columns ``id``, ``time``, ``gl``, as the GlucoBench files have them."""
    lines = ['"id","time","gl"']
    for seconds, value in zip(cgm.time_s, cgm.glucose_mgdl, strict=True):
        lines.append(f'"{subject}",{_moment(cgm, float(seconds)):%Y-%m-%d %H:%M:%S},{value:.0f}')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_csv_with_sidecar(path: Path, ecg: SimulatedEcg, *, person: SimulatedPerson = _NOBODY) -> Path:
    """Write one column per lead, and ``<path>.json`` that says rate, quantity, unit, person.

    Parameters
    ----------
    path : Path
        The CSV file to write.
    ecg : SimulatedEcg
        Signal; NaN becomes an empty field.
    person : SimulatedPerson
        Whose code and sex the sidecar carries.

    Returns
    -------
    Path
        `path`.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(ecg.leads)
        for row in ecg.signal_mv.tolist():
            writer.writerow(["" if math.isnan(value) else f"{value:.4f}" for value in row])
    sidecar = {
        "rate_hz": ecg.rate_hz,
        "columns": {lead: {"quantity": "ecg", "unit": "mV"} for lead in ecg.leads},
        "subject": person.code,
        "groups": {"sex": person.sex, "device_model": "simulated"},
    }
    path.with_name(path.name + ".json").write_text(json.dumps(sidecar, indent=2) + "\n", encoding="utf-8")
    return path
