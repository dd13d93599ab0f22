"""Model ``linear``: one linear layer, with everything left to the engine: loss, loop and export by torch."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from auscult.base.contracts import FitContext, Fitted, ItemSet, KindName
from auscult.engine.answers import kind_of
from auscult.engine.train import GradientPlan, fit_gradient
from toys.models.common import Plain


class Linear(Plain):
    """A linear layer on ``features``."""

    kinds: ClassVar[tuple[KindName, ...]] = ("class",)
    inputs: ClassVar[tuple[str, ...]] = ("features",)

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train by gradient descent."""
        n_inputs = train.items.inputs["features"].shape[1]
        n_outputs = kind_of(context.spec).n_outputs(context.spec)
        return fit_gradient(GradientPlan(lambda: nn.Linear(n_inputs, n_outputs), ("features",)), train, valid, context)
