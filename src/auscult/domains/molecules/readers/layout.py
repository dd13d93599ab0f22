"""What the columns of a table of molecules are, told by its first lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from auscult.base.errors import ReadError

SMILES_NAMES = frozenset(
    (
        "smiles", "canonical_smiles", "isomeric_smiles", "std_smiles", "standard_smiles", "rdkit_smiles",
        "compound_smiles", "smiles_string", "smi", "cxsmiles", "openeye_can_smiles", "pubchem_openeye_iso_smiles",
    )
)  # fmt: skip
LOOSE_NAMES = frozenset(("drug", "mol", "molecule", "structure", "compound"))
"""Names that hold a SMILES in some tables and something else in others: the values decide."""
ID_NAMES = frozenset(
    (
        "id", "name", "mol_id", "molid", "drug_id", "compound_id", "cmpd_id", "cmpdname", "molecule_chembl_id", "cid",
        "title", "mol_title", "zinc_id", "compound_name", "catalog_id", "pubchem_compound_cid", "num", "cas",
    )
)  # fmt: skip
ROLE_NAMES = frozenset(("split", "set", "role"))
_TOKENS = re.compile(r"(?:\[[^\]\s]{1,40}\]|Br|Cl|[BCNOPSFIbcnops]|[-=#$:/\\.()~@]|%\d\d|\d)+")
_STRUCTURED = re.compile(r"[()=#\[\]\d]")
LOOKED_AT = 8
LONGEST = 1000
"""Letters of a cell that are looked at to tell what a column is."""
LONGEST_NAME = 40
"""Letters of a column's name that a message shows: a longer one is no name but the text of a record."""


@dataclass(frozen=True)
class Layout:
    """How to take a line apart.

    Parameters
    ----------
    separator : str
        Between cells; a blank means any white space.
    header : bool
        Whether the first line names the columns.
    names : tuple of str
        Names of the columns.
    smiles : int
        Column of the structure.
    name : int
        Column of the compound's own name; -1 is none.
    role : int
        Column that says training, validation or test; -1 is none.
    """

    separator: str
    header: bool
    names: tuple[str, ...]
    smiles: int
    name: int = -1
    role: int = -1

    @property
    def others(self) -> tuple[int, ...]:
        """Columns that may hold measured values."""
        taken = (self.smiles, self.name, self.role)
        return tuple(k for k, n in enumerate(self.names) if k not in taken and _plain(n) not in ID_NAMES)


def looks_like_molecules(head: Sequence[str], *, plain: bool) -> bool:
    """Whether the first lines of a text are a table of molecules, with or without a name for its SMILES column.

    Parameters
    ----------
    head : sequence of str
        The first lines.
    plain : bool
        Whether structures without a ring, branch or double bond are enough: "CCO" and "NO" are words elsewhere.
    """
    rows = _rows(head)
    if not rows:
        return False
    first = [_plain(cell) for cell in rows[0]]
    if SMILES_NAMES & set(first) and (len(rows) > 1 or len(first) > 1):
        return True
    return _structure_column(rows, plain=plain) == 0 or _structure_column(rows[1:], plain=plain) is not None


def layout_of(head: Sequence[str], file: str) -> Layout:
    """Find the columns.

    Parameters
    ----------
    head : sequence of str
        The first lines of the file.
    file : str
        Its name, for the message.

    Raises
    ------
    ReadError
        If no column is named as one of SMILES; lists the columns that there are.
    """
    rows = _rows(head)
    separator = _separator(head[0]) if head else ","
    plain = [_plain(cell) for cell in rows[0]] if rows else []
    if rows and not SMILES_NAMES & set(plain) and _is_structure(rows[0][0]):
        width = max(len(row) for row in rows)
        names = ("smiles", "name", *(f"column {k + 1}" for k in range(2, width)))[:width]
        return Layout(separator, False, names, 0, 1 if width > 1 else -1)
    names = tuple(cell.strip() for cell in rows[0]) if rows else ()
    named = [k for k, n in enumerate(plain) if n in SMILES_NAMES]
    found = _structure_column(rows[1:], plain=True)
    if not named and found is not None and plain[found] in LOOSE_NAMES:
        named = [found]
    if not named:
        there = ", ".join(f"'{n[:LONGEST_NAME]}'" for n in names[:20])
        raise ReadError(
            f"{file}: expected a column named 'smiles', got {there or 'none'}; name the column of SMILES so"
        )
    name = next((k for k, n in enumerate(plain) if n in ID_NAMES), -1)
    role = next((k for k, n in enumerate(plain) if n in ROLE_NAMES), -1)
    return Layout(separator, True, names, named[0], name, role)


def cells(line: str, separator: str) -> list[str]:
    """Take a line apart."""
    if separator == " ":
        return line.split(maxsplit=1)
    if '"' not in line:
        return line.split(separator)
    return next(csv.reader([line], delimiter=separator), [])


def _plain(name: str) -> str:
    return name.strip().strip("#\ufeff").strip().lower().replace(" ", "_").replace("-", "_")


def _separator(line: str) -> str:
    best = max("\t,;", key=line.count)
    return best if best in line else " "


def _rows(head: Sequence[str]) -> list[list[str]]:
    lines = [line for line in head[: LOOKED_AT + 1] if line.strip()]
    if not lines:
        return []
    separator = _separator(lines[0])
    return [row for row in (cells(line, separator) for line in lines) if row]


def _is_structure(text: str) -> bool:
    """Whether a text is a SMILES, as far as its letters and brackets go."""
    if len(text) > LONGEST or not _TOKENS.fullmatch(text) or text.isdigit():
        return False
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(text, sanitize=False) is not None


def _structure_column(rows: Sequence[Sequence[str]], *, plain: bool) -> int | None:
    """Find the first column in which most cells are structures, and one of them more than a chain."""
    for column in range(max((len(row) for row in rows), default=0)):
        values = [row[column].strip() for row in rows if len(row) > column and row[column].strip()]
        hits = [v for v in values if _is_structure(v)]
        if 2 * len(hits) > len(values) and (plain or any(_STRUCTURED.search(v) for v in hits)):
            return column
    return None
