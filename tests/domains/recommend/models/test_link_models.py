"""Pairs of devices against direct dense calculations, and what trees learn of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auscult.base.contracts import FitContext, Items, ItemSet
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.recommend.models.link_ranker import LinkRanker, LinkRankerConfig
from auscult.domains.recommend.models.links import DAMPING, FEATURES, Links, pairs_of
from auscult.domains.recommend.models.two_hop import TwoHop, TwoHopConfig
from auscult.domains.recommend.preprocess.names import as_names
from auscult.domains.recommend.simulate.clearances import simulate_clearances
from auscult.domains.recommend.tasks.predicate_device import PredicateDevice, PredicateDeviceConfig


@pytest.fixture(scope="module")
def train() -> ItemSet:
    links = [link for link in simulate_clearances(np.random.default_rng(0), a_year=25) if link[0] < "K200000"]
    owner, item = (as_names([link[k] for link in links]) for k in (0, 1))
    record = np.unique(owner, return_inverse=True)[1].ravel()
    return ItemSet(Items({"item": item, "owner": owner}, record, np.arange(len(item)), item), np.arange(len(item)))


def _context(folder: Path) -> FitContext:
    return FitContext(PredicateDevice(PredicateDeviceConfig()).spec, 0, TrainTable(threads=1), folder, Silent())


def test_pairs_are_described_by_walks_and_ways(train: ItemSet) -> None:
    links = Links.of(train)
    size = len(links.names)
    g = np.zeros((size, size))
    np.add.at(g, (links.owner, links.item), 1)
    both = g + g.T
    walk = both / np.maximum(both.sum(axis=1, keepdims=True), 1)
    known = np.array([3, 40])
    row, column, features = pairs_of(links, known, size)
    assert features.shape == (len(row), FEATURES)
    total = sum(np.linalg.matrix_power(walk, k + 1) * DAMPING**k for k in range(5))
    np.testing.assert_allclose(features[:, 0], total[known[row], column], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(features[:, 2], (walk @ walk)[known[row], column], rtol=1e-4, atol=1e-6)
    for place, way in zip(range(6, 12), (g, g.T, g.T @ g, g @ g.T, g @ g, g.T @ g.T), strict=True):
        np.testing.assert_allclose(features[:, place], way[known[row], column], rtol=1e-5)
    assert not (column == known[row]).any()
    np.testing.assert_array_equal(features[:, 15], g.sum(axis=0)[column])


def test_the_graph_of_an_earlier_year_knows_nothing_later(train: ItemSet) -> None:
    links = Links.of(train)
    assert links.until == 2019
    then = links.before(2013)
    assert then.years[then.owner].max() == 2013
    assert len(then.names) == len(links.names)


def test_two_links_are_the_normalised_product(train: ItemSet, tmp_path: Path) -> None:
    program = TwoHop(TwoHopConfig(keep=10_000)).fit(train, train, _context(tmp_path)).export()
    links = Links.of(train)
    both = (links.forward + links.backward).toarray()
    degree = np.maximum(both.sum(axis=1), 1)
    near = both / np.sqrt(np.outer(degree, degree))
    expected = 2 * near + near @ near
    np.fill_diagonal(expected, 0)
    a = program.arrays
    made = np.zeros_like(expected)
    for row in range(len(made)):
        at = slice(a["indptr"][row], a["indptr"][row + 1])
        made[row, a["indices"][at]] = a["data"][at]
    np.testing.assert_allclose(made, expected, atol=1e-5)


@pytest.mark.parametrize("score", ["walk", "trees"])
def test_a_pair_has_one_score_between_0_and_1(train: ItemSet, tmp_path: Path, score: str) -> None:
    model = LinkRanker(LinkRankerConfig(score=score, trees=5, keep=30))  # type: ignore[arg-type]
    program = model.fit(train, train, _context(tmp_path)).export()
    assert program.arrays["data"].max() == pytest.approx(1)
    assert program.arrays["data"].min() > 0
    assert np.diff(program.arrays["indptr"]).max() <= 30
