"""Label metrics: equal to scikit-learn, with missing targets left out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from auscult.base.errors import ShapeError
from auscult.engine.metrics import labels as ours
from auscult.engine.metrics.screening import bedroc, enrichment_factor


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    target = (rng.random((200, 5)) < [0.1, 0.3, 0.5, 0.2, 0.4]).astype(float)
    output = np.round(np.clip(0.5 * rng.random((200, 5)) + 0.4 * target, 0, 1), 2)
    return target, output, rng.random((200, 5)) < 0.2


def test_f1_equal_to_scikit_learn(answers: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    target, output, _ = answers
    called = output >= 0.5
    np.testing.assert_allclose(
        ours.micro_f1(target, output), [reference.f1_score(target, called, average="micro")], atol=1e-12
    )
    np.testing.assert_allclose(
        ours.macro_f1(target, output), [reference.f1_score(target, called, average="macro")], atol=1e-12
    )


def test_thresholds_by_label(answers: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    target, output, _ = answers
    limits = np.array([0.2, 0.3, 0.4, 0.5, 0.6])
    np.testing.assert_allclose(
        ours.macro_f1(target, output, threshold=limits),
        [reference.f1_score(target, output >= limits, average="macro")],
        atol=1e-12,
    )


def test_missing_targets_are_left_out(answers: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    target, output, missing = answers
    holes = np.where(missing, np.nan, target)
    roc, pr, f1 = [], [], []
    for column in range(5):
        known = ~missing[:, column]
        truth, score = target[known, column], output[known, column]
        roc.append(reference.roc_auc_score(truth, score))
        pr.append(reference.average_precision_score(truth, score))
        f1.append(reference.f1_score(truth, score >= 0.5))
    np.testing.assert_allclose(ours.mean_roc_auc(holes, output, missing=missing), [np.mean(roc)], atol=1e-9)
    np.testing.assert_allclose(ours.mean_pr_auc(holes, output, missing=missing), [np.mean(pr)], atol=1e-9)
    np.testing.assert_allclose(ours.macro_f1(holes, output, missing=missing), [np.mean(f1)], atol=1e-12)


def test_labels_without_a_positive_or_without_both_classes_are_left_out() -> None:
    target = np.array([[0, 1, 1], [0, 1, 0]])
    output = np.array([[0.9, 0.9, 0.9], [0.1, 0.9, 0.1]])
    assert ours.n_labels_with_positive(target) == 2
    assert ours.n_labels_with_positive(target, np.array([[0, 0, 1], [0, 0, 0]], dtype=bool)) == 1
    np.testing.assert_allclose(ours.macro_f1(target, output), [1.0])
    np.testing.assert_array_equal(ours.label_roc_aucs(target, output), [[np.nan, np.nan, 1.0]])
    np.testing.assert_allclose(ours.mean_roc_auc(target, output), [1.0])


def test_nothing_known_is_nan() -> None:
    target, output, missing = np.zeros((2, 2)), np.zeros((2, 2)), np.ones((2, 2), dtype=bool)
    for metric in (ours.micro_f1, ours.macro_f1, ours.mean_roc_auc, ours.mean_pr_auc):
        assert np.isnan(metric(target, output, missing=missing)).all()


def test_refusals() -> None:
    output = np.zeros((2, 3))
    with pytest.raises(ShapeError, match=r"target: expected shape \(2, 3\), got \(2, 2\)"):
        ours.micro_f1(np.zeros((2, 2)), output)
    with pytest.raises(ShapeError, match="expected 0 and 1 where it is not missing, got 1 other values of 6"):
        ours.micro_f1(np.array([[0, 0, np.nan], [0, 0, 0]]), output)
    with pytest.raises(ShapeError, match=r"threshold: expected shape \(3\), got \(2,\)"):
        ours.micro_f1(output, output, threshold=np.zeros(2))
    with pytest.raises(ShapeError, match=r"missing: expected shape \(2, 3\), got \(3, 2\)"):
        ours.micro_f1(output, output, missing=np.zeros((3, 2), dtype=bool))


def test_early_recognition_is_that_of_each_label_on_its_known_items() -> None:
    rng = np.random.default_rng(3)
    target, output = rng.integers(0, 2, (80, 2)), rng.random((80, 2))
    missing = rng.random((80, 2)) < 0.3
    for mean, one in ((ours.mean_bedroc20, bedroc), (ours.mean_ef1, enrichment_factor)):
        each = [one(target[~missing[:, k], k] == 1, output[~missing[:, k], k])[0] for k in range(2)]
        np.testing.assert_allclose(mean(target, output, missing=missing), [np.mean(each)])
        drawn = rng.integers(0, 3, (4, 80)).astype(float)
        again = mean(target, output, missing=missing, weights=drawn)
        rows = np.repeat(np.arange(80), drawn[0].astype(int))
        np.testing.assert_allclose(again[:1], mean(target[rows], output[rows], missing=missing[rows]))
