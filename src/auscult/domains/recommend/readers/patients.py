"""Patients with attributes: tables beside tables of use, or questions as JSON Lines.

Tables are told by their headers: one whose first column is ``patient`` and that names no device holds attributes of
patients; a table of interactions in the same folder what each was given; one whose first column is ``device`` and that
names no patient holds new devices, which the catalogue of a release does not know.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from auscult.base.arrays import Column, Ragged
from auscult.base.contracts import Field, RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.recommend.preprocess.names import NAME_BYTES, as_names, tenths_of
from auscult.domains.recommend.readers.common import TENTH
from auscult.domains.recommend.readers.interactions import InteractionsReader, broken, header_of, roles_of, separator_of

NAME = "patients"
REQUESTS = "patient-requests"
HEAD_BYTES = 65_536
KEYS = {"patient", "attributes", "devices", "new_devices"}
PATIENT, DEVICE = ("patient", "patient_id"), ("device", "device_id")


class PatientsReader:
    """Reads tables of patients, of what they were given, and of new devices; one record a patient."""

    wants: ClassVar[str] = f"a table whose first column is {' or '.join(PATIENT)}, and no column is a device"

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield folders with a table of patients."""
        by_folder: dict[Path, list[Path]] = defaultdict(list)
        for path in files:
            by_folder[path.parent].append(path)
        for found in by_folder.values():
            heads = {path: header_of(path) for path in found}
            patients = [p for p, head in heads.items() if _is_about(head, PATIENT)]
            others = [
                p for p, head in heads.items() if {"user", "item"} <= set(roles_of(head)) or _is_about(head, DEVICE)
            ]
            for path in patients[:1]:
                yield Source(NAME, path.stem, (path, *others))
            for path in patients[1:]:
                yield Source(NAME, path.stem, (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield patients in one batch, then what was left out and why.

        Raises
        ------
        ReadError
            If a table is broken or holds no patient.
        """
        rows = _rows(source.files[0])
        key = next(iter(rows[0]))
        given: dict[str, list[tuple[bytes, float]]] = defaultdict(list)
        fresh: list[dict[str, Any]] = []
        aside: list[SetAside] = []
        for path in source.files[1:]:
            if _is_about(header_of(path), DEVICE):
                fresh += [{"device": r.pop(next(iter(r))), **r} for r in _rows(path)]
                continue
            for part in InteractionsReader().read(replace(source, files=(path,))):
                if isinstance(part, SetAside):
                    aside.append(part)
                    continue
                for row, user in enumerate(part.record.tolist() if part.subject is None else part.subject.tolist()):
                    items = part.ragged("item")[row].tolist()
                    times = part.ragged("time")[row].tolist() if part.has("time") else [math.nan] * len(items)
                    given[user] += zip(items, times, strict=True)
        names = [str(r.pop(key)) for r in rows]
        if len(set(names)) < len(names):
            raise ReadError(f"{source.files[0].name}: expected each patient once, got one again")
        foreign = len(set(given) - set(names))
        if foreign:
            told = f"{source.files[0].name}: left out what {foreign} patients were given who are in no row of the table"
            aside.append(SetAside(source.name, told, note=True))
        yield batch_of(
            [
                Request(n, r, [d for d, _ in given[n]], fresh, [t for _, t in given[n]])
                for n, r in zip(names, rows, strict=True)
            ]
        )
        yield from aside


class PatientRequestsReader:
    """Reads questions as JSON Lines: ``patient``, ``attributes``, ``devices`` and ``new_devices``."""

    wants: ClassVar[str] = "JSON Lines with 'patient' and 'attributes'"

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield files whose first line is an object with a patient."""
        for path in files:
            with path.open("rb") as stream:
                line = stream.read(HEAD_BYTES).split(b"\n", 1)[0]
            if line.lstrip().startswith(b"{") and b'"patient"' in line and b'"attributes"' in line:
                yield Source(REQUESTS, path.stem, (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield each patient; a line that cannot be used is set aside with its reason."""
        path = source.files[0]
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            if not line.strip():
                continue
            try:
                yield batch_of([_request(line)])
            except ReadError as error:
                yield SetAside(source.name, f"{path.name}: line {number}: {error}", number)


@dataclass(frozen=True, repr=False)
class Request:
    """One patient as a file states it; ``times`` in seconds since 1970, of each device, where they are known."""

    patient: str
    attributes: Mapping[str, Any]
    devices: Sequence[bytes]
    fresh: Sequence[Mapping[str, Any]]
    times: Sequence[float] | None = None


def batch_of(requests: Sequence[Request]) -> RecordBatch:
    """Patients as records: ``item`` (L) and ``time`` (L), NaN where unknown; ``patient`` and ``new_device`` as JSON."""
    lists = [np.array(r.devices, dtype=f"S{NAME_BYTES}") for r in requests]
    columns: dict[Field, Column] = {
        Field("item", "ids", "L", ragged=True): Ragged.of(lists),
        Field("time", "array", "T", unit="s", ragged=True, missing=True): Ragged.of(
            [np.array([math.nan] * len(r.devices) if r.times is None else r.times, dtype=np.float64) for r in requests]
        ),
        Field("patient", "text"): np.array([json.dumps(r.attributes, sort_keys=True) for r in requests]),
        Field("new_device", "text"): np.array([json.dumps(list(r.fresh), sort_keys=True) for r in requests]),
    }
    columns[TENTH] = tenths_of(r.patient.encode() for r in requests)
    names = np.array([r.patient for r in requests], dtype=np.str_)
    made = {f.name: c for f, c in columns.items()}
    return RecordBatch(tuple(columns), made, names, names, named_by_subject=True)


def _request(line: bytes) -> Request:
    try:
        made = json.loads(line)
    except (ValueError, UnicodeDecodeError) as error:
        raise ReadError("expected a JSON object, got a broken line") from error
    if not isinstance(made, dict) or not made.get("patient") or set(made) - KEYS:
        raise ReadError(f"expected an object with {', '.join(sorted(KEYS))}, got something else")
    attributes, devices, fresh = made.get("attributes", {}), made.get("devices", []), made.get("new_devices", [])
    whole = isinstance(attributes, dict) and isinstance(devices, list) and all(isinstance(d, str) for d in devices)
    if not whole or not isinstance(fresh, list) or not all(isinstance(d, dict) and d.get("device") for d in fresh):
        raise ReadError("expected 'attributes' as an object, 'devices' as names, 'new_devices' as objects, got others")
    names = [*devices, *(str(d["device"]) for d in fresh)]
    if any(len(n.encode()) > NAME_BYTES for n in names):
        raise ReadError(f"expected names of devices of at most {NAME_BYTES} bytes, got a longer one")
    return Request(str(made["patient"]), attributes, list(as_names(list(dict.fromkeys(devices)))), fresh)


def _is_about(header: Sequence[str], key: Sequence[str]) -> bool:
    """Whether a header begins with a key and names nothing of the other side."""
    lower = [h.lower() for h in header]
    others = {*PATIENT, *DEVICE} - set(key)
    return len(lower) > 1 and lower[0] in key and not others & set(lower)


def _rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a table as texts, without the empty ones."""
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
        if head.startswith(b"PAR1"):
            table = pl.read_parquet(path)
            several = [c for c, kind in table.schema.items() if isinstance(kind, pl.List)]
            table = table.with_columns(pl.col(several).cast(pl.List(pl.String)).list.join("|")).cast(pl.String)
        else:
            with path.open("rb") as stream:
                first = stream.readline(HEAD_BYTES).decode("utf-8-sig", errors="replace")
            table = pl.read_csv(path, separator=separator_of(first), infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise broken(path) from error
    table = table.rename({c: c.strip().lower() for c in table.columns})
    key = table.columns[0]
    table = table.with_columns(pl.all().str.strip_chars()).filter(pl.col(key).fill_null("") != "")
    if table.is_empty():
        raise ReadError(f"{path.name}: expected rows with a name in the column '{key}', got none")
    return [{k: v for k, v in row.items() if v} for row in table.to_dicts()]
