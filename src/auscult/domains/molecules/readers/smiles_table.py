"""Tables of molecules: CSV, TSV or ``.smi``, plain or gzip, one compound a line, with or without measured values.

Read in a stream. A record is named by its file and row (``library#17`` is the 17th line below the header), so that
answers can be laid beside the input whatever was set aside.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from auscult.base.arrays import Column
from auscult.base.contracts import Field, RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.molecules.preprocess.molecule import MAX_LETTERS
from auscult.domains.molecules.readers.layout import Layout, cells, layout_of, looks_like_molecules
from auscult.domains.molecules.readers.lines import LONGEST_LINE, CutOffError, head_of, lines, stem_of
from auscult.domains.molecules.readers.values import NumberColumns, as_matrix, number_columns

NAME = "smiles_table"
BATCH_ROWS = 4096
ROLES = {
    "train": "train", "training": "train", "train_val": "train", "valid": "valid", "validation": "valid",
    "val": "valid", "dev": "valid", "test": "test", "testing": "test",
}  # fmt: skip


@dataclass(repr=False)
class _Rows:
    """Rows that wait to become a batch."""

    number: list[int] = field(default_factory=list)
    smiles: list[str] = field(default_factory=list)
    cells: list[Sequence[str]] = field(default_factory=list)


class SmilesTableReader:
    """Reads tables with one SMILES a line.

    Fields: ``smiles``; ``name``, the compound's own; ``values`` (C,), every column of numbers, NaN where a cell is
    empty, with the names of the columns as channels. Groups: ``file``, and ``role`` (train, valid, test or none) by a
    column ``split`` or by the name of the file.
    """

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield every text file whose first lines are a table of molecules."""
        for path in files:
            plain = path.name.lower().removesuffix(".gz").endswith((".smi", ".smiles"))
            if looks_like_molecules(head_of(path), plain=plain):
                yield Source(NAME, stem_of(path), (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the rows in batches, and each that cannot be used with its reason.

        Raises
        ------
        ReadError
            If no column is named as one of SMILES, or no row can be read.
        """
        path = source.files[0]
        layout = layout_of(head_of(path), path.name)
        table = _Table(path, layout)
        yield from table.parts()
        if not table.n_rows:
            raise ReadError(f"{path.name}: expected at least one row with a structure, got none")


class _Table:
    """One file while it is read."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path, self._layout = path, layout
        self._stem = stem_of(path)
        self._numbers: NumberColumns | None = None
        self.n_rows = 0

    def parts(self) -> Iterator[RecordBatch | SetAside]:
        """Yield batches and what is set aside, in order of the rows."""
        waiting, blank = _Rows(), list[int]()
        aside: list[SetAside] = []
        for number, line in self._numbered(aside):
            row = self._cells(line, number, aside)
            if row is None:
                continue
            if not row or not any(c.strip() for c in row):
                blank.append(number)
                continue
            aside += [self._aside(k, "expected a structure, got an empty line") for k in blank]
            blank.clear()
            if self._usable(row, number, aside):
                waiting.number.append(number)
                waiting.smiles.append(row[self._layout.smiles].strip())
                waiting.cells.append(row)
            if len(waiting.number) == BATCH_ROWS:
                yield self._batch(waiting, aside)
                yield from aside
                waiting, aside[:] = _Rows(), []
        if waiting.number:
            yield self._batch(waiting, aside)
        yield from aside

    def _numbered(self, aside: list[SetAside]) -> Iterator[tuple[int, bytes | None]]:
        """Lines below the header with their numbers; a gzip file that is cut off ends with a note."""
        number = 0
        try:
            for k, line in enumerate(lines(self._path)):
                number = k if self._layout.header else k + 1
                if number:
                    yield number, line
        except CutOffError:
            aside.append(self._aside(number, "expected a whole gzip file, got one that is cut off after this row"))

    def _cells(self, line: bytes | None, number: int, aside: list[SetAside]) -> list[str] | None:
        if line is None:
            aside.append(self._aside(number, f"expected a line of at most {LONGEST_LINE} bytes, got a longer one"))
            return None
        text = line.decode("utf-8", "replace")
        try:
            return cells(text.lstrip("\ufeff"), self._layout.separator)
        except csv.Error:
            aside.append(self._aside(number, "expected cells of a table, got a line that cannot be taken apart"))
            return None

    def _usable(self, row: Sequence[str], number: int, aside: list[SetAside]) -> bool:
        column = self._layout.smiles
        if column >= len(row):
            aside.append(self._aside(number, f"expected {len(self._layout.names)} columns, got {len(row)}"))
            return False
        length = len(row[column])
        if length > MAX_LETTERS:
            aside.append(
                self._aside(number, f"SMILES: expected at most {MAX_LETTERS} letters, got {length}; a polymer?")
            )
            return False
        return True

    def _batch(self, rows: _Rows, aside: list[SetAside]) -> RecordBatch:
        layout = self._layout
        if self._numbers is None:
            self._numbers = number_columns(rows.cells, layout.others, layout.names)
        self.n_rows += len(rows.number)
        n = len(rows.number)
        names = [r[layout.name].strip() if 0 <= layout.name < len(r) else "" for r in rows.cells]
        columns: dict[Field, Column] = {
            Field("smiles", "text"): np.array(rows.smiles, dtype=np.str_),
            Field("name", "text", missing=True): np.array(names, dtype=np.str_),
        }
        if self._numbers.channels:
            values = [self._values(r, k, aside) for r, k in zip(rows.cells, rows.number, strict=True)]
            made = Field("values", "array", "C", channels=self._numbers.channels, missing=True)
            columns[made] = as_matrix(values, len(self._numbers.channels))
        by_file = ROLES.get(self._stem.lower(), "none")
        role = [
            ROLES.get(r[layout.role].strip().lower(), "none") if 0 <= layout.role < len(r) else by_file
            for r in rows.cells
        ]
        return RecordBatch(
            tuple(columns),
            {f.name: column for f, column in columns.items()},
            np.array([f"{self._stem}#{k}" for k in rows.number], dtype=np.str_),
            groups={"file": np.full(n, self._stem), "role": np.array(role, dtype=np.str_)},
        )

    def _values(self, row: Sequence[str], number: int, aside: list[SetAside]) -> list[float]:
        if self._numbers is None:
            return []
        values, wrong = self._numbers.row(row)
        if wrong:
            listed = ", ".join(f"'{name}'" for name in wrong[:5])
            reason = f"column {listed}: expected a number, got a text; the value is left out"
            aside.append(self._aside(number, reason, note=True))
        return values

    def _aside(self, row: int, reason: str, *, note: bool = False) -> SetAside:
        return SetAside(f"{self._stem}#{row}", f"{self._stem}#{row}: {reason}", row, note)
