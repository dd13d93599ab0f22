"""Numbers of items and their attributes out of a list and a graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auscult.base.errors import RecipeError
from auscult.domains.recommend.preprocess.catalogue import BUCKETS, hashed, read_catalogue
from auscult.domains.recommend.preprocess.names import as_names, latest


def _files(folder: Path, items: str, graph: str) -> tuple[str, str]:
    (folder / "items.txt").write_text(items)
    (folder / "kg.txt").write_text(graph)
    return str(folder / "items.txt"), str(folder / "kg.txt")


def test_items_are_numbered_by_name_and_carry_what_few_share(tmp_path: Path) -> None:
    items, graph = _files(tmp_path, "b\t0\na\t1\n", "0\tmaker\t9\n1\tmaker\t9\n1\ttype\t8\n7\tpart\t1\n")
    catalogue = read_catalogue(items, graph, 2)
    assert catalogue.numbers(as_names(["a", "b", "x", ""])).tolist() == [1, 2, 0, 0]
    rare = hashed(np.array([b"part-of=7", b"type=8"]))  # maker=9 is shared by both and is the third
    assert catalogue.attributes_of(np.array([1])).tolist() == [rare.tolist()]
    assert catalogue.attributes_of(np.array([2])).tolist() == [[int(hashed(np.array([b"maker=9"]))[0]), 0]]
    assert catalogue.attributes_of(np.array([0])).tolist() == [[0, 0]]


def test_without_a_list_names_are_hashed() -> None:
    catalogue = read_catalogue("", "", 3)
    numbers = catalogue.numbers(as_names(["pump", "pump", "", "valve"]))
    assert numbers[0] == numbers[1] != numbers[3]
    assert numbers[2] == 0
    assert 0 < numbers.max() < BUCKETS


@pytest.mark.parametrize(
    ("items", "graph", "message"),
    [
        ("a 1\n", "", r"items\.txt: expected lines of 2 parts with tabs between, got another in line 1"),
        ("", "", r"items\.txt: expected lines of 2 parts with tabs between, got none"),
        ("a\t1\na\t2\n", "", "expected names of at most 32 bytes, each once, got a name twice"),
        ("a" * 10240 + "\t1\n", "", "expected names of at most 32 bytes, each once, got a name of more than that"),
        ("a\t1\n", "1\t2\n", r"kg\.txt: expected lines of 3 parts with tabs between, got another in line 1"),
    ],
)
def test_a_broken_list_is_refused_whole(tmp_path: Path, items: str, graph: str, message: str) -> None:
    where, triples = _files(tmp_path, items, graph)
    with pytest.raises(RecipeError, match=message):
        read_catalogue(where, triples, 2)


def test_a_graph_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="graph: expected a list of items beside it, got none; set 'catalogue' too"):
        read_catalogue("", str(tmp_path), 2)


def test_the_latest_of_each_record_come_first() -> None:
    rows = latest(np.array([5, 6, 7, 8]), np.array([2, 0, 2, 2]), 4, 2)
    assert rows.tolist() == [[6, 0], [0, 0], [8, 7], [0, 0]]
