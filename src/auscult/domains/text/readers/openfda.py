"""Device reports as openFDA gives them: one JSON object with ``results``, each a report of an adverse event."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.text.readers.common import (
    MAX_CHARACTERS,
    Row,
    batches_of,
    broken_in,
    encoding_of,
    head_of,
    is_text,
    short_name,
    text_of,
)
from auscult.domains.text.readers.maude import report_cells

NAME, KEY = "openfda", "mdr_report_key"
MAX_BYTES = 1 << 30
"""Largest file that is read whole; openFDA cuts its downloads far below."""
TOLD = {"description of event or problem": "description", "additional manufacturer narrative": "narrative"}
DEVICE = {
    "brand_name": "brand",
    "generic_name": "generic_name",
    "manufacturer_d_name": "maker",
    "device_report_product_code": "product_code",
}


class OpenfdaReader:
    """Finds and reads downloads and answers of the openFDA endpoint of device events."""

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield the JSON files whose beginning has results with texts of device reports."""
        for path in files:
            head = head_of(path)
            begins = head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
            if begins and is_text(head) and b'"results"' in head and b'"mdr_' in head:
                yield Source(NAME, short_name(path), (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the reports in batches, and each that is none with its reason.

        Raises
        ------
        ReadError
            If the file is no JSON, has no list of results, or is too large to be read whole.
        """
        path = source.files[0]
        encoding = encoding_of(path)
        aside: list[SetAside] = []
        for batch in batches_of(_rows(_results(path, encoding), path, aside), path, encoding):
            yield from aside
            aside.clear()
            yield batch
        yield from aside


def _results(path: Path, encoding: str) -> list[Any]:
    if path.stat().st_size > MAX_BYTES:
        raise ReadError(f"{path.name}: expected at most {MAX_BYTES} bytes of JSON, got more; split the download")
    try:
        with text_of(path, encoding) as stream:
            value = json.load(stream)
    except (ValueError, RecursionError) as error:
        raise ReadError(
            f"{path.name}: expected one whole JSON object, got something else; download it again"
        ) from error
    results = value.get("results") if isinstance(value, dict) else None
    if not isinstance(results, list):
        raise ReadError(f"{path.name}: expected a list 'results' of device reports, got none")
    return results


def _rows(results: Sequence[Any], path: Path, aside: list[SetAside]) -> Iterator[Row]:
    name = short_name(path)
    for number, report in enumerate(results, start=1):
        cells = _cells(report) if isinstance(report, dict) else {}
        fault = _fault(cells)
        if fault:
            aside.append(SetAside(name, f"{path.name}, result {number}: {fault}", number))
        else:
            yield Row(f"{name}#{cells.pop(KEY) or number}", cells)


def _fault(cells: Mapping[str, str]) -> str:
    """Say why a report is none; never a word of it."""
    if not cells.get("text"):
        return "expected a report with texts in 'mdr_text', got none"
    if len(cells["text"]) > MAX_CHARACTERS:
        return f"expected at most {MAX_CHARACTERS} characters, got more"
    return "expected UTF-8, got characters that are none; download it again" if broken_in(cells) else ""


def _cells(report: Mapping[str, Any]) -> dict[str, str]:
    """Columns of a report: those of ``maude``, the product problems, and its key."""
    texts: dict[str, list[str]] = {}
    for part in _dicts(report.get("mdr_text")):
        told = TOLD.get(str(part.get("text_type_code", "")).strip().lower(), "other")
        texts.setdefault(told, []).append(str(part.get("text") or "").strip())
    device = next(_dicts(report.get("device")), {})
    about = {name: str(device.get(key) or "") for key, name in DEVICE.items()}
    about["event_type"] = str(report.get("event_type") or "")
    problems = report.get("product_problems")
    listed = "; ".join(map(str, problems)) if isinstance(problems, list) else ""
    return {**report_cells(texts, about), "problems": listed, KEY: str(report.get(KEY) or "")}


def _dicts(value: Any) -> Iterator[Mapping[str, Any]]:
    return (v for v in value if isinstance(v, dict)) if isinstance(value, list) else iter(())
