"""Molecules → their atoms and bonds as numbers, (N, L) int64, for networks that pass messages along bonds.

Entry k of a molecule holds its atom k and its bond k, each as small codes side by side in one number (``FIELDS``), and
is 0 where it has neither. What is told of atoms and bonds is what Yang et al. 2019 (J Chem Inf Model 59:3370) tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from auscult.base.errors import ReadError

GRAPH = "graph"
"""Name of the input."""

FIELDS = {
    "element": 7, "degree": 3, "charge": 3, "chirality": 3, "hydrogens": 3, "hybridisation": 3, "aromatic": 1,
    "begin": 12, "end": 12, "order": 3, "conjugated": 1, "ring": 1, "stereo": 3,
}  # fmt: skip
"""Bits of each code, from the lowest: of an atom, then of a bond. ``begin`` and ``end`` number atoms from 1."""
SIZES = {
    "element": 100, "degree": 6, "charge": 5, "chirality": 4, "hydrogens": 5, "hybridisation": 5, "order": 4,
    "stereo": 6,
}  # fmt: skip
"""How many values a code tells apart, from 1; 0 is any other."""
SHIFTS = dict(zip(FIELDS, accumulate(FIELDS.values(), initial=0), strict=False))


def graph_width(max_atoms: int) -> int:
    """Entries of a molecule of at most so many heavy atoms: cages of carbon have three bonds for two atoms."""
    return max_atoms + max_atoms // 2


def check_graph(molecule: Any, max_atoms: int) -> None:
    """Raise ReadError if a molecule has more bonds, or more atoms than can be numbered.

    Parameters
    ----------
    molecule : rdkit.Chem.Mol
        One molecule.
    max_atoms : int
        Heavy atoms at the most.
    """
    width, most = graph_width(max_atoms), (1 << FIELDS["begin"]) - 1
    if molecule.GetNumBonds() > width or molecule.GetNumAtoms() > most:
        raise ReadError(
            f"SMILES: expected at most {width} bonds and {most} atoms, "
            f"got {molecule.GetNumBonds()} and {molecule.GetNumAtoms()}; a polymer? Leave it out or raise max_atoms"
        )


def graphs(molecules: Sequence[Any], max_atoms: int) -> npt.NDArray[np.int64]:
    """Return the atoms and bonds of each molecule.

    Parameters
    ----------
    molecules : sequence of rdkit.Chem.Mol
        N molecules that ``check_graph`` accepts.
    max_atoms : int
        Heavy atoms at the most.

    Returns
    -------
    (N, L) int64
        Filled with 0 on the right.
    """
    made = np.zeros((len(molecules), graph_width(max_atoms)), dtype=np.int64)
    codes = _codes()
    for row, molecule in zip(made, molecules, strict=True):
        atoms = [_atom(a, codes) for a in molecule.GetAtoms()]
        bonds = [_bond(b, codes) for b in molecule.GetBonds()]
        row[: len(atoms)] = atoms
        row[: len(bonds)] += np.array(bonds, dtype=np.int64)
    return made


def graph_without_atoms(graph: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the graph of one molecule, (L,), once for each of its atoms, without the atom and its bonds, (A, L)."""
    bits_of_atoms = (1 << SHIFTS["begin"]) - 1
    n_atoms = int(np.count_nonzero(graph & bits_of_atoms))
    ends = [(graph >> SHIFTS[name]) & ((1 << FIELDS[name]) - 1) for name in ("begin", "end")]
    left = np.repeat(graph[None], n_atoms, axis=0)
    for k in range(n_atoms):
        left[k, k] &= ~bits_of_atoms
        left[k, (ends[0] == k + 1) | (ends[1] == k + 1)] &= bits_of_atoms
    return left


@dataclass(frozen=True)
class _Codes:
    """Codes in place, by the number that RDKit has for a kind."""

    degree: tuple[int, ...]
    charge: tuple[int, ...]
    hydrogens: tuple[int, ...]
    chirality: tuple[int, ...]
    hybridisation: tuple[int, ...]
    order: tuple[int, ...]
    stereo: tuple[int, ...]


def _atom(atom: Any, codes: _Codes) -> int:
    charge, element = int(atom.GetFormalCharge()), int(atom.GetAtomicNum())
    return (
        min(element, SIZES["element"] + 1)
        | codes.degree[min(int(atom.GetTotalDegree()), SIZES["degree"])]
        | (codes.charge[charge + 2] if -2 <= charge <= 2 else 0)
        | codes.hydrogens[min(int(atom.GetTotalNumHs()), SIZES["hydrogens"])]
        | codes.chirality[int(atom.GetChiralTag())]
        | codes.hybridisation[int(atom.GetHybridization())]
        | (int(atom.GetIsAromatic()) << SHIFTS["aromatic"])
    )


def _bond(bond: Any, codes: _Codes) -> int:
    return (
        (int(bond.GetBeginAtomIdx() + 1) << SHIFTS["begin"])
        | (int(bond.GetEndAtomIdx() + 1) << SHIFTS["end"])
        | codes.order[int(bond.GetBondType())]
        | (int(bond.GetIsConjugated()) << SHIFTS["conjugated"])
        | (int(bond.IsInRing()) << SHIFTS["ring"])
        | codes.stereo[int(bond.GetStereo())]
    )


@cache
def _codes() -> _Codes:
    from rdkit.Chem import BondStereo, BondType, ChiralType, HybridizationType

    def counted(name: str) -> tuple[int, ...]:
        return *((k + 1) << SHIFTS[name] for k in range(SIZES[name])), 0

    def named(name: str, kinds: Any, values: Sequence[str]) -> tuple[int, ...]:
        known = {int(kinds.names[value]): (k + 1) << SHIFTS[name] for k, value in enumerate(values)}
        return tuple(known.get(number, 0) for number in range(max(kinds.values) + 1))

    chiralities = ("CHI_UNSPECIFIED", "CHI_TETRAHEDRAL_CW", "CHI_TETRAHEDRAL_CCW", "CHI_OTHER")
    return _Codes(
        counted("degree"),
        counted("charge"),
        counted("hydrogens"),
        named("chirality", ChiralType, chiralities),
        named("hybridisation", HybridizationType, ("SP", "SP2", "SP3", "SP3D", "SP3D2")),
        named("order", BondType, ("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC")),
        named("stereo", BondStereo, ("STEREONONE", "STEREOANY", "STEREOZ", "STEREOE", "STEREOCIS", "STEREOTRANS")),
    )
