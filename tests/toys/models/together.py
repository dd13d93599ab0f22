"""Models ``together`` and ``popular`` by the driver ``sparse-topk``: what is taken together, and what is taken most."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy import sparse

from auscult.base.contracts import FitContext, ItemSet, KindName, Program
from toys.models.common import Plain, Ready

N_DEVICES, K = 40, 20


def _taken(train: ItemSet) -> sparse.csr_matrix:
    """Who took what: (N, 40)."""
    users = train.items.record[train.rows]
    ones = np.ones(len(users), np.float32)
    return sparse.csr_matrix((ones, (users, train.target())), shape=(int(users.max()) + 1, N_DEVICES))


def _program(matrix: sparse.csr_matrix) -> Ready:
    arrays = {
        "data": matrix.data.astype(np.float32),
        "indices": matrix.indices.astype(np.int64),
        "indptr": matrix.indptr.astype(np.int64),
    }
    return Ready(Program("sparse-topk", ("history",), {}, arrays, {"k": K}))


class Together(Plain):
    """Cosine of the users of two devices."""

    kinds: ClassVar[tuple[KindName, ...]] = ("ranking",)
    inputs: ClassVar[tuple[str, ...]] = ("device",)

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Ready:
        """Count pairs."""
        taken = _taken(train)
        pairs = (taken.T @ taken).toarray()
        size = np.sqrt(np.maximum(np.diag(pairs), 1.0))
        np.fill_diagonal(pairs, 0.0)
        return _program(sparse.csr_matrix(pairs / size[:, None] / size))


class Popular(Plain):
    """How often each device was taken."""

    kinds: ClassVar[tuple[KindName, ...]] = ("ranking",)
    inputs: ClassVar[tuple[str, ...]] = ("device",)

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Ready:
        """Count."""
        counts = np.asarray(_taken(train).sum(axis=0)).ravel()
        return _program(sparse.csr_matrix(np.tile(counts / counts.sum(), (N_DEVICES, 1))))
