"""Driver ``sparse-topk``: rank items for a history by an item-to-item matrix: sparse, of low rank, or their sum.

The best items are found without the whole low-rank product. Its first parts and, by Cauchy and Schwarz, the product of
the lengths of what is left bound every score from above; only items whose bound reaches the k-th best score are scored
in full. The lists are those of the whole product, but where scores are equal to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from auscult.base.arrays import Array
from auscult.base.contracts import Program, Run
from auscult.base.errors import ShapeError
from auscult.engine.blas import one_blas_thread

ROWS = 64
"""Histories of one block: its scores stay in the cache of a core."""
CHUNK = 64
"""Columns whose maximum is looked at before they are."""
HEAD = 64
"""Parts of the low-rank product that every score has; the others are added where they can matter."""
SLACK = 1e-4
"""What a bound is raised by, as a share, so that rounding never lowers it below a score."""
STEP = 3
"""How many times more items each further look scores in full."""
REASONS = 3
"""How many items of the history are named as the reason of a recommended one."""

Names = npt.NDArray[np.bytes_]
Floats = npt.NDArray[np.float32]


def load(program: Program, threads: int) -> Run:
    """Open a program with a CSR matrix (``data``, ``indices``, ``indptr``: V by V) and the setting ``k``.

    Optional arrays: ``left`` (V, R) and ``right`` (R, V), whose product is added to the matrix; ``prior`` (V,), which
    is added to every score and orders what a history says nothing about; ``name`` (V, W) uint8, the items' names in
    rising order.

    The run takes ``history`` (N, L) and gives ``item`` (N, k) and ``score`` (N, k), best first; what is in the history
    is never recommended again. With names both are bytes (padded with empty ones) and an unknown name in a history is
    passed over; without, both are numbers from 0 (padded with -1). With the further input ``explain`` (N,), of any
    values, ``because`` (N, k, 3) are the items of the history that added most, and ``share`` (N, k, 3) is their part
    of all that was added. Histories are shared out over the threads.
    """
    shelf = _Shelf.of(program)
    k = min(int(program.settings["k"]), shelf.size)

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        history = np.asarray(inputs["history"])
        shelf.require(history)
        row, column = shelf.seen(history)
        ends = np.searchsorted(row, np.arange(len(history) + 1))
        with one_blas_thread():
            top, score = _ranked(shelf, np.split(column, ends[1:-1]) if len(history) else [], k, threads)
        top = np.where(score == -np.inf, -1, top)
        answer = {"item": _named(shelf, top), "score": np.where(top < 0, 0.0, score).astype(np.float32)}
        return {**answer, **_reasons(shelf, row, column, top)} if "explain" in inputs else answer

    return run


@dataclass(frozen=True, repr=False)
class _Shelf:
    """The items and how one leads to another.

    ``first`` (H + 1, V'): parts of the low-rank product that bound every score, and the length of the others; V' is V
    made up to whole chunks. ``left`` and ``right`` (V, R): the whole product.
    """

    size: int
    names: Names | None
    matrix: Any
    prior: Floats
    left: Floats
    right: Floats
    first: Floats

    @staticmethod
    def of(program: Program) -> _Shelf:
        a = program.arrays
        size = len(a["indptr"]) - 1
        matrix = sparse.csr_matrix((a["data"], a["indices"], a["indptr"]), shape=(size, size))
        names = None
        if "name" in a:
            wide = np.ascontiguousarray(a["name"])
            names = wide.view(f"S{wide.shape[1]}").ravel()
        none = np.zeros((0, size), np.float32)
        left, right = a.get("left", none.T), a.get("right", none)
        first = np.zeros((min(HEAD, len(right)) + 1, -(-size // CHUNK) * CHUNK), np.float32)
        first[:-1, :size] = right[:HEAD]
        first[-1, :size] = np.linalg.norm(right[HEAD:], axis=0) * (1 + SLACK)
        prior = np.asarray(a.get("prior", np.zeros(size)), dtype=np.float32)
        return _Shelf(size, names, matrix, prior, left, right.T.copy(), first)

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

    def bounds(self, inner: Floats, out: Floats) -> None:
        """Write what no score of the low-rank product is above, (B, V'); ``inner`` (B, R) is what the items taken add.

        What is beyond the items is -inf.
        """
        length = np.linalg.norm(inner[:, HEAD:], axis=1, keepdims=True)
        np.matmul(np.concatenate([inner[:, :HEAD], length], axis=1), self.first, out=out)
        out[:, self.size :] = -np.inf

    def linear(self, taken: Array) -> Floats:
        """Prior and sum of the rows of the items taken, (V,); what was taken is -inf."""
        score = self.prior + _sum_of_rows(self.matrix, taken) if self.matrix.nnz else self.prior.copy()
        score[taken] = -np.inf
        return score

    def added(self, column: Array, items: Array) -> Array:
        """What each item of one history (L,) adds to some items (k,), as (L, k)."""
        each = np.asarray(self.matrix[column][:, items].todense(), dtype=np.float32)
        return each + self.left[column] @ self.right[items].T


def _sum_of_rows(matrix: Any, rows: Array) -> Floats:
    """Sum of some rows of a CSR matrix, (V,), without a copy of them.

    It is a product with a matrix of two columns for each row: the row, from its start to its end, and from there to the
    start of the next, which holds nothing as the rows are taken from the last to the first.
    """
    falling = rows[::-1]
    ends = np.stack([matrix.indptr[falling], matrix.indptr[falling + 1]], axis=1).ravel()
    some = sparse.csc_matrix((matrix.shape[1], max(len(ends) - 1, 0)), dtype=np.float32)
    some.data, some.indices, some.indptr = matrix.data, matrix.indices, ends
    return np.asarray(some @ np.ones(some.shape[1], np.float32))


def _ranked(shelf: _Shelf, taken: list[Array], k: int, threads: int) -> tuple[Array, Floats]:
    """Columns and scores of the best items of some histories, (N, k) each; a part of them on each thread."""
    n = len(taken)
    top, value = np.zeros((n, k), np.int64), np.zeros((n, k), np.float32)

    def rank(begin: int, end: int) -> None:
        held = np.empty((min(ROWS, end - begin), shelf.first.shape[1]), np.float32)
        for at in range(begin, end, ROWS):
            some = taken[at : min(at + ROWS, end)]
            _rank_block(shelf, some, held[: len(some)], (top[at:], value[at:]))

    cuts = [n * part // threads for part in range(threads + 1)] if n >= threads * ROWS else [0, n]
    if len(cuts) == 2:
        rank(0, n)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(rank, cuts[:-1], cuts[1:]))
    return top, value


def _rank_block(shelf: _Shelf, taken: list[Array], bound: Floats, out: tuple[Array, Floats]) -> None:
    """Rank the items for a few histories into the first rows of ``out``."""
    inner = np.stack([shelf.left[mine].sum(axis=0) for mine in taken])
    shelf.bounds(inner, bound)
    for row, mine in enumerate(taken):
        linear = shelf.linear(mine)
        bound[row, : shelf.size] += linear

        def whole(some: Array, linear: Floats = linear, inner: Floats = inner[row]) -> Floats:
            return np.asarray(linear[some] + shelf.right[some] @ inner, dtype=np.float32)

        out[0][row], out[1][row] = _best(bound[row], shelf.size, out[0].shape[1], whole)


def _best(bound: Floats, size: int, k: int, whole: Callable[[Array], Floats]) -> tuple[Array, Floats]:
    """Columns (k,) of the highest scores, best first, of equal scores the first; and those scores.

    Items are scored from the highest bound down, until no bound that is left reaches the k-th highest score so far.
    Where to stop is taken from the maxima of the chunks: the m-th of them is no higher than the m-th highest bound.
    """
    chunks = bound.reshape(-1, CHUNK).max(axis=1)
    falling = np.sort(chunks)[::-1]
    column, score = np.zeros(0, np.int64), np.zeros(0, np.float32)
    least, limit, many = -np.inf, np.inf, k * STEP
    while least < limit and limit > -np.inf:
        before, limit = limit, max(least, falling[many - 1] if many <= len(falling) else -np.inf)
        some = _reaching(bound, chunks, limit, before)
        some = some[some < size]
        column, score = np.concatenate([column, some]), np.concatenate([score, whole(some)])
        least, many = np.partition(score, len(score) - k)[len(score) - k], STEP * many
    order = np.lexsort((column, -score))[:k]
    return column[order], score[order]


def _reaching(bound: Floats, chunks: Floats, limit: float, below: float) -> Array:
    """Columns whose bound is at least a limit and below another, in rising order."""
    chosen = np.flatnonzero(chunks >= limit)
    some = bound.reshape(-1, CHUNK)[chosen]
    chunk, at = np.nonzero((some >= limit) & (some < below))
    return np.asarray(chosen[chunk] * CHUNK + at)


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
