"""JSON lines: one object a line, each a record; nested objects and lists of texts become columns of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.domains.text.readers.common import (
    BROKEN,
    MAX_CHARACTERS,
    Row,
    batches_of,
    broken_in,
    encoding_of,
    head_of,
    is_text,
    short_name,
    text_of,
)

NAME = "jsonl"


class JsonlReader:
    """Finds and reads files of JSON objects, one a line."""

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield the files whose first line is a JSON object with a text in it."""
        for path in files:
            head = head_of(path)
            if is_text(head) and _begins(head):
                yield Source(NAME, short_name(path), (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the records in batches of equal columns, and each bad line with its reason."""
        path = source.files[0]
        encoding = encoding_of(path)
        aside: list[SetAside] = []
        with text_of(path, encoding) as stream:
            for batch in batches_of(_rows(stream, source, aside), path, encoding):
                yield from aside
                aside.clear()
                yield batch
        yield from aside


def _begins(head: bytes) -> bool:
    """Whether the first line is a whole JSON object; a line longer than the head is one if it begins like one."""
    first, ended, _ = head.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")
    if not ended and first.count(b"{") and not first.rstrip().endswith(b"}"):
        return first.startswith(b'{"')
    try:
        value = json.loads(first)
        return isinstance(value, dict) and any(isinstance(v, str) for v in _flat(value).values())
    except (ValueError, RecursionError):
        return False


def _rows(stream: Iterator[str], source: Source, aside: list[SetAside]) -> Iterator[Row]:
    path = source.files[0]
    for line, text in enumerate(stream, start=1):
        if not text.strip():
            continue
        cells, reason = _cells(text)
        if reason:
            aside.append(SetAside(source.name, f"{path.name}, line {line}: {reason}", line))
        else:
            yield Row(f"{short_name(path)}#{line}", cells)


def _cells(line: str) -> tuple[dict[str, str], str]:
    """Return the columns of one line, or why it has none; never a word of it."""
    if len(line) > MAX_CHARACTERS:
        return {}, f"expected at most {MAX_CHARACTERS} characters in a line, got {len(line)}; split it into its reports"
    if not line.isascii() and BROKEN.search(line):
        return {}, f"expected UTF-8, got {len(BROKEN.findall(line))} bytes that are none; export it again in UTF-8"
    try:
        value = json.loads(line)
        cells = _flat(value) if isinstance(value, dict) else {}
    except (ValueError, RecursionError):
        return {}, "expected a JSON object, got something else; export one object a line"
    if not cells:
        return {}, "expected a JSON object with keys, got another value; export one object a line"
    if broken_in(cells):
        return {}, "expected UTF-8, got characters that are none; export it again in UTF-8"
    return cells, ""


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Columns of an object: ``a.b`` for what is nested; a list of simple values is joined by ``; ``."""
    cells: dict[str, str] = {}
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if isinstance(inner, dict):
            cells |= _flat(inner, f"{name}.")
        elif isinstance(inner, list):
            cells[name] = "; ".join(str(v) for v in inner if isinstance(v, (str, int, float)))
        else:
            cells[name] = "" if inner is None else str(inner)
    return cells
