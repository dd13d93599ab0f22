"""Areas under curves: equal to scikit-learn with ties and sample weights, undefined and refused cases."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from auscult.base.errors import ShapeError
from auscult.engine.metrics.curves import pr_auc, roc_auc, score_pr_auc, score_roc_auc


@pytest.mark.parametrize("decimals", [1, 2, 12])
def test_equal_to_scikit_learn_with_ties_and_weights(decimals: int) -> None:
    rng = np.random.default_rng(decimals)
    target, unit = rng.random(400) < 0.3, rng.integers(0, 20, 400)
    score = np.round(rng.normal(size=400) + target, decimals)
    weights = rng.integers(0, 4, (30, 20)).astype(np.float32)
    roc, pr = (
        score_roc_auc(target, score, unit=unit, weights=weights),
        score_pr_auc(target, score, unit=unit, weights=weights),
    )
    for row, a, b in zip(weights, roc, pr, strict=True):
        np.testing.assert_allclose(a, reference.roc_auc_score(target, score, sample_weight=row[unit]), atol=1e-9)
        np.testing.assert_allclose(
            b, reference.average_precision_score(target, score, sample_weight=row[unit]), atol=1e-9
        )


def test_by_hand() -> None:
    # Pairs positive/negative: (3,2) right, (3,1) right, (2,2) tie, (2,1) right: 3.5 of 4.
    target, score = np.array([1, 1, 0, 0]), np.array([3.0, 2.0, 2.0, 1.0])
    np.testing.assert_allclose(score_roc_auc(target, score), [3.5 / 4])
    # Precision 1 at recall 1/2, then 2/3 at recall 1.
    np.testing.assert_allclose(score_pr_auc(target, score), [0.5 * 1 + 0.5 * 2 / 3])


def test_all_scores_equal_is_a_half() -> None:
    np.testing.assert_allclose(score_roc_auc(np.array([0, 1, 1]), np.ones(3)), [0.5])


def test_more_than_two_classes_is_one_against_the_rest() -> None:
    rng = np.random.default_rng(5)
    target = rng.integers(0, 3, 200)
    output = rng.dirichlet(np.ones(3), 200)
    np.testing.assert_allclose(
        roc_auc(target, output), [reference.roc_auc_score(target, output, multi_class="ovr")], atol=1e-9
    )
    np.testing.assert_allclose(
        pr_auc(target, output), [reference.average_precision_score(np.eye(3)[target], output)], atol=1e-9
    )


def test_two_columns_and_scores_agree() -> None:
    target, score = np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    both = np.stack([1 - score, score], axis=1)
    assert roc_auc(target, both) == roc_auc(target, score) == score_roc_auc(target, score)


def test_one_class_in_a_resample_is_nan() -> None:
    target, score = np.array([0, 1, 0]), np.array([0.1, 0.4, 0.35])
    weights = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 1.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    assert np.isnan(score_roc_auc(target, score, weights=weights)).tolist() == [False, True, True, True]
    assert np.isnan(score_pr_auc(target, score, weights=weights)).tolist() == [False, True, False, True]


def test_refusals() -> None:
    with pytest.raises(ShapeError, match="score: expected finite numbers, got 1 NaN"):
        score_roc_auc(np.array([0, 1]), np.array([np.nan, 1.0]))
    with pytest.raises(ShapeError, match=r"target: expected shape \(2\), got \(3,\)"):
        score_roc_auc(np.array([0, 1, 1]), np.array([0.0, 1.0]))
    with pytest.raises(ShapeError, match="target: expected 0 and 1 only, got 1 other values of 2"):
        score_pr_auc(np.array([0, 2]), np.array([0.0, 1.0]))
