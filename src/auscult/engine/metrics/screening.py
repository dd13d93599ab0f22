"""Metrics of virtual screening: how early the actives come when compounds are ranked by score.

``target`` is (N,) bool, the actives; ``output`` is (N,) scores, higher is better. Ties give the mean over
every order of the tied compounds. ``unit`` and ``weights`` are explained in
:mod:`auscult.engine.metrics.weighting`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auscult.base.errors import UsageError
from auscult.engine.metrics.checks import Array, Floats, as_binary, as_floats
from auscult.engine.metrics.weighting import blocks, ratio, resolve_units

BEDROC_ALPHA = 20.0
FIRST_PERCENT = 0.01


def _tied_groups(
    target: Array, output: Array, unit: Array | None, weights: Array | None
) -> Iterator[tuple[Floats, Floats]]:
    """Yield, by blocks of resamples, compounds and actives (b, G) down to and with each distinct score."""
    score = as_floats("output", output, ("N",))
    active = as_binary("target", target, len(score))
    index, drawn = resolve_units(len(score), unit, weights)
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    last_of_tie = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    for rows in blocks(len(drawn), len(score)):
        weight = drawn[rows].take(index[order], axis=1).astype(np.float64)  # (b, N)
        yield (
            np.cumsum(weight, axis=1)[:, last_of_tie],
            np.cumsum(weight * active[order], axis=1)[:, last_of_tie],
        )


def _parts(running: Floats) -> Floats:
    return np.diff(running, axis=1, prepend=0.0)


def bedroc(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    alpha: float = BEDROC_ALPHA,
) -> Floats:
    """Boltzmann-enhanced discrimination of ROC: early recognition, 1 where every active comes first.

    Parameters
    ----------
    target, output
        See the module.
    alpha : float
        Weight of the early ranks; 20 puts 80 % of the score on the first 8 %.

    Returns
    -------
    (B,) float64 in [0, 1]
        NaN where a resample has no active or no inactive.

    Raises
    ------
    ShapeError
        Shapes differ, or a score is NaN.
    UsageError
        ``alpha`` is not positive.

    Notes
    -----
    Truchon and Bayly 2007, J Chem Inf Model 47:488, equation 36.
    """
    if not alpha > 0:
        raise UsageError(f"alpha: expected a positive number, got {alpha}; 20 is usual")
    parts = []
    for compounds, actives in _tied_groups(target, output, unit, weights):
        total, n_active = compounds[:, -1], actives[:, -1]
        rate = alpha / np.where(total > 0, total, 1.0)[:, None]
        decay = np.exp(-rate * compounds)
        before = np.concatenate([np.ones((len(decay), 1)), decay[:, :-1]], axis=1)
        # Sum of exp(-rate * rank) over the ranks of a tied group, shared equally by its compounds.
        of_group = np.divide(before - decay, _parts(compounds), out=np.zeros_like(decay), where=_parts(compounds) > 0)
        found = (_parts(actives) * of_group).sum(axis=1) / np.expm1(rate[:, 0])
        share = ratio(n_active, total)
        at_random = share * (1.0 - np.exp(-alpha)) / np.expm1(rate[:, 0])
        inside = np.where((share > 0) & (share < 1), share, np.nan)
        spread = np.sinh(alpha / 2.0) / (np.cosh(alpha / 2.0) - np.cosh(alpha / 2.0 - alpha * inside))
        value = ratio(found, at_random) * inside * spread + 1.0 / (1.0 - np.exp(alpha * (1.0 - inside)))
        parts.append(value)
    return np.concatenate(parts)


def enrichment_factor(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    fraction: float = FIRST_PERCENT,
) -> Floats:
    """Share of actives in the first ``fraction`` (rounded up to whole compounds) over their share among all.

    Parameters
    ----------
    target, output
        See the module.
    fraction : float
        In (0, 1].

    Returns
    -------
    (B,) float64 in [0, 1 / fraction]
        NaN where a resample has no active.

    Raises
    ------
    ShapeError
        Shapes differ, or a score is NaN.
    UsageError
        ``fraction`` is outside (0, 1].

    Notes
    -----
    Truchon and Bayly 2007, J Chem Inf Model 47:488, equation 3.
    """
    if not 0.0 < fraction <= 1.0:
        raise UsageError(f"fraction: expected a number above 0 and at most 1, got {fraction}; 0.01 is usual")
    parts = []
    for compounds, actives in _tied_groups(target, output, unit, weights):
        total = compounds[:, -1:]
        first = np.ceil(np.round(fraction * total, 9))
        of_group = np.clip(first - (compounds - _parts(compounds)), 0.0, _parts(compounds))
        share = np.divide(of_group, _parts(compounds), out=np.zeros_like(of_group), where=_parts(compounds) > 0)
        found = (_parts(actives) * share).sum(axis=1)
        parts.append(ratio(ratio(found, first[:, 0]), ratio(actives[:, -1], total[:, 0])))
    return np.concatenate(parts)
