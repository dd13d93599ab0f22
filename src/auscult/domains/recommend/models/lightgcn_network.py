"""The vectors of ``lightgcn`` and how they are learned. Needs torch."""

from __future__ import annotations

import warnings
from typing import Any, cast

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional

from auscult.base.contracts import FitContext, Index, Items, ItemSet, Program
from auscult.domains.recommend.models.lightgcn import LightGcnConfig
from auscult.domains.recommend.models.taken import Taken, ranking_program, small_prior
from auscult.engine.train import Batch, GradientFitted, GradientPlan, Step, fit_gradient


class _Smooth(torch.autograd.Function):
    """Product with a symmetric sparse matrix; the gradient is the product with the same."""

    @staticmethod
    def forward(ctx: Any, graph: Tensor, vectors: Tensor) -> Tensor:
        ctx.graph = graph
        return graph @ vectors

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, ctx.graph @ gradients[0]


CHUNK = 1024
"""Held-out pairs that are ranked at once."""
JUDGED = 20_000
"""Held-out pairs that decide which epoch is the best."""


class GraphVectors(nn.Module):
    """Vectors of users and items before and after the steps over the graph.

    Parameters
    ----------
    taken : Taken
        Who took what.
    config : LightGcnConfig
        Width, steps, first spread.
    """

    graph: Tensor
    keys: Tensor

    def __init__(self, taken: Taken, config: LightGcnConfig) -> None:
        super().__init__()
        self.n_users, n_items = taken.matrix.shape
        self.layers = config.layers
        self.vectors = nn.Parameter(torch.randn(self.n_users + n_items, config.width) * config.spread)
        # A checkpoint holds what is learned, not the graph.
        self.register_buffer("graph", _normalised(taken), persistent=False)
        pairs = taken.matrix.tocoo()
        keys = np.sort(pairs.row.astype(np.int64) * n_items + pairs.col)
        self.register_buffer("keys", torch.as_tensor(keys), persistent=False)
        self.n_items = n_items

    def steps(self) -> list[Tensor]:
        """Vectors (U + V, D) before the first step and after each."""
        made: list[Tensor] = [self.vectors]
        for _ in range(self.layers):
            made.append(_Smooth.apply(self.graph, made[-1]))  # type: ignore[no-untyped-call]
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
        other = self.not_taken(user)
        whole = torch.stack(self.steps()).mean(dim=0)
        u, i, j = whole[user], whole[self.n_users + item], whole[self.n_users + other]
        own = self.vectors[torch.cat([user, self.n_users + item, self.n_users + other])]
        loss = functional.softplus((u * (j - i)).sum(dim=1)).mean()
        return loss + shrink * 0.5 * own.square().sum() / len(user)

    def gain(self, user: Tensor, item: Tensor) -> Tensor:
        """Mean gain of held-out pairs (N,), each item ranked among the items that its user did not take.

        The gain is that of NDCG at 20: 1 / log2(rank + 1) on the first 20 ranks, else 0.
        """
        whole = torch.stack(self.steps()).mean(dim=0)
        users, items = whole[: self.n_users], whole[self.n_users :]
        return torch.cat(
            [
                self._gains(users, items, u, i)
                for u, i in zip(torch.split(user, CHUNK), torch.split(item, CHUNK), strict=True)
            ]
        ).mean()

    def _gains(self, users: Tensor, items: Tensor, user: Tensor, item: Tensor) -> Tensor:
        score = users[user] @ items.T
        own = score.gather(1, item[:, None])
        before = (score > own).sum(dim=1)
        first = torch.searchsorted(self.keys, user * self.n_items)
        count = torch.searchsorted(self.keys, (user + 1) * self.n_items) - first
        pair = torch.arange(len(user)).repeat_interleave(count)  # one for each item that a user took
        place = torch.arange(len(pair)) - (count.cumsum(0) - count)[pair] + first[pair]
        above = score[pair, self.keys[place] % self.n_items] > own[pair, 0]
        taken = torch.zeros_like(before).index_add(0, pair, above.long())
        rank = before - taken
        return torch.where(rank < 20, 1 / torch.log2(rank + 2.0), 0.0)


def _normalised(taken: Taken) -> Tensor:
    """Graph of users and items, each link over the root of the degrees of its ends, (U + V, U + V) CSR."""
    scaled = sparse.diags_array(np.maximum(taken.activity, 1) ** -0.5) @ taken.matrix
    scaled = (scaled @ sparse.diags_array(np.maximum(taken.popularity, 1) ** -0.5)).tocsr()
    whole = sparse.block_array([[None, scaled], [scaled.T, None]], format="csr").astype(np.float32)
    whole.sort_indices()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch calls its CSR layout a beta
        parts = (torch.as_tensor(whole.indptr.astype(np.int64)), torch.as_tensor(whole.indices.astype(np.int64)))
        return torch.sparse_csr_tensor(*parts, torch.as_tensor(whole.data), size=whole.shape)


def fit_lightgcn(config: LightGcnConfig, data: tuple[ItemSet, ItemSet], context: FitContext) -> GradientFitted:
    """Train the vectors on pairs of user and item, and export them as a product of low rank."""
    train, valid = data
    taken = Taken.of(train)
    users = np.unique(train.items.record[train.rows])
    learned, judged = _pairs(train, users, taken), _judged(train, valid, users, taken)

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


def _judged(train: ItemSet, valid: ItemSet, users: Index, taken: Taken) -> ItemSet:
    """Held-out pairs that decide which epoch is the best, at most ``JUDGED`` of them; none where nothing is held out.

    The loss on held-out pairs is least long before their ranks are best, so ranks decide.
    """
    own = np.isin(valid.rows, train.rows) if valid.items is train.items else np.zeros(len(valid), dtype=bool)
    pairs = _pairs(ItemSet(valid.items, valid.rows[~own]), users, taken)
    kept = np.random.default_rng(0).permutation(len(pairs))[:JUDGED]
    return ItemSet(pairs.items, np.sort(pairs.rows[kept]))


def _pairs(some: ItemSet, users: Index, taken: Taken) -> ItemSet:
    """Numbers of users and items, (N,) each; pairs of which training knows one end only are left out."""
    record, names = some.items.record[some.rows], some.inputs()["item"]
    user = np.minimum(np.searchsorted(users, record), len(users) - 1)
    item = np.minimum(np.searchsorted(taken.names, names), len(taken.names) - 1)
    rows = np.flatnonzero((users[user] == record) & (taken.names[item] == names))
    user, item = user[rows].astype(np.int64), item[rows].astype(np.int64)
    return ItemSet(Items({"user": user, "item": item}, record[rows], np.zeros_like(user)), np.arange(len(rows)))


def _export(network: Any, taken: Taken) -> Program:
    with torch.no_grad():
        steps = [s[network.n_users :].numpy() for s in network.steps()]
    right = np.mean(steps, axis=0)
    scale = np.maximum(taken.popularity, 1)[:, None] ** -0.5
    left = scale * np.sum(steps[:-1], axis=0) / len(steps)  # what an item brings to a user, but for the user's degree
    empty = sparse.csr_matrix((len(taken.names), len(taken.names)), dtype=np.float32)
    prior = small_prior(taken.popularity, float(np.abs(left).max()))
    return ranking_program(taken.names, empty, prior, (left.astype(np.float32), right.T.astype(np.float32)))
