"""The sheet of the PPG-BP layout: who each subject is, in home units."""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from auscult.base.errors import MissingExtraError, ReadError, UnitError
from auscult.base.units import to_home
from auscult.engine.file_kinds import looks_like
from auscult.engine.people import sex

SCALARS = {"sbp": "mmHg", "dbp": "mmHg", "age": "year", "bmi": "kg/m2", "heart_rate": "1/min"}
"""Columns that are numbers, with their home unit."""

_COLUMNS = {
    "systolic blood pressure": ("sbp", "pressure"),
    "diastolic blood pressure": ("dbp", "pressure"),
    "age": ("age", "age"),
    "bmi": ("bmi", "body mass index"),
    "heart rate": ("heart_rate", "heart rate"),
}
_HEADER = re.compile(r"\s*(.*?)\s*(?:\(([^()]*)\))?\s*")
_MARKS = (b"subject_ID", b"Systolic Blood Pressure")
_XLSX_TEXTS = ("xl/sharedStrings.xml", "xl/worksheets/sheet1.xml")
_MAX_UNPACKED_BYTES = 1 << 28
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
)
Table = Sequence[Sequence[str | None]]


@dataclass(frozen=True, repr=False)
class Person:
    """A row of the sheet.

    Parameters
    ----------
    scalars : mapping of str to float
        A value for each name of ``SCALARS``; NaN where the cell is empty.
    sex : str
        ``F``, ``M`` or ``unknown``.
    stage : str
        Hypertension stage as the sheet says it, or ``unknown``.
    row : int
        Row of the sheet, from 1; 0 where there is no sheet.
    fault : str
        What is wrong with the row; empty if nothing is.
    """

    scalars: Mapping[str, float]
    sex: str = "unknown"
    stage: str = "unknown"
    row: int = 0
    fault: str = ""


def is_sheet(path: Path) -> bool:
    """Whether a file is the sheet, by the names of its columns, or pretends to be it by its own name."""
    suffix = path.suffix.lower()
    if suffix not in (".xlsx", ".csv"):
        return False
    if path.stem.lower() == "ppg-bp dataset":
        return True
    try:
        if suffix == ".xlsx":
            with zipfile.ZipFile(path) as archive:
                parts = sorted(set(_XLSX_TEXTS) & set(archive.namelist()))
                return any(_marked(archive.open(part).read(1 << 16)) for part in parts)
        with path.open("rb") as stream:
            return _marked(stream.read(4096))
    except _ZIP_ERRORS:
        return False


def read_sheet(path: Path) -> dict[str, Person]:
    """Return the persons by subject.

    Raises
    ------
    ReadError
        If the file is no such table, or names a subject twice.
    UnitError
        If a column has no unit or an unknown one.
    MissingExtraError
        If it is .xlsx and fastexcel is not installed.
    """
    table = _xlsx(path) if path.suffix.lower() == ".xlsx" else _csv(path)
    start = next((k for k, row in enumerate(table[:5]) if "subject_ID" in row), None)
    if start is None:
        raise ReadError(f"{path.name}: expected the column subject_ID in the first rows, got none")
    places, factors = _columns(table[start], path.name)
    people: dict[str, Person] = {}
    for number, row in enumerate(table[start + 1 :], start=start + 2):
        cells = [(cell or "").strip() for cell in row] + [""] * (len(table[start]) - len(row))
        subject = re.sub(r"\.0$", "", cells[places["subject"]])
        if not subject:
            continue
        if subject in people:
            raise ReadError(f"{path.name}: expected each subject once, got row {number} too; remove one")
        scalars = {n: _number(cells[places[n]]) * factors[n] for n in SCALARS}
        wrong = [n for n in SCALARS if cells[places[n]] and not np.isfinite(scalars[n])]
        fault = f"{path.name}, row {number}: expected a number as {wrong[0]}, got other text" if wrong else ""
        stage = cells[places["stage"]] if "stage" in places else ""
        gender = cells[places["sex"]] if "sex" in places else ""
        people[subject] = Person(scalars, sex(gender), stage or "unknown", number, fault)
    return people


def _marked(text: bytes) -> bool:
    return all(mark in text for mark in _MARKS)


def _columns(header: Sequence[str | None], where: str) -> tuple[dict[str, int], dict[str, float]]:
    """Return the place of each known column, and what leads each of ``SCALARS`` to its home unit."""
    places: dict[str, int] = {}
    factors: dict[str, float] = {}
    for place, text in enumerate(header):
        match = _HEADER.fullmatch(text or "")
        name, unit = (match.group(1).lower(), match.group(2)) if match else ("", None)
        if name in _COLUMNS:
            key, quantity = _COLUMNS[name]
            if not unit:
                raise UnitError(f"{where}, column '{name}': expected its unit in brackets, got none; add it")
            _, factors[key] = to_home(unit.replace("^", ""), quantity, where=f"{where}, column '{name}'")
            places[key] = place
        elif name in ("subject_id", "sex", "hypertension"):
            places[{"subject_id": "subject", "hypertension": "stage"}.get(name, name)] = place
    absent = [n for n in ("subject", *SCALARS) if n not in places]
    if absent:
        raise ReadError(f"{where}: expected columns for {', '.join(absent)}, got none; use the sheet of the set")
    return places, factors


def _number(cell: str) -> float:
    """Return the number of a cell, NaN if it is empty or holds none."""
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _xlsx(path: Path) -> Table:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
    except _ZIP_ERRORS as error:
        raise ReadError(f"{path.name}: expected an Excel workbook, got {_kind(path)}; copy it again") from error
    if unpacked > _MAX_UNPACKED_BYTES:
        raise ReadError(f"{path.name}: expected at most {_MAX_UNPACKED_BYTES} bytes unpacked, got more")
    try:
        import fastexcel
    except ImportError as error:
        raise MissingExtraError("reading .xlsx needs fastexcel: pip install 'auscult[signals]'") from error
    try:
        sheet = fastexcel.read_excel(path).load_sheet(0, header_row=None, dtypes="string")
        return sheet.to_polars().rows()
    except Exception as error:  # a damaged workbook makes its parser raise errors of any kind
        kind = type(error).__name__
        raise ReadError(f"{path.name}: the workbook cannot be read ({kind}); save it again") from error


def _csv(path: Path) -> Table:
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
        return list(csv.reader(io.StringIO(text)))
    except (OSError, csv.Error) as error:
        raise ReadError(f"{path.name}: expected a CSV table, got {_kind(path)}; copy it again") from error


def _kind(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            kind = looks_like(stream.read(1024))
    except OSError:
        return "a file that cannot be opened"
    return "a damaged archive" if kind == "ZIP" else kind
