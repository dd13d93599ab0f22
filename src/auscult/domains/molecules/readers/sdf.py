"""SDF files of structures with data items (CTfile formats, BIOVIA 2020), plain or gzip, and single mol files.

Read in a stream, block by block: a broken block costs itself. A record is named by its file and the number of its block
(``library#17`` is the 17th), so that answers can be laid beside the input whatever was set aside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from auscult.base.arrays import Column
from auscult.base.contracts import Field, RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.molecules.preprocess.molecule import MAX_LETTERS
from auscult.domains.molecules.readers import smiles_table
from auscult.domains.molecules.readers.lines import LONGEST_LINE, CutOffError, head_of, lines, stem_of
from auscult.domains.molecules.readers.values import NumberColumns, as_matrix, number_columns

NAME = "sdf"
END = "$$$$"
LONGEST_BLOCK = 1 << 21
"""Bytes of a block at the most; what comes beyond is passed over."""
_COUNTS = re.compile(r"^[ \d]{6}.*V[23]000\s*$")
_ITEM = re.compile(r"^>.*<([^>]+)>")


@dataclass(frozen=True, repr=False)
class _Block:
    """One block: its lines, or why they cannot be used."""

    lines: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, repr=False)
class _Compound:
    """What a block says."""

    number: int
    smiles: str
    title: str
    items: dict[str, str]


class SdfReader:
    """Reads structures with their data items.

    Fields: ``smiles``; ``name``, the title of the block; ``values`` (C,), every data item that holds numbers in the
    first compounds, NaN where it is missing. Groups: ``file``, and ``role`` by the name of the file.
    """

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield every text file whose beginning has the counts line of a mol block where it belongs."""
        for path in files:
            head = head_of(path)
            if len(head) > 3 and _COUNTS.match(head[3]):
                yield Source(NAME, stem_of(path), (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the compounds in batches, and each block that cannot be used with its reason.

        Raises
        ------
        ReadError
            If no block can be read.
        """
        path = source.files[0]
        file = _File(path)
        yield from file.parts()
        if not file.n_compounds:
            raise ReadError(f"{path.name}: expected at least one block with a structure, got none")


class _File:
    """One file while it is read."""

    def __init__(self, path: Path) -> None:
        self._path, self._stem = path, stem_of(path)
        self._names: tuple[str, ...] = ()
        self._numbers: NumberColumns | None = None
        self.n_compounds = 0

    def parts(self) -> Iterator[RecordBatch | SetAside]:
        """Yield batches and what is set aside, in order of the blocks."""
        waiting: list[_Compound] = []
        aside: list[SetAside] = []
        number = 0
        try:
            for number, block in enumerate(_blocks(self._path), 1):
                found = self._compound(block, number)
                if isinstance(found, SetAside):
                    aside.append(found)
                else:
                    waiting.append(found)
                if len(waiting) == smiles_table.BATCH_ROWS:
                    yield self._batch(waiting, aside)
                    yield from aside
                    waiting, aside = [], []
        except CutOffError:
            reason = "expected a whole gzip file, got one that is cut off after this block"
            aside.append(self._aside(max(number, 1), reason))
        if waiting:
            yield self._batch(waiting, aside)
        yield from aside

    def _compound(self, block: _Block, number: int) -> _Compound | SetAside:
        if block.reason:
            return self._aside(number, block.reason)
        ends = [k for k, line in enumerate(block.lines) if line.startswith("M  END")]
        if len(ends) != 1:
            missing = "; a line '$$$$' is missing between them" if ends else ""
            return self._aside(number, f"expected one 'M  END' in a block, got {len(ends)}{missing}")
        try:
            smiles = _structure("\n".join(block.lines[: ends[0] + 1]) + "\n")
        except ReadError as error:
            return self._aside(number, str(error))
        return _Compound(number, smiles, block.lines[0].strip(), _items(block.lines[ends[0] + 1 :]))

    def _batch(self, compounds: Sequence[_Compound], aside: list[SetAside]) -> RecordBatch:
        if self._numbers is None:
            self._names = tuple(dict.fromkeys(name for c in compounds for name in c.items))
            cells = [[c.items.get(name, "") for name in self._names] for c in compounds]
            self._numbers = number_columns(cells, range(len(self._names)), self._names)
        self.n_compounds += len(compounds)
        columns: dict[Field, Column] = {
            Field("smiles", "text"): np.array([c.smiles for c in compounds], dtype=np.str_),
            Field("name", "text", missing=True): np.array([c.title for c in compounds], dtype=np.str_),
        }
        if self._numbers.channels:
            made = Field("values", "array", "C", channels=self._numbers.channels, missing=True)
            columns[made] = as_matrix([self._values(c, aside) for c in compounds], len(self._numbers.channels))
        n, role = len(compounds), smiles_table.ROLES.get(self._stem.lower(), "none")
        return RecordBatch(
            tuple(columns),
            {f.name: column for f, column in columns.items()},
            np.array([f"{self._stem}#{c.number}" for c in compounds], dtype=np.str_),
            groups={"file": np.full(n, self._stem), "role": np.full(n, role)},
        )

    def _values(self, compound: _Compound, aside: list[SetAside]) -> list[float]:
        if self._numbers is None:
            return []
        values, wrong = self._numbers.row([compound.items.get(name, "") for name in self._names])
        if wrong:
            listed = ", ".join(f"'{name}'" for name in wrong[:5])
            reason = f"data item {listed}: expected a number, got a text; the value is left out"
            aside.append(self._aside(compound.number, reason, note=True))
        return values

    def _aside(self, number: int, reason: str, *, note: bool = False) -> SetAside:
        return SetAside(f"{self._stem}#{number}", f"{self._stem}#{number}: {reason}", number, note)


def _blocks(path: Path) -> Iterator[_Block]:
    """Take a file apart at its ``$$$$`` lines.

    Raises
    ------
    CutOffError
        After the last whole block, where a gzip file is cut off or damaged.
    """
    held: list[str] = []
    size, reason = 0, ""
    for line in lines(path):
        if line is None:
            reason = reason or f"expected a line of at most {LONGEST_LINE} bytes, got a longer one"
            continue
        text = line.decode("utf-8", "replace")
        if text.startswith(END):
            yield _Block(tuple(held), reason)
            held, size, reason = [], 0, ""
            continue
        size += len(line)
        if size > LONGEST_BLOCK:
            reason = reason or f"expected a block of at most {LONGEST_BLOCK} bytes, got a longer one"
            held = []
        else:
            held.append(text)
    if any(text.strip() for text in held) or reason:
        yield _Block(tuple(held), reason)


def _structure(block: str) -> str:
    """Canonical SMILES of a mol block; the reason is in the words of RDKit's checks.

    Raises
    ------
    ReadError
        If the block is none, or its structure breaks the rules of valence.
    """
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule: Any = Chem.MolFromMolBlock(block)
        if molecule is None:
            loose: Any = Chem.MolFromMolBlock(block, sanitize=False)
            if loose is None:
                raise ReadError("expected a mol block, got lines that break its format (counts, atoms or bonds)")
            problems = "; ".join(p.Message() for p in Chem.DetectChemistryProblems(loose)[:2])
            raise ReadError(f"expected a possible structure, got: {problems or 'one that fails sanitisation'}")
        smiles = str(Chem.MolToSmiles(molecule))
    if not smiles:
        raise ReadError("expected a structure, got a block without atoms")
    if len(smiles) > MAX_LETTERS:
        raise ReadError(f"expected at most {MAX_LETTERS} letters as SMILES, got {len(smiles)}; a polymer?")
    return smiles


def _items(rest: Sequence[str]) -> dict[str, str]:
    """Data items below a structure: the first line of each."""
    found: dict[str, str] = {}
    name = ""
    for line in rest:
        head = _ITEM.match(line)
        if head:
            name = head[1].strip()
        elif name and line.strip():
            found.setdefault(name, line.strip())
        elif not line.strip():
            name = ""
    return found
