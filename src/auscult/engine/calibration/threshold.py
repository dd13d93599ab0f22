"""The threshold from which a score counts as positive, and the rule that chose it on validation."""

from __future__ import annotations

from typing import Literal

import numpy as np

from auscult.base.errors import DataError, UsageError, unknown
from auscult.engine.calibration.base import Calibrator, between
from auscult.engine.metrics.checks import Array, Bools, Floats, as_binary, as_floats, require_shape

Rule = Literal["youden", "f1", "sensitivity_at_least", "fixed"]
RULES: tuple[Rule, ...] = ("youden", "f1", "sensitivity_at_least", "fixed")
FALLBACK = 0.5


class Threshold(Calibrator):
    """A frozen threshold.

    Attributes
    ----------
    value : float
        A score at or above it is positive.
    rule : {"youden", "f1", "sensitivity_at_least", "fixed"}
        What chose it.
    level : float or None
        The sensitivity that was asked for, or the fixed value.
    """

    method: Literal["threshold"] = "threshold"
    value: float
    rule: Rule
    level: float | None = None

    def apply(self, score: Array) -> Bools:
        """Decide.

        Parameters
        ----------
        score : (N,) float

        Returns
        -------
        (N,) bool

        Raises
        ------
        ShapeError
            Not one axis, or NaN.
        """
        return np.asarray(as_floats("score", score, ("N",)) >= self.value)


class LabelThresholds(Calibrator):
    """A frozen threshold for each label.

    Attributes
    ----------
    labels : tuple of Threshold
        One a label.
    """

    method: Literal["label_thresholds"] = "label_thresholds"
    labels: tuple[Threshold, ...]

    @property
    def values(self) -> Floats:
        """The thresholds, (K,)."""
        return np.array([label.value for label in self.labels])

    def apply(self, score: Array) -> Bools:
        """Decide.

        Parameters
        ----------
        score : (N, K) float

        Returns
        -------
        (N, K) bool

        Raises
        ------
        ShapeError
            Another number of labels, or NaN.
        """
        return np.asarray(as_floats("score", score, ("N", len(self.labels))) >= self.values)


def _check_rule(rule: str, level: float | None) -> None:
    if rule not in RULES:
        raise UsageError(unknown("threshold rule", rule, RULES))
    if (level is not None) != (rule in ("fixed", "sensitivity_at_least")):
        raise UsageError(
            f"level: expected a number for 'fixed' and 'sensitivity_at_least' and none for the others, "
            f"got {level} for '{rule}'"
        )
    if rule == "sensitivity_at_least" and level is not None and not 0.0 < level <= 1.0:
        raise UsageError(f"level: expected a sensitivity above 0 and at most 1, got {level}")


def _worth(true: Floats, false: Floats, rule: str, level: float | None) -> Floats:
    """Give the worth of calling everything down to each distinct score; the first best one is taken."""
    n_positive, n_negative = true[-1], false[-1]
    if rule == "youden":
        return np.asarray(true / n_positive - false / max(n_negative, 1.0))
    if rule == "f1":
        return np.asarray(2.0 * true / (true + false + n_positive))
    return np.asarray(true >= round((level or 0.0) * n_positive, 9), dtype=np.float64)


def fit_threshold(target: Array, score: Array, *, rule: Rule = "youden", level: float | None = None) -> Threshold:
    """Choose the threshold on validation items.

    Parameters
    ----------
    target : (N,) bool
    score : (N,) float
    rule : {"youden", "f1", "sensitivity_at_least", "fixed"}
        Largest sensitivity + specificity - 1; largest F1; the highest threshold with at least the given
        sensitivity; the given value. Among equals the highest threshold.
    level : float or None
        For the last two rules.

    Returns
    -------
    Threshold
        Half-way between the lowest score that is called and the next one below.

    Raises
    ------
    UsageError
        An unknown rule, or a level that is missing, not wanted or out of range.
    ShapeError
        Shapes differ, or NaN.
    DataError
        There is no positive to choose by.

    Notes
    -----
    Youden 1950, Cancer 3:32.
    """
    _check_rule(rule, level)
    values = as_floats("score", score, ("N",))
    positive = as_binary("target", target, len(values))
    if rule == "fixed" and level is not None:
        return Threshold(value=level, rule=rule, level=level)
    if not positive.any():
        raise DataError(f"threshold: expected a positive on validation, got none of {len(values)}; use 'fixed'")
    distinct, point = np.unique(-values, return_inverse=True)
    true: Floats = np.cumsum(np.bincount(point, weights=positive), dtype=np.float64)
    false: Floats = np.cumsum(np.bincount(point, weights=~positive), dtype=np.float64)
    best = int(np.argmax(_worth(true, false, rule, level)))
    lowest_called = -float(distinct[best])
    everything = best + 1 == len(distinct)
    value = lowest_called if everything else between(-float(distinct[best + 1]), lowest_called)
    return Threshold(value=value, rule=rule, level=level)


def fit_label_thresholds(
    target: Array,
    score: Array,
    *,
    rule: Rule = "f1",
    level: float | None = None,
    missing: Array | None = None,
) -> LabelThresholds:
    """Choose a threshold for each label on the validation items whose target is known.

    Parameters
    ----------
    target : (N, K) of 0 and 1
    score : (N, K) float
    rule, level
        As in :func:`fit_threshold`.
    missing : (N, K) bool or None
        True where the target is not known.

    Returns
    -------
    LabelThresholds
        A label without a known positive gets 0.5 by the rule ``fixed``.

    Raises
    ------
    UsageError, ShapeError
        As in :func:`fit_threshold`.
    """
    _check_rule(rule, level)
    values = as_floats("score", score, ("N", "K"))
    truth = np.asarray(target)
    require_shape("target", truth, values.shape)
    known = np.ones(values.shape, dtype=np.bool_) if missing is None else ~np.asarray(missing, dtype=np.bool_)
    require_shape("missing", known, values.shape)
    labels = []
    for column in range(values.shape[1]):
        rows = known[:, column]
        true, found = truth[rows, column], values[rows, column]
        if np.any(true == 1):
            labels.append(fit_threshold(true, found, rule=rule, level=level))
        else:
            labels.append(Threshold(value=FALLBACK, rule="fixed", level=FALLBACK))
    return LabelThresholds(labels=tuple(labels))
