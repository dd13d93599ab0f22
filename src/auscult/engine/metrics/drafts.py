"""Metrics of the answer kind *sample* where the sample is a text that was asked for by facts.

``unit`` and ``weights`` are explained in :mod:`auscult.engine.metrics.weighting`.
"""

from __future__ import annotations

import numpy as np

from auscult.engine.metrics.checks import Array, Floats, as_floats
from auscult.engine.metrics.weighting import ratio, resolve_units, sum_by_unit, weighted_sums


def _shares(part: Array, whole: Array, unit: Array | None, weights: Array | None) -> Floats:
    """Sum of parts over sum of wholes, (B,); both (N,)."""
    index, drawn = resolve_units(len(whole), unit, weights)
    sums = weighted_sums(sum_by_unit(np.stack([part, whole], axis=1), index, drawn.shape[1]), drawn)
    return ratio(sums[:, 0], sums[:, 1])


def _facts(target: Array, output: Array) -> tuple[Array, Array]:
    asked = as_floats("target", target, ("N", "K")) > 0
    return asked, as_floats("output", output, ("N", asked.shape[1])) > 0


def field_faithfulness(
    target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None
) -> Floats:
    """Share of the facts that a text was asked for or states which are both.

    Parameters
    ----------
    target : (N, K) bool
        Facts that were asked for.
    output : (N, K) bool
        Facts that the text states.

    Returns
    -------
    (B,) float64 in [0, 1]
        A fact that is missing and one that was made up are each an error; NaN where there is neither.

    Raises
    ------
    ShapeError
        Shapes differ.
    """
    asked, stated = _facts(target, output)
    return _shares((asked & stated).sum(axis=1), (asked | stated).sum(axis=1), unit, weights)


def field_recall(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """Share of the facts that were asked for which the text states, (B,); see ``field_faithfulness``."""
    asked, stated = _facts(target, output)
    return _shares((asked & stated).sum(axis=1), asked.sum(axis=1), unit, weights)


def field_precision(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """Share of the facts that the text states which were asked for, (B,); see ``field_faithfulness``."""
    asked, stated = _facts(target, output)
    return _shares((asked & stated).sum(axis=1), stated.sum(axis=1), unit, weights)


def copied_share(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """Share of the runs of words of generated texts that stand in the training texts.

    Parameters
    ----------
    target : (N,) int
        Runs of each text.
    output : (N,) int
        How many of them stand in a training text.

    Returns
    -------
    (B,) float64 in [0, 1]

    Notes
    -----
    ``generated.copy_rate`` counts them of tokens; here they are counted already.
    """
    runs = as_floats("target", target, ("N",))
    return _shares(as_floats("output", output, (len(runs),)), runs, unit, weights)


def copy_excess(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """``copied_share`` of generated texts minus that of held-out real texts of the same records, (B,).

    ``target`` and ``output`` are (N, 2): runs, and copied ones, of the generated and of the real text.
    """
    runs = as_floats("target", target, ("N", "P"))
    copied = as_floats("output", output, runs.shape)
    made, real = (copied_share(runs[:, k], copied[:, k], unit=unit, weights=weights) for k in (0, 1))
    return made - real


def perplexity(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """How many words a model hesitates between at each word of real texts, in the geometric mean.

    Parameters
    ----------
    target : (N,) int
        Words of each text.
    output : (N,) float
        Natural logarithm of the probability that the model gives to the text.

    Returns
    -------
    (B,) float64, at least 1

    Raises
    ------
    ShapeError
        Shapes differ, or a logarithm is NaN.
    """
    words = as_floats("target", target, ("N",))
    return np.asarray(np.exp(-_shares(as_floats("output", output, (len(words),)), words, unit, weights)))


def masked_accuracy(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """Share of the hidden words of texts that were guessed.

    Parameters
    ----------
    target : (N,) int
        Hidden words of each text.
    output : (N,) int
        How many of them were guessed.

    Returns
    -------
    (B,) float64 in [0, 1]
    """
    words = as_floats("target", target, ("N",))
    return _shares(as_floats("output", output, (len(words),)), words, unit, weights)
