"""Models ``words`` and ``no-words`` by the driver ``linear-sparse``: naive Bayes on words, and the base rates alone."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from auscult.base.contracts import FitContext, ItemSet, KindName, Program
from toys.models.common import Plain, Ready
from toys.tasks.codes import VOCABULARY


def _base_rates(target: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """Log odds of each label where it is known: (N, K) -> (K,)."""
    return np.log(((target == 1).sum(axis=0) + 0.5) / ((target == 0).sum(axis=0) + 0.5))


def _program(weight: np.ndarray, bias: np.ndarray) -> Ready:  # type: ignore[type-arg]
    arrays = {"weight": weight.astype(np.float32), "bias": bias.astype(np.float32)}
    settings = {"activation": "sigmoid", "output": "probability"}
    return Ready(Program("linear-sparse", ("ids", "counts"), {}, arrays, settings))


class NoWords(Plain):
    """Base rates."""

    kinds: ClassVar[tuple[KindName, ...]] = ("labels",)
    inputs: ClassVar[tuple[str, ...]] = ("ids", "counts")

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Ready:
        """Count."""
        target = train.target()
        return _program(np.zeros((VOCABULARY, target.shape[1])), _base_rates(target))


class Words(Plain):
    """Log ratio of how often a word stands with and without a label."""

    kinds: ClassVar[tuple[KindName, ...]] = ("labels",)
    inputs: ClassVar[tuple[str, ...]] = ("ids", "counts")

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Ready:
        """Count."""
        target, ids = train.target(), train.inputs()["ids"]
        there = np.zeros((len(ids), VOCABULARY))
        rows, columns = np.nonzero(ids >= 0)
        there[rows, ids[rows, columns]] = 1.0
        with_label, without = there.T @ (target == 1) + 0.5, there.T @ (target == 0) + 0.5
        return _program(np.log(with_label / without), _base_rates(target))
