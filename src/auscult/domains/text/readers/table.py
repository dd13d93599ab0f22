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
    is_named_as_table,
    is_prose,
    is_text,
    short_name,
    text_of,
)

NAME = "text_table"
SEPARATORS = "\t|,;"
NO_SEPARATOR = "\x1f"
"""Stands in no text, so that commas part no cell of a table with one column."""
MAX_RESTARTS = 100
NEVER_CLOSES = "expected every quotation mark of a cell to close, got one that does not; double it in the export"
TOO_LONG = f"expected at most {csv.field_size_limit()} characters in a cell, got a longer one; split it"
_WORDS = re.compile(r"[^\W\d_]{2,}\W+[^\W\d_]{2,}")
_IDEOGRAPHS = re.compile(r"[\u3400-\u9fff]{4,}")
_SEPARATOR_LINE = re.compile(r"\ufeff?\"?sep=([\t|,;])\"?", re.IGNORECASE)
_HEADER = re.compile(r"[^\W\d][^\n]{0,59}")


class TextTableReader:
    """Finds and reads tables that hold text."""

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield the files whose first lines are a table with words in a column.

        A table with one column is told by the ending of its name. What is named as a table and holds words, but is
        none, is taken too, so that ``read`` can say why.
        """
        for path in files:
            head = head_of(path)
            if is_text(head) and _is_mine(path, head):
                yield Source(NAME, short_name(path), (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the rows in batches, and each row that cannot be read with its reason.

        Raises
        ------
        ReadError
            If the file is no table, its columns share a name, or its rows do not fit its first line.
        """
        path = source.files[0]
        layout = _layout(path, head_of(path))
        if layout is None:
            raise ReadError(
                f"{path.name}: expected a table with text, a first line that names the columns and rows of as many "
                "cells, got something else; export it again"
            )
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
    """How a table is written; the first row begins in line ``begin``, after what only names the separator."""

    separator: str
    quoted: bool
    columns: tuple[str, ...]
    has_header: bool
    n_nameless: int = 0
    begin: int = 1


def _is_mine(path: Path, head: bytes) -> bool:
    try:
        layout = _layout(path, head)
    except ReadError:
        return True
    return layout is not None or (is_named_as_table(path) and is_prose(head) and len(head.splitlines()) > 1)


def _layout(path: Path, head: bytes) -> _Layout | None:
    """Tell how a table is written by its first lines; nothing where it is none, or holds no text.

    Raises
    ------
    ReadError
        If the columns share a name, or the first line has one cell and the rows have more.
    """
    lines = _decoded(head).splitlines()
    stated = _SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    lines = lines[1:] if stated else lines
    if len(lines) < 2 or lines[0].lstrip().startswith(("<", "{", "[", "#")):
        return None
    separator = stated[1] if stated else max(SEPARATORS, key=lambda s: min(lines[0].count(s), 200))
    if not lines[0].count(separator):
        if not is_named_as_table(path):
            return None
        _require_one_column(path, lines)
        separator = separator if stated else NO_SEPARATOR
    quoted = separator != "|"
    rows = _sniffed(lines, separator, quoted)
    first = [cell.strip().lstrip("\ufeff") for cell in rows[0]] if rows else []
    body = [row for row in rows[1:] if len(row) == len(first)]
    if len(body) * 2 < len(rows) - 1 or not body:
        return None
    if not any(_WORDS.search(cell) or _IDEOGRAPHS.search(cell) for row in body[:50] for cell in row):
        return None
    named = _without_nameless(first, body)
    has_header = all(_HEADER.fullmatch(cell) for cell in named)
    if has_header:
        _require_own_names(path, named)
    columns = named if has_header else [f"column-{k + 1}" for k in range(len(first))]
    n_nameless = len(first) - len(columns)
    return _Layout(separator, quoted, tuple(columns), has_header, n_nameless, begin=2 if stated else 1)


def _require_one_column(path: Path, lines: Sequence[str]) -> None:
    """Refuse rows that have several cells each below a first line that has one, such as a title.

    A comma of prose has a blank behind it, and parts no cells.
    """
    for separator in SEPARATORS:
        rows = [row for row in _sniffed(lines[1:], separator, separator != "|") if row]
        n_cells = len(rows[0]) if rows else 0
        is_prose = all(cell[:1] == " " for row in rows for cell in row[1:])
        if len(rows) > 1 and not is_prose and all(len(row) == n_cells for row in rows):
            raise ReadError(
                f"{path.name}: expected a first line that names the columns, got one name and rows of {n_cells} "
                "cells; leave out what stands above the names, or put texts in quotation marks"
            )


def _require_own_names(path: Path, names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        places = " and ".join(str(k + 1) for k, name in enumerate(names) if name == twice)
        raise ReadError(
            f"{path.name}: expected columns with names of their own, got '{twice}' for the columns {places}; "
            "rename or remove all but one"
        )


def _without_nameless(first: list[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Leave out empty names at the end of the first line, where nothing stands below them."""
    width = len(first)
    while width > 1 and not first[width - 1] and not any(row[width - 1].strip() for row in body):
        width -= 1
    return first[:width]


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
        is_header = first < layout.begin or (first == layout.begin and layout.has_header)
        if is_header or (len(raw) == 1 and not raw[0].strip()):
            continue
        number += 1
        cells = _named(cells, layout)
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


def _named(cells: list[str], layout: _Layout) -> list[str]:
    """Leave out empty cells in columns without a name at the end."""
    n = len(layout.columns)
    return cells[:n] if len(cells) <= n + layout.n_nameless and not any(c.strip() for c in cells[n:]) else cells


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
