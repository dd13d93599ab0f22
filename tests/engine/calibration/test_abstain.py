"""Abstention: both rules by hand, ties stay together, the curve, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import DataError, UsageError
from auscult.engine.calibration.abstain import Abstention, fit_abstention, risk_coverage

# Confidence 0.9, 0.8, 0.8, 0.6, 0.55; right, right, wrong, right, wrong.
SECOND = np.array([0.9, 0.8, 0.8, 0.6, 0.55])
PROBABILITIES = np.stack([1 - SECOND, SECOND], axis=1)
TARGET = np.array([1, 1, 0, 1, 0])


def test_curve_by_hand() -> None:
    curve = risk_coverage(TARGET, PROBABILITIES)
    np.testing.assert_allclose(curve.minimum, [0.9, 0.8, 0.6, 0.55])
    np.testing.assert_allclose(curve.coverage, [0.2, 0.6, 0.8, 1.0])
    np.testing.assert_allclose(curve.risk, [0, 1 / 3, 1 / 4, 2 / 5])
    np.testing.assert_allclose(curve.area, 0.4 / 3 + 0.2 / 4 + 0.2 * 2 / 5)


@pytest.mark.parametrize(
    ("level", "share", "minimum"), [(0.0, 0.0, 0.0), (0.2, 0.2, 0.575), (0.39, 0.2, 0.575), (0.4, 0.4, 0.7)]
)
def test_share_at_most(level: float, share: float, minimum: float) -> None:
    fitted = fit_abstention(TARGET, PROBABILITIES, rule="share_at_most", level=level)
    np.testing.assert_allclose([fitted.share, fitted.minimum], [share, minimum], atol=1e-12)
    np.testing.assert_allclose(fitted.apply(PROBABILITIES).mean(), share)


def test_accuracy_at_least_answers_as_many_as_it_can() -> None:
    fitted = fit_abstention(TARGET, PROBABILITIES, rule="accuracy_at_least", level=0.75)
    np.testing.assert_allclose([fitted.share, fitted.accuracy], [0.2, 0.75])
    assert fitted.apply(PROBABILITIES).tolist() == [False] * 4 + [True]
    easy = fit_abstention(TARGET, PROBABILITIES, rule="accuracy_at_least", level=0.6)
    assert (easy.minimum, easy.share) == (0.0, 0.0)


def test_a_confidence_at_the_limit_is_answered() -> None:
    limit = Abstention(minimum=0.8, rule="share_at_most", level=0.4, share=0.4)
    assert limit.apply(PROBABILITIES).tolist() == [False, False, False, True, True]


def test_refusals() -> None:
    with pytest.raises(UsageError, match="unknown abstention rule 'share'"):
        fit_abstention(TARGET, PROBABILITIES, rule="share")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="level: expected a number from 0 to 1, got 5"):
        fit_abstention(TARGET, PROBABILITIES, level=5)
    with pytest.raises(DataError, match=r"an accuracy of 0\.9 at some confidence, got at most 0.5000"):
        fit_abstention(np.array([0, 1]), np.full((2, 2), 0.5), rule="accuracy_at_least", level=0.9)
    with pytest.raises(DataError, match="got 0 for 0"):
        risk_coverage(np.zeros(0, int), np.zeros((0, 2)))
