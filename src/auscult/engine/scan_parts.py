"""One batch of a library → a part file: a row for each record in the order of the input, answered or not."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Likens, Outputs, RecordBatch, SetAside
from auscult.base.errors import UsageError
from auscult.base.files import write_bytes, write_json
from auscult.engine.runtime import NOTE, UNSURE, Release, Staged, raw_name, status_of
from auscult.engine.scan_top import Described, Pool

ANSWERS, TOP = ".csv", ".parquet"
_ROW = re.compile(r"#(\d+)$")
_DIFFERS = re.compile(r"('[^']*')|\d+(?:\.\d+)?")
"""Numbers differ between records; those in the name of a column do not."""


@dataclass
class _Row:
    """What a row says besides its answer; ``at`` is its answer among those of the batch."""

    record: str
    status: str
    reason: str = ""
    at: int = -1


def columns_of(release: Release) -> list[str]:
    """Names of the answer's columns, in order.

    Raises
    ------
    UsageError
        If an answer of this kind is no row of a table.
    """
    return list(_empty_columns(release))


def _empty_columns(release: Release) -> dict[str, Array]:
    """Columns of one made-up answer."""
    k = release.kind.n_outputs(release.spec)
    number = np.zeros((1, k))
    empty = {
        "probability": number, "label": np.zeros(1, dtype=np.int64), "answered": np.ones(1), "value": number,
        "interval": np.zeros((1, k, 2)),
    }  # fmt: skip
    return release.kind.columns(release.spec, Outputs(empty, np.zeros(1, dtype=np.int64)))


def numeric_columns(release: Release) -> list[str]:
    """Names of the columns that can rank."""
    return [name for name, values in _empty_columns(release).items() if values.dtype.kind in "fiu"]


def write_part(
    release: Release,
    batch: RecordBatch | None,
    aside: Sequence[SetAside],
    *,
    path: Path,
    best: tuple[Pool, str] | None,
) -> None:
    """Answer a batch and write its rows to ``path`` with three endings; the CSV comes last and says that all is there.

    Parameters
    ----------
    release : Release
        What answers.
    batch : RecordBatch, optional
        The records; absent where none of them could be read.
    aside : sequence of SetAside
        What could not be read on the way.
    path : Path
        Place of the part, without its ending.
    best : (Pool, str), optional
        The best so far and the column that ranks, where the best are listed.
    """
    rows, columns = _answered(release, batch, best, path) if batch is not None else ([], {})
    rows = _with_aside(rows, aside)
    told = Counter(row.status for row in rows), Counter(_alike(row) for row in rows if row.reason)
    write_json(path.with_suffix(".json"), {"counts": dict(told[0]), "reasons": dict(told[1])})
    write_bytes(path.with_suffix(ANSWERS), _table(rows, columns, columns_of(release)))


def _answered(
    release: Release, batch: RecordBatch, best: tuple[Pool, str] | None, path: Path
) -> tuple[list[_Row], dict[str, Array]]:
    """Rows of a batch, and the columns of its answers."""
    staged = release.stage(batch)
    rows = _rows(batch, staged)
    place = {row.record: row for row in rows}
    for told in staged.refused:
        place[told.record].status, place[told.record].reason = told.status, told.reason
    if staged.batch is None or staged.items is None:
        return rows, {}
    arrays = release.run({n: staged.items.inputs[n] for n in release.inputs})
    outputs = release.outputs(staged.batch, staged.items, arrays)
    columns = release.kind.columns(release.spec, outputs)
    names = staged.batch.record[outputs.record].tolist()
    if len(set(names)) < len(names):
        raise UsageError(
            "--table: expected one answer a record, got several of one, each at its place; leave --table out"
        )
    silent = release.kind.silent(outputs)
    for at, name in enumerate(names):
        place[name].at, place[name].status = at, "abstained" if silent[at] else "answered"
        place[name].reason = UNSURE if silent[at] else ""
    if best is not None and isinstance(release.task, Likens):
        pool, by = best
        score = np.asarray(columns[by or next(iter(columns))], dtype=np.float64)
        chosen = _distinct(release.task, staged.batch, pool.may_enter(score), pool.size)
        if len(chosen):
            pool.write(path.with_suffix(TOP), score[chosen], _described(release.task, batch, staged, chosen))
    return rows, columns


def _rows(batch: RecordBatch, staged: Staged) -> list[_Row]:
    """A row for each record, in order; a record that the task cut into parts has a row for each of them."""
    parts: dict[str, list[str]] = {name: [] for name in batch.record.tolist()}
    prepared = [] if staged.batch is None else staged.batch.record.tolist()
    for name in [*prepared, *(told.record for told in staged.refused)]:
        parts.setdefault(raw_name(name, parts), []).append(name)
    return [_Row(name, "refused") for record, names in parts.items() for name in sorted(names, key=_number) or [record]]


def _distinct(task: Likens, batch: RecordBatch, rows: Array, size: int) -> Array:
    """The first rows that are things of their own, as many as a pool holds; the others are the same once more."""
    seen: set[str] = set()
    kept: list[int] = []
    for begin in range(0, len(rows), size):
        some = rows[begin : begin + size]
        for row, identity in zip(some.tolist(), task.identity(batch.take(some)).tolist(), strict=True):
            if identity not in seen and len(kept) < size:
                seen.add(identity)
                kept.append(row)
        if len(kept) == size:
            break
    return np.sort(np.array(kept, dtype=np.int64))


def _described(task: Likens, raw: RecordBatch, staged: Staged, rows: Array) -> Described:
    """What a list of the best shows of some answered records."""
    if staged.batch is None or staged.items is None:
        raise ValueError("expected answered records")
    some = staged.batch.take(rows)
    place = {name: row for row, name in enumerate(raw.record.tolist())}
    at = np.array([place[name] for name in some.record.tolist()], dtype=np.int64)
    texts = {f.name: raw.dense(f.name)[at] for f in raw.fields if f.kind == "text"}
    packed = np.packbits(task.bits(staged.items)[rows], axis=1)
    return Described(some.record, texts, task.identity(some), packed)


def _with_aside(rows: list[_Row], aside: Sequence[SetAside]) -> list[_Row]:
    """Put what could not be read between the rows, by its number; a note on a row that is there goes into it."""
    place = {row.record: row for row in rows}
    more = []
    for one in aside:
        known = place.get(one.source)
        if known is None:
            row = _Row(one.source, status_of(one), one.reason)
            place[one.source] = row
            more.append(row)
        else:
            known.reason = "; ".join(filter(None, (known.reason, one.reason)))
            known.status = status_of(one) if known.status == NOTE else known.status
    if any(_ROW.search(row.record) for row in more):
        return sorted([*rows, *more], key=lambda row: _number(row.record))
    return [*rows, *more]


def _number(name: str) -> int:
    """Row of the input, or part of a record, by the name; what has none keeps its place at the end."""
    found = _ROW.search(name)
    return int(found[1]) if found else 1 << 62


def _bare(row: _Row) -> str:
    """A reason without the name of its record."""
    return row.reason.removeprefix(f"{row.record}: ")


def _alike(row: _Row) -> str:
    """A reason without what differs between records."""
    return _DIFFERS.sub(lambda found: found[1] or "…", _bare(row))


def _table(rows: Sequence[_Row], columns: dict[str, Array], names: Sequence[str]) -> bytes:
    """Rows as CSV without a header."""
    import pyarrow as pa
    from pyarrow import csv

    at = np.array([row.at for row in rows], dtype=np.int64)
    none = at < 0
    table: dict[str, Any] = {
        "record": [row.record for row in rows],
        "status": [row.status for row in rows],
        "reason": [row.reason or None for row in rows],
    }
    for name in names:
        values = columns.get(name)
        taken = np.zeros(len(rows)) if values is None else values[np.maximum(at, 0)]
        table[f"answer {name}"] = pa.array(taken, mask=none)
    stream = io.BytesIO()
    csv.write_csv(pa.table(table), stream, csv.WriteOptions(include_header=False))
    return stream.getvalue()
