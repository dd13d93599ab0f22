"""Intervals of label probabilities: Wilson's by a published example, what they hold, and what too few answers give."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ShapeError
from auscult.engine.calibration.rates import LabelRates, fit_label_rates, wilson
from auscult.engine.calibration.table import read_calibrator


def test_wilson_by_a_published_example() -> None:
    # Newcombe 1998, Stat Med 17:857, table I, method 3: 81 of 263 is 0.2553 to 0.3662; 0 of 20 is 0 to 0.1611.
    low, high = wilson(np.array([81]), np.array([263]), 0.95)
    assert (round(low[0], 4), round(high[0], 4)) == (0.2553, 0.3662)
    low, high = wilson(np.array([0]), np.array([20]), 0.95)
    assert (round(low[0], 4), round(high[0], 4)) == (0.0, 0.1611)


def test_the_rate_lies_inside_about_as_often_as_stated() -> None:
    rng = np.random.default_rng(2)
    inside = []
    for _ in range(40):
        probability = rng.beta(1, 3, size=(600, 1))
        fitted = fit_label_rates(probability, rng.random((600, 1)) < probability, coverage=0.9)
        asked = np.quantile(probability, np.linspace(0.1, 0.9, 9))[:, None]
        ends = fitted.apply(asked)[:, 0]
        inside += ((ends[:, 0] <= asked[:, 0]) & (asked[:, 0] <= ends[:, 1])).tolist()
        raw = LabelRates.model_validate(fitted).low[0]
        assert len(raw) > 10
    assert all(inside)  # an interval always holds its own probability
    wide = fit_label_rates(probability, rng.random((600, 1)) < 0.8, coverage=0.9).apply(np.array([[0.1]]))
    assert 0.7 < wide[0, 0, 1] < 0.95  # where the probability is wrong the interval reaches to the rate


def test_unknown_truth_counts_for_nothing() -> None:
    rng = np.random.default_rng(3)
    probability = rng.random((200, 2))
    truth = (rng.random((200, 2)) < probability).astype(np.int64)
    missing = np.zeros((200, 2), dtype=bool)
    missing[100:, 1] = True
    both = fit_label_rates(probability, truth, coverage=0.9, missing=missing)
    alone = fit_label_rates(probability[:100, 1:], truth[:100, 1:], coverage=0.9)
    assert both.at[1] == alone.at[0]
    assert both.high[1] == alone.high[0]


def test_too_few_answers_say_nothing() -> None:
    fitted = fit_label_rates(np.full((9, 1), 0.4), np.ones((9, 1)), coverage=0.9)
    assert fitted.apply(np.array([[0.4]])).tolist() == [[[0.0, 1.0]]]


def test_it_is_written_and_read_and_refuses_other_labels() -> None:
    rng = np.random.default_rng(4)
    fitted = fit_label_rates(rng.random((50, 2)), rng.random((50, 2)) < 0.5, coverage=0.9)
    assert read_calibrator(fitted.to_dict()) == fitted
    with pytest.raises(ShapeError, match="probability"):
        fitted.apply(np.zeros((3, 5)))


def test_equal_scores_are_one_group_whatever_the_order_of_the_records() -> None:
    # By hand: Wilson's interval of 100 of 1000 at 95 % is 0.0829 to 0.1202.
    truth = np.arange(1000)[:, None] < 100
    shuffled = np.random.default_rng(5).permutation(truth)
    for known in (truth, shuffled):
        fitted = fit_label_rates(np.full((1000, 1), 0.1), known, coverage=0.95)
        assert np.round(fitted.apply(np.array([[0.1]]))[0, 0], 4).tolist() == [0.0829, 0.1202]
    probability = np.round(np.random.default_rng(6).random((400, 1)), 1)
    held = np.random.default_rng(7).random((400, 1)) < probability
    order = np.argsort(held[:, 0], kind="stable")
    assert fit_label_rates(probability, held, coverage=0.9) == fit_label_rates(
        probability[order], held[order], coverage=0.9
    )
