"""What is a molecule and what is not, and that the reason says so without showing the structure."""

from __future__ import annotations

import pytest
from rdkit import rdBase

from auscult.base.errors import ReadError
from auscult.domains.molecules.preprocess.molecule import read_again, read_molecule

BAD = {
    "": "expected a structure, got an empty cell",
    "  ": "got an empty cell",
    "CCO>>CC=O": r"expected one molecule, got a reaction \('>'\)",
    "c1ccccc1(": "got a syntax error",
    "CC(C)(C)(C)C": "got: Explicit valence for atom # 1 C, 5, is greater than permitted",
    "c1cccc1": "expected a possible structure, got: Can't kekulize mol",
    "[Zz]CC": "got a syntax error",
    "*CC*": r"got the placeholder '\*'",
    "C" * 500: "expected at most 400 heavy atoms, got 500",
    "C" * 5000: "expected at most 4000 letters, got 5000",
}


@pytest.mark.parametrize("smiles", BAD, ids=range(len(BAD)))
def test_what_is_none_is_refused_in_words(smiles: str) -> None:
    with rdBase.BlockLogs(), pytest.raises(ReadError, match=BAD[smiles]) as caught:
        read_molecule(smiles)
    if len(smiles) > 3:
        assert smiles[:400] not in str(caught.value)


@pytest.mark.parametrize(("smiles", "atoms"), [("CCO", 3), (" c1ccccc1 ", 6), ("[13CH4]", 1), ("[Na+].[Cl-]", 2)])
def test_a_molecule(smiles: str, atoms: int) -> None:
    assert read_molecule(smiles).GetNumAtoms() == atoms


def test_the_limit_is_a_setting() -> None:
    with pytest.raises(ReadError, match="at most 3 heavy atoms, got 4"):
        read_molecule("CCCC", max_atoms=3)


def test_what_cannot_be_read_as_it_was_written_still_has_its_atoms() -> None:
    assert read_again("[SbH9]").GetNumHeavyAtoms() == 1
    assert read_again("c1ccccc1O").GetNumHeavyAtoms() == 7
