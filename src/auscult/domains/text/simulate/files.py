"""Simulated reports as the files that databases and services export."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from auscult.domains.text.simulate.reports import Report

COLUMNS = ("report", "event", "problems", "device", "maker", "sex", "text")


def write_csv(path: Path, reports: Sequence[Report], *, first: int = 1) -> None:
    """Write reports as a table with a header."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(_row(r, first + k) for k, r in enumerate(reports))


def write_jsonl(path: Path, reports: Sequence[Report], *, first: int = 1) -> None:
    """Write reports as one JSON object a line."""
    lines = [json.dumps(_row(r, first + k), ensure_ascii=False) for k, r in enumerate(reports)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_plain(folder: Path, reports: Sequence[Report]) -> None:
    """Write the narratives as a file each, without anything that was decided about them."""
    for k, report in enumerate(reports, start=1):
        (folder / f"narrative_{k:03d}.txt").write_text(report.narrative + "\n", encoding="utf-8")


def _row(report: Report, number: int) -> dict[str, str]:
    values = (
        f"SIM{number:05d}", report.event, "; ".join(report.problems),
        report.device, report.maker, report.sex, report.narrative,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def write_maude(folder: Path, reports: Sequence[Report], *, first: int = 1) -> None:
    """Write reports as the pipe-separated files of MAUDE: texts, reports and devices; every second has two texts."""
    texts = ["MDR_REPORT_KEY|MDR_TEXT_KEY|TEXT_TYPE_CODE|PATIENT_SEQUENCE_NUMBER|DATE_REPORT|FOI_TEXT"]
    events, devices = ["MDR_REPORT_KEY|EVENT_TYPE"], ["MDR_REPORT_KEY|BRAND_NAME|GENERIC_NAME|MANUFACTURER_D_NAME"]
    for k, report in enumerate(reports):
        key = 900_000 + first + k
        texts.append(f"{key}|{800_000 + k}|D|1||{report.narrative}")
        events.append(f"{key}|{report.event}")
        devices.append(f"{key}|SIM|{report.device}|{report.maker}")
    for k in range(0, len(reports), 2):
        texts.append(f"{900_000 + first + k}|{700_000 + k}|N|1||The simulated device was looked at and found whole.")
    for name, lines in (("sim_foitext", texts), ("sim_mdrfoi", events), ("sim_device", devices)):
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_openfda(path: Path, reports: Sequence[Report], *, first: int = 1) -> None:
    """Write reports as openFDA gives them."""
    results = [
        {
            "mdr_report_key": str(800_000 + first + k),
            "event_type": report.event,
            "product_problems": list(report.problems),
            "device": [{"brand_name": "SIM", "generic_name": report.device, "manufacturer_d_name": report.maker}],
            "mdr_text": [{"text_type_code": "Description of Event or Problem", "text": report.narrative}],
        }
        for k, report in enumerate(reports)
    ]
    path.write_text(json.dumps({"meta": {"disclaimer": "simulated"}, "results": results}, indent=1), encoding="utf-8")
