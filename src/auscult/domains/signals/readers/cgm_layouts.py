"""Tables of glucose sensors as text: opened, also out of an archive, and told apart by their header."""

from __future__ import annotations

import csv
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from auscult.base.errors import ReadError
from auscult.engine.file_kinds import looks_like

MAX_UNPACKED_BYTES = 1 << 30
"""A table in an archive may be this large; more is taken for an archive made to fill the memory."""

_ZIP = b"PK\x03\x04"
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_CLARITY_VALUE = re.compile(r"Glucose Value\s*\(([^)]+)\)")
_LIBRE_VALUE = re.compile(r"(?:Historic|Scan) Glucose\s*\(?\s*([^()]+?)\s*\)?")
_GLUCOSE, _TIME = (
    re.compile(r"glu[ck]o", re.IGNORECASE),
    re.compile(r"time|date|zeit|datum|heure|hora|fecha", re.IGNORECASE),
)
_UNITS = {"mg/dl": "mg/dL", "mmol/l": "mmol/L"}


@dataclass(frozen=True)
class Layout:
    """How a table is laid out.

    Parameters
    ----------
    kind : str
        ``clarity``, ``libre`` or ``plain`` (id, time, gl).
    header_line : int
        Which line is the header, from 0.
    separator : str
        What stands between two columns.
    time : str
        Name of the column of times.
    values : tuple of str
        Names of the columns of readings, of which a row fills one.
    unit : str
        Unit of the readings.
    """

    kind: Literal["clarity", "libre", "plain"]
    header_line: int
    separator: str
    time: str
    values: tuple[str, ...]
    unit: str


def layout_of(text: str) -> Layout | None:
    """Return the layout of a table by the first of its five first lines that is a known header, or None."""
    for number, line in enumerate(text[:8192].splitlines()[:5]):
        for separator in (",", ";", "\t"):
            try:
                names = next(csv.reader([line], delimiter=separator), [])
            except csv.Error:
                continue
            found = _named([n.strip() for n in names], number, separator)
            if found is not None:
                return found
    return None


def names_glucose(text: str) -> bool:
    """Whether one of the five first lines has a cell that names glucose and another that names a time.

    A table of reports on glucose meters has the word in its rows, not beside a time: it is not for this reader.
    """
    for line in text[:8192].splitlines()[:5]:
        cells = [c for c in re.split(r"[,;\t]", line) if len(c) <= 60]
        if any(_GLUCOSE.search(c) for c in cells) and any(_TIME.search(c) and not _GLUCOSE.search(c) for c in cells):
            return True
    return False


def _named(names: list[str], line: int, separator: str) -> Layout | None:
    lower = {n.lower(): n for n in names}
    if {"id", "time", "gl"} <= set(lower):
        return Layout("plain", line, separator, lower["time"], (lower["gl"],), "mg/dL")
    kind: Literal["clarity", "libre"] = "clarity" if "Event Type" in names else "libre"
    pattern = _CLARITY_VALUE if kind == "clarity" else _LIBRE_VALUE
    matches = [m for n in names if (m := pattern.fullmatch(n))]
    time = next((n for n in names if n.startswith(("Timestamp", "Device Timestamp"))), None)
    if not matches or time is None or (kind == "libre" and "Record Type" not in names):
        return None
    # The litre is l or L, so mmol/l and mmol/L are one unit (SI Brochure, table 8).
    units = {_UNITS.get(m.group(1).strip().lower(), m.group(1).strip()) for m in matches}
    return Layout(kind, line, separator, time, tuple(m.group(0) for m in matches), " and ".join(sorted(units)))


def head_of(path: Path) -> bytes:
    """Return the first bytes of a file, or of the table in it where it is an archive; none if unreadable."""
    try:
        with path.open("rb") as stream:
            head = stream.read(4096)
        if head.startswith(_ZIP):
            with zipfile.ZipFile(path) as archive:
                for name in _tables(archive)[:1]:
                    with archive.open(name) as member:
                        return member.read(4096)
    except (OSError, *_ZIP_ERRORS):
        return b""
    return head


def content_of(path: Path) -> bytes:
    """Return the bytes of a table, out of its archive where it is in one.

    Raises
    ------
    ReadError
        If the file cannot be opened, is a damaged archive, or one with no or several tables.
    """
    try:
        if not zipfile.is_zipfile(path):
            return path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            names = _tables(archive)
            if len(names) != 1:
                raise ReadError(f"{path.name}: expected one CSV in the archive, got {len(names)}; unpack it")
            with archive.open(names[0]) as member:
                data = member.read(MAX_UNPACKED_BYTES + 1)
    except (OSError, *_ZIP_ERRORS) as error:
        kind = type(error).__name__
        raise ReadError(f"{path.name}: cannot be opened ({kind}); copy or export it again") from error
    if len(data) > MAX_UNPACKED_BYTES:
        raise ReadError(f"{path.name}: expected at most {MAX_UNPACKED_BYTES} bytes unpacked, got more; unpack it")
    return data


def decode(data: bytes) -> str:
    """Decode by the byte order mark, else as UTF-8, else as Latin-1: readings are ASCII in each of them."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    if data.startswith(b"\xef\xbb\xbf"):
        return data.decode("utf-8-sig", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def refusal(name: str, data: bytes) -> str:
    """Say that a table has none of the layouts, and what it seems to be."""
    kind = looks_like(data[:1024])
    got = "a text with other columns" if kind == "text" else kind
    return (
        f"{name}: expected a Dexcom Clarity or LibreView export in English, or a table with the columns "
        f"id, time, gl, got {got}; export the readings again as CSV"
    )


def _tables(archive: zipfile.ZipFile) -> list[str]:
    return [n for n in archive.namelist() if n.lower().endswith(".csv") and not n.startswith("__MACOSX/")]
