"""Standardisation as named steps whose effect is recorded for each compound.

A step runs only where the structure asks for it, so that the usual compound of a library costs nothing. The steps are
those of RDKit's MolStandardize (Swain's MolVS; Bento et al. 2020, J Cheminform 12:51 describe such a pipeline).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal

Step = Literal["largest-fragment", "neutralise", "isotopes", "tautomer"]
STEPS: tuple[Step, ...] = ("largest-fragment", "neutralise", "isotopes", "tautomer")
_NITRO = re.compile(r"\[N\+\]\(=O\)\[O-\]|\[O-\]\[N\+\]\(=O\)|\[N\+\]\(\[O-\]\)=O|O=\[N\+\]\(\[O-\]\)")
"""Nitro groups as they are mostly written: their charges balance each other and stay, so they ask for nothing."""
DEFAULT: tuple[Step, ...] = ("largest-fragment", "neutralise")


def standardise(molecule: Any, smiles: str, steps: Sequence[Step]) -> tuple[Any, int, str]:
    """Apply named steps to a molecule, in the order of ``STEPS``.

    Parameters
    ----------
    molecule : rdkit.Chem.Mol
        Sanitised; it is not changed.
    smiles : str
        The text that it was read from: it tells which steps have nothing to do.
    steps : sequence of str
        ``largest-fragment``: of a salt or mixture the organic fragment with the most atoms stays.
        ``neutralise``: charges that protons can balance are balanced.
        ``isotopes``: isotope labels are dropped.
        ``tautomer``: the canonical tautomer; slow.

    Returns
    -------
    (rdkit.Chem.Mol, int, str)
        The molecule; which steps changed it: bit ``k`` is ``STEPS[k]``; and its canonical SMILES where a step had to
        write it, else nothing.
    """
    done, text = 0, ""
    for bit, step in enumerate(STEPS):
        if step in steps and _asks_for(step, smiles):
            changed, written = _apply(step, molecule)
            if changed is not molecule:
                molecule, done, text = changed, done | 1 << bit, written
    return molecule, done, text


def step_names(done: int) -> list[str]:
    """Names of the steps that changed a molecule."""
    return [step for bit, step in enumerate(STEPS) if done >> bit & 1]


def _asks_for(step: Step, smiles: str) -> bool:
    if step == "largest-fragment":
        return "." in smiles
    if step == "neutralise":
        rest = _NITRO.sub("", smiles) if "[N+]" in smiles else smiles
        return "[" in rest and ("+" in rest or "-" in rest)
    return step == "tautomer" or "[" in smiles


def _apply(step: Step, molecule: Any) -> tuple[Any, str]:
    """Return the changed molecule and its SMILES, or the same object where nothing changed or what came out is none.

    The largest fragment of a metallocene is a ring that cannot exist alone: such a compound stays whole.
    """
    if step == "isotopes":
        return _without_isotopes(molecule), ""
    changed = _tool(step)(molecule)
    if step == "tautomer":
        same = _smiles(changed) == _smiles(molecule)
    elif step == "largest-fragment":
        same = changed.GetNumAtoms() == molecule.GetNumAtoms()
    else:
        same = _charges(changed) == _charges(molecule)
    if same:
        return molecule, ""
    text = _smiles(changed)
    return (changed, text) if _exists(text) else (molecule, "")


def _charges(molecule: Any) -> tuple[int, int]:
    """How many atoms are charged, and the sum of charges: taking charges away changes one of the two."""
    from rdkit import Chem

    return len(molecule.GetSubstructMatches(_charged(), maxMatches=1 << 20)), Chem.GetFormalCharge(molecule)


@cache
def _charged() -> Any:
    from rdkit import Chem

    return Chem.MolFromSmarts("[!+0]")


def _exists(smiles: str) -> bool:
    from rdkit import Chem

    return Chem.MolFromSmiles(smiles) is not None


def _smiles(molecule: Any) -> str:
    from rdkit import Chem

    return str(Chem.MolToSmiles(molecule))


@cache
def _tool(step: Step) -> Callable[[Any], Any]:
    from rdkit.Chem.MolStandardize import rdMolStandardize

    if step == "largest-fragment":
        choose: Callable[[Any], Any] = rdMolStandardize.LargestFragmentChooser(preferOrganic=True).choose
        return choose
    if step == "neutralise":
        neutral: Callable[[Any], Any] = rdMolStandardize.Uncharger().uncharge
        return neutral
    canonical: Callable[[Any], Any] = rdMolStandardize.TautomerEnumerator().Canonicalize
    return canonical


def _without_isotopes(molecule: Any) -> Any:
    from rdkit import Chem

    if not any(atom.GetIsotope() for atom in molecule.GetAtoms()):
        return molecule
    plain = Chem.RWMol(molecule)
    for atom in plain.GetAtoms():
        atom.SetIsotope(0)
    return plain.GetMol()
