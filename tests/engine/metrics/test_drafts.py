"""Metrics of generated texts, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ShapeError
from auscult.engine.metrics.drafts import (
    copied_share,
    copy_excess,
    field_faithfulness,
    field_precision,
    field_recall,
    perplexity,
)

ASKED = np.array([[1, 1, 0, 0], [0, 0, 1, 0]])
STATED = np.array([[1, 0, 0, 1], [0, 0, 1, 0]])


def test_facts_by_hand() -> None:
    """Both: 2. Asked: 3. Stated: 3. Asked or stated: 4."""
    np.testing.assert_allclose(field_faithfulness(ASKED, STATED), [2 / 4])
    np.testing.assert_allclose(field_recall(ASKED, STATED), [2 / 3])
    np.testing.assert_allclose(field_precision(ASKED, STATED), [2 / 3])
    weights = np.array([[1, 0], [0, 2]])
    np.testing.assert_allclose(field_faithfulness(ASKED, STATED, weights=weights), [1 / 3, 1])


def test_nothing_asked_and_nothing_stated_is_no_figure() -> None:
    nothing = np.zeros((2, 3))
    for metric in (field_faithfulness, field_recall, field_precision):
        assert np.isnan(metric(nothing, nothing)).all()


def test_another_number_of_facts_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"output: expected .*4.*, got .*3"):
        field_faithfulness(ASKED, STATED[:, :3])


def test_copies_by_hand() -> None:
    np.testing.assert_allclose(copied_share(np.array([4, 6]), np.array([1, 2])), [3 / 10])
    runs, copied = np.array([[4, 5], [6, 5]]), np.array([[1, 4], [2, 0]])
    np.testing.assert_allclose(copy_excess(runs, copied), [3 / 10 - 4 / 10])


def test_perplexity_by_hand() -> None:
    """Two words of probability 1/8 each, and one of 1/2: the geometric mean of 8, 8 and 2."""
    log_probability = np.log([1 / 64, 1 / 2])
    np.testing.assert_allclose(perplexity(np.array([2, 1]), log_probability), [128 ** (1 / 3)])
    with pytest.raises(ShapeError, match=r"output: expected .*NaN"):
        perplexity(np.array([2, 1]), np.array([np.nan, -1.0]))
