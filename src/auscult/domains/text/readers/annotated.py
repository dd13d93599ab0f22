"""What readers of annotated texts share: which spans can be used, and batches of texts with spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from auscult.base.arrays import Column, Ragged
from auscult.base.contracts import Field, RecordBatch, SetAside, Source
from auscult.domains.text.readers.common import BATCH_ROWS, BROKEN, MAX_CHARACTERS, TEXT, apart, groups_of

BEYOND = "whose places are not in the text"
OTHER_WORDS = "whose words are not those at their place"
IN_PIECES = "of several pieces"
SHARED = "that share characters with a longer one"
LABEL_BYTES = 64
LONG_TYPE = f"whose type is no UTF-8 of at most {LABEL_BYTES} bytes"

Span = tuple[int, int, str]


@dataclass(frozen=True, repr=False)
class Annotated:
    """One text with its spans (first character, the one after the last, type), and further cells."""

    name: str
    text: str
    spans: Sequence[Span]
    cells: Mapping[str, str] = field(default_factory=dict)


@dataclass
class LeftOut:
    """Spans of a file that cannot be used, by reason."""

    total: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def usable(self, text: str, spans: Iterable[Span]) -> list[Span]:
        """Return the spans that lie in the text, have a type and share no character, in order; the longer stays."""
        inside: list[Span] = []
        for begin, end, kind in spans:
            self.total += 1
            if not 0 <= begin < end <= len(text):
                self.counts[BEYOND] += 1
            elif BROKEN.search(kind) or len(kind.encode()) > LABEL_BYTES:
                self.counts[LONG_TYPE] += 1
            else:
                inside.append((begin, end, kind))
        kept: list[Span] = []
        for span in sorted(inside, key=lambda s: (s[0] - s[1], s[0])):
            if all(span[1] <= a or span[0] >= b for a, b, _ in kept):
                kept.append(span)
            else:
                self.counts[SHARED] += 1
        return sorted(kept)

    def leave_out(self, reason: str) -> None:
        """Count a span that was not read."""
        self.total += 1
        self.counts[reason] += 1

    def told(self, source: Source, path: Path) -> Iterator[SetAside]:
        """Say how many spans were left out and why, where any were."""
        if self.counts:
            why = ", ".join(f"{n} {reason}" for reason, n in sorted(self.counts.items()))
            told = f"{path.name}: left out {self.counts.total()} of {self.total} spans: {why}"
            yield SetAside(source.name, told, note=True)


def annotated_batches(records: Iterable[Annotated], path: Path, encoding: str) -> Iterator[RecordBatch]:
    """Collect annotated texts with the same cells into batches."""
    held: list[Annotated] = []
    size = 0
    for record in records:
        other = bool(held) and record.cells.keys() != held[0].cells.keys()
        if other or len(held) >= BATCH_ROWS or size > MAX_CHARACTERS:
            yield _batch(held, path, encoding)
            held, size = [], 0
        held.append(record)
        size += len(record.text)
    if held:
        yield _batch(held, path, encoding)


def _batch(held: Sequence[Annotated], path: Path, encoding: str) -> RecordBatch:
    places = [np.array([s[:2] for s in r.spans], dtype=np.int64).reshape(-1, 2) for r in held]
    kinds = [np.array([s[2].encode() for s in r.spans], dtype=f"S{LABEL_BYTES}") for r in held]
    fields = [Field("text", "text"), Field("span", "ids", ragged=True), Field("span_type", "category", ragged=True)]
    columns: dict[str, Column] = {
        "text": np.array([r.text for r in held], dtype=TEXT),
        "span": Ragged.of(places),
        "span_type": Ragged.of(kinds),
    }
    others, subject = apart([r.cells for r in held])
    for key in others:
        fields.append(Field(key, "text", missing=True))
        columns[key] = np.array([r.cells[key] for r in held], dtype=TEXT)
    names = np.array([r.name for r in held], dtype=np.str_)
    return RecordBatch(tuple(fields), columns, names, subject, groups_of(path, encoding, len(held)))
