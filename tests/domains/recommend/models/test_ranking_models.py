"""Popularity, neighbours and the graph filter against direct dense calculations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from auscult.base.contracts import FitContext, Items, ItemSet, Program
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.recommend.models import lightgcn_network
from auscult.domains.recommend.models import taken as taken_module
from auscult.domains.recommend.models.graph_filter import GraphFilter, GraphFilterConfig, singular_vectors
from auscult.domains.recommend.models.item_knn import ItemKnn, ItemKnnConfig
from auscult.domains.recommend.models.lightgcn import LightGcn, LightGcnConfig
from auscult.domains.recommend.models.lightgcn_network import GraphVectors
from auscult.domains.recommend.models.popularity import Popularity, PopularityConfig
from auscult.domains.recommend.models.taken import Taken, pruned_product
from auscult.domains.recommend.tasks.next_items import NextItems, NextItemsConfig
from auscult.engine.drivers import load_program
from auscult.engine.train import GradientFitted

N_USERS, N_ITEMS = 60, 45


@pytest.fixture
def train() -> ItemSet:
    rng = np.random.default_rng(1)
    taken = rng.random((N_USERS, N_ITEMS)) < rng.uniform(0.05, 0.4, N_ITEMS)
    taken[:, 0] |= ~taken.any(axis=1)
    record, item = np.nonzero(taken)
    names = np.array([f"D{i:02d}" for i in range(N_ITEMS)], dtype="S32")[item]
    items = Items({"item": names}, record, np.arange(len(record)), names)
    return ItemSet(items, np.arange(len(record)))


def _fit(model: Any, train: ItemSet, folder: Path) -> Program:
    context = FitContext(NextItems(NextItemsConfig()).spec, 0, TrainTable(threads=1), folder, Silent())
    program: Program = model.fit(train, train, context).export()
    return program


def _dense(program: Program) -> np.ndarray[Any, Any]:
    """The whole matrix of a program, by asking for the score of every item for every single one."""
    a = program.arrays
    size = len(a["indptr"]) - 1
    matrix = np.zeros((size, size))
    for row in range(size):
        at = slice(a["indptr"][row], a["indptr"][row + 1])
        matrix[row, a["indices"][at]] = a["data"][at]
    return matrix + (a["left"] @ a["right"] if "left" in a else 0)


def test_popularity_is_the_share_of_users(train: ItemSet, tmp_path: Path) -> None:
    program = _fit(Popularity(PopularityConfig()), train, tmp_path)
    counts = Taken.of(train).matrix.toarray().sum(axis=0)
    np.testing.assert_allclose(program.arrays["prior"], counts / N_USERS, rtol=1e-6)
    made = load_program(program)({"history": np.array([[b"unknown"]])})
    assert made["item"][0, 0] == Taken.of(train).names[counts.argmax()]


def test_neighbours_have_the_cosine_of_their_users(train: ItemSet, tmp_path: Path) -> None:
    a = Taken.of(train).matrix.toarray().astype(np.float64)
    cosine = (a.T @ a) / np.sqrt(np.outer(a.sum(0), a.sum(0)))
    np.fill_diagonal(cosine, 0)
    made = _dense(_fit(ItemKnn(ItemKnnConfig(neighbours=5)), train, tmp_path))
    for row in range(N_ITEMS):
        assert (made[row] > 0).sum() <= 5
        np.testing.assert_allclose(np.sort(made[row])[-5:], np.sort(cosine[row])[-5:], rtol=1e-5)


def test_the_filter_is_gf_cf_where_nothing_is_cut(train: ItemSet, tmp_path: Path) -> None:
    """Linear part R'R, low-pass part D^-1/2 V V' D^1/2 (Shen et al. 2021), up to the weight between them."""
    a = Taken.of(train).matrix.toarray().astype(np.float64)
    users, items = a.sum(axis=1), a.sum(axis=0)
    normal = a / np.sqrt(users)[:, None] / np.sqrt(items)
    _, _, vector = np.linalg.svd(normal)
    low = np.diag(items**-0.5) @ vector[:4].T @ vector[:4] @ np.diag(items**0.5)
    linear = normal.T @ normal
    np.fill_diagonal(linear, 0)
    settings = GraphFilterConfig(keep=N_ITEMS, rank=4, low_pass=0.5, iterations=8)
    made = _dense(_fit(GraphFilter(settings), train, tmp_path))
    weight = 0.5 * np.linalg.norm(a @ linear) / np.linalg.norm(a @ low)
    np.testing.assert_allclose(made, linear + weight * low, atol=5e-3 * linear.max())


def test_sharpening_is_the_exponential_of_the_filter_on_the_vectors_that_are_kept(
    train: ItemSet, tmp_path: Path
) -> None:
    """With all singular vectors kept the whole filter is P exp(-t P) + low-pass, for every item but a taken one."""
    a = Taken.of(train).matrix.toarray().astype(np.float64)
    normal = a / np.sqrt(a.sum(axis=1))[:, None] / np.sqrt(a.sum(axis=0))
    value, vector = np.linalg.eigh(normal.T @ normal)
    expected = (vector * (value * np.exp(-1.7 * value) + 0.1)) @ vector.T * a.sum(axis=0) ** 0.2
    settings = GraphFilterConfig(keep=N_ITEMS, rank=N_ITEMS, low_pass=0.1, to_power=0.3, sharpen=1.7)
    made = _dense(_fit(GraphFilter(settings), train, tmp_path))
    np.fill_diagonal(made, 0)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(made, expected, atol=2e-3 * expected.max())


def test_sharpening_asks_for_its_powers() -> None:
    with pytest.raises(ValueError, match=r"sharpen: expected user_power 0\.5, from_power 0\.5 and a rank"):
        GraphFilterConfig(sharpen=1.0, user_power=0.3)


def test_singular_vectors_are_those_of_the_whole_decomposition() -> None:
    from scipy import sparse

    rng = np.random.default_rng(0)
    dense = rng.random((80, 50)).astype(np.float32) * (rng.random((80, 50)) < 0.2)
    value, vector = singular_vectors(sparse.csr_matrix(dense), 5, 8, seed=0)
    _, expected, right = np.linalg.svd(dense)
    np.testing.assert_allclose(value, expected[:5], rtol=1e-3)
    np.testing.assert_allclose(np.abs((vector * right[:5]).sum(axis=1)), 1.0, atol=2e-2)


@pytest.mark.parametrize("rows", [7, 1024])
def test_a_product_by_blocks_keeps_the_largest_of_each_row(
    rows: int, train: ItemSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taken_module, "ROWS", rows)
    matrix = Taken.of(train).matrix
    done: list[int] = []
    made = pruned_product(matrix.T.tocsr(), matrix, 6, advance=done.append).toarray()
    whole = (matrix.T @ matrix).toarray()
    np.fill_diagonal(whole, 0)
    for row in range(N_ITEMS):
        np.testing.assert_allclose(np.sort(made[row])[-6:], np.sort(whole[row])[-6:])
    assert sum(done) == N_ITEMS


def test_lightgcn_serves_what_the_graph_brings_to_a_user(train: ItemSet, tmp_path: Path) -> None:
    """A list by history is that of the paper's vectors without the user's own: all but the first of K + 1 terms."""
    made = LightGcn(LightGcnConfig(width=8, layers=2)).fit(
        train, train, FitContext(
            NextItems(NextItemsConfig()).spec, 0, TrainTable(threads=1, epochs=2, batch_size=64), tmp_path, Silent()
        ),
    )  # fmt: skip
    assert isinstance(made, GradientFitted)
    network: Any = made.network
    steps = [s.detach().numpy() for s in network.steps()]
    users = sum(s[:N_USERS] for s in steps[1:]) / 3
    expected = users @ np.mean([s[N_USERS:] for s in steps], axis=0).T  # (U, V)
    a = Taken.of(train).matrix.toarray()
    program = made.export()
    served = (a @ program.arrays["left"]) @ program.arrays["right"] / np.sqrt(a.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(served, expected, rtol=1e-3, atol=1e-5)


def test_lightgcn_smooths_by_the_roots_of_both_degrees_and_its_gradient_is_that_of_the_product(train: ItemSet) -> None:
    taken = Taken.of(train)
    network = GraphVectors(taken, LightGcnConfig(width=4, layers=1))
    a = taken.matrix.toarray()
    normal = a / np.sqrt(np.outer(a.sum(axis=1), a.sum(axis=0)))
    dense = np.block([[np.zeros((N_USERS, N_USERS)), normal], [normal.T, np.zeros((N_ITEMS, N_ITEMS))]])
    first, second = network.steps()
    np.testing.assert_allclose(second.detach().numpy(), dense @ first.detach().numpy(), rtol=1e-4, atol=1e-6)
    weight = torch.randn(second.shape, generator=torch.Generator().manual_seed(1))
    (network.smoothed() * weight).sum().backward()
    assert network.vectors.grad is not None
    mean = (np.eye(len(dense)) + dense) / 2
    np.testing.assert_allclose(network.smoothed().detach().numpy(), mean @ first.numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(network.vectors.grad.numpy(), mean.T @ weight.numpy(), rtol=1e-4, atol=1e-6)


def test_lightgcn_starts_from_the_singular_vectors_of_the_graph(train: ItemSet) -> None:
    taken = Taken.of(train)
    network = GraphVectors(taken, LightGcnConfig(width=4, layers=1, start="spectral", spread=0.3))
    first, second = (s.numpy() for s in network.steps())
    assert first.std() == pytest.approx(0.3, rel=0.05)
    np.testing.assert_allclose(second, first * (second / first).mean(axis=0), atol=0.02)  # each column is only scaled


def test_lightgcn_draws_what_was_not_taken(train: ItemSet) -> None:
    taken = Taken.of(train)
    torch.manual_seed(0)
    network = GraphVectors(taken, LightGcnConfig(width=4))
    user = torch.arange(N_USERS).repeat(50)
    drawn = network.not_taken(user)
    share = taken.matrix.toarray()[user.numpy(), drawn.numpy()].mean()
    assert share < 0.05  # a third draw may be a taken one again; without a look it would be a fifth


def test_lightgcn_is_judged_by_the_rank_of_held_out_items_among_those_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    taken = rng.random((30, 60)) < 0.2
    rows, columns = np.nonzero(taken)
    items = Items({"item": np.char.mod("i%02d", columns).astype("S3")}, rows.astype(np.int64), np.arange(len(rows)))
    known = Taken.of(ItemSet(items, np.arange(len(rows))))
    monkeypatch.setattr(lightgcn_network, "CHUNK", 7)
    network = GraphVectors(known, LightGcnConfig(width=4, layers=2))
    whole = torch.stack(network.steps()).mean(dim=0).detach()
    scores = (whole[:30] @ whole[30:].T).numpy()
    scores[known.matrix.toarray() > 0] = -np.inf
    user, item = np.nonzero(known.matrix.toarray() == 0)
    rank = (scores[user] > scores[user, item][:, None]).sum(axis=1)
    expected = np.where(rank < 20, 1 / np.log2(rank + 2.0), 0.0).mean()
    assert float(network.gain(torch.as_tensor(user), torch.as_tensor(item))) == pytest.approx(expected, rel=1e-5)


def test_lightgcn_keeps_the_epoch_whose_lists_are_best_on_what_is_held_out(train: ItemSet, tmp_path: Path) -> None:
    held = ItemSet(train.items, train.rows[:2])
    learned = ItemSet(train.items, train.rows[2:])
    users = np.unique(learned.items.record[learned.rows])
    known = Taken.of(learned)
    assert len(lightgcn_network.judged_of(learned, learned, users, known)) == 0
    judged = lightgcn_network.judged_of(learned, held, users, known)
    assert set(judged.rows.tolist()) <= {0, 1}
    model = LightGcn(LightGcnConfig(width=4, layers=1))
    fitted = model.fit(
        learned, held, FitContext(NextItems(NextItemsConfig()).spec, 0, TrainTable(epochs=3), tmp_path, Silent())
    )
    assert isinstance(fitted, GradientFitted)
