"""Model ``search-ensemble``: the likeness to known actives, and what tells actives from decoys, as one score.

Fusing a similarity search with a classifier finds more, and earlier, than either (Riniker, Fechner and Landrum 2013,
J Chem Inf Model 53:2829). The classifier is a logistic regression on the bits of all fingerprints, one for each label,
in which actives and decoys weigh the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.domains.molecules.models.fingerprint_similarity import FingerprintSimilarity, FingerprintSimilarityConfig
from auscult.engine.blocks.linear import LinearFitted


class SearchEnsembleConfig(Config):
    """Settings of the search and the classifier."""

    inputs: tuple[str, ...] = Setting(("ecfp4",), min_length=1, description="Fingerprints; a count is a bit here.")
    search_share: float = Setting(0.5, gt=0, lt=1, description="Weight of the likenesses together in the mean.")
    strength: float = Setting(10.0, gt=0, description="Penalty on the weights of the classifier.")


@dataclass(frozen=True, repr=False)
class _Mean:
    program: Program

    def export(self) -> Program:
        return self.program


class SearchEnsemble:
    """The weighted mean of similarity searches and a linear classifier, as one program of several graphs."""

    Config: ClassVar[type[Config]] = SearchEnsembleConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("labels",)
    inputs: ClassVar[tuple[str, ...]] = ("ecfp4",)

    def __init__(self, config: SearchEnsembleConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Keep the active compounds of each label, and learn what tells them from the others."""
        c = self._config
        made = {"linear": _classifier(train, c, context).export().graphs["main"]}
        for k, name in enumerate(c.inputs):
            search = FingerprintSimilarity(FingerprintSimilarityConfig(fingerprint=name)).fit(train, valid, context)
            made[f"search-{k:02d}"] = search.export().graphs["main"]
        weights = [1 - c.search_share, *[c.search_share / len(c.inputs)] * len(c.inputs)]  # in the order of the names
        return _Mean(Program("forward", c.inputs, made, settings={"weights": weights}))


def _classifier(train: ItemSet, config: SearchEnsembleConfig, context: FitContext) -> LinearFitted:
    """Learn one logistic regression a label on the items that are known for it."""
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    inputs, target = train.inputs(), train.target()
    widths: Mapping[str, int] = {name: inputs[name].shape[1] for name in config.inputs}
    size = sum(widths.values())
    weight, bias = np.zeros((size, target.shape[1])), np.zeros(target.shape[1])
    for k, column in enumerate(target.T):
        rows = np.flatnonzero(column >= 0)
        if len(np.unique(column[rows])) < 2:
            bias[k] = _log_odds(column[rows])
            continue
        bits = sparse.csr_matrix(np.concatenate([inputs[n][rows] > 0 for n in config.inputs], axis=1), dtype=np.float64)
        learned = LogisticRegression(
            C=1 / config.strength, class_weight="balanced", solver="liblinear", random_state=context.seed, max_iter=500
        ).fit(bits, column[rows])
        weight[:, k], bias[k] = learned.coef_[0], learned.intercept_[0]
    # What is above one is cut at one: a count becomes a bit.
    return LinearFitted(widths, np.zeros(size), np.ones(size), weight, bias, "probability", 1.0, "sigmoid")


def _log_odds(known: Array) -> float:
    """Answer of a label of which only one class is known, or nothing."""
    share = (known.sum() + 0.5) / (len(known) + 1.0)
    return float(np.log(share / (1 - share)))
