"""The simulated compounds: valid, different, and their effects follow the formula."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rdkit import Chem

from auscult.domains.molecules.examples import write_assays_example
from auscult.domains.molecules.simulate.compounds import make_compounds


def test_every_structure_is_possible_and_there_once() -> None:
    made = make_compounds(np.random.default_rng(0), 1000)
    molecules = [Chem.MolFromSmiles(c.smiles) for c in made]
    assert all(m is not None for m in molecules)
    assert len({c.smiles for c in made}) == 1000
    assert max(m.GetNumAtoms() for m in molecules) < 40


def test_effects_follow_the_formula() -> None:
    by_parts = {(c.ring, *c.parts): c for c in make_compounds(np.random.default_rng(1), 4000)}
    reactive = [c.effects[0] for c in by_parts.values() if "epoxide" in c.parts]
    assert set(reactive) == {0.9}
    ligands = [c.effects[2] for c in by_parts.values() if c.ring == "indole" and "bromo" in c.parts]
    assert min(ligands) > 0.5


def test_the_same_seed_gives_the_same_table(tmp_path: Path) -> None:
    for name in "ab":
        write_assays_example(tmp_path / name, 5, small=True)
    first = (tmp_path / "a" / "simulated_assays.csv").read_bytes()
    assert first == (tmp_path / "b" / "simulated_assays.csv").read_bytes()
    assert first.count(b"\n") == 25
