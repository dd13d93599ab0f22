"""Molecules as atoms and bonds in numbers: what each code says, and what is left without an atom."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.arrays import Array
from auscult.base.errors import ReadError
from auscult.domains.molecules.preprocess.compounds import CompoundConfig, parse
from auscult.domains.molecules.preprocess.graph import (
    FIELDS,
    SHIFTS,
    check_graph,
    graph_width,
    graph_without_atoms,
    graphs,
)
from auscult.domains.molecules.preprocess.molecule import read_molecule


def codes(graph: Array, name: str) -> list[int]:
    return ((graph >> SHIFTS[name]) & ((1 << FIELDS[name]) - 1)).tolist()


def test_each_code_says_what_rdkit_says() -> None:
    graph = graphs([read_molecule("C/C=C/[NH3+]")], 6)[0]
    assert graph.shape == (graph_width(6),)
    assert codes(graph, "element")[:5] == [6, 6, 6, 7, 0]
    assert codes(graph, "hydrogens")[:4] == [4, 2, 2, 4]  # one more than there are; 0 is for more than four
    assert codes(graph, "charge")[:4] == [3, 3, 3, 4]
    assert codes(graph, "hybridisation")[:4] == [3, 2, 2, 3]
    assert list(zip(codes(graph, "begin"), codes(graph, "end"), strict=True))[:4] == [(1, 2), (2, 3), (3, 4), (0, 0)]
    assert codes(graph, "order")[:4] == [1, 2, 1, 0]
    assert codes(graph, "stereo")[:3] == [1, 4, 1]
    assert not graph[4:].any()


def test_rings_aromatic_bonds_and_hands_are_told() -> None:
    graph = graphs([read_molecule("c1ccccc1[C@H](F)Cl")], 10)[0]
    assert codes(graph, "aromatic")[:9] == [1] * 6 + [0] * 3
    assert sorted(codes(graph, "ring")[:9]) == [0] * 3 + [1] * 6
    assert codes(graph, "chirality")[6] in (2, 3)
    assert codes(graph, "order").count(4) == 6


def test_what_is_beyond_the_codes_is_any_other() -> None:
    graph = graphs([read_molecule("[Lr+3]"), read_molecule("FS(F)(F)(F)(F)F")], 10)
    assert codes(graph[0], "element")[0] == 101
    assert codes(graph[0], "charge")[0] == 0
    assert codes(graph[1], "degree")[1] == 0


def test_a_molecule_with_too_many_bonds_is_refused() -> None:
    cage = read_molecule("C12C3C4C1C5C2C3C45")  # cubane
    check_graph(cage, 8)
    with pytest.raises(
        ReadError, match=r"expected at most 9 bonds and 4095 atoms, got 12 and 8; a polymer\? Leave it out"
    ):
        check_graph(cage, 6)


def test_without_an_atom_its_bonds_are_gone_and_all_else_stays() -> None:
    graph = graphs([read_molecule("CCO")], 4)[0]
    left = graph_without_atoms(graph)
    assert left.shape == (3, graph_width(4))
    assert codes(left[1], "element")[:3] == [6, 0, 8]
    assert codes(left[1], "begin")[:2] == [0, 0]
    assert codes(left[2], "element")[:3] == [6, 6, 0]
    assert codes(left[2], "begin")[:2] == [1, 0]


def test_a_graph_is_no_measure_of_likeness() -> None:
    with pytest.raises(ValueError, match="expected one by which compounds are alike first, such as ecfp4; got graph"):
        CompoundConfig(fingerprints=("graph", "ecfp4"))


def test_a_structure_whose_graph_is_too_large_is_set_aside_and_the_others_stay() -> None:
    config = CompoundConfig(fingerprints=("ecfp4", "graph"), max_atoms=8)
    made = parse(["C12C3C4C1C5C2C3C45", "C12C3C4C1C5C2C3N45"], config)
    assert made.rows == [0, 1]
    made = parse(["CCO", "C12C3C4C1C5C2C3C45"], config.model_copy(update={"max_atoms": 6}))
    assert made.rows == [0]


def test_no_molecules_have_no_graphs() -> None:
    assert graphs([], 4).shape == (0, graph_width(4))
    assert graphs([], 4).dtype == np.int64
