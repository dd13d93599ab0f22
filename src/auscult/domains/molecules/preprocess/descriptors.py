"""Molecules → RDKit's 2D descriptors, (N, F) float32.

``rdkit`` is all of them but Ipc, whose size doubles with every few atoms until it is no number any more (AvgIpc stays).
A descriptor that is not defined for a molecule (a partial charge where a metal has no parameters) is 0, and the last
column, ``n_undefined``, says how many were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

DescriptorSet = Literal["none", "fast", "rdkit"]
LEFT_OUT = frozenset(("Ipc",))
LARGEST = 1e6
"""Beyond this a value is cut: no descriptor that means something is larger."""
FAST = (
    "MolWt", "HeavyAtomCount", "NOCount", "NHOHCount", "RingCount", "NumAromaticRings", "NumAliphaticRings",
    "NumAromaticHeterocycles", "NumSaturatedRings", "FractionCSP3", "NumHeteroatoms", "NumBridgeheadAtoms",
    "NumSpiroAtoms", "HallKierAlpha", "Kappa1", "Chi0v", "Chi1v", "TPSA",
)  # fmt: skip
"""Descriptors that cost about 20 µs a molecule together."""


def descriptor_names(chosen: DescriptorSet) -> tuple[str, ...]:
    """Names of the columns of a set."""
    if chosen == "none":
        return ()
    if chosen == "fast":
        return (*FAST, "n_undefined")
    return (*_functions("rdkit"), "n_undefined")


def descriptors(molecules: Sequence[Any], chosen: DescriptorSet) -> npt.NDArray[np.float32]:
    """Return the descriptors of each molecule, (N, F), finite.

    Parameters
    ----------
    molecules : sequence of rdkit.Chem.Mol
        N molecules.
    chosen : str
        Which set: ``none``, ``fast`` or ``rdkit``.
    """
    functions = list(_functions(chosen).values())
    from rdkit import rdBase

    with rdBase.BlockLogs():
        values = np.array([[_value(f, m) for f in functions] for m in molecules], dtype=np.float64)
    values = values.reshape(len(molecules), len(functions))
    undefined = ~np.isfinite(values)
    clean = np.clip(np.where(undefined, 0.0, values), -LARGEST, LARGEST)
    counted = undefined.sum(axis=1, keepdims=True) if functions else np.zeros((len(molecules), 0))
    return np.concatenate([clean, counted], axis=1).astype(np.float32)


def _value(function: Callable[[Any], float], molecule: Any) -> float:
    """A descriptor, NaN where RDKit refuses to compute it (its reading of a hypervalent metal differs)."""
    try:
        return function(molecule)
    except (ValueError, ArithmeticError):
        return float("nan")


@cache
def _functions(chosen: DescriptorSet) -> dict[str, Callable[[Any], float]]:
    from rdkit.Chem import Descriptors

    known = {name: function for name, function in Descriptors._descList if name not in LEFT_OUT}
    if chosen == "none":
        return {}
    return {name: known[name] for name in FAST} if chosen == "fast" else known
