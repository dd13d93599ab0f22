"""Interactions of users as record batches: what every reader of this domain ends with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np
import polars as pl

from auscult.base.arrays import Array, Column, Ragged
from auscult.base.contracts import Field, Index, RecordBatch, SetAside
from auscult.domains.recommend.preprocess.names import NAME_BYTES, Names, as_names, tenths_of

USERS = 8192
"""Users of one batch."""

REASONS = {
    "user": "without a user",
    "item": "without an item",
    "long": f"whose item has a name of more than {NAME_BYTES} bytes",
    "time": "whose time is no date and time such as 2024-07-22, 2024-07-22T08:30+01:00, 22.07.2024 08:30 or seconds "
    "since 1970; 07/08/2024 and 20240708 can be read in two ways, write 2024-07-08",
    "future": "whose time lies in the future, check the clock of the export",
    "weight": "whose weight is no number",
    "negative": "whose weight is negative",
    "context": f"whose context has a name of more than {NAME_BYTES} bytes",
    "clicked": "that say neither 1, 0 nor nothing in the column of clicks",
    "itself": "that lead from a thing to itself",
    "twice": "that repeat an item of the same user; the earliest was kept",
    "again": "that answer again for the same user and item; one that was taken was kept, else the earliest",
}
QUESTION = "question"
"""Why a row without an item is no interaction and yet not left out: it asks about a user of whom nothing is known."""
DAY_S = 86_400.0
TENTH = Field("tenth", "ids")
"""Which tenth of all users a user is in: all that a split by users needs of a name, and too little to know it by."""


def judged(rows: pl.DataFrame) -> pl.DataFrame:
    """Add to interactions why each cannot be used (a key of ``REASONS``, or null) and sort them by user and time.

    The weight of a pair is the largest of its rows: a sum would make two ratings of 2 one of 4.

    Parameters
    ----------
    rows : DataFrame
        ``line``, ``user`` and ``item`` as text; ``time`` in seconds since 1970 and ``weight`` as numbers, where there
        are such columns, null where they could not be read.
    """
    latest = datetime.now(UTC).timestamp() + DAY_S
    wrong = {
        "user": pl.col("user").fill_null("") == "",
        "item": pl.col("item").fill_null("") == "",
        "long": pl.col("item").str.len_bytes() > NAME_BYTES,
    }
    if "time" in rows.columns:
        wrong |= {"time": pl.col("time").is_null() | pl.col("time").is_nan(), "future": pl.col("time") > latest}
    if "weight" in rows.columns:
        no_number = pl.col("weight").is_null() | ~pl.col("weight").is_finite()
        wrong |= {"weight": no_number, "negative": pl.col("weight") < 0}
    if "context" in rows.columns:
        wrong |= {"context": pl.col("context").str.len_bytes() > NAME_BYTES}
    if "clicked" in rows.columns:
        wrong |= {"clicked": ~pl.col("clicked").fill_null("").is_in(["", "0", "1"])}
    reason = pl.coalesce(pl.when(test).then(pl.lit(key)) for key, test in wrong.items())
    order = ["user", *(name for name in ("part", "time") if name in rows.columns), "line"]
    found = rows.with_columns(reason.alias("reason")).sort(order, maintain_order=True).with_row_index("place")
    # A question (an empty cell of a log) is no answer and repeats none; of answers one that was taken comes first.
    log = "clicked" in rows.columns
    asked = (pl.col("clicked") == "") if log else pl.lit(value=False)
    later = (pl.col("clicked") != "1") if log else pl.lit(value=False)
    found = found.with_columns(asked.alias("asked"), (pl.col("place") + later * len(rows)).alias("place"))
    if "weight" in rows.columns:
        same = ("user", "item", "reason", *(("clicked",) if log else ()))
        found = found.with_columns(pl.col("weight").max().over(same))
    again = pl.col("reason").is_null() & (
        pl.col("place") > pl.col("place").min().over("user", "item", "reason", "asked")
    )
    made = found.with_columns(
        pl.when(again).then(pl.lit("again" if log else "twice")).otherwise("reason").alias("reason")
    )
    return made.drop("place", "asked")


def left_out(rows: pl.DataFrame, name: str, where: str) -> Iterator[SetAside]:
    """Say how many interactions of a table were left out, and why, the most frequent reason first."""
    counts = rows.filter(pl.col("reason") != QUESTION).group_by("reason").agg(pl.len(), pl.col("line").min())
    counts = counts.sort("len", "line", descending=[True, False])
    for reason, count, line in counts.iter_rows():
        told = f"left out {count} of {len(rows)} interactions {REASONS[reason]} (the first in line {line})"
        yield SetAside(name, f"{where}: {told}", line, note=True)


def batches(rows: pl.DataFrame, *, prefix: str = "") -> Iterator[RecordBatch]:
    """Yield the users of usable interactions, sorted by user, as records.

    Fields: ``item`` (L), names; and where the table has them ``time`` (L) in seconds since 1970, ``weight`` (L),
    ``clicked`` (L), 1, 0 or -1 for yes, no and unknown, ``context`` (L), names, and ``part`` (L), 0, 1 or 2 for train,
    valid and test.
    """
    users = rows.get_column("user").rle().struct.unnest()
    names, lengths = users.get_column("value").to_list(), users.get_column("len").to_numpy().astype(np.int64)
    ends = np.cumsum(lengths)
    for begin in range(0, len(names), USERS):
        end = min(begin + USERS, len(names))
        first = int(ends[begin] - lengths[begin])
        some = rows.slice(first, int(ends[end - 1]) - first)
        offsets = np.concatenate([[0], np.cumsum(lengths[begin:end])]).astype(np.int64)
        yield _batch(some, names[begin:end], offsets, prefix)


def with_questions(rows: pl.DataFrame) -> pl.DataFrame:
    """Make questions of judged interactions without an item whose users have no other that can be used."""
    question = (pl.col("reason") == "item") & ~pl.col("reason").is_null().any().over("user")
    return rows.with_columns(pl.when(question).then(pl.lit(QUESTION)).otherwise("reason").alias("reason"))


def without_history(rows: pl.DataFrame, *, prefix: str = "") -> Iterator[RecordBatch]:
    """Yield the users of questions."""
    users = rows.filter(pl.col("reason") == QUESTION).get_column("user").unique(maintain_order=True).to_list()
    if users:
        yield _batch(rows.clear(), users, np.zeros(len(users) + 1, dtype=np.int64), prefix)


def _batch(rows: pl.DataFrame, users: Sequence[str], offsets: Index, prefix: str) -> RecordBatch:
    kinds = {
        "time": ("array", "T", "s"),
        "weight": ("array", "L", "1"),
        "part": ("ids", "L", ""),
        "clicked": ("ids", "L", ""),
        "context": ("ids", "L", ""),
    }
    fields: dict[Field, Column] = {Field("item", "ids", "L", ragged=True): Ragged(names_of(rows["item"]), offsets)}
    for name, (kind, axes, unit) in kinds.items():
        if name in rows.columns:
            values = _values(rows.get_column(name), name)
            told = Field(name, kind, axes, unit=unit, ragged=True, missing=name == "time")  # type: ignore[arg-type]
            fields[told] = Ragged(values, offsets)
    fields[TENTH] = tenths_of([u.encode() for u in users])
    columns = {field.name: column for field, column in fields.items()}
    record = np.array([f"{prefix}{u}" for u in users], dtype=np.str_)
    return RecordBatch(tuple(fields), columns, record, np.array(users, dtype=np.str_), named_by_subject=True)


def _values(column: pl.Series, name: str) -> Array:
    """A column of numbers, or of names; whether something was clicked is 1, 0 or, where it is empty, -1."""
    if name == "context":
        return names_of(column.fill_null(""))
    if name == "clicked":
        column = column.replace_strict({"": -1, "0": 0, "1": 1}, default=-1, return_dtype=pl.Int8)
    return np.asarray(column.to_numpy().astype(np.int8 if name in ("part", "clicked") else np.float64))


def names_of(texts: pl.Series) -> Names:
    """Give a column of names as bytes, (N,); each different one is encoded once."""
    if texts.is_empty():
        return as_names([])
    distinct = texts.unique()
    number = pl.Series(range(len(distinct)), dtype=pl.UInt32)
    names = as_names(distinct.to_list())
    return np.asarray(names[texts.replace_strict(distinct, number).to_numpy()])
