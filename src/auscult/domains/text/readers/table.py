"""Tables with text in their cells: CSV, TSV, and the pipe-separated exports of FDA databases, packed or not."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.text.readers.common import (
    BROKEN,
    Row,
    batches_of,
    encoding_of,
    head_of,
    is_text,
    short_name,
    text_of,
)

NAME = "text_table"
SEPARATORS = "\t|,;"
MAX_RESTARTS = 100
NEVER_CLOSES = "expected every quotation mark of a cell to close, got one that does not; double it in the export"
TOO_LONG = f"expected at most {csv.field_size_limit()} characters in a cell, got a longer one; split it"
_WORDS = re.compile(r"[^\W\d_]{2,}\W+[^\W\d_]{2,}")
_IDEOGRAPHS = re.compile(r"[\u3400-\u9fff]{4,}")
_HEADER = re.compile(r"[^\W\d][^\n]{0,59}")


class TextTableReader:
    """Finds and reads tables that hold text."""

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield the files whose first lines are a table with at least two columns and words in one."""
        for path in files:
            head = head_of(path)
            if is_text(head) and _layout(head) is not None:
                yield Source(NAME, short_name(path), (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the rows in batches, and each row that cannot be read with its reason.

        Raises
        ------
        ReadError
            If the file is no table any more.
        """
        path = source.files[0]
        layout = _layout(head_of(path))
        if layout is None:
            raise ReadError(f"{path.name}: expected a table with text, got something else; export it again")
        encoding = encoding_of(path)
        aside: list[SetAside] = []
        with text_of(path, encoding) as stream:
            for batch in batches_of(_rows(stream, layout, source, aside), path, encoding):
                yield from aside
                aside.clear()
                yield batch
        yield from aside


@dataclass(frozen=True)
class _Layout:
    """How a table is written."""

    separator: str
    quoted: bool
    columns: tuple[str, ...]
    has_header: bool


def _layout(head: bytes) -> _Layout | None:
    """Tell how a table is written by its first lines; nothing where it is none, or holds no text."""
    text = _decoded(head)
    lines = text.splitlines()
    if len(lines) < 2 or lines[0].lstrip().startswith(("<", "{", "[", "#")):
        return None
    separator = max(SEPARATORS, key=lambda s: min(lines[0].count(s), 200))
    if not lines[0].count(separator):
        return None
    quoted = separator != "|"
    rows = _sniffed(lines, separator, quoted)
    first = [cell.strip().lstrip("\ufeff") for cell in rows[0]] if rows else []
    body = [row for row in rows[1:] if len(row) == len(first)]
    if len(first) < 2 or len(body) * 2 < len(rows) - 1 or not body:
        return None
    if not any(_WORDS.search(cell) or _IDEOGRAPHS.search(cell) for row in body[:50] for cell in row):
        return None
    has_header = len(set(first)) == len(first) and all(_HEADER.fullmatch(cell) for cell in first)
    columns = first if has_header else [f"column-{k + 1}" for k in range(len(first))]
    return _Layout(separator, quoted, tuple(columns), has_header)


def _sniffed(lines: Sequence[str], separator: str, quoted: bool) -> list[list[str]]:
    """Rows of the head of a file; the last may be cut and is left out."""
    rows: list[list[str]] = []
    reader = csv.reader((line + "\n" for line in lines), delimiter=separator, quoting=_quoting(quoted))
    with suppress(csv.Error):  # what is wrong further down is said when the rows are read
        rows.extend(islice(reader, 100))
    return rows if len(rows) < 3 else rows[:-1]


def _decoded(head: bytes) -> str:
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return head.decode(encoding, errors="replace")


def _quoting(quoted: bool) -> Literal[0, 3]:
    return csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE


class _Lines:
    """Lines of a file for the parser, which can be given back where a record turns out to be none."""

    def __init__(self, stream: Iterator[str]) -> None:
        self._stream = stream
        self._back: deque[str] = deque()
        self._taken: list[str] = []
        self.line = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._stream)
        self._taken.append(line)
        return line

    def record(self) -> list[str]:
        """Return the lines since the last record, and count them."""
        taken, self._taken = self._taken, []
        self.line += len(taken)
        return taken

    def give_back(self, lines: Sequence[str]) -> None:
        """Let lines be read again."""
        self._back.extendleft(reversed(lines))
        self.line -= len(lines)


def _rows(stream: Iterator[str], layout: _Layout, source: Source, aside: list[SetAside]) -> Iterator[Row]:
    """Yield good rows; a bad one goes to ``aside``. What a quotation mark swallowed is read again, a line later."""
    lines, path = _Lines(stream), source.files[0]
    name, number, restarts = short_name(path), 0, 0
    reader = _parser(lines, layout)
    while True:
        first, reason = lines.line + 1, ""
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cells, reason = [], TOO_LONG if "limit" in str(error) else NEVER_CLOSES
        raw = lines.record()
        if (first == 1 and layout.has_header) or (len(raw) == 1 and not raw[0].strip()):
            continue
        number += 1
        fault = reason or _fault(cells, layout, raw)
        if not fault:
            yield Row(f"{name}#{number}", dict(zip(layout.columns, cells, strict=True)))
            continue
        if len(raw) > 1:
            restarts += 1
            lines.give_back(raw[1:])
            reader = _parser(lines, layout)
        aside.append(SetAside(source.name, f"{path.name}, line {first}: {fault}", first))
        if restarts > MAX_RESTARTS:
            rest = f"{NEVER_CLOSES}, {restarts} times; nothing was read from line {lines.line + 1} on, export it again"
            aside.append(SetAside(source.name, f"{path.name}: {rest}", lines.line + 1))
            return


def _parser(lines: _Lines, layout: _Layout) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=layout.separator, quoting=_quoting(layout.quoted), strict=True)


def _fault(cells: Sequence[str], layout: _Layout, raw: Sequence[str]) -> str:
    """Say what is wrong with a row; empty where it is good. Never a word of it."""
    broken = sum(len(BROKEN.findall(line)) for line in raw if not line.isascii())
    if len(raw) > 1 and len(cells) != len(layout.columns):
        return NEVER_CLOSES
    if broken:
        return f"expected UTF-8, got {broken} bytes that are none; export it again in UTF-8"
    if len(cells) != len(layout.columns):
        return f"expected {len(layout.columns)} cells as in the first line, got {len(cells)}"
    return ""
