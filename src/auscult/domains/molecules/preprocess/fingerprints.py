"""Molecules → fingerprints, (N, F) uint8.

ECFP4 is RDKit's Morgan fingerprint of radius 2 (Rogers and Hahn 2010, J Chem Inf Model 50:742); FCFP4 is the same on
pharmacophoric features. ``-count`` says how often each environment occurs in place of whether.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint8]
FingerprintName = Literal[
    "ecfp4", "ecfp4-count", "ecfp6-count", "fcfp4-count", "atom-pair-count", "torsion-count", "path", "maccs", "avalon"
]
CIRCULAR = frozenset(("ecfp4", "ecfp4-count", "ecfp6-count", "fcfp4-count"))
"""Fingerprints of the surroundings of each atom."""
SIZE = 2048


def fingerprints(molecules: Sequence[Any], name: FingerprintName) -> Bits:
    """Return the named fingerprint of each molecule.

    Parameters
    ----------
    molecules : sequence of rdkit.Chem.Mol
        N molecules.
    name : str
        ``ecfp4`` and ``path`` hold bits, ``maccs`` 167 keys, ``-count`` numbers cut at 255.

    Returns
    -------
    (N, F) uint8
    """
    if not molecules:
        return np.zeros((0, 167 if name == "maccs" else SIZE), dtype=np.uint8)
    if name.endswith("-count"):
        counts = _counter(name)
        made = np.empty((len(molecules), SIZE), dtype=np.uint8)
        for row, molecule in enumerate(molecules):
            found = counts(molecule)
            made[row] = np.minimum(found, 255, out=found)
        return made
    return _unpacked([_bits(name)(m) for m in molecules])


def _unpacked(vectors: Sequence[Any]) -> Bits:
    """Bit vectors of RDKit → (N, F); the text form is the quickest way out of it."""
    from rdkit.DataStructs import BitVectToBinaryText

    packed = np.frombuffer(b"".join(BitVectToBinaryText(v) for v in vectors), dtype=np.uint8)
    return np.unpackbits(packed.reshape(len(vectors), -1), axis=1, bitorder="little")[:, : vectors[0].GetNumBits()]


def circular_generator(name: str) -> Any:
    """Return RDKit's generator of a circular fingerprint; nothing for another."""
    return _generator(name) if name in CIRCULAR else None


@cache
def _bits(name: FingerprintName) -> Callable[[Any], Any]:
    if name == "maccs":
        from rdkit.Chem.rdMolDescriptors import GetMACCSKeysFingerprint

        keys: Callable[[Any], Any] = GetMACCSKeysFingerprint
        return keys
    if name == "avalon":
        from rdkit.Avalon.pyAvalonTools import GetAvalonFP

        return lambda molecule: GetAvalonFP(molecule, nBits=SIZE)
    bits: Callable[[Any], Any] = _generator(name).GetFingerprint
    return bits


@cache
def _counter(name: FingerprintName) -> Callable[[Any], npt.NDArray[np.uint32]]:
    count: Callable[[Any], npt.NDArray[np.uint32]] = _generator(name).GetCountFingerprintAsNumPy
    return count


@cache
def _generator(name: str) -> Any:
    from rdkit.Chem import rdFingerprintGenerator

    make = rdFingerprintGenerator

    if name in ("ecfp4", "ecfp4-count"):
        return make.GetMorganGenerator(radius=2, fpSize=SIZE)
    if name == "ecfp6-count":
        return make.GetMorganGenerator(radius=3, fpSize=SIZE)
    if name == "fcfp4-count":
        features = make.GetMorganFeatureAtomInvGen()
        return make.GetMorganGenerator(radius=2, fpSize=SIZE, atomInvariantsGenerator=features)
    if name == "atom-pair-count":
        return make.GetAtomPairGenerator(fpSize=SIZE)
    if name == "torsion-count":
        return make.GetTopologicalTorsionGenerator(fpSize=SIZE)
    return make.GetRDKitFPGenerator(fpSize=SIZE, maxPath=6)
