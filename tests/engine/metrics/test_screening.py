"""BEDROC and enrichment: the equation of Truchon and Bayly, ties as the mean over their orders."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from auscult.base.errors import ShapeError, UsageError
from auscult.engine.metrics.screening import bedroc, enrichment_factor


def plain_bedroc(active: np.ndarray, alpha: float) -> float:
    """Equation 36 for actives in ranked order."""
    n_items, n_active = len(active), int(active.sum())
    share = n_active / n_items
    ranks = np.flatnonzero(active) + 1
    rie = np.exp(-alpha * ranks / n_items).mean() / (
        (1 / n_items) * (1 - np.exp(-alpha)) / (np.exp(alpha / n_items) - 1)
    )
    factor = share * np.sinh(alpha / 2) / (np.cosh(alpha / 2) - np.cosh(alpha / 2 - alpha * share))
    return float(rie * factor + 1 / (1 - np.exp(alpha * (1 - share))))


@pytest.mark.parametrize("seed", range(5))
def test_equal_to_the_written_out_equation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target, score = rng.random(300) < 0.05, rng.normal(size=300)
    target[0] = True
    ranked = target[np.argsort(-score)]
    np.testing.assert_allclose(bedroc(target, score), [plain_bedroc(ranked, 20.0)], atol=1e-9)
    np.testing.assert_allclose(bedroc(target, score, alpha=80.5), [plain_bedroc(ranked, 80.5)], atol=1e-9)
    hits = ranked[:3].sum()
    np.testing.assert_allclose(enrichment_factor(target, score), [(hits / 3) / target.mean()], atol=1e-9)


def test_best_is_one_and_worst_is_zero() -> None:
    target = np.arange(100) < 5
    np.testing.assert_allclose(bedroc(target, -np.arange(100)), [1.0], atol=1e-9)
    np.testing.assert_allclose(bedroc(target, np.arange(100)), [0.0], atol=1e-9)
    np.testing.assert_allclose(enrichment_factor(target, -np.arange(100)), [20.0])


def test_ties_are_the_mean_over_every_order() -> None:
    target, score = np.array([1, 0, 1, 0, 0]), np.array([2.0, 2.0, 1.0, 1.0, 0.0])
    orders = [[*a, *b, 4] for a in permutations([0, 1]) for b in permutations([2, 3])]
    expected = np.mean([plain_bedroc(target[order], 20.0) for order in orders])
    np.testing.assert_allclose(bedroc(target, score), [expected], atol=1e-9)
    # The first 20 % is one compound of the two tied ones, of which one is active: (1/2) / (2/5).
    np.testing.assert_allclose(enrichment_factor(target, score, fraction=0.2), [1.25])


def test_a_part_of_a_compound_is_rounded_up() -> None:
    # 1 % of 150 is 1.5, so two compounds, one of them active: (1/2) / (1/150).
    target = np.arange(150) == 1
    np.testing.assert_allclose(enrichment_factor(target, -np.arange(150.0)), [75.0])


def test_undefined_is_nan() -> None:
    score = np.arange(4.0)
    assert np.isnan(bedroc(np.zeros(4), score)).all()
    assert np.isnan(bedroc(np.ones(4), score)).all()
    assert np.isnan(enrichment_factor(np.zeros(4), score)).all()
    weights = np.array([[0.0, 0.0, 0.0, 0.0]])
    assert np.isnan(bedroc(np.array([1, 0, 0, 0]), score, weights=weights)).all()


def test_refusals() -> None:
    with pytest.raises(ShapeError, match="output: expected finite numbers"):
        bedroc(np.array([0, 1]), np.array([np.nan, 1]))
    with pytest.raises(UsageError, match="alpha: expected a positive number, got 0"):
        bedroc(np.array([0, 1]), np.array([0.0, 1]), alpha=0)
    with pytest.raises(UsageError, match="fraction: expected a number above 0 and at most 1, got 2"):
        enrichment_factor(np.array([0, 1]), np.array([0.0, 1]), fraction=2)
