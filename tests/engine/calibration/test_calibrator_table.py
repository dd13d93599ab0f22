"""Every calibrator: frozen, written as JSON and read back the same, refuses what it did not write."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from auscult.base.errors import DataError
from auscult.engine.calibration.abstain import fit_abstention
from auscult.engine.calibration.base import Calibrator
from auscult.engine.calibration.conformal import fit_conformal_intervals, fit_conformal_sets
from auscult.engine.calibration.isotonic import fit_isotonic, fit_isotonic_labels
from auscult.engine.calibration.platt import fit_platt_labels
from auscult.engine.calibration.rates import fit_label_rates
from auscult.engine.calibration.table import CALIBRATORS, read_calibrator
from auscult.engine.calibration.temperature import fit_temperature
from auscult.engine.calibration.threshold import fit_label_thresholds, fit_threshold


def fitted() -> list[Calibrator]:
    rng = np.random.default_rng(0)
    probabilities, target = rng.dirichlet(np.ones(3), 80), rng.integers(0, 3, 80)
    labels, group = rng.random((80, 2)) < 0.4, np.repeat([0, 1], [78, 2])
    score, values = rng.random((80, 2)), rng.normal(size=(80, 2))
    return [
        fit_temperature(probabilities, target),
        fit_isotonic(score[:, 0], labels[:, 0]),
        fit_isotonic_labels(score, labels & [True, False]),
        fit_platt_labels(score, labels & [True, False]),
        fit_conformal_sets(probabilities, target, group=group),
        fit_conformal_intervals(values, values + 1, scale=score, group=group),
        fit_threshold(labels[:, 0], score[:, 0]),
        fit_label_thresholds(labels, score),
        fit_label_rates(score, labels, coverage=0.9),
        fit_abstention(target, probabilities),
    ]


def test_every_method_is_tried_here() -> None:
    assert {calibrator.to_dict()["method"] for calibrator in fitted()} == set(CALIBRATORS)


@pytest.mark.parametrize("calibrator", fitted(), ids=lambda c: c.to_dict()["method"])
def test_written_and_read_back_is_the_same(calibrator: Calibrator) -> None:
    text = json.dumps(calibrator.to_dict(), allow_nan=False)
    assert read_calibrator(json.loads(text)) == calibrator
    assert type(calibrator).from_dict(json.loads(text)) == calibrator


@pytest.mark.parametrize("calibrator", fitted(), ids=lambda c: c.to_dict()["method"])
def test_frozen_and_closed(calibrator: Calibrator) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        calibrator.method = "other"  # type: ignore[attr-defined]
    with pytest.raises(DataError, match=r"got something else in extra; build the release again"):
        read_calibrator({**calibrator.to_dict(), "extra": 1})


def test_unknown_method_lists_the_known() -> None:
    with pytest.raises(DataError, match="unknown calibration method 'temprature'; did you mean 'temperature'"):
        read_calibrator({"method": "temprature"})
    with pytest.raises(DataError, match="unknown calibration method 'None'"):
        read_calibrator({})


def test_a_missing_or_wrong_field_is_named() -> None:
    with pytest.raises(DataError, match="something else in temperature"):
        read_calibrator({"method": "temperature"})
    with pytest.raises(DataError, match="something else in temperature"):
        read_calibrator({"method": "temperature", "temperature": -1.0})
