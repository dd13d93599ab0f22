"""Small molecules made by rule: a ring system with two substituents, some of them salts, some linked to a second ring.

Every structure is chemically possible, and many exist; which effects it has is a formula of its parts, not a fact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RINGS: dict[str, tuple[str, float]] = {
    "benzene": ("c1cc({a})ccc1{b}", 1.0),
    "meta-benzene": ("c1c({a})cccc1{b}", 1.0),
    "pyridine": ("c1cc({a})cnc1{b}", 0.3),
    "thiophene": ("c1c({a})csc1{b}", 0.9),
    "naphthalene": ("c1cc2cc({a})ccc2cc1{b}", 2.0),
    "indole": ("c1c({a})ccc2c1cc([nH]2){b}", 1.2),
    "quinoline": ("c1cc2nc({a})ccc2cc1{b}", 1.2),
    "cyclohexane": ("C1CC({a})CCC1{b}", 1.5),
    "piperidine": ("C1CN({a})CCC1{b}", 0.2),
}
"""Name of a ring system: its SMILES with two places, and its share in the lipophilicity of the formula."""
PARTS: dict[str, tuple[str, float]] = {
    "methyl": ("C", 0.5), "ethyl": ("CC", 1.0), "butyl": ("CCCC", 2.0), "hexyl": ("CCCCCC", 3.0),
    "tert-butyl": ("C(C)(C)C", 1.8), "methoxy": ("COC", -0.1), "hydroxy": ("CCO", -0.7), "amine": ("CN(C)C", 0.0),
    "acid": ("CC(=O)O", -0.8), "amide": ("C(=O)NC", -1.0), "nitrile": ("CC#N", -0.5),
    "sulfonamide": ("CS(N)(=O)=O", -1.5),
    "trifluoromethyl": ("C(F)(F)F", 0.9), "fluoroethyl": ("CCF", 0.6), "ether": ("CCOCC", 0.2),
    "aldehyde": ("CC=O", -0.3), "epoxide": ("C%11CO%11", -0.2), "alkyl-chloride": ("CCCl", 0.8),
    "acrylamide": ("CNC(=O)C=C", -0.2), "nitro": ("CC[N+](=O)[O-]", 0.1),
}  # fmt: skip
ON_CARBON: dict[str, tuple[str, float]] = {
    "chloro": ("Cl", 0.7), "bromo": ("Br", 0.9), "phenol": ("O", -0.4), "aniline": ("N", -0.8), "methoxyl": ("OC", 0.0),
    "nitroaryl": ("[N+](=O)[O-]", -0.1), "dimethylamino": ("N(C)C", 0.4), "acetamide": ("NC(C)=O", -0.9),
}  # fmt: skip
REACTIVE = frozenset(("aldehyde", "epoxide", "alkyl-chloride", "acrylamide", "nitroaryl"))
HALOGENS = frozenset(("chloro", "bromo", "trifluoromethyl"))
FLAT = frozenset(("naphthalene", "indole", "quinoline"))
SALT_SHARE = 0.04


@dataclass(frozen=True)
class Compound:
    """One made structure and what it was made of."""

    smiles: str
    ring: str
    parts: tuple[str, ...]
    lipophilicity: float

    @property
    def effects(self) -> tuple[float, float, float]:
        """Probability of being reactive, narcotic and a receptor's ligand, by the formula of this simulation."""
        reactive = 0.9 if REACTIVE & set(self.parts) else 0.04
        narcotic = 1 / (1 + np.exp(-2.5 * (self.lipophilicity - 3.0)))
        binds = 2.0 * (self.ring in FLAT) + 1.5 * bool(HALOGENS & set(self.parts)) + 1.0 * ("phenol" in self.parts)
        return reactive, float(narcotic), float(1 / (1 + np.exp(-3.0 * (binds - 2.6))))


def make_compounds(rng: np.random.Generator, count: int) -> list[Compound]:
    """Make so many different structures.

    Parameters
    ----------
    rng : numpy.random.Generator
        The only source of chance.
    count : int
        How many; the rules hold for more than ten thousand.
    """
    found: dict[str, Compound] = {}
    while len(found) < count:
        made = _one(rng)
        found.setdefault(made.smiles, made)
    return list(found.values())


def _one(rng: np.random.Generator) -> Compound:
    ring = str(rng.choice(list(RINGS)))
    template, lipophilicity = RINGS[ring]
    parts: list[str] = []
    texts: list[str] = []
    for place in "ab":
        table = {**PARTS, **ON_CARBON} if ring != "piperidine" or place == "b" else PARTS
        name = str(rng.choice(list(table)))
        text, share = table[name]
        if text.startswith("C") and rng.random() < 0.3 and not text.startswith("Cl"):
            extra = int(rng.integers(1, 3))
            text, share = "C" * extra + text, share + 0.4 * extra
        parts.append(name)
        texts.append(text)
        lipophilicity += share
    smiles = template.format(a=texts[0], b=texts[1])
    if rng.random() < SALT_SHARE:
        smiles += str(rng.choice([".Cl", ".OS(=O)(=O)O", ".[Na+].[Cl-]"]))
    return Compound(smiles, ring, tuple(parts), lipophilicity)
