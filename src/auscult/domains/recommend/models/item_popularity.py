"""Model ``item-popularity``: how many users took the item, nothing else; the floor of clicks."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.domains.recommend.models.pairs import counts_of
from auscult.domains.recommend.models.taken import RankingFitted
from auscult.domains.recommend.preprocess.catalogue import BUCKETS

OPSET = 18
STEPS = 30


class ItemPopularityConfig(Config):
    """The model has no settings."""


class ItemPopularity:
    """A logistic curve over the logarithm of the number of users who took an item."""

    Config: ClassVar[type[Config]] = ItemPopularityConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("class",)
    inputs: ClassVar[tuple[str, ...]] = ("item", "attribute")

    def __init__(self, config: ItemPopularityConfig) -> None:
        pass

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Count, and fit two numbers by Newton's method; a pair that was taken does not count itself."""
        counts = counts_of(train, BUCKETS)
        target = (train.target() == 1).astype(np.float64)
        x = np.log1p(counts[train.inputs()["item"]] - target)
        design = np.stack([np.ones_like(x), x], axis=1)  # (N, 2)
        beta = np.zeros(2)
        for _ in range(STEPS):
            p = 1 / (1 + np.exp(-design @ beta))
            curvature = (design * (p * (1 - p))[:, None]).T @ design + 1e-6 * np.eye(2)
            beta += np.linalg.solve(curvature, design.T @ (target - p) - 1e-6 * beta)
        yes = 1 / (1 + np.exp(-(beta[0] + beta[1] * np.log1p(counts))))
        return RankingFitted(table_program(np.stack([1 - yes, yes], axis=1).astype(np.float32)))


def table_program(rows: np.ndarray) -> Program:
    """Return a program that gives the row of a table for each number of an item, (N,) -> (N, 2)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [helper.make_node("Gather", ["rows", "item"], ["probability"], axis=0)],
        "table",
        [helper.make_tensor_value_info("item", TensorProto.INT64, ["items"])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["items", rows.shape[1]])],
        [numpy_helper.from_array(rows, "rows")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    onnx.checker.check_model(model)
    return Program("forward", ("item",), {"main": model.SerializeToString()})
