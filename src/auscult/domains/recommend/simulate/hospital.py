"""A simulated hospital: patients with attributes, devices with attributes, and who was given what.

Nothing is of a person or a real device. What a patient is given depends on six things, so that it is known what a model
could find: the department (a device of another field is rare), the severity (an advanced device for a severe case), the
size (the nearer the better), a taste of each department for some uses, how common a device is, and chance. Nobody is
given what a rule with the effect *remove* forbids. Patients and devices are independent draws: a new patient or a new
device is like the others.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from auscult.domains.recommend.preprocess.rules import REMOVE, Rules

N_DEVICES = 180
DEVICE_SEED = 51
START = datetime(2023, 1, 1, tzinfo=UTC)
Row = dict[str, Any]


def simulate_devices(rules: Rules, rng: np.random.Generator, n: int, *, prefix: str = "SIM") -> list[Row]:
    """Draw devices with all of their attributes."""
    specs = rules.devices.specs
    rows = []
    for number in range(n):
        row: Row = {"device": f"{prefix}-{number:04d}"}
        for name, spec in specs.items():
            row[name] = _drawn(name, spec.values, rng)
        rows.append(row)
    return rows


def _drawn(name: str, values: Sequence[str], rng: np.random.Generator) -> Any:
    """One value of an attribute of a device."""
    if name == "size_mm":
        return round(float(rng.uniform(4, 34)), 1)
    share = {
        "mri": [0.5, 0.3, 0.2], "emits": [0.15, 0.85], "anticoagulation": [0.2, 0.8], "recall": [0.9, 0.07, 0.03],
    }.get(name)  # fmt: skip
    if name == "material":
        first = str(rng.choice(values, p=[0.35, 0.2, 0.1, 0.35]))
        return "|".join(dict.fromkeys([first, str(rng.choice(values))] if rng.random() < 0.3 else [first]))
    return str(rng.choice(values, p=share))


def simulate_patients(rng: np.random.Generator, n: int) -> list[Row]:
    """Draw patients with all of their attributes."""
    departments = ("cardiology", "orthopaedics", "neurology", "vascular", "diabetes", "respiratory")
    rows = []
    for number in range(n):
        allergies = [a for a, share in (("nickel", 0.12), ("latex", 0.06)) if rng.random() < share]
        implants = [i for i, share in (("pacemaker", 0.08), ("cochlear", 0.03)) if rng.random() < share]
        rows.append(
            {
                "patient": f"sim-patient-{number:05d}",
                "age_years": int(np.clip(rng.normal(63, 16), 18, 99)),
                "sex": str(rng.choice(["F", "M"])),
                "department": str(rng.choice(departments)),
                "severity": str(rng.choice(["mild", "moderate", "severe"], p=[0.4, 0.4, 0.2])),
                "size_mm": round(float(np.clip(rng.normal(19, 6), 4, 36)), 1),
                "mri_planned": "yes" if rng.random() < 0.25 else "no",
                "allergy": "|".join(allergies) or "none",
                "implant": "|".join(implants) or "none",
                "bleeding_risk": "high" if rng.random() < 0.15 else "low",
            }
        )
    return rows


def liking(patient: Mapping[str, Any], devices: Sequence[Row], common: np.ndarray) -> np.ndarray:
    """Log-odds with which a patient is given each device, (V,), before rules and chance; ``common`` is (V,)."""
    grades = {"mild": "basic", "moderate": "standard", "severe": "advanced"}
    tastes = {"cardiology": "implant", "orthopaedics": "support", "neurology": "implant", "vascular": "catheter"}
    tastes |= {"diabetes": "pump", "respiratory": "monitor"}
    score = common.copy()
    for k, device in enumerate(devices):
        score[k] += 3.0 * (device["field"] == patient["department"])
        score[k] += 1.2 * (device["grade"] == grades[patient["severity"]])
        score[k] += 0.8 * (device["use"] == tastes[patient["department"]])
        score[k] -= 0.08 * abs(device["size_mm"] - patient["size_mm"])
        score[k] -= 0.6 * (patient["age_years"] >= 75) * (device["use"] == "implant")
    return score


def simulate_use(rules: Rules, devices: Sequence[Row], patients: Sequence[Row], rng: np.random.Generator) -> list[Row]:
    """Draw what patients were given: 4 to 12 devices each, none that a rule removes, over three years."""
    common = rng.normal(0, 0.7, len(devices))
    known = rules.table([rules.devices.read(d, ignore=("device",)) for d in devices])
    rows: list[Row] = []
    for patient in patients:
        own = rules.patients.read(patient, ignore=("patient",))
        allowed = ~(rules.judge(own, known) == REMOVE).any(axis=0)
        score = np.where(allowed, liking(patient, devices, common) + rng.gumbel(0, 1, len(devices)), -np.inf)
        count = min(int(rng.integers(4, 13)), int(allowed.sum()))
        begin = START + timedelta(days=float(rng.uniform(0, 900)))
        for place, k in enumerate(np.argsort(-score)[:count]):
            at = begin + timedelta(days=float(place) * 9 + float(rng.uniform(0, 8)))
            rows.append({"patient": patient["patient"], "device": devices[k]["device"], "time": f"{at:%Y-%m-%d %H:%M}"})
    return rows


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write a table."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_requests(path: Path, patients: Sequence[Row], uses: Sequence[Row], fresh: Sequence[Row]) -> None:
    """Write three questions as JSON Lines: a patient with a history, a new one by attributes, one with new devices."""
    known = {k: v for k, v in patients[0].items() if k != "patient"}
    history = [u["device"] for u in uses if u["patient"] == patients[0]["patient"]]
    new = {"department": "vascular", "severity": "severe", "size_mm": 16, "allergy": ["nickel"], "mri_planned": "yes"}
    lines = [
        {"patient": "known", "attributes": known, "devices": history},
        {"patient": "new", "attributes": new},
        {"patient": "new-devices", "attributes": {**new, "department": fresh[0]["field"]}, "new_devices": list(fresh)},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
