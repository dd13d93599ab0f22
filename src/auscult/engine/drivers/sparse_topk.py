"""Driver ``sparse-topk``: rank items for a history by a sparse item-to-item matrix."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from auscult.base.arrays import Array
from auscult.base.contracts import Program, Run
from auscult.base.errors import ShapeError

ROWS = 512


def load(program: Program, threads: int) -> Run:
    """Open a program with a CSR matrix (``data``, ``indices``, ``indptr``: V by V) and the setting ``k``.

    The run takes ``history`` (N, L) int64, padded with -1, and gives ``item`` (N, k) int64 and ``score`` (N, k),
    best first; what is in the history is never recommended again.
    """
    a = program.arrays
    size = len(a["indptr"]) - 1
    matrix = sparse.csr_matrix((a["data"], a["indices"], a["indptr"]), shape=(size, size))
    k = min(int(program.settings["k"]), size)

    def some(history: Array) -> tuple[Array, Array]:
        rows, columns = np.nonzero(history >= 0)
        seen = sparse.csr_matrix(
            (np.ones(len(rows), np.float32), (rows, history[rows, columns])), shape=(len(history), size)
        )
        score = np.asarray((seen @ matrix).todense(), dtype=np.float32)
        score[rows, history[rows, columns]] = -np.inf
        top = _best(score, k)
        value = np.take_along_axis(score, top, axis=1)
        order = np.lexsort((top, -value), axis=1)
        return np.take_along_axis(top, order, axis=1), np.take_along_axis(value, order, axis=1)

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        history = inputs["history"]
        if history.ndim != 2 or history.max(initial=-1) >= size:
            raise ShapeError(
                f"program input 'history': expected numbers below {size}, shape (N, L), got shape {history.shape}"
            )
        parts = [some(history[i : i + ROWS]) for i in range(0, len(history), ROWS)]
        item, score = (np.concatenate(p) for p in zip(*parts, strict=True))
        return {"item": item.astype(np.int64), "score": score}

    return run


def _best(score: Array, k: int) -> Array:
    """Columns of the k highest scores of each row, (N, V) -> (N, k); of equal scores the first, on every machine."""
    limit = -np.partition(-score, k - 1, axis=1)[:, k - 1 : k]
    above, equal = score > limit, score == limit
    wanted = k - above.sum(axis=1, keepdims=True)
    keep = above | (equal & (np.cumsum(equal, axis=1) <= wanted))
    return np.nonzero(keep)[1].reshape(len(score), k)
