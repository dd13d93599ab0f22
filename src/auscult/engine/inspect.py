"""Looks at a folder before anything is built: what is there, in which units, of what quality, and what is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from auscult.base.arrays import Ragged
from auscult.base.contracts import Domain, Finding, RecordBatch, SetAside
from auscult.base.registry import load_part
from auscult.engine.sources import find_sources, read_source

LISTED = 1000


@dataclass(frozen=True)
class FieldSummary:
    """One kind of column among the records of a reader: how many records, rates, channels, lengths."""

    reader: str
    name: str
    unit: str
    n_records: int
    rates_hz: tuple[float, ...]
    channels: tuple[str, ...]
    n_values: int
    duration_s: float | None


@dataclass(frozen=True)
class Inspection:
    """What a folder holds."""

    path: str
    n_files: int
    n_records: int
    n_subjects: int | None
    sources: dict[str, int]
    fields: tuple[FieldSummary, ...]
    findings: tuple[Finding, ...]
    set_aside: tuple[SetAside, ...]
    unclaimed: tuple[str, ...]


def inspect_folder(path: Path, domains: Sequence[Domain]) -> Inspection:
    """Read every record that any domain can read, and say what was found.

    Parameters
    ----------
    path : Path
        Folder or file.
    domains : sequence of Domain
        Whose readers are tried, in order; a file belongs to the first that claims it.

    Raises
    ------
    DataError
        If the path does not exist or is empty.
    """
    sources: Counter[str] = Counter()
    aside: list[SetAside] = []
    findings: list[Finding] = []
    fields: dict[tuple[str, str, str], FieldSummary] = {}
    subjects: set[str] = set()
    named = True
    n_records = 0
    left: set[Path] | None = None
    claimed: set[Path] = set()
    for domain in domains:
        found = find_sources(path, domain)
        mine = [s for s in found.sources if not claimed.intersection(s.files)]
        claimed |= {f for s in mine for f in s.files}
        left = set(found.unclaimed) if left is None else left & set(found.unclaimed)
        sources.update(s.reader for s in mine)
        batches: list[RecordBatch] = []
        for source in mine:
            for part in read_source(source, domain):
                if isinstance(part, SetAside):
                    aside.append(part)
                    continue
                n_records += len(part)
                named = named and part.subject is not None
                subjects.update([] if part.subject is None else part.subject.tolist())
                _add(fields, source.reader, part)
                batches.append(part)
        findings += _checked(domain, batches)
    return Inspection(
        str(path),
        len(claimed) + len(left or ()),
        n_records,
        len(subjects) if named and n_records else None,
        dict(sources),
        tuple(fields.values()),
        tuple(findings),
        tuple(aside[:LISTED]),
        tuple(sorted(f.name for f in left or ())),
    )


def _checked(domain: Domain, batches: Iterable[RecordBatch]) -> list[Finding]:
    whole = list(batches)
    return [finding for name in domain.checks for finding in load_part(domain, "checks", name)(whole)] if whole else []


def _add(fields: dict[tuple[str, str, str], FieldSummary], reader: str, batch: RecordBatch) -> None:
    """Add the columns of a batch to the summary."""
    for f in batch.fields:
        column = batch.columns[f.name]
        values = column.values if isinstance(column, Ragged) else np.asarray(column)
        rates = (f.rate_hz,) if f.rate_hz else ()
        duration = float(len(values) / f.rate_hz) if f.rate_hz and f.axes[:1] == "T" else None
        key = (reader, f.name, f.unit)
        old = fields.get(key)
        if old is None:
            fields[key] = FieldSummary(reader, f.name, f.unit, len(batch), rates, f.channels, int(values.size), duration)
            continue
        fields[key] = FieldSummary(
            reader,
            f.name,
            f.unit,
            old.n_records + len(batch),
            tuple(sorted({*old.rates_hz, *rates})),
            tuple(dict.fromkeys((*old.channels, *f.channels))),
            old.n_values + int(values.size),
            None if duration is None or old.duration_s is None else old.duration_s + duration,
        )
