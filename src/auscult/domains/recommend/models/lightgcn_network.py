"""The vectors of ``lightgcn`` and how they are learned. Needs torch."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional

from auscult.base.contracts import FitContext, Index, Items, ItemSet, Program
from auscult.domains.recommend.models.graph_filter import singular_vectors
from auscult.domains.recommend.models.lightgcn import LightGcnConfig
from auscult.domains.recommend.models.taken import Taken, ranking_program, small_prior
from auscult.engine.train import Batch, GradientFitted, GradientPlan, Step, fit_gradient

CHUNK = 256
"""Held-out pairs that are ranked at once."""
DEPTH = 20
"""Length of the lists that held-out pairs are looked for in."""
JUDGED = 20_000
"""Held-out pairs that decide which epoch is the best."""
POWER_ITERATIONS = 4
"""Of the singular vectors that a spectral start is made of."""


class _Smoothed(torch.autograd.Function):
    """Mean of vectors (U + V, D) before the first step over a symmetric graph and after each; its gradient is the same.

    As a polynomial of the graph it takes one product a step, forwards and backwards, and holds nothing in between.
    """

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, layers: int, *graph: Tensor) -> Tensor:
        ctx.layers, ctx.graph = layers, graph
        return _mean_of_steps(graph, vectors, layers)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        return _mean_of_steps(ctx.graph, gradients[0], ctx.layers), None, None, None, None


def _mean_of_steps(graph: tuple[Tensor, ...], vectors: Tensor, layers: int) -> Tensor:
    made = vectors
    for _ in range(layers):
        made = _step(graph, made).add_(vectors)
    return made.div_(layers + 1)  # at least one step was taken: it is no tensor of the caller


def _step(graph: tuple[Tensor, ...], vectors: Tensor) -> Tensor:
    """Product of a sparse matrix (columns, starts, weights) and vectors; four times as fast as torch's own product."""
    columns, starts, weights = graph
    return functional.embedding_bag(
        columns, vectors, starts, mode="sum", per_sample_weights=weights, include_last_offset=True
    )


class GraphVectors(nn.Module):
    """Vectors of users and items before and after the steps over the graph.

    Parameters
    ----------
    taken : Taken
        Who took what.
    config : LightGcnConfig
        Width, steps, first vectors.
    """

    columns: Tensor
    starts: Tensor
    weights: Tensor
    keys: Tensor

    def __init__(self, taken: Taken, config: LightGcnConfig) -> None:
        super().__init__()
        self.n_users, n_items = taken.matrix.shape
        self.layers = config.layers
        scaled = _normalised(taken)
        first = torch.randn(self.n_users + n_items, config.width) * config.spread
        if config.start == "spectral":
            first = _spectral(scaled, first, config)
        self.vectors = nn.Parameter(first)
        # A checkpoint holds what is learned, not the graph.
        whole = sparse.block_array([[None, scaled], [scaled.T, None]], format="csr").astype(np.float32)
        whole.sort_indices()
        for name, values in (("columns", whole.indices), ("starts", whole.indptr)):
            self.register_buffer(name, torch.as_tensor(values.astype(np.int64)), persistent=False)
        self.register_buffer("weights", torch.as_tensor(whole.data), persistent=False)
        pairs = taken.matrix.tocoo()
        keys = np.sort(pairs.row.astype(np.int64) * n_items + pairs.col)
        self.register_buffer("keys", torch.as_tensor(keys), persistent=False)
        self.n_items = n_items

    @property
    def graph(self) -> tuple[Tensor, ...]:
        """Columns, starts of the rows and weights of the normalised graph of users and items."""
        return self.columns, self.starts, self.weights

    def steps(self) -> list[Tensor]:
        """Vectors (U + V, D) before the first step and after each, without gradients."""
        made = [self.vectors.detach()]
        for _ in range(self.layers):
            made.append(_step(self.graph, made[-1]))
        return made

    def smoothed(self) -> Tensor:
        """Mean of the vectors before the first step and after each, (U + V, D)."""
        made: Tensor = _Smoothed.apply(self.vectors, self.layers, *self.graph)  # type: ignore[no-untyped-call]
        return made

    def not_taken(self, user: Tensor) -> Tensor:
        """An item for each user that the user did not take, (N,), by chance; drawn twice more where it was taken."""
        item = torch.randint(self.n_items, user.shape)
        for _ in range(2):
            key = user * self.n_items + item
            at = torch.searchsorted(self.keys, key).clamp(max=len(self.keys) - 1)
            item = torch.where(self.keys[at] == key, torch.randint(self.n_items, user.shape), item)
        return item

    def forward(self, user: Tensor, item: Tensor, shrink: float) -> Tensor:
        """Mean loss of pairs (N,), each against one item that was not taken."""
        rows = torch.cat([user, self.n_users + item, self.n_users + self.not_taken(user)])
        u, i, j = self.smoothed().index_select(0, rows).chunk(3)
        own = self.vectors.index_select(0, rows)
        loss = functional.softplus((u * (j - i)).sum(dim=1)).mean()
        return loss + shrink * 0.5 * own.square().sum() / len(user)

    def gain(self, user: Tensor, item: Tensor) -> Tensor:
        """Mean gain of held-out pairs (N,), each item ranked among the items that its user did not take.

        The gain is that of NDCG at 20: 1 / log2(rank + 1) on the first 20 ranks, else 0.
        """
        whole = self.smoothed()
        users, items = whole[: self.n_users], whole[self.n_users :]
        return torch.cat(
            [
                self._gains(users, items, u, i)
                for u, i in zip(torch.split(user, CHUNK), torch.split(item, CHUNK), strict=True)
            ]
        ).mean()

    def _gains(self, users: Tensor, items: Tensor, user: Tensor, item: Tensor) -> Tensor:
        one, which = torch.unique(user, return_inverse=True)  # a user is scored once for all held-out items
        score = users[one] @ items.T
        first = torch.searchsorted(self.keys, one * self.n_items)
        count = torch.searchsorted(self.keys, (one + 1) * self.n_items) - first
        row = torch.arange(len(one)).repeat_interleave(count)  # one for each item that a user took
        place = torch.arange(len(row)) - (count.cumsum(0) - count)[row] + first[row]
        own = score[which, item]
        score[row, self.keys[place] % self.n_items] = -torch.inf
        best = score.topk(min(DEPTH, self.n_items), dim=1, sorted=False).values
        rank = (best[which] > own[:, None]).sum(dim=1)
        return torch.where(rank < DEPTH, 1 / torch.log2(rank + 2.0), 0.0)


def _normalised(taken: Taken) -> Any:
    """Links of users and items, each over the root of the degrees of its ends, (U, V) CSR."""
    scaled = sparse.diags_array(np.maximum(taken.activity, 1) ** -0.5) @ taken.matrix
    return (scaled @ sparse.diags_array(np.maximum(taken.popularity, 1) ** -0.5)).tocsr().astype(np.float32)


def _spectral(scaled: Any, first: Tensor, config: LightGcnConfig) -> Tensor:
    """First vectors from the largest singular vectors of the links, (U + V, D), as large as the random ones.

    Columns beyond the number of singular vectors stay random.
    """
    value, right = singular_vectors(scaled, min(config.width, *scaled.shape), POWER_ITERATIONS, 0)
    left = scaled @ right.T / np.maximum(value, 1e-6)  # (U, R)
    made = torch.as_tensor(np.concatenate([left, right.T]).astype(np.float32))
    first = first.clone()
    first[:, : made.shape[1]] = made * (config.spread / made.square().mean().sqrt())
    return first


def fit_lightgcn(config: LightGcnConfig, data: tuple[ItemSet, ItemSet], context: FitContext) -> GradientFitted:
    """Train the vectors on pairs of user and item, and export them as a product of low rank."""
    train, valid = data
    taken = Taken.of(train)
    users = np.unique(train.items.record[train.rows])
    learned, judged = pairs_of(train, users, taken), judged_of(train, valid, users, taken)

    def loss(network: nn.Module, batch: Batch) -> Tensor:
        value: Tensor = network(batch.inputs["user"], batch.inputs["item"], config.shrink)
        return value

    def missed(network: nn.Module, batch: Batch) -> Tensor:
        return 1 - cast("GraphVectors", network).gain(batch.inputs["user"], batch.inputs["item"])

    def export(network: nn.Module, example: Batch) -> Program:
        return _export(network, taken)

    step = Step("all", lambda network: network.parameters(), loss)
    judge = missed if len(judged) else None  # with nothing held out it runs to its end on the loss
    plan = GradientPlan(lambda: GraphVectors(taken, config), ("user", "item"), (step,), valid_loss=judge, export=export)
    return fit_gradient(plan, learned, judged if len(judged) else learned, context)


def judged_of(train: ItemSet, valid: ItemSet, users: Index, taken: Taken) -> ItemSet:
    """Held-out pairs that decide which epoch is the best, at most ``JUDGED`` of them; none where nothing is held out.

    The loss on held-out pairs is least long before their ranks are best, so ranks decide.
    """
    own = np.isin(valid.rows, train.rows) if valid.items is train.items else np.zeros(len(valid), dtype=bool)
    pairs = pairs_of(ItemSet(valid.items, valid.rows[~own]), users, taken)
    user = pairs.inputs()["user"]
    place = np.random.default_rng(0).permutation(len(users))[user]  # whole users, as each is scored but once
    kept = np.argsort(place, kind="stable")[:JUDGED]
    return ItemSet(pairs.items, np.sort(pairs.rows[kept]))


def pairs_of(some: ItemSet, users: Index, taken: Taken) -> ItemSet:
    """Numbers of users and items, (N,) each; pairs of which training knows one end only are left out."""
    record, names = some.items.record[some.rows], some.inputs()["item"]
    user = np.minimum(np.searchsorted(users, record), len(users) - 1)
    item = np.minimum(np.searchsorted(taken.names, names), len(taken.names) - 1)
    rows = np.flatnonzero((users[user] == record) & (taken.names[item] == names))
    user, item = user[rows].astype(np.int64), item[rows].astype(np.int64)
    return ItemSet(Items({"user": user, "item": item}, record[rows], np.zeros_like(user)), np.arange(len(rows)))


def _export(network: Any, taken: Taken) -> Program:
    steps = [s[network.n_users :].numpy() for s in network.steps()]
    right = np.mean(steps, axis=0)
    scale = np.maximum(taken.popularity, 1)[:, None] ** -0.5
    left = scale * np.sum(steps[:-1], axis=0) / len(steps)  # what an item brings to a user, but for the user's degree
    empty = sparse.csr_matrix((len(taken.names), len(taken.names)), dtype=np.float32)
    prior = small_prior(taken.popularity, float(np.abs(left).max()))
    return ranking_program(taken.names, empty, prior, (left.astype(np.float32), right.T.astype(np.float32)))
