"""Weights of features and of neighbouring tags, learned from tagged sequences: numpy and sparse products only.

Either each token by itself (a softmax), or the whole sequence (a conditional random field, Lafferty et al. 2001), by
AdaGrad (Duchi, Hazan and Singer 2011, JMLR 12:2121) on small batches, with the mean of the weights of the later epochs
(Polyak and Juditsky 1992, SIAM J Control Optim 30:838).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from auscult.base.arrays import Array
from auscult.base.contracts import FitContext, ItemSet, Program
from auscult.base.errors import DataError
from auscult.base.log import progress
from auscult.domains.text.preprocess.chain import FORBIDDEN, allowed, chains

Floats = npt.NDArray[np.float64]
BATCH_TOKENS = 2048
START = 1e-4


@dataclass(frozen=True)
class ChainPlan:
    """How the weights are found.

    Parameters
    ----------
    epochs : int
        Passes over the training items.
    rate : float
        Learning rate of AdaGrad.
    decay : float
        Share of a weight that is lost with each step that uses it.
    linked : bool
        Learn what follows what; else each token by itself.
    least : int
        A feature of fewer training tokens has no weight.
    below : int
        Only features with a number below this are looked at.
    dropout : float
        Share of the features of a token that are left out in each step, so that none is leaned on alone.
    """

    epochs: int
    rate: float
    decay: float
    linked: bool
    least: int
    below: int
    dropout: float = 0.0


@dataclass(frozen=True, repr=False)
class ChainFitted:
    """Weights (V, K), bias (K,) and, where it was learned, link (K + 1, K)."""

    weight: Array
    bias: Array
    link: Array | None

    def export(self) -> Program:
        """Return the program."""
        arrays = {"weight": self.weight, "bias": self.bias}
        settings: dict[str, Any] = {"activation": "none", "output": "score", "axes": 3}
        if self.link is not None:
            arrays["link"] = self.link
            settings["each"] = ["link"]
        return Program("linear-sparse", ("ids",), {}, arrays, settings)


def fit_chain(train: ItemSet, context: FitContext, plan: ChainPlan, *, size: int) -> ChainFitted:
    """Learn from tagged sequences.

    Parameters
    ----------
    train : ItemSet
        Items with ``ids`` (N, T, L) and tags (N, T), -1 where there is no token.
    context : FitContext
        Labels, seed and progress.
    plan : ChainPlan
        How.
    size : int
        V, the number of features that there can be.

    Raises
    ------
    DataError
        If no training text has a span.
    """
    ids, target = train.inputs()["ids"], train.target().astype(np.int64)
    if not (target > 0).any():
        raise DataError("training: expected spans of at least one type, got none; do the labels name the types?")
    state = _State(ids, target, plan, n_types=len(context.spec.labels), size=size)
    with progress(context.report, "train", plan.epochs) as bar:
        for epoch in range(plan.epochs):
            loss = state.epoch(np.random.default_rng([context.seed, epoch]))
            if epoch >= plan.epochs // 2:
                state.remember()
            bar.advance(1, f"training loss a token {loss:.4f}")
    return state.fitted()


class _State:
    """Weights while they are learned; features are numbered anew, those that are seen only."""

    def __init__(self, ids: Array, target: Array, plan: ChainPlan, *, n_types: int, size: int) -> None:
        self._plan, self._size = plan, size
        self._length = (target >= 0).sum(axis=1)
        self._first = np.concatenate([[0], np.cumsum(self._length)])
        inside = np.arange(target.shape[1]) < self._length[:, None]
        self._tag = target[inside]
        flat = ids[inside]
        there = (flat >= 0) & (flat < plan.below)
        seen = np.bincount(flat[there], minlength=size)
        self._used = np.flatnonzero(seen >= plan.least)
        number = np.full(size + 1, -1, dtype=np.int64)
        number[self._used] = np.arange(len(self._used))
        flat = np.where(there, number[flat], -1)
        kept = flat >= 0
        offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
        ones = np.ones(int(offsets[-1]), dtype=np.float32)
        self._x = sparse.csr_matrix((ones, flat[kept], offsets), shape=(len(flat), len(self._used)))
        n_tags = 1 + 2 * n_types
        self._open = allowed(n_types)
        self._weight = np.zeros((len(self._used), n_tags), dtype=np.float32)
        self._link = np.zeros((n_tags + 1, n_tags))
        self._bias = np.zeros(n_tags)
        self._squares: list[Array] = [np.full_like(v, START) for v in (self._weight, self._link, self._bias)]
        self._means: list[Array] = [np.zeros_like(v) for v in (self._weight, self._link, self._bias)]
        self._n_means = 0

    def epoch(self, rng: np.random.Generator) -> float:
        """Pass over all sequences once, those of like length together, and return the mean loss of a token."""
        order = np.argsort(self._length + rng.uniform(0, 4, len(self._length)), kind="stable")
        cuts, tokens = [], 0
        for k, n in enumerate(self._length[order].tolist()):
            tokens += n
            if tokens >= BATCH_TOKENS:
                cuts.append(k + 1)
                tokens = 0
        batches = [rows for rows in np.split(order, cuts) if len(rows) and self._length[rows].max() > 0]
        total = 0.0
        for k in rng.permutation(len(batches)):
            total += self._step(batches[k], rng)
        return total / max(len(self._tag), 1)

    def _step(self, rows: npt.NDArray[np.int64], rng: np.random.Generator) -> float:
        rows = rows[self._length[rows] > 0]
        tokens = np.concatenate([np.arange(self._first[r], self._first[r + 1]) for r in rows])
        part = self._x[tokens]
        used, inverse = np.unique(part.indices, return_inverse=True)
        kept = 1.0 - self._plan.dropout
        data = part.data if kept == 1 else (rng.random(len(part.data)) < kept).astype(np.float32) / kept
        part = sparse.csr_matrix((data, inverse, part.indptr), shape=(len(tokens), len(used)))
        score = np.asarray(part @ self._weight[used], dtype=np.float64) + self._bias
        right = np.zeros_like(score)
        right[np.arange(len(tokens)), self._tag[tokens]] = 1.0
        if self._plan.linked:
            loss, marginal, link = self._chain(score, right, rows)
            self._move(1, slice(None), np.where(self._open > FORBIDDEN, link, 0.0))
        else:
            top = score.max(axis=1, keepdims=True)
            marginal = np.exp(score - top)
            total = marginal.sum(axis=1, keepdims=True)
            marginal /= total
            loss = float((np.log(total[:, 0]) + top[:, 0] - (score * right).sum(axis=1)).sum())
        slope = marginal - right
        self._move(0, used, np.asarray(part.T @ slope.astype(np.float32)))
        self._move(2, slice(None), slope.sum(axis=0))
        return loss

    def _chain(self, score: Floats, right: Floats, rows: npt.NDArray[np.int64]) -> tuple[float, Floats, Floats]:
        """Loss, marginals (n, K) and the slope of the link (K + 1, K)."""
        length = self._length[rows]
        inside = np.arange(int(length.max())) < length[:, None]
        padded, truth = (np.zeros((*inside.shape, score.shape[1])) for _ in range(2))
        padded[inside], truth[inside] = score, right
        link = self._link + self._open
        made = chains(padded, length, link)
        ahead = made.weight[:, 1:] * made.backward[:, 1:] / made.scale[:, 1:, None] * inside[:, 1:, None]
        k = score.shape[1]
        pairs = made.forward[:, :-1].reshape(-1, k).T @ ahead.reshape(-1, k) * np.exp(link[:-1])
        pairs -= truth[:, :-1].reshape(-1, k).T @ truth[:, 1:].reshape(-1, k)
        start = made.marginal[:, 0].sum(axis=0) - truth[:, 0].sum(axis=0)
        tags = truth.argmax(axis=2)
        steps = (link[tags[:, :-1], tags[:, 1:]] * inside[:, 1:]).sum() + link[-1][tags[:, 0]].sum()
        loss = float(made.log_total.sum() - (score * right).sum() - steps)
        return loss, made.marginal[inside], np.vstack([pairs, start])

    def _move(self, which: int, at: Any, slope: Array) -> None:
        """Take a step of AdaGrad with some of the weights."""
        values = (self._weight, self._link, self._bias)[which]
        squares = self._squares[which]
        squares[at] += np.square(slope)
        values[at] = values[at] * (1 - self._plan.decay) - self._plan.rate * slope / np.sqrt(squares[at])

    def remember(self) -> None:
        """Count the weights as they are into the mean."""
        self._means = [m + v for m, v in zip(self._means, (self._weight, self._link, self._bias), strict=True)]
        self._n_means += 1

    def fitted(self) -> ChainFitted:
        """Return the mean weights under the numbers that the features came with."""
        weight, link, bias = (m / max(self._n_means, 1) for m in self._means)
        whole = np.zeros((self._size, weight.shape[1]), dtype=np.float32)
        whole[self._used] = weight
        made = (link + self._open).astype(np.float32) if self._plan.linked else None
        return ChainFitted(whole, bias.astype(np.float32), made)
