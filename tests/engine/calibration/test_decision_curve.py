"""Decision curve by hand, and the two strategies that need no model."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ShapeError, UsageError
from auscult.engine.calibration.decision_curve import decision_curve, net_benefit

TARGET = np.array([1, 1, 0, 0, 0])
OUTPUT = np.array([0.9, 0.3, 0.6, 0.2, 0.1])


def test_by_hand() -> None:
    # At 0.5: one true and one false positive of five; odds 1. At 0.25: two true, one false; odds 1/3.
    np.testing.assert_allclose(net_benefit(TARGET, OUTPUT, threshold=0.5), [(1 - 1) / 5])
    np.testing.assert_allclose(net_benefit(TARGET, OUTPUT, threshold=0.25), [(2 - 1 / 3) / 5])


def test_curve_with_everybody() -> None:
    curve = decision_curve(TARGET, OUTPUT, thresholds=(0.25, 0.4))
    np.testing.assert_allclose(curve.treat_all, [2 / 5 - 3 / 5 / 3, 0.0], atol=1e-12)
    np.testing.assert_allclose(curve.model[0], 1 / 3)
    assert len(decision_curve(TARGET, OUTPUT).threshold) == 99


def test_a_resample_is_the_repeated_items() -> None:
    weights = np.array([[2.0, 0, 1, 1, 1], [0, 0, 0, 0, 0]])
    index = [0, 0, 2, 3, 4]
    expected = net_benefit(TARGET[index], OUTPUT[index], threshold=0.25)[0]
    found = net_benefit(TARGET, OUTPUT, threshold=0.25, weights=weights)
    np.testing.assert_allclose(found, [expected, np.nan])


def test_refusals() -> None:
    with pytest.raises(UsageError, match="threshold: expected a probability between 0 and 1, got 1"):
        net_benefit(TARGET, OUTPUT, threshold=1)
    with pytest.raises(ShapeError, match=r"target: expected shape \(4\), got \(5,\)"):
        net_benefit(TARGET, OUTPUT[:4], threshold=0.5)
