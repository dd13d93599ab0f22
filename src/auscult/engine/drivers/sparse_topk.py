"""Driver ``sparse-topk``: rank items for a history by an item-to-item matrix: sparse, of low rank, or their sum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from auscult.base.arrays import Array
from auscult.base.contracts import Program, Run
from auscult.base.errors import ShapeError

ROWS = 512
CHUNK = 64
REASONS = 3
"""How many items of the history are named as the reason of a recommended one."""

Names = npt.NDArray[np.bytes_]


def load(program: Program, threads: int) -> Run:
    """Open a program with a CSR matrix (``data``, ``indices``, ``indptr``: V by V) and the setting ``k``.

    Optional arrays: ``left`` (V, R) and ``right`` (R, V), whose product is added to the matrix; ``prior`` (V,), which
    is added to every score and orders what a history says nothing about; ``name`` (V, W) uint8, the items' names in
    rising order.

    The run takes ``history`` (N, L) and gives ``item`` (N, k) and ``score`` (N, k), best first; what is in the history
    is never recommended again. With names both are bytes (padded with empty ones) and an unknown name in a history is
    passed over; without, both are numbers from 0 (padded with -1). With the further input ``explain`` (N,), of any
    values, ``because`` (N, k, 3) are the items of the history that added most, and ``share`` (N, k, 3) is their part
    of all that was added.
    """
    shelf = _Shelf.of(program)
    k = min(int(program.settings["k"]), shelf.size)

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        history = np.asarray(inputs["history"])
        shelf.require(history)
        parts = [_answer(shelf, history[i : i + ROWS], k, "explain" in inputs) for i in range(0, len(history), ROWS)]
        return {key: np.concatenate([p[key] for p in parts]) for key in parts[0]}

    return run


@dataclass(frozen=True, repr=False)
class _Shelf:
    """The items and how one leads to another."""

    size: int
    names: Names | None
    matrix: Any
    left: Array | None
    right: Array | None
    prior: Array | None

    @staticmethod
    def of(program: Program) -> _Shelf:
        a = program.arrays
        size = len(a["indptr"]) - 1
        matrix = sparse.csr_matrix((a["data"], a["indices"], a["indptr"]), shape=(size, size))
        names = None
        if "name" in a:
            wide = np.ascontiguousarray(a["name"])
            names = wide.view(f"S{wide.shape[1]}").ravel()
        return _Shelf(size, names, matrix, a.get("left"), a.get("right"), a.get("prior"))

    def require(self, history: Array) -> None:
        """Refuse a history of another form."""
        wanted = "iu" if self.names is None else "S"
        fits = history.ndim == 2 and history.dtype.kind in wanted
        if not fits or (self.names is None and history.max(initial=-1) >= self.size):
            what = f"numbers below {self.size}" if self.names is None else "names as bytes"
            raise ShapeError(
                f"program input 'history': expected {what}, shape (N, L), got {history.dtype}, shape {history.shape}"
            )

    def seen(self, history: Array) -> tuple[Array, Array]:
        """Rows and columns of the known items of some histories, each once."""
        if self.names is None:
            row, at = np.nonzero(history >= 0)
            column = history[row, at]
        else:
            row, at = np.nonzero(history != b"")
            given = history[row, at]
            column = np.minimum(np.searchsorted(self.names, given), self.size - 1)
            known = self.names[column] == given
            row, column = row[known], column[known]
        once = np.unique(row.astype(np.int64) * self.size + column)
        return once // self.size, once % self.size

    def scores(self, row: Array, column: Array, n: int) -> npt.NDArray[np.float32]:
        """Score of every item for every history, (N, V); what was seen is -inf."""
        taken = sparse.csr_matrix((np.ones(len(row), np.float32), (row, column)), shape=(n, self.size))
        score: npt.NDArray[np.float32] = np.asarray((taken @ self.matrix).todense(), dtype=np.float32)
        if self.left is not None and self.right is not None:
            score += (taken @ self.left) @ self.right
        if self.prior is not None:
            score += self.prior
        score[row, column] = -np.inf
        return score

    def added(self, column: Array, items: Array) -> Array:
        """What each item of one history (L,) adds to some items (k,), as (L, k)."""
        each = np.asarray(self.matrix[column][:, items].todense(), dtype=np.float32)
        if self.left is not None and self.right is not None:
            each = each + self.left[column] @ self.right[:, items]
        return each


def _answer(shelf: _Shelf, history: Array, k: int, explain: bool) -> dict[str, Array]:
    row, column = shelf.seen(history)
    score = shelf.scores(row, column, len(history))
    top = best_columns(score, k)
    value = np.take_along_axis(score, top, axis=1)
    top = np.where(value == -np.inf, -1, top)
    answer = {"item": _named(shelf, top), "score": np.where(top < 0, 0.0, value).astype(np.float32)}
    return {**answer, **_reasons(shelf, row, column, top)} if explain else answer


def _named(shelf: _Shelf, columns: Array) -> Array:
    if shelf.names is None:
        return columns.astype(np.int64)
    return np.where(columns < 0, b"", shelf.names[np.maximum(columns, 0)])


def _reasons(shelf: _Shelf, row: Array, column: Array, top: Array) -> dict[str, Array]:
    """Items of each history that added most to each recommended item; -1 where there are fewer."""
    n, k = top.shape
    because, share = np.full((n, k, REASONS), -1), np.zeros((n, k, REASONS), np.float32)
    for one in range(n):
        mine = column[row == one]
        shown = np.flatnonzero(top[one] >= 0)
        added = np.maximum(shelf.added(mine, top[one][shown]), 0.0)  # (L, k)
        order = np.argsort(-added, axis=0, kind="stable")[:REASONS]
        part = np.take_along_axis(added, order, axis=0) / np.maximum(added.sum(axis=0), 1e-30)
        because[one, shown, : len(order)] = np.where(part > 0, mine[order], -1).T
        share[one, shown, : len(order)] = part.T
    return {"because": _named(shelf, because), "share": share}


def best_columns(score: Array, k: int) -> Array:
    """Columns of the k highest scores of each row, best first, (N, V) -> (N, k); of equal scores the first.

    The k-th highest maximum of blocks of columns is no higher than the k-th highest score, so that few scores are left
    to be sorted.
    """
    n, size = score.shape
    n_blocks = size // CHUNK
    if n_blocks >= 2 * k:
        maxima = score[:, : n_blocks * CHUNK].reshape(n, n_blocks, CHUNK).max(axis=2)
        limit = np.partition(maxima, n_blocks - k, axis=1)[:, n_blocks - k]
    else:
        limit = np.partition(score, size - k, axis=1)[:, size - k]
    flat = np.flatnonzero(score >= limit[:, None])
    row, column = flat // size, flat % size
    order = np.lexsort((column, -score.ravel()[flat], row))
    start = np.searchsorted(row, np.arange(n))
    return np.asarray(column[order[start[:, None] + np.arange(k)]])
