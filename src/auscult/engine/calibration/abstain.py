"""Abstention: no answer where the model is less sure than a limit that was chosen on validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from auscult.base.errors import DataError, UsageError, unknown
from auscult.engine.calibration.base import Calibrator, between
from auscult.engine.metrics.checks import Array, Bools, Floats, as_classes, as_probabilities

AbstentionRule = Literal["share_at_most", "accuracy_at_least"]


@dataclass(frozen=True)
class RiskCoverage:
    """What is gained by answering only the surest items; one point for each distinct confidence, high to low.

    Attributes
    ----------
    minimum : (P,) float
        Answer where the confidence is at least this.
    coverage : (P,) float in (0, 1]
        Share of the items that are answered.
    risk : (P,) float in [0, 1]
        Share of wrong answers among them.
    """

    minimum: Floats
    coverage: Floats
    risk: Floats

    @property
    def area(self) -> float:
        """Area under risk over coverage, each risk held back to the coverage before (lower is better)."""
        return float((np.diff(self.coverage, prepend=0.0) * self.risk).sum())


class Abstention(Calibrator):
    """A frozen limit of confidence.

    Attributes
    ----------
    minimum : float
        The model abstains where the largest probability is below it.
    rule : {"share_at_most", "accuracy_at_least"}
        What chose it.
    level : float
        The share or the accuracy that was asked for.
    share : float
        The share of validation items without an answer.
    accuracy : float or None
        The accuracy of the answered validation items; None where none was answered.
    """

    method: Literal["abstention"] = "abstention"
    minimum: float = Field(ge=0, le=1)
    rule: AbstentionRule
    level: float = Field(ge=0, le=1)
    share: float = Field(ge=0, le=1)
    accuracy: float | None = None

    def apply(self, probabilities: Array) -> Bools:
        """Say where the model abstains.

        Parameters
        ----------
        probabilities : (N, K) float

        Returns
        -------
        (N,) bool
            True: no answer.

        Raises
        ------
        ShapeError
            Not probabilities.
        """
        return np.asarray(as_probabilities("probabilities", probabilities).max(axis=1) < self.minimum)


def risk_coverage(target: Array, probabilities: Array) -> RiskCoverage:
    """Give the risk-coverage curve of the largest probability.

    Parameters
    ----------
    target : (N,) int in [0, K)
    probabilities : (N, K) float

    Returns
    -------
    RiskCoverage

    Raises
    ------
    ShapeError
        Not probabilities, or a class out of range.
    DataError
        There is no item, or the numbers of items differ.

    Notes
    -----
    El-Yaniv and Wiener 2010, J Mach Learn Res 11:1605.
    """
    values = as_probabilities("probabilities", probabilities)
    truth = as_classes("target", target, values.shape[1])
    if not len(truth) or len(truth) != len(values):
        raise DataError(
            f"abstention: expected one target for each of one or more items, got {len(truth)} for "
            f"{len(values)}; hand in the validation items"
        )
    wrong = values.argmax(axis=1) != truth
    distinct, point = np.unique(-values.max(axis=1), return_inverse=True)
    n_answered = np.cumsum(np.bincount(point))
    n_wrong = np.cumsum(np.bincount(point, weights=wrong))
    return RiskCoverage(-distinct, n_answered / len(truth), n_wrong / n_answered)


def fit_abstention(
    target: Array, probabilities: Array, *, rule: AbstentionRule = "share_at_most", level: float = 0.05
) -> Abstention:
    """Choose the limit on validation items.

    Parameters
    ----------
    target : (N,) int in [0, K)
    probabilities : (N, K) float
        Calibrated, as they will be served.
    rule : {"share_at_most", "accuracy_at_least"}
        The highest limit with at most this share of abstentions; or the lowest limit with at least this
        accuracy of the answers.
    level : float
        In [0, 1].

    Returns
    -------
    Abstention

    Raises
    ------
    UsageError
        An unknown rule, or a level out of range.
    DataError
        No limit reaches the accuracy, or there is no item.
    ShapeError
        Not probabilities, or a class out of range.
    """
    if rule not in ("share_at_most", "accuracy_at_least"):
        raise UsageError(unknown("abstention rule", rule, ("share_at_most", "accuracy_at_least")))
    if not 0.0 <= level <= 1.0:
        raise UsageError(f"level: expected a number from 0 to 1, got {level}")
    curve = risk_coverage(target, probabilities)
    if rule == "share_at_most":
        # Rounded, since a share of whole items may come out a hair beyond the level.
        best = int(np.argmax(np.round(1.0 - curve.coverage, 9) <= level))
    else:
        enough = np.flatnonzero(np.round(1.0 - curve.risk, 9) >= level)
        if not len(enough):
            raise DataError(
                f"abstention: expected an accuracy of {level} at some confidence, got at most "
                f"{1.0 - curve.risk.min():.4f}; ask for less, or abstain by share"
            )
        best = int(enough[-1])
    everybody = best + 1 == len(curve.minimum)
    return Abstention(
        minimum=0.0 if everybody else between(curve.minimum[best + 1], curve.minimum[best]),
        rule=rule,
        level=level,
        share=float(1.0 - curve.coverage[best]),
        accuracy=float(1.0 - curve.risk[best]),
    )
