"""Split-conformal prediction: sets of classes and intervals that hold the truth at a chosen share."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from auscult.base.errors import DataError, UsageError
from auscult.engine.calibration.base import Calibrator
from auscult.engine.metrics.checks import Array, Bools, Floats, Ints, as_classes, as_floats, as_probabilities

SetMethod = Literal["lac", "before"]


def conformal_quantile(scores: Array, coverage: float) -> float:
    """Give the score at rank ``ceil((n + 1) * coverage)``, infinite where there are too few items for that.

    Parameters
    ----------
    scores : (n,) float
        Nonconformity of validation items; larger is stranger.
    coverage : float
        In (0, 1).

    Returns
    -------
    float

    Raises
    ------
    UsageError
        The coverage is not inside (0, 1).

    Notes
    -----
    Lei et al. 2018, J Am Stat Assoc 113:1094.
    """
    if not 0.0 < coverage < 1.0:
        raise UsageError(f"coverage: expected a number between 0 and 1, got {coverage}; 0.9 is usual")
    # Rounded, since (n + 1) * coverage of whole result may come out a hair above it.
    rank = math.ceil(round((len(scores) + 1) * coverage, 9))
    return float(np.partition(scores, rank - 1)[rank - 1]) if rank <= len(scores) else math.inf


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _groups(group: Array | None, n_items: int, n_groups: int) -> Ints:
    index = as_classes("group", np.zeros(n_items, dtype=np.int64) if group is None else group, n_groups)
    if len(index) != n_items:
        raise DataError(f"group: expected one for each of {n_items} items, got {len(index)}")
    return index


def _n_groups(group: Array | None) -> int:
    return 1 if group is None else int(np.max(np.asarray(group), initial=0)) + 1


def class_strangeness(probabilities: Floats, method: SetMethod) -> Floats:
    """Nonconformity of every class of every item.

    Parameters
    ----------
    probabilities : (N, K) float
    method : {"lac", "before"}
        One minus the probability; or the probability of all classes that come before it, the most probable first.

    Returns
    -------
    (N, K) float64
    """
    if method == "lac":
        return 1.0 - probabilities
    order = np.argsort(-probabilities, axis=1, kind="stable")
    up_to = np.cumsum(np.take_along_axis(probabilities, order, axis=1), axis=1)
    out = np.empty_like(probabilities)
    np.put_along_axis(out, order, np.concatenate([np.zeros_like(up_to[:, :1]), up_to[:, :-1]], axis=1), axis=1)
    return out


class ConformalSets(Calibrator):
    """Limits of prediction sets.

    Attributes
    ----------
    kind : {"lac", "before"}
        ``lac`` gives the smallest sets on average and may give an empty one; ``before`` adapts to the item and
        always holds the most probable class.
    coverage : float
        The share of items whose set holds the true class, promised for items like the validation items.
    limits : tuple of float or None
        Largest strangeness in the set, for each group; None: too few validation items, so every class is in.
    """

    method: Literal["conformal_sets"] = "conformal_sets"
    kind: SetMethod
    coverage: float = Field(gt=0, lt=1)
    limits: tuple[float | None, ...] = Field(min_length=1)

    def apply(self, probabilities: Array, *, group: Array | None = None) -> Bools:
        """Give the prediction sets.

        Parameters
        ----------
        probabilities : (N, K) float
        group : (N,) int or None
            Where the limits were fitted by group.

        Returns
        -------
        (N, K) bool

        Raises
        ------
        ShapeError
            Not probabilities, or an unknown group.
        """
        values = as_probabilities("probabilities", probabilities)
        limits = np.array([math.inf if limit is None else limit for limit in self.limits])
        index = _groups(group, len(values), len(limits))
        return np.asarray(class_strangeness(values, self.kind) <= limits[index][:, None])


def fit_conformal_sets(
    probabilities: Array,
    target: Array,
    *,
    coverage: float = 0.9,
    kind: SetMethod = "before",
    group: Array | None = None,
) -> ConformalSets:
    """Fit prediction sets on validation items that the model was not trained on.

    Parameters
    ----------
    probabilities : (N, K) float
    target : (N,) int in [0, K)
    coverage : float
        In (0, 1).
    kind : {"lac", "before"}
        See :class:`ConformalSets`.
    group : (N,) int or None
        Groups from 0 that get a limit each (Mondrian), so that each group has the coverage.

    Returns
    -------
    ConformalSets

    Raises
    ------
    ShapeError
        Not probabilities, or a class out of range.
    UsageError
        The coverage is out of range.

    Notes
    -----
    LAC: Sadinle, Lei and Wasserman 2019, J Am Stat Assoc 114:223. ``before`` is the score of Romano, Sesia and
    Candès 2020, NeurIPS, at the lower end of its random tie-break: with the class's own share in it, a set
    nearly always holds one class more than it needs. Mondrian: Vovk et al. 2005.
    """
    values = as_probabilities("probabilities", probabilities)
    truth = as_classes("target", target, values.shape[1])
    if len(truth) != len(values):
        raise DataError(f"target: expected one for each of {len(values)} items, got {len(truth)}")
    strange = class_strangeness(values, kind)[np.arange(len(truth)), truth]
    n_groups = _n_groups(group)
    index = _groups(group, len(values), n_groups)
    limits = tuple(_finite(conformal_quantile(strange[index == g], coverage)) for g in range(n_groups))
    return ConformalSets(kind=kind, coverage=coverage, limits=limits)


class ConformalIntervals(Calibrator):
    """Half-widths of prediction intervals.

    Attributes
    ----------
    coverage : float
        The share of targets of a column inside its interval, promised for items like the validation items.
    normalised : bool
        Whether the radii multiply a scale that is given for each answer.
    radii : tuple of tuples of float or None
        For each group, for each column; None: too few validation items, so the interval is the whole line.
    """

    method: Literal["conformal_intervals"] = "conformal_intervals"
    coverage: float = Field(gt=0, lt=1)
    normalised: bool
    radii: tuple[tuple[float | None, ...], ...] = Field(min_length=1)

    def apply(self, output: Array, *, scale: Array | None = None, group: Array | None = None) -> Floats:
        """Give the intervals.

        Parameters
        ----------
        output : (N, H) float
        scale : (N, H) float or None
            Positive; expected where the radii were fitted with one, and only there.
        group : (N,) int or None
            Where the radii were fitted by group.

        Returns
        -------
        (N, H, 2) float64
            Low and high.

        Raises
        ------
        ShapeError
            Another number of columns, NaN, or an unknown group.
        UsageError
            The scale is missing, or given where none was fitted.
        """
        values = as_floats("output", output, ("N", len(self.radii[0])))
        if (scale is not None) != self.normalised:
            raise UsageError(
                f"scale: expected {'one' if self.normalised else 'none'}, as when the intervals were fitted, "
                f"got {'none' if scale is None else 'one'}"
            )
        radii = np.array([[math.inf if radius is None else radius for radius in row] for row in self.radii])
        radius = radii[_groups(group, len(values), len(radii))]  # (N, H)
        if scale is not None:
            radius = radius * _positive(scale, values.shape)
        return np.stack([values - radius, values + radius], axis=-1)


def _positive(scale: Array, shape: tuple[int, ...]) -> Floats:
    values = as_floats("scale", scale, shape)
    if not np.all(values > 0):
        raise DataError(f"scale: expected positive numbers, got {np.count_nonzero(values <= 0)} others")
    return values


def fit_conformal_intervals(
    target: Array,
    output: Array,
    *,
    coverage: float = 0.9,
    scale: Array | None = None,
    group: Array | None = None,
) -> ConformalIntervals:
    """Fit intervals on the absolute error of validation items, for each column on its own.

    Parameters
    ----------
    target, output : (N, H) float
        In one unit.
    coverage : float
        In (0, 1), for each column.
    scale : (N, H) float or None
        What the error is divided by (an expected error of each answer), which makes intervals adapt.
    group : (N,) int or None
        Groups from 0 that get radii each (Mondrian).

    Returns
    -------
    ConformalIntervals

    Raises
    ------
    ShapeError
        Shapes differ, or NaN.
    UsageError
        The coverage is out of range.
    DataError
        A scale is not positive.

    Notes
    -----
    Papadopoulos et al. 2002, ECML (normalised); Lei et al. 2018, J Am Stat Assoc 113:1094.
    """
    truth = as_floats("target", target, ("N", "H"))
    error = np.abs(as_floats("output", output, truth.shape) - truth)
    if scale is not None:
        error = error / _positive(scale, truth.shape)
    n_groups = _n_groups(group)
    index = _groups(group, len(truth), n_groups)
    radii = tuple(
        tuple(_finite(conformal_quantile(column, coverage)) for column in error[index == g].T) for g in range(n_groups)
    )
    return ConformalIntervals(coverage=coverage, normalised=scale is not None, radii=radii)
