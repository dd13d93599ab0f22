"""Readings of glucose sensors: Dexcom Clarity, LibreView, and the table of public sets (id, time, gl).

What the formats say, and where from:

* Dexcom Clarity export: one header line; rows whose *Event Type* is ``EGV`` are readings, all others are the
  patient, the device and its alarms. Times are ISO 8601. ``Low`` and ``High`` stand for below 40 and above
  400 mg/dL (Dexcom G6 user guide).
* LibreView export: a line about the report, then the header. Record type 0 is an automatic reading, 1 a scan;
  strip tests, insulin, food and notes have other numbers and are no sensor readings. Day and month stand in
  the order of the account's country.
* GlucoBench (Sergazinov et al., ICLR 2024) and iglu: the columns ``id``, ``time``, ``gl``; ``gl`` is in mg/dL
  by definition of the format, which is why no unit is written.

Each may lie alone in a ``.zip``. Whatever is left out is told with its count; nothing is filled in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from auscult.base.arrays import Column, Ragged
from auscult.base.contracts import Field, RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.base.units import to_home
from auscult.domains.signals.readers.cgm_layouts import (
    Layout,
    content_of,
    decode,
    head_of,
    layout_of,
    names_glucose,
    refusal,
)
from auscult.engine.dataset import natural

NAME = "cgm_csv"
LIMITS_MGDL = (10.0, 1000.0)
"""What blood can hold at all: a reading outside is a slip of unit or column."""

_LINE = "\0line"
_FORMATS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d %I:%M %p", "%Y-%m-%d %I:%M:%S %p")
_LOCAL_DATE = r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})"
_NUMBER = r"^[+-]?\d+(?:\.\d*)?$"
_REASONS = {
    "id": "without an id",
    "time": "whose time is no date and time",
    "low": "that are the word 'Low' (below the sensor's range, 40 mg/dL), not replaced",
    "high": "that are the word 'High' (above the sensor's range, 400 mg/dL), not replaced",
    "number": "that are empty or no number",
    "range": f"outside {LIMITS_MGDL[0]:g} to {LIMITS_MGDL[1]:g} mg/dL, check the unit",
    "twice": "of the same second as an earlier one of the same person, which was kept",
}


class CgmCsvReader:
    """Reads tables of glucose sensors: one record a person, one batch a file.

    Fields: ``glucose`` in mg/dL (T), ``time`` in seconds since the person's first reading (T), strictly
    rising, ``start_of_day`` in seconds from midnight to the first reading, local time of the device.

    The persons of a table are numbered in the natural order of their ids, whatever the order of its lines.

    The subject is the id of the table, or the patient identifier of a Clarity export (where it has none, a
    SHA-256 of name and birth date, so that two exports of one person stay together), or else the name of the
    file, since an export is one person's.
    """

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield tables of a known header; other tables whose header names glucose and a time, to report them."""
        for path in files:
            head = head_of(path)
            known = layout_of(decode(head)) is not None
            suspect = b"\0" in head or names_glucose(decode(head))
            if known or (path.suffix.lower() == ".csv" and suspect):
                yield Source(NAME, path.stem, (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield one batch with all persons of the table, then what was left out and why.

        Raises
        ------
        ReadError
            If the table is none of the formats or is damaged, if its days and months cannot be told apart, or
            if no reading can be used.
        UnitError
            If the header names a unit that is none of glucose.
        """
        path = source.files[0]
        data = content_of(path)
        text = decode(data)
        layout = layout_of(text)
        if layout is None:
            raise ReadError(refusal(path.name, data))
        _, factor = to_home(layout.unit, "glucose", where=f"{path.name}, column '{layout.values[0]}'")
        table = _table(text, layout, path.name)
        readings = _readings(table, layout, source.name)
        readings = readings.with_columns(_time(readings, layout, text, path.name))
        judged = _judged(readings, factor, decimal_comma=layout.unit == "mmol/L")
        kept = judged.filter(pl.col("reason").is_null())
        left_out = list(_left_out(judged, source.name, path.name))
        if kept.is_empty():
            why = left_out[0].reason if left_out else f"{path.name}: expected glucose readings, got none"
            raise ReadError(f"{why}; no reading can be used, export the period again")
        yield _batch(kept, layout, source.name, _device(table, layout))
        yield from left_out


def _table(text: str, layout: Layout, where: str) -> pl.DataFrame:
    """Return the table as strings; the column ``_LINE`` says in which line of the file a row is, from 1."""
    try:
        table = pl.read_csv(
            text.encode("utf-8", errors="replace"),
            skip_lines=layout.header_line,
            separator=layout.separator,
            infer_schema=False,
            truncate_ragged_lines=True,
        )
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise ReadError(
            f"{where}: expected rows with the columns of the header, got a broken table; export it again"
        ) from error
    names = {old: old.strip() for old in table.columns}
    wanted = {layout.time, *layout.values}
    if len(set(names.values())) != len(names) or not wanted <= set(names.values()):
        raise ReadError(f"{where}: expected each column of the header once, got another; export it again")
    table = table.rename(names).with_columns(pl.all().str.strip_chars())
    return table.with_row_index(_LINE, offset=layout.header_line + 2)


def _readings(table: pl.DataFrame, layout: Layout, name: str) -> pl.DataFrame:
    """Return the rows that are readings: columns line, id, stamp, value; the last three as text."""
    if layout.kind == "plain":
        who = pl.col(next(c for c in table.columns if c.lower() == "id"))
    elif layout.kind == "clarity":
        who = pl.lit(_clarity_subject(table) or name)
        table = table.filter(pl.col("Event Type") == "EGV")
    else:
        who = pl.lit(name)
        table = table.filter(pl.col("Record Type").is_in(["0", "1"]))
    filled = [pl.when(pl.col(c) != "").then(pl.col(c)) for c in layout.values]
    return table.select(
        pl.col(_LINE).cast(pl.Int64).alias("line"),
        who.fill_null("").alias("id"),
        pl.col(layout.time).fill_null("").alias("stamp"),
        pl.coalesce(filled).fill_null("").alias("value"),
    )


def _clarity_subject(table: pl.DataFrame) -> str | None:
    if "Patient Info" not in table.columns:
        return None
    facts = dict(table.filter(pl.col("Patient Info") != "").select("Event Type", "Patient Info").iter_rows())
    if "PatientIdentifier" in facts:
        return str(facts["PatientIdentifier"])
    person = [str(facts[k]) for k in ("FirstName", "LastName", "DateOfBirth") if k in facts]
    return hashlib.sha256("\n".join(person).encode()).hexdigest()[:16] if person else None


def _device(table: pl.DataFrame, layout: Layout) -> str | None:
    """Return the device's model, ``unknown`` where the export leaves it empty, None for a plain table."""
    if layout.kind == "plain":
        return None
    column = "Device Info" if layout.kind == "clarity" else "Device"
    rows = pl.col("Event Type") == "Device" if layout.kind == "clarity" else pl.lit(True)
    if column not in table.columns:
        return "unknown"
    names = table.filter(rows & (pl.col(column) != "")).get_column(column)
    return "unknown" if names.is_empty() else str(names[0])


def _time(readings: pl.DataFrame, layout: Layout, text: str, where: str) -> pl.Expr:
    """Return the times as microseconds since 1970; null where a text is no date and time."""
    stamp = pl.col("stamp").str.replace("T", " ", literal=True)
    if layout.kind == "libre":
        order = _date_order(readings.get_column("stamp"), text.splitlines()[0], where)
        stamp = stamp.str.replace(_LOCAL_DATE, order)
        stamp = stamp.str.replace(r"^(\d{4})[/.](\d{1,2})[/.]", "$1-$2-").str.to_uppercase()
    parsed = pl.coalesce(stamp.str.to_datetime(f, strict=False, time_unit="us") for f in _FORMATS)
    return parsed.dt.timestamp("us").alias("time")


def _date_order(stamps: pl.Series, first_line: str, where: str) -> str:
    """Return how to write a local date as ISO: the number that is above 12 somewhere is the day."""
    dates = pl.concat([stamps, pl.Series(stamps.name, [first_line])]).str.extract_groups(_LOCAL_DATE)
    first, second = (c.cast(pl.Int64) for c in dates.struct.unnest().get_columns()[:2])
    if first.is_null().all():
        return "$0"
    day_first, month_first = bool((first > 12).any()), bool((second > 12).any())
    if day_first == month_first:
        got = "numbers above 12 in both places" if day_first else "no number above 12 in either place"
        raise ReadError(
            f"{where}: expected dates that show which number is the day, got {got}; "
            "export a period that includes a day after the 12th, or write the dates as YYYY-MM-DD"
        )
    return "$3-$2-$1" if day_first else "$3-$1-$2"


def _judged(readings: pl.DataFrame, factor: float, *, decimal_comma: bool) -> pl.DataFrame:
    """Add glucose in mg/dL, person and reason (a key of ``_REASONS`` or null); sort by person and time."""
    text = pl.col("value").str.replace(r"^(\d+),(\d+)$", "$1.$2") if decimal_comma else pl.col("value")
    number = pl.when(text.str.contains(_NUMBER)).then(text).cast(pl.Float64, strict=False) * factor
    word, glucose = pl.col("value").str.to_lowercase(), pl.col("glucose")
    wrong = {
        "id": pl.col("id") == "",
        "time": pl.col("time").is_null(),
        "low": word.is_in(["low", "lo"]),
        "high": word.is_in(["high", "hi"]),
        "number": glucose.is_null(),
        "range": ~glucose.is_between(*LIMITS_MGDL),
    }
    reason = pl.coalesce(pl.when(test).then(pl.lit(key)) for key, test in wrong.items())
    person = pl.col("line").min().over("id").alias("person")
    judged = readings.with_columns(number.alias("glucose"), person).with_columns(reason.alias("reason"))
    earlier = pl.col("line").min().over("id", "time", "reason") < pl.col("line")
    twice = pl.when(pl.col("reason").is_null() & earlier).then(pl.lit("twice"))
    return judged.with_columns(pl.coalesce("reason", twice).alias("reason")).sort("person", "time", "line")


def _left_out(judged: pl.DataFrame, name: str, where: str) -> Iterator[SetAside]:
    counts = judged.drop_nulls("reason").group_by("reason").agg(pl.len(), pl.col("line").min()).sort("line")
    for reason, count, line in counts.iter_rows():
        what = f"left out {count} of {len(judged)} readings {_REASONS[reason]}"
        yield SetAside(name, f"{where}: {what} (the first in line {line})", line, note=True)


def _batch(kept: pl.DataFrame, layout: Layout, name: str, device: str | None) -> RecordBatch:
    persons = kept.group_by("person", maintain_order=True).agg(pl.col("id").first(), pl.len(), pl.col("time").first())
    lengths = persons.get_column("len").to_numpy().astype(np.int64)
    first_us = persons.get_column("time").to_numpy()
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    time_s = (kept.get_column("time").to_numpy() - np.repeat(first_us, lengths)) / 1e6
    subject = persons.get_column("id").to_numpy().astype(np.str_)
    plain = layout.kind == "plain"
    record = [f"{name}/{s}" for s in subject] if plain else [name]
    fields = (
        Field("glucose", "array", "T", unit="mg/dL", ragged=True),
        Field("time", "array", "T", unit="s", ragged=True),
        Field("start_of_day", "scalar", unit="s"),
    )
    columns: dict[str, Column] = {
        "glucose": Ragged(kept.get_column("glucose").to_numpy().astype(np.float32), offsets),
        "time": Ragged(time_s, offsets),
        "start_of_day": (first_us % 86_400_000_000) / 1e6,
    }
    groups = {} if device is None else {"device_model": np.full(len(subject), device)}
    number = np.empty(len(subject), dtype=np.int64)
    number[sorted(range(len(subject)), key=lambda k: natural(str(subject[k])))] = np.arange(1, len(subject) + 1)
    return RecordBatch(fields, columns, np.array(record), subject, groups, named_by_subject=plain, number=number)
