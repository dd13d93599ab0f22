"""The scaffold of a molecule: rings and what links them (Bemis and Murcko 1996, J Med Chem 39:2887)."""

from __future__ import annotations

from hashlib import sha256
from typing import Any


def scaffold_key(molecule: Any) -> str:
    """Short hash of the Bemis-Murcko scaffold; ``acyclic`` where there is no ring. A structure is not shown."""
    from rdkit.Chem.Scaffolds import MurckoScaffold

    smiles: str = MurckoScaffold.MurckoScaffoldSmiles(mol=molecule, includeChirality=False)  # type: ignore[no-untyped-call]
    return sha256(smiles.encode()).hexdigest()[:16] if smiles else "acyclic"
