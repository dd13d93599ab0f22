"""Platt scaling of labels: it finds the line that made the data, keeps every rank, and leaves out what is unknown."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ShapeError
from auscult.engine.calibration.platt import PlattLabels, fit_platt_labels
from auscult.engine.calibration.table import read_calibrator


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-z)))


def test_the_line_that_made_the_data_is_found() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, (20_000, 2))
    truth = rng.random(z.shape) < _sigmoid(z * [0.5, 2.0] + [-1.0, 0.3])
    made = fit_platt_labels(_sigmoid(z), truth.astype(int))
    np.testing.assert_allclose(made.slope, [0.5, 2.0], atol=0.06)
    np.testing.assert_allclose(made.offset, [-1.0, 0.3], atol=0.06)
    calibrated = made.apply(_sigmoid(z))
    assert abs(calibrated.mean(axis=0) - truth.mean(axis=0)).max() < 0.005
    assert (np.argsort(calibrated[:, 0]) == np.argsort(z[:, 0])).all()


def test_unknown_targets_and_labels_of_one_class() -> None:
    score = np.array([[0.2, 0.1], [0.8, 0.9], [0.6, 0.5], [0.4, 0.3]])
    truth = np.array([[0, 0], [1, 0], [0, 0], [1, 0]])
    made = fit_platt_labels(score, truth)
    assert (made.slope[1], made.offset[1]) == (1.0, 0.0)
    missing = np.array([[False, False]] * 2 + [[True, False]] * 2)
    assert fit_platt_labels(score, truth, missing=missing).slope[0] > made.slope[0]


def test_scores_against_the_truth_keep_their_order() -> None:
    made = fit_platt_labels(np.array([[0.9], [0.1], [0.8], [0.2]]), np.array([[0], [1], [0], [1]]))
    assert made.slope[0] == pytest.approx(0.05)


def test_written_and_read_back() -> None:
    made = PlattLabels(slope=(1.0, 0.5), offset=(0.0, -1.0))
    assert read_calibrator(made.to_dict()) == made
    np.testing.assert_allclose(made.apply(np.array([[0.3, 0.5]])), [[0.3, _sigmoid(np.array(-1.0))]])
    with pytest.raises(ShapeError, match="expected shape"):
        made.apply(np.zeros((2, 3)))
