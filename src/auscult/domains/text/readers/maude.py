"""Device reports as the FDA publishes MAUDE: pipe-separated files of texts, with those of reports and devices beside.

A report has several texts, each a line of ``foitext*.txt``: what happened (``D``) and what the manufacturer found
(``N``). They are brought together by the key of the report; the type of the event and the device are taken from
``mdrfoi*.txt`` and ``device*.txt`` in the same folder, where these are there. Years before 2010 have no header.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.domains.text.readers.common import (
    BROKEN,
    MAX_CHARACTERS,
    Row,
    batches_of,
    encoding_of,
    head_of,
    is_text,
    short_name,
    text_of,
)

NAME = "maude"
KEY, TEXT, CODE = "MDR_REPORT_KEY", "FOI_TEXT", "TEXT_TYPE_CODE"
BEFORE_2010 = (KEY, "MDR_TEXT_KEY", CODE, "PATIENT_SEQUENCE_NUMBER", "DATE_REPORT", TEXT)
"""Columns of a file of texts without a header."""
TOLD = {"D": "description", "N": "narrative"}
"""Type of a text to its column; texts of another type go to ``other``."""
BESIDE = {
    "EVENT_TYPE": "event_type",
    "BRAND_NAME": "brand",
    "GENERIC_NAME": "generic_name",
    "MANUFACTURER_D_NAME": "maker",
    "DEVICE_REPORT_PRODUCT_CODE": "product_code",
}
"""Columns of the files of reports and devices that are taken, and what they are called."""
COLUMNS = ("text", "description", "narrative", "other", *BESIDE.values())
_LINE = re.compile(rb"\d{4,9}\|\d{4,9}\|[A-Z]?\|\d{0,4}\|[\d/]{0,10}\|[^|\n]*[A-Za-z]{2}")


class MaudeReader:
    """Finds and reads files of MAUDE texts."""

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield each file of texts, with the files of reports and devices of its folder."""
        heads = {path: head_of(path) for path in files}
        beside = [p for p, head in heads.items() if is_text(head) and _is_beside(head)]
        for path, head in heads.items():
            if is_text(head) and _is_texts(head):
                yield Source(NAME, short_name(path), (path, *(b for b in beside if b.parent == path.parent)))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the reports in batches, each when its last text has come, and each bad line with its reason."""
        path = source.files[0]
        encoding = encoding_of(path)
        known: dict[str, dict[str, str]] = {}
        for other in source.files[1:]:
            yield from _take(other, known, source)
        aside: list[SetAside] = []
        for batch in batches_of(_reports(path, encoding, known, aside=aside), path, encoding):
            yield from aside
            aside.clear()
            yield batch
        yield from aside


def _is_texts(head: bytes) -> bool:
    first = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].upper()
    if b"|" in first and KEY.encode() in first:
        return TEXT.encode() in first
    return _LINE.match(head) is not None


def _is_beside(head: bytes) -> bool:
    first = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].upper()
    return KEY.encode() in first and TEXT.encode() not in first and any(name.encode() in first for name in BESIDE)


def _header(first: str) -> tuple[str, ...]:
    """Names of the columns: of the header, or of files before 2010."""
    cells = tuple(c.strip().upper() for c in first.lstrip("\ufeff").rstrip("\r\n").split("|"))
    return cells if KEY in cells else BEFORE_2010


def _take(path: Path, known: dict[str, dict[str, str]], source: Source) -> Iterator[SetAside]:
    """Add what a file of reports or devices says, by the key of the report; what was said first stays.

    Yields how many of its lines could not be used, where any could not: their reports lack the event or the device.
    """
    lines = lost = 0
    with text_of(path, encoding_of(path)) as stream:
        columns = _header(next(stream, ""))
        wanted = [(k, BESIDE[name]) for k, name in enumerate(columns) if name in BESIDE]
        at = columns.index(KEY)
        for line in filter(str.strip, stream):
            cells = line.rstrip("\r\n").split("|")
            lines += 1
            if len(cells) != len(columns) or BROKEN.search(line):
                lost += 1
                continue
            row = known.setdefault(cells[at].strip(), {})
            for k, name in wanted:
                row.setdefault(name, cells[k].strip())
    if lost:
        reason = f"left out {lost} of {lines} lines: expected {len(columns)} cells of UTF-8 in each; export it again"
        yield SetAside(source.name, f"{path.name}: {reason}", note=True)


def _reports(
    path: Path, encoding: str, known: Mapping[str, Mapping[str, str]], *, aside: list[SetAside]
) -> Iterator[Row]:
    """Yield each report when its last text has come; the file is read twice, so that few are held at a time."""
    left = Counter(key for key, _, _, reason in _lines(path, encoding) if not reason)
    held: dict[str, dict[str, list[str]]] = {}
    name = short_name(path)
    for line, (key, code, text, reason) in enumerate(_lines(path, encoding), start=1):
        if reason:
            aside.append(SetAside(name, f"{path.name}, line {line}: {reason}", line))
            continue
        if key:
            held.setdefault(key, {}).setdefault(TOLD.get(code, "other"), []).append(text)
            left[key] -= 1
            if not left[key]:
                yield Row(f"{name}#{key}", report_cells(held.pop(key), known.get(key, {})))


def report_cells(texts: Mapping[str, Sequence[str]], about: Mapping[str, str]) -> dict[str, str]:
    """Columns of a report: its texts by type, all of them together, and what is known about it."""
    told = {name: "\n".join(texts.get(name, ())) for name in ("description", "narrative", "other")}
    whole = "\n".join(t for t in told.values() if t)
    return {"text": whole, **told, **{name: about.get(name, "") for name in BESIDE.values()}}


def _lines(path: Path, encoding: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield key, type and text of each line, and why it is none; a header and empty lines have no key."""
    with text_of(path, encoding) as stream:
        columns: tuple[str, ...] = ()
        for line in stream:
            if not columns:
                columns = _header(line)
                if columns != BEFORE_2010 or KEY in line.upper():
                    yield "", "", "", ""
                    continue
            yield _line(line, columns)


def _line(line: str, columns: Sequence[str]) -> tuple[str, str, str, str]:
    if not line.strip():
        return "", "", "", ""
    cells = line.rstrip("\r\n").split("|", len(columns) - 1)  # the text is last and may hold the separator
    at = {name: k for k, name in enumerate(columns)}
    if len(cells) != len(columns) or not cells[at[KEY]].strip().isdigit():
        return (
            "",
            "",
            "",
            f"expected {len(columns)} cells that begin with the number of a report, got {len(cells)} cells",
        )
    if not line.isascii() and BROKEN.search(line):
        return (
            "",
            "",
            "",
            f"expected UTF-8, got {len(BROKEN.findall(line))} bytes that are none; export it again in UTF-8",
        )
    if len(line) > MAX_CHARACTERS:
        return "", "", "", f"expected at most {MAX_CHARACTERS} characters in a line, got {len(line)}"
    code = cells[at[CODE]].strip() if CODE in at else ""
    return cells[at[KEY]].strip(), code, cells[at[TEXT]].strip(), ""
