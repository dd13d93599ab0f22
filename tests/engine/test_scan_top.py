"""The best of a library: the order, each thing once, relatives passed over, and what a pool may forget."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from auscult.engine.scan_top import Described, Pool, pick, write_picks

EYE = np.packbits(np.eye(16, dtype=np.uint8), axis=1)


def described(names: list[str], same_as: list[str], bits: np.ndarray) -> Described:
    return Described(np.array(names), {"smiles": np.array([f"S{n}" for n in names])}, np.array(same_as), bits)


def test_the_best_in_order_and_each_thing_once(tmp_path: Path) -> None:
    pool = Pool(10, lowest=False)
    pool.write(tmp_path / "a", np.array([0.2, 0.9, 0.5]), described(["a", "b", "c"], ["x", "y", "z"], EYE[:3]))
    pool.write(tmp_path / "b", np.array([0.9, 0.7]), described(["d", "e"], ["y", "z"], EYE[3:5]))
    assert [p.record for p in pool.ranked()] == ["b", "e", "a"]
    again = Pool(10, lowest=False)
    again.read(tmp_path / "a")
    again.read(tmp_path / "b")
    assert [p.record for p in again.ranked()] == ["b", "e", "a"]


def test_the_lowest_can_be_the_best(tmp_path: Path) -> None:
    pool = Pool(2, lowest=True)
    pool.write(tmp_path / "a", np.array([3.0, -1.0, 2.0]), described(["a", "b", "c"], ["x", "y", "z"], EYE[:3]))
    assert [p.record for p in pool.ranked()] == ["b", "c"]


def test_a_full_pool_lets_in_only_what_is_as_good(tmp_path: Path) -> None:
    pool = Pool(2, lowest=False)
    score = np.array([0.1, 0.9, 0.8, 0.7, 0.6])
    assert pool.may_enter(score).tolist() == [1, 2, 3, 4, 0]
    pool.write(tmp_path / "a", score, described(list("abcde"), list("abcde"), EYE[:5]))
    assert pool.may_enter(np.array([0.79, 0.8, 0.95])).tolist() == [2, 1]


def test_relatives_of_a_better_one_are_passed_over(tmp_path: Path) -> None:
    # By hand: a and b share 3 of 5 bits (likeness 0.6), c shares none with either.
    bits = np.packbits(np.array([[1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 1, 1, 1]]), axis=1)
    pool = Pool(10, lowest=False)
    pool.write(tmp_path / "a", np.array([0.9, 0.8, 0.1]), described(list("abc"), list("abc"), bits))
    assert [p.record for p, _ in pick(pool.ranked(), count=2, distance=0.5)] == ["a", "c"]
    near = pick(pool.ranked(), count=3, distance=0.3)
    assert [p.record for p, _ in near] == ["a", "b", "c"]
    np.testing.assert_allclose([s for _, s in near], [0, 0.6, 0], atol=1e-6)
    assert write_picks(pool, tmp_path / "top.csv", count=2, distance=0.5) == 2
    rows = list(csv.DictReader((tmp_path / "top.csv").read_text().splitlines()))
    assert rows[1] == {"rank": "2", "score": "0.1", "record": "c", "smiles": "Sc", "likeness_to_better": "0.0"}
    assert pick([], count=3, distance=0.5) == []
