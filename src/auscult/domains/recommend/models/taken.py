"""Who took what, as a sparse matrix, and the programs that rank by it: what the models of ``next-items`` share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from auscult.base.arrays import Array
from auscult.base.contracts import ItemSet, Program
from auscult.domains.recommend.preprocess.names import Names
from auscult.engine.outputs import as_bytes

LIST_LENGTH = 20
LENGTH = "Items of a list; a task whose rules remove some needs more than it answers."
ROWS = 1024
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, repr=False)
class Taken:
    """What training knows.

    Parameters
    ----------
    names : (V,) array of bytes
        Items, in rising order.
    matrix : (U, V) CSR of float32
        1 where a user took an item.
    """

    names: Names
    matrix: Any

    @staticmethod
    def of(train: ItemSet) -> Taken:
        """Count the interactions of some items; users are numbered without gaps, in the order of their records."""
        names, column = np.unique(train.inputs()["item"], return_inverse=True)
        users, row = np.unique(train.items.record[train.rows], return_inverse=True)
        ones = np.ones(len(row), np.float32)
        matrix = sparse.csr_matrix((ones, (row.ravel(), column.ravel())), shape=(len(users), len(names)))
        matrix.data[:] = 1.0
        return Taken(names, matrix)

    @property
    def popularity(self) -> Floats:
        """How many users took each item, (V,)."""
        return np.asarray(self.matrix.sum(axis=0), dtype=np.float32).ravel()

    @property
    def activity(self) -> Floats:
        """How many items each user took, (U,)."""
        return np.asarray(self.matrix.sum(axis=1), dtype=np.float32).ravel()


@dataclass(frozen=True, repr=False)
class RankingFitted:
    """A fitted model that is its program."""

    program: Program

    def export(self) -> Program:
        """Return the program."""
        return self.program


def ranking_program(
    names: Names,
    matrix: Any,
    prior: Floats,
    low_rank: tuple[Floats, Floats] | None = None,
    *,
    length: int = LIST_LENGTH,
) -> Program:
    """Return a program that ranks by a sparse matrix (V, V), what is added to every score (V,), and a low-rank part."""
    arrays: dict[str, Array] = {
        "data": matrix.data.astype(np.float32),
        "indices": matrix.indices.astype(np.int32),
        "indptr": matrix.indptr.astype(np.int64),
        "name": as_bytes(names),
        "prior": prior.astype(np.float32),
    }
    if low_rank is not None:
        arrays |= {"left": low_rank[0].astype(np.float32), "right": low_rank[1].astype(np.float32)}
    return Program("sparse-topk", ("history",), {}, arrays, {"k": length})


def small_prior(popularity: Floats, scale: float) -> Floats:
    """Popularity as an order of what a history says nothing about, too small to change any other order, (V,)."""
    return np.asarray(popularity * (1e-6 * scale / max(float(popularity.max(initial=0.0)), 1.0)), dtype=np.float32)


def pruned_product(
    left: Any, right: Any, keep: int, *, weigh: Callable[[Any, int], Any] | None = None, advance: Callable[[int], Any]
) -> Any:
    """Multiply two sparse matrices by blocks of rows and keep the largest entries of each row, without the diagonal.

    Parameters
    ----------
    left : (V, U) CSR
    right : (U, V) CSR
    keep : int
        Entries kept in a row.
    weigh : callable, optional
        ``(block, first row) -> block`` before the largest are chosen.
    advance : callable
        Told how many rows are done.

    Returns
    -------
    (V, V) CSR of float32
    """
    parts = []
    for begin in range(0, left.shape[0], ROWS):
        block = (left[begin : begin + ROWS] @ right).tocsr()
        block = block if weigh is None else weigh(block, begin)
        parts.append(_largest(block, keep, begin))
        advance(block.shape[0])
    return sparse.vstack(parts, format="csr")


def _largest(block: Any, keep: int, begin: int) -> Any:
    """The largest entries of each row of a block whose first row is ``begin``; the diagonal is left out."""
    kept, counts = [], []
    for row in range(block.shape[0]):
        at = np.arange(block.indptr[row], block.indptr[row + 1])
        at = at[block.indices[at] != begin + row]
        if len(at) > keep:
            at = at[np.argpartition(-block.data[at], keep - 1)[:keep]]
        kept.append(np.sort(at))
        counts.append(len(at))
    rows = np.concatenate(kept)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return sparse.csr_matrix((block.data[rows], block.indices[rows], indptr), shape=block.shape, dtype=np.float32)
