"""Model ``linear-text``: n-grams and the cues of device reports, by a linear model that is chosen well.

The margin of a support vector machine in place of the likelihood, classes of equal weight, and cues (see
``preprocess/cues.py``) beside the n-grams: a word such as "died" decides by itself, and whether it is denied.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.engine.blocks.sparse_linear import SparsePlan, fit_sparse


class LinearTextConfig(Config):
    """Settings of the model."""

    loss: Literal["logistic", "hinge"] = Setting("hinge", description="What is made small in training.")
    strength: float = Setting(0.1, gt=0, description="Inverse of the penalty on the squared weights.")
    class_weight: Literal["none", "balanced"] = Setting("none", description="'balanced' weighs classes equally.")
    least: int = Setting(1, ge=1, description="A feature of fewer training texts has no weight.")


class LinearText:
    """N-grams and cues, weighed."""

    Config: ClassVar[type[Config]] = LinearTextConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("class", "labels")
    inputs: ClassVar[tuple[str, ...]] = ("ids", "counts")

    def __init__(self, config: LinearTextConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Fit the weights."""
        c = self._config
        buckets, cues = (int(context.spec.parameters[name]) for name in ("buckets", "cues"))
        plan = SparsePlan(c.loss, c.strength, c.class_weight, least=c.least, plain_from=buckets)
        return fit_sparse(train, context, plan, size=buckets + cues)
