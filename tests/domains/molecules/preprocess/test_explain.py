"""What carries an answer: bits without an atom by their definition, weights of a known function, alerts, pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from rdkit import Chem

from auscult.base.arrays import Array
from auscult.base.contracts import Source, WriteContext
from auscult.base.errors import UsageError
from auscult.domains.molecules.preprocess.alerts import alerts
from auscult.domains.molecules.preprocess.atoms import atom_weights, without_atoms
from auscult.domains.molecules.preprocess.draw import draw_weights
from auscult.domains.molecules.preprocess.explain import file_name, write_drawings
from auscult.domains.molecules.preprocess.fingerprints import fingerprints

MOLECULE = Chem.MolFromSmiles("CCOC(=O)c1ccc(Br)cc1")


@pytest.mark.parametrize("name", ["ecfp4", "ecfp4-count", "fcfp4-count"])
def test_an_atom_takes_its_own_environments_and_no_others(name: str) -> None:
    whole = fingerprints([MOLECULE], name)[0].astype(int)
    less = without_atoms(MOLECULE, name)
    assert less is not None
    assert less.shape == (MOLECULE.GetNumAtoms(), 2048)
    assert (less <= whole).all()
    lost = whole - less
    assert (lost.sum(axis=1) > 0).all()
    # Fragments that hold no bromine keep every environment of their own when the bromine is taken away.
    far = fingerprints([Chem.MolFromSmiles("CCO")], name)[0]
    assert set(np.flatnonzero(less[9])) < set(np.flatnonzero(whole))
    assert far.any()


def test_two_molecules_in_one_lose_one_of_them_at_most() -> None:
    both = Chem.MolFromSmiles("CCO.c1ccsc1")
    less = without_atoms(both, "ecfp4-count")
    assert less is not None
    thiophene = fingerprints([Chem.MolFromSmiles("c1ccsc1")], "ecfp4-count")[0]
    assert (less[:3] >= thiophene).all()  # whichever atom of the other goes, its own count stays


def test_a_fingerprint_that_is_not_circular_is_left_alone() -> None:
    assert without_atoms(MOLECULE, "maccs") is None


def test_weights_of_a_function_that_counts_one_bit() -> None:
    bromine = int(np.flatnonzero(fingerprints([Chem.MolFromSmiles("[Br]")], "ecfp4")[0])[0])
    inputs = {"ecfp4": fingerprints([MOLECULE], "ecfp4"), "descriptors": np.ones((1, 3), dtype=np.float32)}
    bit = next(b for b in np.flatnonzero(inputs["ecfp4"][0]) if without_atoms(MOLECULE, "ecfp4")[9, b] == 0)

    def run(asked: Mapping[str, Array]) -> dict[str, Array]:
        assert (asked["descriptors"] == 1).all()
        return {"probability": asked["ecfp4"][:, [bit]].astype(np.float32)}

    weights = atom_weights(MOLECULE, inputs, run, "probability")
    assert weights.shape == (MOLECULE.GetNumAtoms(), 1)
    assert weights[9, 0] == 1.0
    assert bromine >= 0


def test_alerts_name_their_set_and_their_paper() -> None:
    found = alerts(Chem.MolFromSmiles("O=C1C=CC(=O)C=C1"))
    assert {a.set for a in found} == {"PAINS_A", "Brenk"}
    assert next(a for a in found if a.set == "PAINS_A").name.startswith("quinone_A")
    assert any("Baell" in a.source for a in found)
    assert found[0].atoms == tuple(range(8))
    assert alerts(Chem.MolFromSmiles("CCO")) == []


def test_a_picture_shows_what_carries_and_nothing_where_nothing_does() -> None:
    weights = np.zeros(MOLECULE.GetNumAtoms())
    assert draw_weights(MOLECULE, weights).count("ellipse") == 0
    weights[9], weights[0], weights[1] = 1.0, -0.5, 0.01
    drawn = draw_weights(MOLECULE, weights)
    assert drawn.count("<ellipse") == 2
    assert ElementTree.fromstring(drawn).tag.endswith("svg")  # noqa: S314 our own text


def test_drawings_need_an_explanation(tmp_path: Path) -> None:
    context = WriteContext(Source("smiles-table", "x", ()), (), {})
    with pytest.raises(UsageError, match="--out: expected --explain beside it"):
        write_drawings(None, np.zeros((0, 1)), tmp_path, labels=("a",), context=context)  # type: ignore[arg-type]


def test_names_of_files() -> None:
    assert file_name("lib/a#17") == "lib-a-17"
    assert file_name("../..") == "record"
