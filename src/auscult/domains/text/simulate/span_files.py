"""Writers of annotated texts: brat stand-off, JSON with spans, and a token a line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from auscult.domains.text.preprocess.tokens import tokenised
from auscult.domains.text.simulate.identifiers import Note


def write_brat(folder: Path, notes: Sequence[Note], *, first: int = 1) -> None:
    """Write each note as a text and an annotation file."""
    for k, note in enumerate(notes, start=first):
        lines = [
            f"T{n}\t{kind} {begin} {end}\t{note.text[begin:end]}\n"
            for n, (begin, end, kind) in enumerate(note.spans, start=1)
        ]
        (folder / f"sim_note_{k:03d}.txt").write_bytes(note.text.encode())
        (folder / f"sim_note_{k:03d}.ann").write_bytes("".join(lines).encode())


def write_span_json(path: Path, notes: Sequence[Note]) -> None:
    """Write notes as one JSON list."""
    value = [
        {"text": n.text, "spans": [{"start": a, "end": b, "label": kind} for a, b, kind in n.spans]} for n in notes
    ]
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")


def write_iob(path: Path, notes: Sequence[Note]) -> None:
    """Write notes with a token and its tag a line, and an empty line after each note."""
    lines = []
    for note in notes:
        begins = {begin: (end, kind) for begin, end, kind in note.spans}
        end, kind = 0, ""
        for a, b in tokenised([note.text]).characters(0).tolist():
            if a in begins:
                end, kind = begins[a]
            tag = "O" if a >= end else f"{'B' if a in begins else 'I'}-{kind}"
            lines.append(f"{note.text[a:b]}\t{tag}\n")
        lines.append("\n")
    path.write_text("".join(lines), encoding="utf-8")
