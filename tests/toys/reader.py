"""The toy format: JSON lines, a header that declares the fields, then one record a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from auscult.base.arrays import Column, Ragged
from auscult.base.contracts import Field, RecordBatch, SetAside, Source
from auscult.base.errors import ReadError, UnitError
from auscult.base.units import to_home

MARK = b'{"toy": 1'
FAULTS = (ValueError, KeyError, TypeError)


class ToyReader:
    """Reads ``.toy`` files, told by their first bytes."""

    wants: ClassVar[str] = "files that start with the toy mark"

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield the files that start with the toy mark."""
        for path in files:
            with path.open("rb") as stream:
                if stream.read(len(MARK)) == MARK:
                    yield Source("toy", path.stem, (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield one batch of the good lines, and each bad line with its reason."""
        path = source.files[0]
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        try:
            fields = [_field(f) for f in json.loads(head)["fields"]]
        except FAULTS as error:
            raise ReadError(f"{path.name}: expected a header that declares its fields, got something else") from error
        good: list[tuple[Mapping[str, Any], list[Any]]] = []
        for number, line in enumerate(lines, start=2):
            try:
                record = json.loads(line)
                values = [_value(f, dtype, factor, record["values"]) for f, dtype, factor in fields]
                if good and any(
                    not f.ragged and np.shape(v) != np.shape(w)
                    for (f, *_), v, w in zip(fields, values, good[0][1], strict=True)
                ):
                    raise ValueError(record["record"])
                good.append((record, values))
            except FAULTS:
                reason = f"{path.name}, line {number}: expected a record with {', '.join(f.name for f, _, _ in fields)}"
                yield SetAside(source.name, reason, number)
        if good:
            yield _batch([f for f, _, _ in fields], good)


def _field(entry: Mapping[str, Any]) -> tuple[Field, str, float]:
    about = dict(entry)
    dtype, quantity = about.pop("dtype"), about.pop("quantity", "")
    factor = 1.0
    if quantity:
        try:
            about["unit"], factor = to_home(about["unit"], quantity, where=f"field '{about['name']}'")
        except UnitError as error:
            raise ReadError(str(error)) from error
    return Field(**{**about, "channels": tuple(about.get("channels", ()))}), dtype, factor


def _value(field: Field, dtype: str, factor: float, values: Mapping[str, Any]) -> Any:
    if field.kind == "text":
        return str(values[field.name])
    value = np.asarray(values[field.name], dtype=dtype)
    value = value.reshape(-1, *value.shape[1:]) if value.ndim else value
    if value.ndim != len(field.axes):
        raise ValueError(field.name)
    return value * np.asarray(factor, dtype=dtype) if factor != 1.0 else value


def _batch(fields: Sequence[Field], good: Sequence[tuple[Mapping[str, Any], list[Any]]]) -> RecordBatch:
    columns: dict[str, Column] = {}
    for k, field in enumerate(fields):
        rows = [values[k] for _, values in good]
        ragged_axes = sum(letter in "THWDL" for letter in field.axes)
        columns[field.name] = (
            Ragged.of(rows, ragged_axes=max(1, ragged_axes))
            if field.ragged
            else np.stack(rows)
            if field.kind != "text"
            else np.array(rows, dtype=np.str_)
        )
    keys = set.intersection(*({*r.get("groups", {})} for r, _ in good))
    subject = [r.get("subject") for r, _ in good]
    return RecordBatch(
        tuple(fields),
        columns,
        np.array([r["record"] for r, _ in good], dtype=np.str_),
        None if None in subject else np.array(subject, dtype=np.str_),
        {k: np.array([r["groups"][k] for r, _ in good], dtype=np.str_) for k in sorted(keys)},
        all(r["record"] == r.get("subject") for r, _ in good),
    )
