"""Records that a client decoded: one safetensors file, checked against the fields that the release knows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import Field as Setting
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load

from auscult.base.arrays import Array, Column, Ragged, require_axes
from auscult.base.contracts import Config, Field, RecordBatch
from auscult.base.errors import ReadError, ShapeError, UnitError, unknown
from auscult.base.units import UNITS, to_home

MAX_NAME = 200


class SentField(Config):
    """What a client says about one tensor."""

    unit: str = Setting("", max_length=40)
    rate_hz: float | None = Setting(None, gt=0, le=1e9, allow_inf_nan=False)
    spacing_mm: tuple[float, ...] | None = None
    channels: tuple[str, ...] = ()


_SENT = TypeAdapter(dict[str, SentField])


@dataclass(frozen=True)
class Form:
    """How a release has a field: as its readers give it.

    Parameters
    ----------
    field : Field
        Name, kind, axes and home unit.
    dtype : str
        Type of the values.
    ragged_axes : int
        How many leading axes differ from record to record; 0 for a dense column.
    """

    field: Field
    dtype: str
    ragged_axes: int

    def to_dict(self) -> dict[str, Any]:
        """JSON value for clients."""
        given = {"axes": self.field.axes, "unit": self.field.unit, "dtype": self.dtype}
        needs = {"rate_hz": self.field.rate_hz, "spacing_mm": self.field.spacing_mm}
        return {
            **given,
            "kind": self.field.kind,
            "needs": ["unit"] * bool(self.field.unit)
            + [name for name, value in needs.items() if value is not None]
            + ["channels"] * bool(self.field.channels),
        }


def forms_of(batches: Iterable[RecordBatch]) -> dict[str, Form]:
    """Take the form of each numeric field from records that a reader gave."""
    forms: dict[str, Form] = {}
    for batch in batches:
        for field in batch.fields:
            column = batch.columns[field.name]
            values = column.values if isinstance(column, Ragged) else column
            if values.dtype.kind not in "fiu":
                continue
            ragged = 0
            if isinstance(column, Ragged):
                ragged = 1 if column.shapes is None else int(column.shapes.shape[1])
            forms.setdefault(field.name, Form(field, str(values.dtype), ragged))
    return forms


def from_decoded(body: bytes, forms: Mapping[str, Form]) -> RecordBatch:
    """Read one record.

    Parameters
    ----------
    body : bytes
        A safetensors file; see ``service.bodies``.
    forms : mapping of str to Form
        Fields that the release knows.

    Returns
    -------
    RecordBatch
        One record in home units.

    Raises
    ------
    ReadError
        If it is no such file, or a field is unknown or not described.
    UnitError
        If a unit is unknown or of another quantity, or a rate is missing.
    ShapeError
        If a tensor has other axes than the field.
    """
    arrays, metadata = _parsed(body)
    try:
        sent = _SENT.validate_json(metadata.get("fields", "{}"))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part)[:40] for part in first["loc"][1:]) or "the text"
        raise ReadError(f"record body, metadata 'fields': {place}: {first['msg']}") from None
    if not arrays or sorted(arrays) != sorted(sent):
        raise ReadError(
            f"record body: expected in the metadata under 'fields' the same names as there are tensors, "
            f"got {len(sent)} for {len(arrays)} tensors"
        )
    made = [_column(name, array, sent[name], forms) for name, array in arrays.items()]
    name = metadata.get("record", "record")
    if not name.isprintable() or not 0 < len(name) <= MAX_NAME:
        raise ReadError(f"record body, metadata 'record': expected 1 to {MAX_NAME} printable characters, got others")
    return RecordBatch(tuple(f for f, _ in made), {f.name: c for f, c in made}, np.array([name]))


def _parsed(body: bytes) -> tuple[dict[str, Array], dict[str, str]]:
    try:
        arrays = load(body)
        header = json.loads(body[8 : 8 + int.from_bytes(body[:8], "little")])
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError):
        raise ReadError("record body: expected a safetensors file, got something else") from None
    return arrays, header.get("__metadata__") or {}


def _column(name: str, array: Array, sent: SentField, forms: Mapping[str, Form]) -> tuple[Field, Column]:
    form = forms.get(name)
    if form is None:
        raise ReadError(unknown("field", name[:40], forms, where="the record body"))
    require_axes(array, form.field.axes, name)
    _require_described(form.field, array, sent)
    values = _converted(form, array, sent.unit)
    field = replace(
        form.field,
        rate_hz=sent.rate_hz,
        spacing_mm=sent.spacing_mm,
        channels=sent.channels,
        missing=values.dtype.kind == "f" and bool(np.isnan(values).any()),
    )
    if form.ragged_axes:
        return field, Ragged.of([values], ragged_axes=form.ragged_axes)
    return field, values[None]


def _require_described(field: Field, array: Array, sent: SentField) -> None:
    if field.rate_hz is not None and sent.rate_hz is None:
        raise UnitError(f"{field.name}: expected 'rate_hz' beside the unit, got none; say the samples per second")
    n_space = sum(axis in "DHW" for axis in field.axes)
    if field.spacing_mm is not None and len(sent.spacing_mm or ()) != n_space:
        raise UnitError(f"{field.name}: expected 'spacing_mm' with {n_space} lengths, got {len(sent.spacing_mm or ())}")
    n_channels = array.shape[field.axes.index("C")] if field.channels else 0
    if len(sent.channels) != n_channels:
        raise ShapeError(
            f"{field.name}: expected {n_channels} names under 'channels', one for each along axis C, "
            f"got {len(sent.channels)}"
        )


def _converted(form: Form, array: Array, unit: str) -> Array:
    """Bring values to the home unit and type of the field; the result may share memory with the body."""
    field = form.field
    wanted = np.dtype(form.dtype)
    if array.dtype.kind not in ("fiu" if wanted.kind == "f" else "iu"):
        raise ShapeError(f"{field.name}: expected numbers that fit {form.dtype}, got {array.dtype}")
    factor = 1.0
    if field.unit in UNITS:
        factor = to_home(unit, UNITS[field.unit].quantity, where=f"record body, field '{field.name}'")[1]
    elif unit != field.unit:
        raise UnitError(f"{field.name}: expected the unit '{field.unit}', got another")
    if factor != 1.0 and wanted.kind != "f":
        raise UnitError(f"{field.name}: expected the unit '{field.unit}' for whole numbers, got another")
    with np.errstate(over="ignore"):
        values = np.asarray(array if factor == 1.0 else array * factor, dtype=wanted)
    if wanted.kind == "f" and np.isinf(values).any():
        raise ShapeError(f"{field.name}: expected finite numbers or NaN for a gap, got infinite ones")
    return values
