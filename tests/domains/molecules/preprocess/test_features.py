"""Fingerprints and descriptors: what RDKit says, as arrays; finite, and the same for a molecule alone."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import Descriptors, rdFingerprintGenerator

from auscult.domains.molecules.preprocess.descriptors import descriptor_names, descriptors
from auscult.domains.molecules.preprocess.fingerprints import FingerprintName, fingerprints
from auscult.domains.molecules.preprocess.scaffold import scaffold_key

SMILES = ("CCO", "c1ccccc1C(=O)NC", "CC(C)Cc1ccc(cc1)C(C)C(=O)O", "[Na+].[Cl-]", "C[Hg]C")
MOLECULES = [Chem.MolFromSmiles(s) for s in SMILES]


@pytest.mark.parametrize("name", get_args(FingerprintName))
def test_every_fingerprint(name: FingerprintName) -> None:
    made = fingerprints(MOLECULES, name)
    assert made.dtype == np.uint8
    assert made.shape == (5, 167 if name == "maccs" else 2048)
    assert made[1:3].any(axis=1).all()  # ethanol has no torsion
    np.testing.assert_array_equal(fingerprints(MOLECULES[1:2], name)[0], made[1])
    if name.endswith("-count"):
        assert made.max() > 1
    else:
        assert set(np.unique(made)) == {0, 1}
    assert fingerprints([], name).shape == (0, made.shape[1])


def test_bits_are_those_of_rdkit() -> None:
    """The text form that is unpacked holds the same bits as the form that RDKit converts itself."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    expected = np.stack([generator.GetFingerprintAsNumPy(m) for m in MOLECULES])
    np.testing.assert_array_equal(fingerprints(MOLECULES, "ecfp4"), expected)


@pytest.mark.parametrize("chosen", ["rdkit", "fast"])
def test_descriptors(chosen: str) -> None:
    made = descriptors(MOLECULES, chosen)  # type: ignore[arg-type]
    names = descriptor_names(chosen)  # type: ignore[arg-type]
    assert made.shape == (5, len(names))
    assert np.isfinite(made).all()
    assert made[2, names.index("MolWt")] == pytest.approx(206.28, abs=0.01)  # ibuprofen, C13H18O2
    assert made[2, names.index("RingCount")] == 1


def test_what_is_not_defined_is_counted() -> None:
    """RDKit has no partial charges for mercury: expected are as many zeros as it gives NaN."""
    names = descriptor_names("rdkit")
    values = [f(MOLECULES[4]) for n, f in Descriptors._descList if n in names]
    lost = int(np.count_nonzero(~np.isfinite(values)))
    assert lost > 0
    made = descriptors(MOLECULES, "rdkit")
    assert made[4, names.index("n_undefined")] == lost
    assert made[0, names.index("n_undefined")] == 0


def test_a_descriptor_that_rdkit_refuses_is_not_defined() -> None:
    """qed of an antimony compound of the Tox21 library's kind: RDKit raises an error of valence."""
    antimonate = Chem.MolFromSmiles("O[Sb-](O)(O)(O)(O)O")
    made = descriptors([antimonate], "rdkit")
    names = descriptor_names("rdkit")
    assert np.isfinite(made).all()
    assert made[0, names.index("n_undefined")] >= 1


def test_no_descriptors() -> None:
    assert descriptors(MOLECULES, "none").shape == (5, 0)
    assert descriptor_names("none") == ()


def test_scaffolds() -> None:
    keys = [scaffold_key(Chem.MolFromSmiles(s)) for s in ("CCO", "Cc1ccccc1", "Oc1ccccc1CC", "C1CCCCC1")]
    assert keys[0] == "acyclic"
    assert keys[1] == keys[2] != keys[3]
