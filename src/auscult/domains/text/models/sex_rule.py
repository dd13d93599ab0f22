"""Models ``sex-rule`` and ``pronoun-rule``: the sex of a patient by evidence that is weighed by hand.

Nothing is learned: a model that learns from reports that were picked for their words about sex fails on other reports,
where most say nothing. The weights were set by hand while looking at such picked reports, and are settings.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.domains.text.preprocess.patient_sex import KINDS, MOST
from auscult.engine.blocks.linear import LinearFitted


class SexRuleConfig(Config):
    """Settings of the rule."""

    said: float = Setting(3.0, ge=0, description="Weight of a word such as woman or male.")
    relative: float = Setting(3.0, ge=0, description="Weight of a relative who tells the sex.")
    anatomy: float = Setting(2.0, ge=0, description="Weight of anatomy, pregnancy and the like.")
    pronoun: float = Setting(1.0, ge=0, description="Weight of a pronoun of the patient.")
    other_pronoun: float = Setting(0.2, ge=0, description="Weight of a pronoun that is probably of somebody else.")
    margin: float = Setting(0.3, gt=0, description="Lead that one sex needs, or the answer is that the text says none.")


class PronounRuleConfig(Config):
    """Settings of the floor."""

    margin: float = Setting(0.5, gt=0, description="Lead in words that one sex needs.")


class SexRule:
    """Evidence of all kinds."""

    Config: ClassVar[type[Config]] = SexRuleConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("class",)
    inputs: ClassVar[tuple[str, ...]] = ("evidence",)

    def __init__(self, config: SexRuleConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Return the rule."""
        c = self._config
        return _rule([c.said, c.relative, c.anatomy, c.pronoun, c.other_pronoun], c.margin)


class PronounRule:
    """Words and pronouns by number, whosever they are."""

    Config: ClassVar[type[Config]] = PronounRuleConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("class",)
    inputs: ClassVar[tuple[str, ...]] = ("evidence",)

    def __init__(self, config: PronounRuleConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Return the rule."""
        return _rule([1.0, 0.0, 0.0, 1.0, 1.0], self._config.margin)


def _rule(weights: list[float], margin: float) -> LinearFitted:
    """Scores of F and M are the lead of each, that of neither is the margin."""
    n = len(KINDS)
    weight = np.zeros((2 * n, 3))
    weight[:n, 0] = weight[n:, 1] = weights
    weight[:n, 1] = weight[n:, 0] = -np.asarray(weights)
    bias = np.array([0.0, 0.0, margin])
    return LinearFitted(
        {"evidence": 2 * n},
        np.zeros(2 * n),
        np.ones(2 * n),
        weight,
        bias,
        "probability",
        clip=MOST,
        activation="softmax",
    )
