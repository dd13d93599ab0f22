"""Model ``item-similarity``: how near an item is to what the user took, by the users they share; kNN of clicks."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field as Setting
from scipy import sparse
from torch import Tensor, nn

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.domains.recommend.models.pairs import judged_pairs
from auscult.domains.recommend.models.taken import RankingFitted, pruned_product
from auscult.domains.recommend.preprocess.catalogue import BUCKETS
from auscult.engine.train import Batch, export_onnx

INPUTS = ("item", "history")


class ItemSimilarityConfig(Config):
    """Settings of the neighbours."""

    neighbours: int = Setting(100, ge=1, description="Neighbours kept of each item.")
    slope: float = Setting(4.0, gt=0, description="How fast the probability rises with the logarithm of the nearness.")
    history: int = Setting(50, ge=1, description="Latest items that stand for a user; as the task's.")


class Nearness(nn.Module):
    """Sum of the cosines of an item and each of the history, as a probability."""

    rows: Tensor
    near: Tensor
    cosine: Tensor

    def __init__(self, rows: Array, near: Array, cosine: Array, curve: tuple[float, float]) -> None:
        super().__init__()
        self.register_buffer("rows", torch.as_tensor(rows))
        self.register_buffer("near", torch.as_tensor(near))
        self.register_buffer("cosine", torch.as_tensor(cosine))
        self.curve = curve

    def forward(self, item: Tensor, history: Tensor) -> Tensor:
        """Probabilities of both answers, (N, 2), from items (N,) and histories (N, H)."""
        row = self.rows[item]
        same = self.near[row][:, :, None] == history[:, None, :]  # (N, K, H)
        total = (same.any(dim=2).float() * self.cosine[row]).sum(dim=1)
        yes = torch.sigmoid(self.curve[0] * ((total + 1e-3).log() - self.curve[1]))
        return torch.stack([1 - yes, yes], dim=1)


class ItemSimilarity:
    """Nearness to the history."""

    Config: ClassVar[type[Config]] = ItemSimilarityConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("class",)
    inputs: ClassVar[tuple[str, ...]] = ("item", "attribute")

    def __init__(self, config: ItemSimilarityConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Find the neighbours of every item; the middle of the curve is the median nearness of validation pairs."""
        taken = train.target() == 1
        known, column = np.unique(train.inputs()["item"][taken], return_inverse=True)
        users, row = np.unique(train.items.record[train.rows][taken], return_inverse=True)
        ones = np.ones(len(row), np.float32)
        matrix = sparse.csr_matrix((ones, (row, column)), shape=(len(users), len(known)))
        norm = np.sqrt(np.asarray(matrix.sum(axis=0)).ravel())

        def cosine(block: sparse.csr_matrix, begin: int) -> sparse.csr_matrix:
            rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr)) + begin
            block.data /= norm[rows] * norm[block.indices]
            return block

        k = self._config.neighbours
        near = pruned_product(matrix.T.tocsr(), matrix, k, weigh=cosine, advance=lambda _: None)
        table, value = np.zeros((len(known) + 1, k), np.int64) - 1, np.zeros((len(known) + 1, k), np.float32)
        for item in range(len(known)):
            at = slice(near.indptr[item], near.indptr[item + 1])
            table[item + 1, : at.stop - at.start] = known[near.indices[at]]
            value[item + 1, : at.stop - at.start] = near.data[at]
        rows = np.zeros(BUCKETS, np.int64)
        rows[known] = np.arange(1, len(known) + 1)
        judged = judged_pairs(valid, train, self._config.history)
        example = Batch({n: torch.as_tensor(judged.inputs()[n]) for n in INPUTS}, None)
        plain = Nearness(rows, table, value, (1.0, 0.0))
        with torch.no_grad():
            yes = torch.cat(
                [plain(*(v[i : i + 512] for v in example.inputs.values()))[:, 1] for i in range(0, len(judged), 512)]
            )
        middle = float((yes / (1 - yes)).log().median())
        network = Nearness(rows, table, value, (self._config.slope, middle))
        first = Batch({n: v[:2] for n, v in example.inputs.items()}, None)
        return RankingFitted(Program("forward", INPUTS, {"main": export_onnx(network, first, "probability")}))
