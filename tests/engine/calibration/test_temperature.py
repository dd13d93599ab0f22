"""Temperature scaling: finds the temperature that was put in, least loss, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from auscult.base.errors import DataError, ShapeError
from auscult.engine.calibration.temperature import Temperature, fit_temperature
from auscult.engine.metrics.probabilities import log_loss


def simulated(temperature: float, n_items: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Draw targets from true probabilities, and give answers that are too sure by the temperature."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(n_items, 4)) * 1.5
    true = special.softmax(logits, axis=1)
    target = (rng.random((n_items, 1)) > np.cumsum(true, axis=1)).sum(axis=1)
    return special.softmax(logits * temperature, axis=1), target


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_finds_the_temperature_that_was_put_in(temperature: float) -> None:
    fitted = fit_temperature(*simulated(temperature))
    np.testing.assert_allclose(fitted.temperature, temperature, rtol=0.03)


def test_no_other_temperature_has_less_loss() -> None:
    probabilities, target = simulated(2.0, 500)
    fitted = fit_temperature(probabilities, target)
    least = log_loss(target, fitted.apply(probabilities))[0]
    for factor in (0.999, 1.001):
        other = Temperature(temperature=fitted.temperature * factor)
        assert log_loss(target, other.apply(probabilities))[0] > least


def test_apply_keeps_the_order_and_the_sum() -> None:
    probabilities, _ = simulated(1.0, 50)
    softer = Temperature(temperature=3.0).apply(probabilities)
    np.testing.assert_allclose(softer.sum(axis=1), 1.0)
    np.testing.assert_array_equal(softer.argsort(axis=1), probabilities.argsort(axis=1))
    np.testing.assert_allclose(Temperature(temperature=1.0).apply(probabilities), probabilities, atol=1e-12)


def test_certain_and_right_stays_within_the_bounds() -> None:
    fitted = fit_temperature(np.eye(3), np.arange(3))
    assert 0.05 <= fitted.temperature <= 20.0
    assert np.isfinite(fitted.apply(np.eye(3))).all()


@pytest.mark.parametrize("n_items", [5, 20, 500])
def test_few_items_without_a_mistake_do_not_make_answers_certain(n_items: int) -> None:
    target = np.arange(n_items) % 3
    probabilities = np.where(np.eye(3)[target] > 0, 0.8, 0.1)
    sure = fit_temperature(probabilities, target).apply(probabilities).max(axis=1).mean()
    np.testing.assert_allclose(sure, 1 - 1 / (n_items + 2), atol=1e-6)


def test_refusals() -> None:
    with pytest.raises(ShapeError, match="expected rows that sum to 1"):
        fit_temperature(np.ones((2, 2)), np.array([0, 1]))
    with pytest.raises(DataError, match="got 0 for 0; hand in the validation items"):
        fit_temperature(np.zeros((0, 2)), np.zeros(0, int))
    with pytest.raises(DataError, match="one target for each of one or more items, got 1 for 2"):
        fit_temperature(np.eye(2), np.array([0]))
