"""Each driver against a direct calculation in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import nn

from auscult.base.contracts import Program
from auscult.base.errors import ShapeError, VerifyError
from auscult.engine.drivers import DRIVERS, load_program
from auscult.engine.drivers.session import Session
from auscult.engine.outputs import as_bytes
from auscult.engine.train import Batch, export_onnx
from toys.graphs import dense_graph, table_graph


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_an_unknown_driver_lists_the_known() -> None:
    with pytest.raises(VerifyError, match=r"unknown driver 'foward'; did you mean 'forward'\? Known: decode, forward"):
        load_program(Program("foward", ()))


def test_the_list_is_closed() -> None:
    assert set(DRIVERS) == {"forward", "tiled", "decode", "linear-sparse", "neighbours", "sparse-topk"}


def test_forward_is_the_weighted_mean_of_its_graphs(rng: np.random.Generator) -> None:
    x = rng.normal(size=(9, 4)).astype(np.float32)
    layers = [(rng.normal(size=(4, 2)).astype(np.float32), rng.normal(size=2).astype(np.float32)) for _ in range(2)]
    graphs = {f"g{k}": dense_graph([layer], "x", "value") for k, layer in enumerate(layers)}
    expected = sum(w * (x @ a + b) for w, (a, b) in zip((0.25, 0.75), layers, strict=True))
    run = load_program(Program("forward", ("x",), graphs, {}, {"weights": [1, 3], "batch": 4}))
    np.testing.assert_allclose(run({"x": x})["value"], expected, rtol=1e-5, atol=1e-6)


def test_forward_takes_counts_as_they_are() -> None:
    class Sum(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.float().sum(dim=1, keepdim=True)

    counts = np.array([[0, 255], [3, 4]], dtype=np.uint8)
    graph = export_onnx(Sum(), Batch({"x": torch.as_tensor(counts)}, None), "value")
    run = load_program(Program("forward", ("x",), {"main": graph}))
    assert run({"x": counts})["value"].tolist() == [[255.0], [7.0]]


class _Twice(nn.Module):
    """The sum of the tokens (N, 1), or twice each token (N, 1, L)."""

    def __init__(self, each: bool) -> None:
        super().__init__()
        self.each = each

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = tokens.float()
        return 2 * x[:, None, :] + 1 if self.each else x.sum(dim=1, keepdim=True) + 0.5


TOKENS = np.array([[3, 1, 0, 0], [5, 0, 0, 0], [1, 1, 1, 2], [0, 0, 0, 0], [4, 0, 2, 0]], dtype=np.int64)


@pytest.mark.parametrize("each", [False, True])
def test_forward_cuts_padding_and_gives_the_same(each: bool) -> None:
    """Batches of two, by length: cut to 1, 2 and 4 tokens; a hole inside is no padding, and behind the end is 0."""
    example = Batch({"tokens": torch.as_tensor(TOKENS)}, None)
    graph = export_onnx(_Twice(each), example, "value", free=("tokens",))
    settings = {"trim": "tokens", "along": ["value"] if each else [], "batch": 2}
    run = load_program(Program("forward", ("tokens",), {"main": graph}, {}, settings))
    inside = np.arange(4) < np.array([[2], [1], [4], [1], [3]])
    expected = ((2.0 * TOKENS + 1) * inside)[:, None, :] if each else TOKENS.sum(axis=1, keepdims=True) + 0.5
    np.testing.assert_allclose(run({"tokens": TOKENS})["value"], expected)
    assert len(run({"tokens": TOKENS[:0]})["value"]) == 0
    with pytest.raises(ShapeError, match=r"program input 'tokens': expected shape \(N, L\), got \(5,\)"):
        run({"tokens": TOKENS[:, 0]})


def test_forward_runs_no_more_places_together_than_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lengths 1 to 9 and a budget of 8 places: 1 1 1 1 | 2 2 | 5 | 9, which alone is more."""
    seen: list[tuple[int, ...]] = []
    once = Session.__call__

    def told(self: Session, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
        seen.append(inputs["tokens"].shape)
        return once(self, inputs)

    monkeypatch.setattr(Session, "__call__", told)
    tokens = np.zeros((8, 9), dtype=np.int64)
    for row, length in enumerate((5, 1, 2, 1, 9, 1, 2, 1)):
        tokens[row, :length] = row + 1
    graph = export_onnx(_Twice(False), Batch({"tokens": torch.as_tensor(tokens)}, None), "value", free=("tokens",))
    run = load_program(Program("forward", ("tokens",), {"main": graph}, {}, {"trim": "tokens", "budget": 8}))
    np.testing.assert_allclose(run({"tokens": tokens})["value"][:, 0], tokens.sum(axis=1) + 0.5)
    assert seen == [(4, 1), (2, 2), (1, 5), (1, 9)]


def test_forward_refuses_another_width(rng: np.random.Generator) -> None:
    graph = dense_graph([(np.eye(4), np.zeros(4))], "x", "value")
    run = load_program(Program("forward", ("x",), {"main": graph}))
    with pytest.raises(ShapeError, match=r"program input 'x': expected shape \('items', 4\), got \(2, 5\)"):
        run({"x": np.zeros((2, 5), np.float32)})


def test_neighbours_is_the_mean_of_the_nearest(rng: np.random.Generator) -> None:
    bank, target = rng.normal(size=(50, 3)).astype(np.float32), rng.normal(size=(50, 2)).astype(np.float32)
    arrays = {"bank": bank, "target": target, "center": np.zeros(3, np.float32), "scale": np.ones(3, np.float32)}
    x = rng.normal(size=(7, 3)).astype(np.float32)
    run = load_program(Program("neighbours", ("x",), {}, arrays, {"k": 4, "output": "value"}))
    distance = np.linalg.norm(x[:, None] - bank, axis=2)
    near = np.argsort(distance, axis=1)[:, :4]
    np.testing.assert_allclose(run({"x": x})["value"], target[near].mean(axis=1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(run({"x": x})["distance"], distance.min(axis=1), rtol=1e-3)
    with pytest.raises(ShapeError, match=r"program input 'x': expected shape \(N, 3\), got \(2, 4\)"):
        run({"x": np.zeros((2, 4), np.float32)})


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "none"])
def test_linear_sparse_is_the_dense_product(activation: str, rng: np.random.Generator) -> None:
    weight, bias = rng.normal(size=(6, 3)), rng.normal(size=3)
    ids = np.array([[0, 5, -1], [2, 2, 4], [-1, -1, -1]])
    counts = np.array([[1.0, 2.0, 9.0], [1.0, 1.0, 0.5], [7.0, 7.0, 7.0]], dtype=np.float32)
    dense = np.zeros((3, 6))
    for n in range(3):
        for i, c in zip(ids[n], counts[n], strict=True):
            dense[n, i] += c if i >= 0 else 0.0
    score = dense @ weight + bias
    softmax = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    expected = {"softmax": softmax, "sigmoid": 1 / (1 + np.exp(-score)), "none": score}[activation]
    program = Program(
        "linear-sparse",
        ("ids", "counts"),
        {},
        {"weight": weight, "bias": bias},
        {"activation": activation, "output": "p"},
    )
    np.testing.assert_allclose(load_program(program)({"ids": ids, "counts": counts})["p"], expected, rtol=1e-5)
    with pytest.raises(ShapeError, match="program input 'ids': expected numbers below 6, got 6"):
        load_program(program)({"ids": ids * 0 + 6, "counts": counts})


def test_linear_sparse_over_sequences_gives_the_same_scores_and_hands_arrays_through(rng: np.random.Generator) -> None:
    weight, bias = rng.normal(size=(6, 3)).astype(np.float32), rng.normal(size=3).astype(np.float32)
    link = rng.normal(size=(3, 3)).astype(np.float32)
    ids = np.array([[[0, 2, -1], [5, -1, -1]], [[1, 1, 3], [-1, -1, -1]]], dtype=np.int32)
    settings = {"activation": "none", "output": "tag", "axes": 3, "each": ["link"]}
    program = Program("linear-sparse", ("ids",), {}, {"weight": weight, "bias": bias, "link": link}, settings)
    made = load_program(program)({"ids": ids})
    by_hand = np.array([[weight[0] + weight[2], weight[5]], [2 * weight[1] + weight[3], 0 * bias]])
    np.testing.assert_allclose(made["tag"], by_hand + bias, rtol=1e-5, atol=1e-6)
    assert made["link"].shape == (2, 3, 3)
    np.testing.assert_array_equal(made["link"][1], link)
    with pytest.raises(ShapeError, match=r"program input 'ids' .*: expected \(N, T, L\), got \(2, 6\)"):
        load_program(program)({"ids": ids.reshape(2, 6)})


def test_sparse_topk_is_the_dense_ranking_without_what_is_known(rng: np.random.Generator) -> None:
    matrix = sparse.random(12, 12, 0.5, format="csr", random_state=0, dtype=np.float32)
    history = np.array([[0, 3, -1], [7, -1, -1]])
    arrays = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
    made = load_program(Program("sparse-topk", ("history",), {}, arrays, {"k": 5}))({"history": history})
    for row, seen in enumerate(([0, 3], [7])):
        score = matrix.toarray()[seen].sum(axis=0)
        score[seen] = -np.inf
        order = np.lexsort((np.arange(12), -score))[:5]
        assert made["item"][row].tolist() == order.tolist()
        np.testing.assert_allclose(made["score"][row], score[order], rtol=1e-6)
    with pytest.raises(ShapeError, match="program input 'history': expected numbers below 12"):
        load_program(Program("sparse-topk", ("history",), {}, arrays, {"k": 5}))({"history": history + 10})


def test_sparse_topk_with_a_list_longer_than_the_shelf() -> None:
    """Asked for more than there is, it gives what is left once, and empty places."""
    arrays = {"data": np.ones(3, np.float32), "indices": np.array([1, 2, 0]), "indptr": np.array([0, 1, 2, 3])}
    made = load_program(Program("sparse-topk", ("history",), {}, arrays, {"k": 9}))({"history": np.array([[0]])})
    assert made["item"][0].tolist() == [1, 2, -1]
    assert made["score"][0].tolist() == [1.0, 0.0, 0.0]


def test_sparse_topk_adds_matrix_low_rank_and_prior_and_names_items_and_reasons(rng: np.random.Generator) -> None:
    size = 300  # long enough for the search by blocks
    names = np.sort(np.array([f"K{i:06d}" for i in rng.permutation(10**6)[:size]], dtype="S12"))
    matrix = sparse.random(size, size, 0.1, format="csr", random_state=0, dtype=np.float32)
    left, right = rng.random((size, 3)).astype(np.float32), rng.random((3, size)).astype(np.float32)
    prior = rng.random(size).astype(np.float32)
    arrays = {
        "data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "left": left, "right": right,
        "prior": prior, "name": as_bytes(names),
    }  # fmt: skip
    run = load_program(Program("sparse-topk", ("history",), {}, arrays, {"k": 2}))
    history = np.array([[names[7], b"", names[250]], [b"unknown", b"", b""], [names[7], names[7], b"unknown"]])
    made = run({"history": history, "explain": np.zeros(3)})
    whole = matrix.toarray() + left @ right
    for row, seen in enumerate(([7, 250], [], [7])):
        score = whole[seen].sum(axis=0) + prior
        score[seen] = -np.inf
        order = np.lexsort((np.arange(size), -score))[:2]
        assert made["item"][row].tolist() == names[order].tolist()
        np.testing.assert_allclose(made["score"][row], score[order], rtol=1e-5)
        for place, item in enumerate(order):
            added = whole[seen, item]
            assert set(made["because"][row, place].tolist()) - {b""} == set(names[seen].tolist())
            np.testing.assert_allclose(
                made["share"][row, place, : len(seen)], np.sort(added / added.sum())[::-1], rtol=1e-5
            )
    with pytest.raises(ShapeError, match=r"'history': expected names as bytes, shape \(N, L\), got int64"):
        run({"history": np.zeros((1, 2), np.int64)})


@pytest.mark.parametrize(("size", "k", "rank"), [(5, 5, 0), (40, 3, 0), (5000, 20, 0), (5000, 20, 150), (300, 20, 90)])
def test_sparse_topk_gives_the_lists_of_all_scores(size: int, k: int, rank: int) -> None:
    """Also where scores are equal, one history takes all but a few items, and only some parts bound the scores."""
    rng = np.random.default_rng(size + rank)
    matrix = sparse.random(size, size, 0.05, format="csr", random_state=0, dtype=np.float32)
    matrix.data = rng.integers(1, 4, len(matrix.data)).astype(np.float32)  # many equal scores
    arrays = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
    whole = matrix.toarray()
    if rank:
        size_of = np.linspace(2, 0.1, rank)[:, None]
        left = rng.integers(-2, 3, (size, rank)).astype(np.float32)
        right = np.round(rng.normal(size=(rank, size)) * size_of).astype(np.float32)
        arrays |= {"left": left, "right": right}
        whole = whole + left @ right
    history = np.full((150, max(size - 3, 1)), -1)
    history[:, :2] = rng.integers(0, size, (150, 2))
    history[1] = np.arange(history.shape[1])
    history[2] = -1
    program = Program("sparse-topk", ("history",), {}, arrays, {"k": k})
    made = load_program(program)({"history": history})
    for row, mine in enumerate(history):
        seen = np.unique(mine[mine >= 0])
        score = whole[seen].sum(axis=0)
        score[seen] = -np.inf
        order = np.lexsort((np.arange(size), -score))[:k]
        assert made["item"][row].tolist() == np.where(score[order] == -np.inf, -1, order).tolist()
    shared = load_program(program, threads=2)({"history": history})
    np.testing.assert_array_equal(shared["item"], made["item"])


SETTINGS = {"end": 3, "max_length": 6, "context": 2, "temperature": 0.0, "top_p": 1.0}


def test_decode_takes_the_most_probable_token_and_stops_at_the_end() -> None:
    logits = np.full((4, 4), -5.0)
    for now, then in ((0, 1), (1, 2), (2, 3), (3, 0)):
        logits[now, then] = 5.0
    run = load_program(Program("decode", ("prompt", "seed"), {"main": table_graph(logits)}, {}, SETTINGS))
    made = run({"prompt": np.array([[0, -1], [1, 2]]), "seed": np.array([1, 2])})["tokens"]
    assert made.tolist() == [[0, 1, 2, 3, -1, -1], [1, 2, 3, -1, -1, -1]]


def test_decode_draws_by_its_seed_and_from_the_nucleus(rng: np.random.Generator) -> None:
    logits = np.tile(np.log([0.55, 0.4, 0.04, 0.01]), (4, 1))
    program = Program(
        "decode",
        ("prompt", "seed"),
        {"main": table_graph(logits)},
        {},
        {**SETTINGS, "end": 9, "temperature": 1.0, "top_p": 0.9},
    )
    run = load_program(program)
    prompt = np.zeros((200, 1), np.int64)
    made = run({"prompt": prompt, "seed": np.arange(200)})["tokens"]
    assert set(np.unique(made[:, 1:])) == {0, 1}  # 0.55 + 0.4 reach 0.9
    assert abs((made[:, 1:] == 0).mean() - 0.55 / 0.95) < 0.06  # 1000 draws, standard error 0.016
    np.testing.assert_array_equal(made, run({"prompt": prompt, "seed": np.arange(200)})["tokens"])
    assert (made != run({"prompt": prompt, "seed": np.arange(200) + 7})["tokens"]).any()


@pytest.mark.parametrize("shape", [(8, 8), (13, 9), (5, 20), (16, 16)])
def test_tiled_of_a_pointwise_network_is_the_network(shape: tuple[int, int], rng: np.random.Generator) -> None:
    """A 1 by 1 convolution sees no neighbours, so tiles and their blending must change nothing."""
    network = nn.Conv2d(1, 2, 1)
    graph = _pointwise(network)
    program = Program("tiled", ("image",), {"main": graph}, {}, {"tile": [8, 8], "overlap": 0.5, "batch": 3})
    x = rng.normal(size=(2, 1, *shape)).astype(np.float32)
    expected = network(torch.as_tensor(x)).detach().numpy()  # origin: torch
    np.testing.assert_allclose(load_program(program)({"image": x})["value"], expected, atol=1e-5)


def test_tiled_refuses_other_axes() -> None:
    program = Program("tiled", ("image",), {"main": _pointwise(nn.Conv2d(1, 2, 1))}, {}, {"tile": [8, 8]})
    with pytest.raises(
        ShapeError, match=r"program input 'image': expected 2 space axes after \(N, C\), got shape \(8, 8\)"
    ):
        load_program(program)({"image": np.zeros((8, 8), np.float32)})


_GRAPHS: dict[int, bytes] = {}


def _pointwise(network: nn.Conv2d) -> bytes:
    torch.manual_seed(0)
    if 0 not in _GRAPHS:
        _GRAPHS[0] = export_onnx(network, Batch({"image": torch.zeros(1, 1, 8, 8)}, None), "value")
        _STATE.update(network.state_dict())
    network.load_state_dict(_STATE)
    return _GRAPHS[0]


_STATE: dict[str, torch.Tensor] = {}
