"""Numeric CSV files with a sidecar ``<file>.csv.json`` that says rate, columns and units.

Example of a sidecar::

    {"rate_hz": 250, "columns": {"II": {"quantity": "ecg", "unit": "uV"}}, "subject": "P01", "separator": ";"}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import Field as Setting
from pydantic import ValidationError

from auscult.base.contracts import Config, RecordBatch, SetAside, Source
from auscult.base.errors import ReadError, UnitError, unknown
from auscult.domains.signals.readers.common import names_of
from auscult.domains.signals.readers.waveforms import QUANTITY, Kind, Wave, factor_of, waveform_batch
from auscult.engine.file_kinds import looks_like

NAME = "csv_sidecar"
EXAMPLE = '{"rate_hz": 250, "columns": {"II": {"quantity": "ecg", "unit": "uV"}}}'
_KIND: dict[str, Kind] = {"voltage": "ecg", "ecg": "ecg", "pressure": "abp", "abp": "abp", "ppg": "ppg"}
_MAX_SIDECAR_BYTES = 1 << 20
_SNIFFED_BYTES = 1 << 16
_NUMBER = re.compile(r'\s*"?\s*[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?\s*"?\s*')
_GLUCOSE = re.compile(r"glu[ck]o", re.IGNORECASE)  # such a table is for the reader of glucose sensors
_OTHER_MARK = {".": ",", ",": "."}


class ColumnSpec(Config):
    """What one column holds."""

    quantity: Literal["voltage", "ecg", "pressure", "abp", "ppg"]
    unit: str


class GroupSpec(Config):
    """Group keys of the record."""

    sex: Literal["F", "M", "unknown"] | None = None
    age_band: Literal["0-17", "18-39", "40-64", "65+", "unknown"] | None = None
    device_model: str | None = None
    firmware: str | None = None
    site: str | None = None


class Sidecar(Config):
    """What the sidecar says; columns that it does not name are not read."""

    rate_hz: Annotated[float, Setting(gt=0, le=1e7, allow_inf_nan=False)]
    columns: Annotated[dict[str, ColumnSpec], Setting(min_length=1)]
    subject: str | None = None
    groups: GroupSpec = GroupSpec()
    decimal: Literal[".", ","] = "."
    separator: Annotated[str, Setting(pattern=r"^[,;|\t ]$")] = ","


class CsvSidecarReader:
    """Finds and reads CSV files with a sidecar."""

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield CSV files with their sidecar; numeric CSV files and sidecars that are alone too."""
        there = set(files)
        for path in files:
            sidecar = path.with_name(f"{path.name}.json")
            if path.name.lower().endswith(".csv.json") and path.with_suffix("") not in there:
                yield Source(NAME, Path(path.stem).stem, (path,))
            elif path.suffix.lower() == ".csv" and sidecar in there:
                yield Source(NAME, path.stem, (path, sidecar))
            elif path.suffix.lower() == ".csv" and _is_numeric(path):
                yield Source(NAME, path.stem, (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the one record of a CSV file.

        Raises
        ------
        ReadError
            If the sidecar is missing or wrong, or the table is not what it says.
        UnitError
            If a unit is unknown.
        """
        path = source.files[0]
        if path.suffix.lower() == ".json":
            raise ReadError(f"{path.name}: expected the table {path.stem} beside it, got none; copy it too")
        if len(source.files) < 2:
            raise ReadError(
                f"{path.name}: expected a sidecar {path.name}.json that says rate and units, got none; write "
                f"it, for example {EXAMPLE}"
            )
        spec = _sidecar(source.files[1])
        factors = {name: _factor(column, f"{path.name}, column '{name}'") for name, column in spec.columns.items()}
        table = _table(path, spec)
        waves = [
            Wave(
                _KIND[column.quantity],
                name,
                (_numbers(table[name], spec.decimal, f"{path.name}, column '{name}'") * factors[name]).astype(
                    np.float32
                ),
            )
            for name, column in spec.columns.items()
        ]
        yield waveform_batch(
            source.name,
            waves,
            rate_hz=spec.rate_hz,
            subject=spec.subject,
            groups=spec.groups.model_dump(exclude_none=True),
        )


def _is_numeric(path: Path) -> bool:
    """Whether a text file is a table of numbers below its first line."""
    with path.open("rb") as stream:
        head = stream.read(_SNIFFED_BYTES)
    if looks_like(head) != "text":
        return False
    text = head.decode("utf-8", "replace")
    lines = text.splitlines()
    body = [line for line in (lines[1:-1] if len(head) == _SNIFFED_BYTES else lines[1:]) if line.strip()]
    separator = max(";\t,", key=lines[0].count)
    if not body or _GLUCOSE.search(text):
        return False
    return all(_NUMBER.fullmatch(cell) for line in body for cell in line.split(separator))


def _sidecar(path: Path) -> Sidecar:
    """Read and check a sidecar."""
    with path.open("rb") as stream:
        data = stream.read(_MAX_SIDECAR_BYTES + 1)
    if len(data) > _MAX_SIDECAR_BYTES:
        raise ReadError(f"{path.name}: expected a sidecar below 1 MiB, got a larger file; write only {EXAMPLE}")
    try:
        content: Any = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise ReadError(f"{path.name}: expected JSON such as {EXAMPLE}, got {looks_like(data)} that is none") from None
    try:
        spec = Sidecar.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part)[:40] for part in first["loc"]) or "content"
        raise ReadError(f"{path.name}: {place}: {first['msg']}; write for example {EXAMPLE}") from None
    if spec.decimal == spec.separator:
        raise ReadError(
            f"{path.name}: expected a separator that is not the decimal mark '{spec.decimal}', got the same"
        )
    return spec


def _factor(column: ColumnSpec, where: str) -> float:
    kind = _KIND[column.quantity]
    factor = factor_of(kind, column.unit, where=where)
    if factor is None:
        raise UnitError(f"{where}: expected a unit of {QUANTITY[kind]}, got one that is unknown or of another quantity")
    return factor


def _table(path: Path, spec: Sidecar) -> pl.DataFrame:
    """Read the named columns as text after checking that every line has the same number of cells."""
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n\t ;,|" if spec.separator == " " else b"\r\n")
    kind = looks_like(data[:1024])
    if kind != "text":
        raise ReadError(f"{path.name}: expected a table as text, got {kind}; export it as CSV (UTF-8)")
    lines = _check_lines(data, spec.separator, path.name)
    if lines < 3:
        raise ReadError(
            f"{path.name}: expected a header and at least 2 lines of numbers, got {names_of(lines, 'line')}"
        )
    try:
        header = pl.read_csv(data, has_header=False, separator=spec.separator, infer_schema=False, n_rows=1)
        places = _places([str(cell).strip() for cell in header.row(0)], spec, path.name)
        table = pl.read_csv(
            data,
            has_header=False,
            separator=spec.separator,
            infer_schema=False,
            skip_rows=1,
            columns=sorted(places.values()),
        )
    except pl.exceptions.PolarsError:
        raise ReadError(
            f"{path.name}: expected a CSV table in UTF-8, got one that cannot be parsed; export it again"
        ) from None
    if table.height != lines - 1:
        raise ReadError(
            f"{path.name}: expected {lines - 1} rows in {lines} lines, got {table.height}; are there blank lines?"
        )
    return table.rename(dict(zip(table.columns, sorted(places, key=places.__getitem__), strict=True)))


def _places(header: list[str], spec: Sidecar, name: str) -> dict[str, int]:
    """Return where each column of the sidecar stands in the table."""
    for column in spec.columns:
        if column not in header:
            raise ReadError(unknown("column", column, header[:50], where=f"{name}.json"))
        if header.count(column) > 1:
            raise ReadError(f"{name}: expected each column once, got '{column}' {header.count(column)} times")
    return {column: header.index(column) for column in spec.columns}


def _check_lines(data: bytes, separator: str, name: str) -> int:
    """Refuse lines with another number of cells than the first; return the number of lines."""
    raw = np.frombuffer(data, dtype=np.uint8)
    outside = np.bitwise_xor.accumulate((raw == ord('"')).astype(np.uint8)) == 0
    ends = np.append(np.flatnonzero((raw == ord("\n")) & outside), len(raw))
    marks = np.flatnonzero((raw == ord(separator)) & outside)
    cells = np.diff(np.searchsorted(marks, ends), prepend=0) + 1
    odd = np.flatnonzero(cells != cells[0])
    if len(odd):
        raise ReadError(
            f"{name}: expected {cells[0]} cells in every line as in the first, got {cells[odd[0]]} "
            f"in line {odd[0] + 1} ({names_of(len(odd), 'such line')}); is the separator '{separator}' right?"
        )
    return len(ends)


def _numbers(column: pl.Series, decimal: str, where: str) -> npt.NDArray[np.float64]:
    """Turn cells into numbers; an empty cell or NaN is a gap.

    Raises
    ------
    ReadError
        If there is text; says how many cells and in which line the first is.
    """
    text = column.fill_null("").str.strip_chars()
    plain = text.str.replace_all(",", ".", literal=True) if decimal == "," else text
    plain = plain.set(text.str.contains(_OTHER_MARK[decimal], literal=True), "?")
    values = plain.cast(pl.Float64, strict=False)
    bad = ((values.is_null() | values.is_infinite()) & (text != "")).fill_null(False)
    count = int(bad.sum())
    if count:
        line = int(bad.arg_max() or 0) + 2
        mark = _OTHER_MARK[decimal]
        swapped = int(text.filter(bad).str.contains(rf"^[+-]?\d*[{mark}]\d+$").sum())
        hint = f"; {swapped} use '{mark}' as decimal mark, the sidecar says '{decimal}'" if swapped else ""
        raise ReadError(
            f"{where}: expected numbers, got text in {names_of(count, 'cell')}, the first in line {line}{hint}"
        )
    return values.fill_null(np.nan).to_numpy()
