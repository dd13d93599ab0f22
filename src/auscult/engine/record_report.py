"""What one or several releases say about one record, as a page for people and as JSON: answers, reasons, pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from auscult.base.contracts import Explains, Writes
from auscult.base.errors import UsageError
from auscult.base.files import write_bytes, write_json
from auscult.engine.gate import UNLIKE
from auscult.engine.runtime import NOTE, STRANGE, RecordAnswer, Release

TEMPLATE = "record_report.html.j2"
MOST = 500
"""Records at the most: pages are for a few; a library is answered into a table."""
FILES = "files"


@dataclass(frozen=True, repr=False)
class Told:
    """What one release says about one record.

    Parameters
    ----------
    about : mapping
        Name, version, content hash and intent of the release, and what it answers.
    answer : RecordAnswer
        The answer with its explanation.
    pictures : tuple of (str, str)
        Name and SVG of each picture.
    checked : str
        What looked whether the record is of the kind of the training; empty where nothing did.
    place : int
        Which of the releases it is, from 1.
    """

    about: Mapping[str, Any]
    answer: RecordAnswer
    pictures: tuple[tuple[str, str], ...]
    checked: str
    place: int

    @property
    def is_answer(self) -> bool:
        """Whether the record was read and answered, or abstained on."""
        return self.answer.status not in ("refused", NOTE)

    @property
    def in_domain(self) -> bool | None:
        """Whether the record is of the kind of the training; None where nothing looked, or it could not be read."""
        if self.answer.reason.startswith((STRANGE, UNLIKE)):
            return False
        return True if self.checked and self.is_answer else None


def report_records(releases: Sequence[Release], paths: Sequence[Path], out: Path) -> list[Path]:
    """Write a page and a JSON file for each record.

    Parameters
    ----------
    releases : sequence of Release
        Each answers every record.
    paths : sequence of Path
        Files or folders of raw records.
    out : Path
        Folder of the pages; drawings go to ``files/`` below it.

    Returns
    -------
    list of Path
        The pages.

    Raises
    ------
    UsageError
        If a task has no explanation, there are very many records, or two of them would have one page.
    DataError
        If a path does not exist or is empty.
    """
    told: dict[str, list[Told]] = {}
    for place, release in enumerate(releases, 1):
        folder = out / FILES / f"{place}-{_file_name(str(release.manifest['name']))}"
        for one in _answers(release, paths, folder, place):
            parts = told.setdefault(_file_name(one.answer.record), [])
            twice = one.is_answer and any(p.place == place and p.is_answer for p in parts)
            if twice or (parts and parts[0].answer.record != one.answer.record):
                raise UsageError(
                    "--report: expected records with names of their own, got two that would share a page; give the "
                    "folder above both, or report on them one after the other"
                )
            parts.append(one)
            if len(told) > MOST:
                raise UsageError(
                    f"--report: expected at most {MOST} records, got more; answer them with --table first "
                    "and report on the ones that matter"
                )
    return [_write(name, parts, out) for name, parts in told.items()]


def _answers(release: Release, paths: Sequence[Path], folder: Path, place: int) -> Iterator[Told]:
    if not isinstance(release.task, Explains):
        raise UsageError(f"--report: the task '{release.spec.name}' has no explanation")
    about = {**release.provenance, "summary": release.spec.summary, "unit": release.spec.unit}
    looked = {"input gate": release.gate, "nearest training records": release.neighbours}
    checked = " and ".join(name for name, there in looked.items() if there is not None)
    for number, path in enumerate(paths, 1):
        below = folder / str(number)
        out = below if isinstance(release.task, Writes) else None
        for answer in release.answer_path(path, explain=True, out=out):
            drawn = [below / name for name in answer.files if name.endswith(".svg")]
            pictures = tuple((p.stem, p.read_text(encoding="utf-8")) for p in drawn)
            yield Told(about, answer, pictures, checked, place)


def _write(name: str, parts: Sequence[Told], out: Path) -> Path:
    record = parts[0].answer.record
    document = {
        "record": record,
        "releases": [
            {
                **{k: v for k, v in vars(t.answer).items() if k != "record"},
                "release": dict(t.about),
                "in_domain": t.in_domain,
            }
            for t in parts
        ],
    }
    write_json(out / f"{name}.json", document)
    page = out / f"{name}.html"
    write_bytes(page, _page(record, parts).encode())
    return page


def _page(record: str, parts: Sequence[Told]) -> str:
    from jinja2 import Environment, StrictUndefined

    text = files("auscult.engine").joinpath(TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(text).render(record=record, parts=[_view(t) for t in parts])


def _view(told: Told) -> dict[str, Any]:
    explained = dict(told.answer.explanation or {})
    return {
        "about": told.about,
        "status": told.answer.status,
        "checked": f"of the kind of the training, by the {told.checked}" if told.checked else "",
        "reason": told.answer.reason,
        "tables": [answer_table(a, str(told.about["unit"])) for a in told.answer.answers],
        "pictures": told.pictures,
        "listed": [(_words(k), _listed(v)) for k, v in explained.items() if _is_listing(v)],
        "said": [(_words(k), _said(v)) for k, v in explained.items() if not _is_listing(v) and _said(v)],
    }


def answer_table(answer: Mapping[str, Any], unit: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """An answer as a header and rows: a row a class, label or value with its interval; else a row a key."""
    low_high = answer.get("interval", {})
    rows: list[tuple[str, ...]]
    if "probability" in answer:
        held = answer["label"] if isinstance(answer["label"], list) else [answer["label"]]
        rows = [
            (name, f"{p:.3f}", _interval(low_high.get(name), 3), "yes" if name in held else "")
            for name, p in answer["probability"].items()
        ]
        return ("endpoint", "probability", "interval", "decided"), rows
    if "value" in answer:
        shown = "" if unit == "1" else unit
        rows = [(n, f"{v:g} {shown}".strip(), _interval(low_high.get(n), 2)) for n, v in answer["value"].items()]
        return ("quantity", "value", "interval"), rows
    return ("what", "answer"), [(str(k), json.dumps(v, ensure_ascii=False)) for k, v in answer.items()]


def _interval(ends: Sequence[float] | None, places: int) -> str:
    return "" if ends is None else f"{ends[0]:.{places}f} to {ends[1]:.{places}f}"


def _is_listing(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _listed(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    header = tuple(rows[0])
    return tuple(_words(h) for h in header), [tuple(str(row.get(h, "")) for h in header) for row in rows]


def _said(value: Any) -> str:
    """A plain value as text; a mapping of long lists is left to the JSON file."""
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, list):
        return ", ".join(str(v) for v in value) or "none"
    return ""


def _words(key: str) -> str:
    return key.replace("_", " ")


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.") or "record"
