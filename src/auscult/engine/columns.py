"""Record batches on disk: memory-mapped ``.npy`` for numbers, Parquet for names, groups and text.

polars is loaded where Parquet is read or written: an answer needs none. pyarrow would load pandas too where it is
installed, half a second in every process that prepares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array, Column, Ragged
from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import ShapeError
from auscult.base.files import canonical, read_json, write_json

_HEADER_BYTES = 256
BUFFER_BYTES = 1 << 20
"""Pieces are kept until they are so many, then written together."""
TEXT = np.dtypes.StringDType()
"""Each text takes its own room: one of a million characters does not widen the others."""


class NpyAppender:
    """Writes one ``.npy`` file piece by piece; its length need not be known before.

    The file is open only while a piece is written, so that a job that fails leaves nothing open.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun = False
        self._rows = 0
        self._tail: tuple[int, ...] = ()
        self._dtype = np.dtype(np.float32)
        self._waiting: list[Array] = []
        self._waiting_bytes = 0

    def append(self, values: Array) -> None:
        """Add rows.

        Raises
        ------
        ShapeError
            If the type or the trailing axes differ from the first piece.
        """
        values = np.ascontiguousarray(values)
        if not self._begun:
            self._tail, self._dtype, self._begun = values.shape[1:], values.dtype, True
            self._path.write_bytes(b"\0" * _HEADER_BYTES)
        elif values.shape[1:] != self._tail or values.dtype != self._dtype:
            raise ShapeError(
                f"{self._path.stem}: expected pieces of {self._dtype} {self._tail}, "
                f"got {values.dtype} {values.shape[1:]}"
            )
        self._rows += len(values)
        self._waiting_bytes += values.nbytes
        whole = self._waiting_bytes >= BUFFER_BYTES
        self._waiting.append(values if whole else values.copy())  # what waits must not change with what was given
        if whole:
            self._flush()

    def _flush(self) -> None:
        with self._path.open("ab") as stream:
            for values in self._waiting:
                stream.write(values.data if values.size else b"")
        self._waiting, self._waiting_bytes = [], 0

    def close(self) -> None:
        """Write the header; the file is whole from here on."""
        if not self._begun:
            return
        self._flush()
        shape = (self._rows, *self._tail)
        text = str({"descr": self._dtype.str, "fortran_order": False, "shape": shape})
        head = b"\x93NUMPY\x01\x00" + (_HEADER_BYTES - 10).to_bytes(2, "little")
        with self._path.open("r+b") as stream:
            stream.write(head + text.ljust(_HEADER_BYTES - 11).encode("latin1") + b"\n")


class BatchWriter:
    """Streams record batches of the same fields into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fields: tuple[Field, ...] | None = None
        self._columns: dict[str, NpyAppender] = {}
        self._lengths: dict[str, list[npt.NDArray[np.int64]]] = {}
        self._shapes: dict[str, list[npt.NDArray[np.int64]]] = {}
        self._table: dict[str, list[str]] = {}
        self._count = 0

    def append(self, batch: RecordBatch) -> None:
        """Add records.

        Raises
        ------
        ShapeError
            If the fields differ from those of the records before.
        """
        if self._fields is None:
            self._fields = batch.fields
        elif batch.fields != self._fields:
            raise ShapeError(
                f"prepared records: expected the fields {[f.name for f in self._fields]} with the same rate and leads, "
                "got others; bring them to one form in the task's preparation"
            )
        self._count += len(batch)
        self._names("record", batch.record)
        self._names("hash", np.array(record_hashes(batch)))
        if batch.subject is not None:
            self._names("subject", batch.subject)
        for key, values in batch.groups.items():
            self._names(f"group:{key}", values)
        for f in batch.fields:
            self._column(f, batch.columns[f.name])

    def _names(self, key: str, values: npt.NDArray[np.str_]) -> None:
        self._table.setdefault(key, []).extend(str(v) for v in values)

    def _column(self, f: Field, column: Column) -> None:
        if f.kind == "text":
            self._names(f"text:{f.name}", np.asarray(column))
            return
        appender = self._columns.setdefault(f.name, NpyAppender(self._folder / f"{f.name}.npy"))
        if isinstance(column, Ragged):
            appender.append(column.values)
            self._lengths.setdefault(f.name, []).append(column.lengths)
            if column.shapes is not None:
                self._shapes.setdefault(f.name, []).append(column.shapes)
        else:
            appender.append(column)

    def close(self) -> int:
        """Finish all files and return the number of records.

        Raises
        ------
        ShapeError
            If some records name a subject or group key and others do not.
        """
        import polars as pl

        for appender in self._columns.values():
            appender.close()
        for name, lengths in self._lengths.items():
            offsets = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)
            np.save(self._folder / f"{name}.offsets.npy", offsets)
        for name, shapes in self._shapes.items():
            np.save(self._folder / f"{name}.shapes.npy", np.concatenate(shapes))
        whole = {k: v for k, v in self._table.items() if len(v) == self._count}
        if "subject" in self._table and "subject" not in whole:
            raise ShapeError("records: some name their subject and others do not; read them as separate datasets")
        table = pl.DataFrame(whole or {"record": []}, schema_overrides=dict.fromkeys(whole or ("record",), pl.String))
        table.write_parquet(self._folder / "records.parquet")
        write_json(self._folder / "fields.json", [asdict(f) for f in self._fields or ()])
        return self._count


def read_batch(folder: Path) -> RecordBatch:
    """Open a folder as one record batch; numbers are memory-mapped, nothing is copied."""
    import polars as pl

    table = pl.read_parquet(folder / "records.parquet")
    keys = [key for key in table.columns if not key.startswith("text:")]
    names = {key: np.asarray(table[key].to_list(), dtype=np.str_) for key in keys}
    fields = tuple(_field(entry) for entry in read_json(folder / "fields.json"))
    columns: dict[str, Column] = {}
    for f in fields:
        if f.kind == "text":
            columns[f.name] = np.asarray(table[f"text:{f.name}"].to_list(), dtype=TEXT)
            continue
        values = np.load(folder / f"{f.name}.npy", mmap_mode="r")
        offsets = folder / f"{f.name}.offsets.npy"
        shapes = folder / f"{f.name}.shapes.npy"
        if offsets.exists():
            columns[f.name] = Ragged(values, np.load(offsets), np.load(shapes) if shapes.exists() else None)
        else:
            columns[f.name] = values
    groups = {key.removeprefix("group:"): v for key, v in names.items() if key.startswith("group:")}
    return RecordBatch(fields, columns, names["record"], names.get("subject"), groups)


def _field(entry: dict[str, Any]) -> Field:
    spacing = entry.pop("spacing_mm")
    channels = entry.pop("channels")
    return Field(**entry, channels=tuple(channels), spacing_mm=None if spacing is None else tuple(spacing))


def record_hashes(batch: RecordBatch) -> list[str]:
    """SHA-256 of each record's content: fields and values, not its name or subject."""
    head = _head(batch.fields)
    hashes = []
    for row in range(len(batch)):
        digest = sha256(head)
        for f in batch.fields:
            value = batch.columns[f.name][row]
            digest.update(str(value).encode() if f.kind == "text" else np.ascontiguousarray(value).tobytes())
        hashes.append(digest.hexdigest())
    return hashes


@lru_cache(maxsize=64)
def _head(fields: tuple[Field, ...]) -> bytes:
    """The one byte string that stands for the fields of records."""
    return canonical([asdict(f) for f in fields])


def read_names(folder: Path, key: str) -> Iterator[str]:
    """Read one column of names of a folder of records.

    Raises
    ------
    KeyError
        If the records have no such column.
    """
    import polars as pl

    path = folder / "records.parquet"
    _ = pl.read_parquet_schema(path)[key]  # KeyError where it is not there
    yield from pl.read_parquet(path, columns=[key])[key].to_list()
