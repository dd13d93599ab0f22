"""Looks at a folder before anything is built: what is there, in which units, of what quality, and what is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from auscult.base.arrays import Ragged
from auscult.base.contracts import Domain, Finding, RecordBatch, SetAside, Source
from auscult.base.registry import load_part
from auscult.engine.sources import find_sources, read_source

LISTED = 1000
SHOWN = 20
HELD_BYTES = 512 << 20


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
        Whose readers are tried. A file belongs to the source with most files, of equals to that of the first domain:
        a table of patients beside tables of use is no prose, though a reader of prose knows its words.

    Raises
    ------
    DataError
        If the path does not exist or is empty.
    """
    seen = _Seen()
    found = [find_sources(path, domain) for domain in domains]
    files = {f for each in found for f in (*each.unclaimed, *(f for s in each.sources for f in s.files))}
    mine = _shared_out([each.sources for each in found])
    claimed = {f for sources in mine for s in sources for f in s.files}
    for domain, sources in zip(domains, mine, strict=True):
        held: list[RecordBatch] = []
        for source in sources:
            seen.sources[source.reader] += 1
            for part in read_source(source, domain):
                if isinstance(part, SetAside):
                    seen.aside.append(part)
                    continue
                seen.add(source.reader, part)
                held.append(part)
            if sum(_bytes(b) for b in held) > HELD_BYTES:
                seen.check(domain, held)
                held = []
        seen.check(domain, held)
    left = files - claimed
    return Inspection(
        str(path),
        len(claimed) + len(left),
        seen.n_records,
        len(seen.subjects) if seen.named and seen.n_records else None,
        dict(seen.sources),
        tuple(seen.fields.values()),
        tuple(seen.findings.values()),
        tuple(seen.aside[:LISTED]),
        tuple(sorted(f.name for f in left)),
    )


def _shared_out(found: Sequence[Sequence[Source]]) -> list[list[Source]]:
    """What is left to each domain where several claim a file."""
    every = [(k, source) for k, sources in enumerate(found) for source in sources]
    claimed: set[Path] = set()
    won: set[tuple[int, Source]] = set()
    for k, source in sorted(every, key=lambda one: (-len(one[1].files), one[0])):
        if claimed.isdisjoint(source.files):
            claimed.update(source.files)
            won.add((k, source))
    return [[s for s in sources if (k, s) in won] for k, sources in enumerate(found)]


class _Seen:
    """What was seen so far."""

    def __init__(self) -> None:
        self.sources: Counter[str] = Counter()
        self.aside: list[SetAside] = []
        self.fields: dict[tuple[str, str, str], FieldSummary] = {}
        self.findings: dict[tuple[str, str], Finding] = {}
        self.subjects: set[str] = set()
        self.named = True
        self.n_records = 0

    def add(self, reader: str, batch: RecordBatch) -> None:
        """Count a batch."""
        self.n_records += len(batch)
        self.named = self.named and batch.subject is not None
        self.subjects.update([] if batch.subject is None else batch.subject.tolist())
        _add(self.fields, reader, batch)

    def check(self, domain: Domain, batches: list[RecordBatch]) -> None:
        """Run the domain's checks over some batches and add up what they find."""
        for name in domain.checks if batches else ():
            for new in load_part(domain, "checks", name)(batches):
                old = self.findings.get((new.check, new.message))
                records = new.records if old is None else (*old.records, *new.records)[:SHOWN]
                count = new.count + (0 if old is None else old.count)
                self.findings[new.check, new.message] = replace(new, count=count, records=records)


def _bytes(batch: RecordBatch) -> int:
    return sum(c.values.nbytes if isinstance(c, Ragged) else c.nbytes for c in batch.columns.values())


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
            fields[key] = FieldSummary(
                reader, f.name, f.unit, len(batch), rates, f.channels, int(values.size), duration
            )
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
