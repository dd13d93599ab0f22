"""A SMILES text → a molecule of RDKit, or the reason why not.

SMILES: Weininger 1988, J Chem Inf Comput Sci 28:31. No message holds the structure itself, which may be confidential.
"""

from __future__ import annotations

from typing import Any

from auscult.base.errors import ReadError

MAX_ATOMS = 400
"""Heavy atoms at the most: far above any drug, below what makes fingerprints meaningless (polymers, proteins)."""
MAX_LETTERS = 4000


def read_molecule(smiles: str, *, max_atoms: int = MAX_ATOMS) -> Any:
    """Parse and check one SMILES.

    Parameters
    ----------
    smiles : str
        One structure, without a name behind it.
    max_atoms : int
        Heavy atoms at the most.

    Returns
    -------
    rdkit.Chem.Mol
        Sanitised.

    Raises
    ------
    ReadError
        If the text is empty, a reaction, too long, no SMILES, or breaks the rules of valence; says which.
    """
    from rdkit import Chem

    if not smiles or smiles.isspace():
        raise ReadError("SMILES: expected a structure, got an empty cell")
    if len(smiles) > MAX_LETTERS:
        raise ReadError(f"SMILES: expected at most {MAX_LETTERS} letters, got {len(smiles)}; a polymer or no molecule")
    molecule = Chem.MolFromSmiles(smiles.strip())
    if molecule is None:
        raise ReadError(_why_not(smiles))
    n_atoms = molecule.GetNumAtoms()
    if not n_atoms:
        raise ReadError("SMILES: expected atoms, got none")
    if n_atoms > max_atoms:
        raise ReadError(f"SMILES: expected at most {max_atoms} heavy atoms, got {n_atoms}; a polymer?")
    if "*" in smiles:
        raise ReadError("SMILES: expected atoms of known elements, got the placeholder '*'; a polymer or a query?")
    return molecule


def read_again(smiles: str) -> Any:
    """Read a structure that was written by ``MolToSmiles``; a few metals are valid as read but not as written.

    Such a one comes with its rings and hydrogens counted as far as they can be, and is not sanitised. A text that comes
    from a file as it is, and breaks the syntax of SMILES, gives None.
    """
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule: Any = Chem.MolFromSmiles(smiles)
        if molecule is None:
            molecule = Chem.MolFromSmiles(smiles, sanitize=False)
            if molecule is not None:
                molecule.UpdatePropertyCache(strict=False)
                Chem.GetSymmSSSR(molecule)
    return molecule


def has_syntax(smiles: str) -> bool:
    """Whether a text follows the syntax of SMILES; the structure may still be impossible."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(smiles, sanitize=False) is not None


def _why_not(smiles: str) -> str:
    """Say why RDKit could not read a SMILES."""
    from rdkit import Chem

    if ">" in smiles:
        return "SMILES: expected one molecule, got a reaction ('>')"
    loose: Any = Chem.MolFromSmiles(smiles.strip(), sanitize=False)
    if loose is None:
        return "SMILES: expected a valid structure, got a syntax error (brackets, ring numbers or an unknown element)"
    problems = [p.Message() for p in Chem.DetectChemistryProblems(loose)]
    return f"SMILES: expected a possible structure, got: {'; '.join(problems[:2]) or 'one that fails sanitisation'}"
