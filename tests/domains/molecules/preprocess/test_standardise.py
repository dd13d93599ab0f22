"""Each step does what it says, and only where the structure asks for it."""

from __future__ import annotations

import pytest
from rdkit import Chem

from auscult.domains.molecules.preprocess.standardise import DEFAULT, STEPS, Step, standardise, step_names

CASES: list[tuple[str, Step, str]] = [
    ("CC(=O)[O-].[Na+]", "largest-fragment", "CC(=O)[O-]"),
    ("CCN.Cl", "largest-fragment", "CCN"),
    ("[O-]C(=O)c1ccccc1", "neutralise", "O=C(O)c1ccccc1"),
    ("C[NH3+]", "neutralise", "CN"),
    ("[2H]C([2H])([2H])O", "isotopes", "[H]C([H])([H])O"),
    ("C=C(O)C", "tautomer", "CC(C)=O"),
]


@pytest.mark.parametrize(("smiles", "step", "expected"), CASES)
def test_a_step(smiles: str, step: Step, expected: str) -> None:
    made, done, _ = standardise(Chem.MolFromSmiles(smiles), smiles, (step,))
    assert Chem.CanonSmiles(Chem.MolToSmiles(made)) == Chem.CanonSmiles(expected)
    assert step_names(done) == [step]


@pytest.mark.parametrize("smiles", ["CCO", "C[N+](C)(C)C", "CC[N+](=O)[O-]", "c1cc[nH]c1"])
def test_what_asks_for_nothing_stays_the_same_object(smiles: str) -> None:
    """A quaternary nitrogen and a nitro group carry charges that no proton balances."""
    molecule = Chem.MolFromSmiles(smiles)
    made, done, _ = standardise(molecule, smiles, DEFAULT)
    assert made is molecule
    assert done == 0


def test_steps_are_counted_together() -> None:
    made, done, text = standardise(Chem.MolFromSmiles("CC(=O)[O-].[Na+]"), "CC(=O)[O-].[Na+]", DEFAULT)
    assert Chem.MolToSmiles(made) == text == "CC(=O)O"
    assert step_names(done) == list(STEPS[:2])
    assert standardise(Chem.MolFromSmiles("CCN.Cl"), "CCN.Cl", ())[1] == 0


def test_a_part_that_cannot_exist_alone_is_not_taken_out() -> None:
    """Ferrocene as PubChem writes it: two five-rings with a charge each and iron."""
    smiles = "[CH-]1C=CC=C1.[CH-]1C=CC=C1.[Fe+2]"
    made, _, _ = standardise(Chem.MolFromSmiles(smiles), smiles, DEFAULT)
    assert Chem.MolFromSmiles(Chem.MolToSmiles(made)) is not None


def test_what_neutralising_makes_impossible_stays_charged() -> None:
    molecule = Chem.MolFromSmiles("[SbH6+3]")
    assert standardise(molecule, "[SbH6+3]", DEFAULT) == (molecule, 0, "")
