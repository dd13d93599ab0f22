"""Tables of interactions: who used which item, when, and how much; CSV, TSV or Parquet.

The columns are told by their names: a user (``user``, ``user_id``, ``patient``, ``ward``, …), an item (``item``,
``device``, ``product``, …), and where there are such a time, a weight, a context (where it was shown: a ward, a
shift), and whether what was shown was taken (``clicked``: 1, 0, or empty where that is asked). A user who is only in
rows without an item is one without a history. A table larger than memory is read in several passes, each over a share
of the users. Of rows that repeat an item of a user the earliest is kept, with the largest weight of them all;
``next-items`` can leave out what has a low one, and no task counts how often.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Literal

import polars as pl

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.recommend.readers.common import batches, judged, left_out, with_questions, without_history

NAME = "interactions"
HEAD_BYTES = 8192
PASS_BYTES = 256 << 20
"""What of a table is held in memory at a time, about."""

SEPARATORS = (",", "\t", ";", "|")
COLUMNS = {
    "user": ("user", "user_id", "userid", "patient", "patient_id", "ward", "customer", "customer_id"),
    "item": ("item", "item_id", "itemid", "device", "device_id", "product", "product_id", "artistid"),
    "time": ("time", "timestamp", "date", "datetime", "used_at"),
    "weight": ("weight", "count", "quantity", "rating"),
    "clicked": ("clicked", "click", "taken"),
    "context": ("context", "setting", "channel"),
}
_DATE, _TIME, _ZONE = r"^\d{4}-\d{1,2}-\d{1,2}", r"T\d{1,2}:\d{2}", r"[+-]\d{2}(:?\d{2})?$"
_FORMATS = {
    _DATE + "$": "%Y-%m-%d",
    _DATE + _TIME + "$": "%Y-%m-%dT%H:%M",
    _DATE + _TIME + r":\d{2}(\.\d+)?$": "%Y-%m-%dT%H:%M:%S%.f",
    _DATE + _TIME + _ZONE: "%Y-%m-%dT%H:%M%#z",
    _DATE + _TIME + r":\d{2}(\.\d+)?" + _ZONE: "%Y-%m-%dT%H:%M:%S%.f%#z",
}
"""Format of the texts of each pattern; without the pattern a year of two digits would be one of the first century."""
_DAY_FIRST = r"^(\d{1,2})\.(\d{1,2})\.(\d{4})"


class InteractionsReader:
    """Reads a table of interactions: one record a user, in the order of time where there is one."""

    wants: ClassVar[str] = (
        "CSV in UTF-8 or Parquet with a column of users "
        f"({', '.join(COLUMNS['user'])}) and one of items ({', '.join(COLUMNS['item'])})"
    )

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield Parquet files and text tables whose header names a user and an item."""
        for path in files:
            if {"user", "item"} <= set(roles_of(header_of(path))):
                yield Source(NAME, path.stem, (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield users in batches, then what was left out and why.

        Raises
        ------
        ReadError
            If the table is broken, or no interaction can be used.
        """
        path = source.files[0]
        usable = False
        for some in passes(path, _wanted(path)):
            rows = with_questions(judged(some))
            kept = rows.filter(pl.col("reason").is_null())
            usable |= len(kept) > 0
            yield from batches(kept, prefix=f"{source.name}/")
            for batch in without_history(rows, prefix=f"{source.name}/"):
                usable = True
                yield batch
            yield from left_out(rows, source.name, path.name)
        if not usable:
            raise ReadError(f"{path.name}: expected interactions of users with items, got none that can be used")


def header_of(path: Path) -> list[str]:
    """Names of the columns of a Parquet file or a text table; empty where it is neither."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if head.startswith(b"PAR1"):
        try:
            return list(pl.read_parquet_schema(path))
        except (pl.exceptions.PolarsError, OSError):
            return []
    line = head.split(b"\n", 1)[0].strip()
    if not line or b"\0" in head:
        return []
    text = line.decode("utf-8-sig", errors="replace")
    return [part.strip().strip('"') for part in text.split(separator_of(text))]


def separator_of(header: str) -> str:
    """The separator that a header line has most of."""
    return max(SEPARATORS, key=header.count)


def roles_of(columns: Sequence[str]) -> dict[str, str]:
    """Column of each role that a header names; a role that two columns claim goes to the name listed first."""
    lower = {c.lower(): c for c in columns}
    found = {role: [lower[n] for n in names if n in lower] for role, names in COLUMNS.items()}
    return {role: names[0] for role, names in found.items() if names}


def passes(path: Path, table: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Read a table in passes, each over a share of the users, all of whose rows come in one.

    Raises
    ------
    ReadError
        If the table is broken.
    """
    count = 1 + path.stat().st_size // PASS_BYTES
    engine: Literal["streaming", "in-memory"] = "streaming" if count > 1 else "in-memory"
    for number in range(count):
        share = table.filter(pl.col("user").hash(0) % count == number) if count > 1 else table
        try:
            yield share.collect(engine=engine)
        except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
            raise broken(path) from error


def broken(path: Path) -> ReadError:
    """What is wrong with a table that cannot be read: its encoding or its form."""
    with path.open("rb") as stream:
        is_text = not stream.read(HEAD_BYTES).startswith(b"PAR1")
    if is_text and not _is_utf8(path):
        what = "expected text in UTF-8, got bytes of another encoding, such as Windows-1252"
        return ReadError(f"{path.name}: {what}; export it again as 'CSV UTF-8'")
    return ReadError(f"{path.name}: expected rows with the columns of the header, got a broken table")


def _is_utf8(path: Path) -> bool:
    """Whether a whole file is UTF-8."""
    try:
        with path.open(encoding="utf-8") as stream:
            while stream.read(HEAD_BYTES):
                pass
    except UnicodeDecodeError:
        return False
    return True


def scanned(path: Path) -> tuple[pl.LazyFrame, int]:
    """A Parquet or text table that is not read yet, and the line of its first row."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if head.startswith(b"PAR1"):
        return pl.scan_parquet(path), 1
    separator = separator_of(head.split(b"\n", 1)[0].decode("utf-8-sig", errors="replace"))
    table = pl.scan_csv(path, separator=separator, infer_schema=False)
    return table.rename({c: c.strip() for c in table.collect_schema().names()}), 2


def _wanted(path: Path) -> pl.LazyFrame:
    """Interactions as ``judged`` takes them, not read yet."""
    roles = roles_of(header_of(path))
    table, first = scanned(path)
    wanted = [
        pl.col("line") + first,
        *(pl.col(roles[r]).cast(pl.String).str.strip_chars().alias(r) for r in ("user", "item")),
    ]
    if "time" in roles:
        wanted.append(_seconds(pl.col(roles["time"]), table.collect_schema()[roles["time"]]).alias("time"))
    if "weight" in roles:
        wanted.append(pl.col(roles["weight"]).cast(pl.Float64, strict=False).alias("weight"))
    wanted += [
        pl.col(roles[r]).cast(pl.String).str.strip_chars().alias(r) for r in ("clicked", "context") if r in roles
    ]
    return table.with_row_index("line").select(wanted)


def _seconds(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """A time as seconds since 1970, null where it cannot be read in one way only.

    A number is seconds already, but one of eight digits that make a date; a text is ISO 8601, or a day first with dots.
    """
    if kind.is_temporal():
        return column.cast(pl.Datetime("us")).dt.timestamp("us") / 1e6
    if kind.is_numeric():
        return _no_date(column.cast(pl.Float64))
    text = column.str.strip_chars()
    iso = text.str.replace(_DAY_FIRST, "${3}-${2}-${1}").str.replace(" ", "T", literal=True).str.strip_suffix("Z")
    found = (
        pl.when(iso.str.contains(pattern))
        .then(iso)
        .str.to_datetime(form, strict=False, time_unit="us")
        .dt.timestamp("us")
        / 1e6
        for pattern, form in _FORMATS.items()
    )
    return pl.coalesce(_no_date(text.cast(pl.Float64, strict=False)), *found)


def _no_date(number: pl.Expr) -> pl.Expr:
    """Numbers without those that are a date, such as 20240301: as seconds all of these lie in 1970."""
    month, day = number // 100 % 100, number % 100
    date = number.is_between(19_000_101, 21_001_231) & month.is_between(1, 12) & day.is_between(1, 31)
    return pl.when(~date).then(number)
