"""Which atoms carry a score: what the answer loses when an atom's share of the fingerprints is taken away.

The fingerprints of a molecule are made again without every environment that holds the atom, the descriptors stay, and
the program answers once more (similarity maps; Riniker and Landrum 2013, J Cheminform 5:43). A graph loses the atom and
its bonds. A positive weight says that the atom speaks for a higher score.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Run
from auscult.domains.molecules.preprocess.fingerprints import SIZE, Bits, circular_generator
from auscult.domains.molecules.preprocess.graph import GRAPH, graph_without_atoms


def without_atoms(molecule: Any, name: str) -> Bits | None:
    """Return a circular fingerprint once for each atom, without the environments that hold it, (A, F) uint8.

    Parameters
    ----------
    molecule : rdkit.Chem.Mol
        With A atoms.
    name : str
        Name of the fingerprint; one that is not circular gives nothing.
    """
    generator = circular_generator(name)
    if generator is None:
        return None
    from rdkit.Chem import FindAtomEnvironmentOfRadiusN
    from rdkit.Chem.rdFingerprintGenerator import AdditionalOutput

    told = AdditionalOutput()
    told.AllocateBitInfoMap()
    generator.GetCountFingerprint(molecule, additionalOutput=told)
    n_atoms = molecule.GetNumAtoms()
    whole = np.zeros(SIZE, dtype=np.int64)
    held = np.zeros((n_atoms, SIZE), dtype=np.int64)
    for bit, places in told.GetBitInfoMap().items():
        for center, radius in places:
            atoms = {center}
            for bond in FindAtomEnvironmentOfRadiusN(molecule, radius, center) if radius else ():
                ends = molecule.GetBondWithIdx(bond)
                atoms |= {ends.GetBeginAtomIdx(), ends.GetEndAtomIdx()}
            whole[bit] += 1
            held[sorted(atoms), bit] += 1
    left = whole[None] - held
    return np.asarray(np.minimum(left, 255 if name.endswith("-count") else 1), dtype=np.uint8)


def atom_weights(molecule: Any, inputs: Mapping[str, Array], run: Run, output: str) -> Array:
    """Return by how much the raw score falls without each atom, (A, K).

    Parameters
    ----------
    molecule : rdkit.Chem.Mol
        With A atoms.
    inputs : mapping of str to (1, F) array
        Inputs of the program for this molecule.
    run : Run
        The program.
    output : str
        Which of its outputs, (N, K).
    """
    n_atoms = molecule.GetNumAtoms()
    asked = {}
    for name, value in inputs.items():
        less = graph_without_atoms(value[0]) if name == GRAPH else without_atoms(molecule, name)
        rest = np.repeat(value, n_atoms, axis=0) if less is None else less.astype(value.dtype)
        asked[name] = np.concatenate([value, rest])
    answers = np.asarray(run(asked)[output], dtype=np.float64)
    return np.asarray(answers[:1] - answers[1:])
