"""Driver ``sparse-topk``: rank items for a history by an item-to-item matrix: sparse, of low rank, or their sum.

The best items are found without the whole low-rank product. Its first parts and, by Cauchy and Schwarz, the product of
the lengths of what is left bound every score from above; only items whose bound reaches the k-th best score are scored
in full. The lists are those of the whole product, but where scores are equal to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
CHUNK = 32
"""Columns whose maximum is looked at before they are. Of C chunks the first has the columns 0, C, 2 C and so on."""
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
    passed over, as ``unknown`` (N, L) says; without, both are numbers from 0 (padded with -1). With the further input
    ``explain`` (N,), of any values, ``because`` (N, k, 3) are the items of the history that added most, and ``share``
    (N, k, 3) is their part of all that was added. Histories are shared out over the threads.
    """
    shelf = _Shelf.of(program)
    k = min(int(program.settings["k"]), shelf.size)

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        history = np.asarray(inputs["history"])
        shelf.require(history)
        row, column, unknown = shelf.seen(history)
        with one_blas_thread():
            top, score = _ranked(shelf, _Taken(column, np.searchsorted(row, np.arange(len(history) + 1))), k, threads)
        top[score == -np.inf] = -1
        answer = {"item": _named(shelf, top), "score": np.where(top < 0, 0.0, score).astype(np.float32)}
        answer |= {} if shelf.names is None else {"unknown": unknown}
        return {**answer, **_reasons(shelf, row, column, top)} if "explain" in inputs else answer

    return run


@dataclass(frozen=True, repr=False)
class _Taken:
    """Items of some histories, each rising: those of history ``i`` are ``column[start[i] : start[i + 1]]``."""

    column: Array
    start: Array

    def __len__(self) -> int:
        return len(self.start) - 1

    def __getitem__(self, row: int) -> Array:
        return self.column[self.start[row] : self.start[row + 1]]

    def part(self, begin: int, end: int) -> _Taken:
        """Some of the histories."""
        start = self.start[begin : end + 1]
        return _Taken(self.column[start[0] : start[-1]], start - start[0])


@dataclass(frozen=True, repr=False)
class _Shelf:
    """The items and how one leads to another.

    ``first`` (H + 2, V'): parts of the low-rank product that bound every score, the length of the others, and the
    prior; V' is V made up to whole chunks. ``left`` and ``right`` (V, R): the whole product.
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
        prior = np.asarray(a.get("prior", np.zeros(size)), dtype=np.float32)
        first = np.zeros((min(HEAD, len(right)) + 2, -(-size // CHUNK) * CHUNK), np.float32)
        first[:-2, :size] = right[:HEAD]
        first[-2, :size] = np.linalg.norm(right[HEAD:], axis=0) * (1 + SLACK)
        first[-1, :size] = prior
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

    def seen(self, history: Array) -> tuple[Array, Array, Array]:
        """Rows and columns of the known items of some histories, each once; where the unknown are, (N, L)."""
        unknown = np.zeros(history.shape, dtype=bool)
        if self.names is None:
            row, at = np.nonzero(history >= 0)
            column = history[row, at]
        else:
            row, at = np.nonzero(history != b"")
            given = history[row, at]
            column = np.minimum(np.searchsorted(self.names, given), self.size - 1)
            known = self.names[column] == given
            unknown[row, at] = ~known
            row, column = row[known], column[known]
        place = np.sort(row.astype(np.int64) * self.size + column)
        once = place[np.diff(place, prepend=-1) > 0]
        return once // self.size, once % self.size, unknown

    def bounds(self, taken: _Taken, inner: Floats, out: tuple[Floats, Floats]) -> list[Floats]:
        """Write what no score is above, (B, V'), and its maximum in each chunk, (B, C).

        ``inner`` (B, R) is what the items taken add to the low-rank product. What was taken, and what is beyond the
        items, is -inf. Returned is what the matrix adds to each score, (V,) for each history.
        """
        bound, chunks = out
        length = np.linalg.norm(inner[:, HEAD:], axis=1, keepdims=True)
        np.matmul(np.concatenate([inner[:, :HEAD], length, np.ones_like(length)], axis=1), self.first, out=bound)
        sums = list(_sums_of_rows(self.matrix, taken))
        for row, added in enumerate(sums):  # one by one, as a row stays in the cache of a core
            mine = bound[row]
            mine[: self.size] += added
            mine[taken[row]] = -np.inf
            mine[self.size :] = -np.inf
            mine.reshape(CHUNK, -1).max(axis=0, out=chunks[row])
        return sums

    def added(self, column: Array, items: Array) -> Array:
        """What each item of one history (L,) adds to some items (k,), as (L, k)."""
        each = np.asarray(self.matrix[column][:, items].todense(), dtype=np.float32)
        return each + self.left[column] @ self.right[items].T


def _sums_of_rows(matrix: Any, taken: _Taken) -> Iterator[Floats]:
    """Sum of the rows of a CSR matrix that each of some histories has taken, (V,), without a copy of them.

    It is a product with a matrix of two columns for each row: the row, from its start to its end, and from there to the
    start of the next, which holds nothing as the rows are taken from the last to the first. A shorter history has empty
    columns at its end, so that one such matrix serves for all.
    """
    count = np.diff(taken.start)
    row = np.repeat(np.arange(len(taken)), count)
    place = taken.start[row + 1] - 1 - np.arange(len(row))
    ends = np.zeros((len(taken), max(2 * int(count.max(initial=0)), 2)), matrix.indptr.dtype)
    filled = np.flatnonzero(count)
    ends[filled] = matrix.indptr[taken.column[taken.start[filled]] + 1][:, None]
    ends[row, 2 * place], ends[row, 2 * place + 1] = matrix.indptr[taken.column], matrix.indptr[taken.column + 1]
    some = sparse.csc_matrix((matrix.shape[1], ends.shape[1] - 1), dtype=np.float32)
    some.data, some.indices = matrix.data, matrix.indices
    ones = np.ones(some.shape[1], np.float32)
    for some.indptr in ends:
        yield np.asarray(some @ ones)


def _ranked(shelf: _Shelf, taken: _Taken, k: int, threads: int) -> tuple[Array, Floats]:
    """Columns and scores of the best items of some histories, (N, k) each; a part of them on each thread."""
    n = len(taken)
    top, value = np.zeros((n, k), np.int64), np.zeros((n, k), np.float32)

    def rank(begin: int, end: int) -> None:
        n, wide = min(ROWS, end - begin), shelf.first.shape[1]
        held = np.empty((n, wide), np.float32), np.empty((n, wide // CHUNK), np.float32)
        for at in range(begin, end, ROWS):
            some = taken.part(at, min(at + ROWS, end))
            _rank_block(shelf, some, (held[0][: len(some)], held[1][: len(some)]), (top[at:], value[at:]))

    cuts = [n * part // threads for part in range(threads + 1)] if n >= threads * ROWS else [0, n]
    if len(cuts) == 2:
        rank(0, n)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(rank, cuts[:-1], cuts[1:]))
    return top, value


def _rank_block(shelf: _Shelf, taken: _Taken, held: tuple[Floats, Floats], out: tuple[Array, Floats]) -> None:
    """Rank the items for a few histories into the first rows of ``out``; ``held`` is room for bounds and maxima."""
    ones = np.ones(len(taken.column), np.float32)
    picked = sparse.csr_matrix((ones, taken.column, taken.start), shape=(len(taken), shelf.size))
    inner = np.asarray(picked @ shelf.left, dtype=np.float32)
    sums = shelf.bounds(taken, inner, held)

    def whole(row: Array, column: Array) -> Floats:
        score = np.empty(len(row), np.float32)
        rows, starts = np.unique(row, return_index=True)
        for one, begin, end in zip(rows, starts, np.append(starts[1:], len(row))[: len(rows)], strict=True):
            some = column[begin:end]
            score[begin:end] = shelf.prior[some] + sums[one][some] + shelf.right[some] @ inner[one]
        return score

    out[0][: len(taken)], out[1][: len(taken)] = _best(*held, out[0].shape[1], whole)


def _best(bound: Floats, chunks: Floats, k: int, whole: Callable[[Array, Array], Floats]) -> tuple[Array, Floats]:
    """Columns (B, k) of the highest scores of each row, best first, of equal scores the first; and those scores.

    Items are scored from the highest bound down, until no bound that is left reaches the k-th highest score so far.
    Where to stop is taken from the maxima of the chunks: the m-th of them is no higher than the m-th highest bound.
    A place for which there is no score is -inf.
    """
    n = len(bound)
    column, score = np.zeros((n, k), np.int64), np.full((n, k), -np.inf, np.float32)
    open_, limit, many = np.arange(n), np.full(n, np.inf, np.float32), k * STEP
    while len(open_):
        before, limit = limit, score[open_, -1]
        if many <= chunks.shape[1]:
            limit = np.maximum(limit, np.partition(chunks[open_], -many, axis=1)[:, -many])
        row, some = _reaching(bound, chunks, open_, (limit, before))
        _merge((column, score), open_, (row, some, whole(open_[row], some)))
        go_on = (score[open_, -1] < limit) & (limit > -np.inf)
        open_, limit, many = open_[go_on], limit[go_on], STEP * many
    return column, score


def _reaching(bound: Floats, chunks: Floats, rows: Array, between: tuple[Floats, Floats]) -> tuple[Array, Array]:
    """Which of some rows, rising, and columns whose bound is at least its row's limit and below another."""
    limit, below = between
    row, chunk = np.nonzero(chunks[rows] >= limit[:, None])
    some = bound.reshape(len(bound), CHUNK, -1)[rows[row], :, chunk]  # (P, CHUNK)
    chosen, deep = np.nonzero((some >= limit[row, None]) & (some < below[row, None]) & (some > -np.inf))
    return row[chosen], deep * chunks.shape[1] + chunk[chosen]


def _merge(best: tuple[Array, Floats], rows: Array, more: tuple[Array, Array, Floats]) -> None:
    """Put more columns with their scores among the best of some rows."""
    n, k = len(rows), best[0].shape[1]
    row = np.concatenate([np.repeat(np.arange(n), k), more[0]])
    column = np.concatenate([best[0][rows].ravel(), more[1]])
    score = np.concatenate([best[1][rows].ravel(), more[2]])
    order = np.lexsort((column, -score, row))
    start = np.searchsorted(row[order], np.arange(n))
    kept = order[start[:, None] + np.arange(k)]
    best[0][rows], best[1][rows] = column[kept], score[kept]


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
