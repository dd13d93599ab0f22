"""Class metrics: equal to scikit-learn on random data, by hand on small ones, undefined and refused cases."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from auscult.base.errors import ShapeError
from auscult.engine.metrics import classification as ours


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    target = rng.choice(4, 300, p=[0.7, 0.1, 0.15, 0.05])
    return target, rng.dirichlet(np.ones(4), 300) + 0.3 * np.eye(4)[target]


def test_equal_to_scikit_learn(answers: tuple[np.ndarray, np.ndarray]) -> None:
    target, output = answers
    decided = output.argmax(axis=1)
    sensitivity = reference.recall_score(target, decided, average=None)
    ppv = reference.precision_score(target, decided, average=None)
    f1 = reference.f1_score(target, decided, average=None)
    kappa = reference.cohen_kappa_score(target, decided)
    jk = 0.5 * kappa + 0.125 * (sensitivity[1] + sensitivity[2] + ppv[1] + ppv[2])
    for found, expected in [
        (ours.accuracy(target, output), reference.accuracy_score(target, decided)),
        (ours.macro_f1(target, output), f1.mean()),
        (ours.class_f1(target, output, positive=2), f1[2]),
        (ours.sensitivity(target, output, positive=3), sensitivity[3]),
        (ours.ppv(target, output, positive=1), ppv[1]),
        (ours.specificity(target, output, positive=1), reference.recall_score(target != 1, decided != 1)),
        (ours.cohen_kappa(target, output), kappa),
        (ours.jk_index(target, output), jk),
    ]:
        np.testing.assert_allclose(found, [expected], atol=1e-12)
    np.testing.assert_array_equal(ours.confusion_matrix(target, output), reference.confusion_matrix(target, decided))


def test_macro_f1_is_over_the_classes_with_a_positive() -> None:
    # By hand: class 0 has TP 1, FN 1, so 2/3; class 1 has TP 1, so 1; class 2 is called once and never true.
    target, output = np.array([0, 0, 1]), np.array([0, 2, 1])
    np.testing.assert_allclose(ours.macro_f1(target, output), [(2 / 3 + 1) / 2])
    assert ours.n_classes_with_positive(target) == 2


def test_jk_by_hand_and_a_class_that_is_never_called_counts_zero() -> None:
    # By hand: N 2 of 2, S never called, V 1 of 1. Accuracy 3/4, chance (3*2 + 0 + 1*1)/16 = 7/16, kappa 5/9.
    target, output = np.array([0, 0, 1, 2]), np.array([0, 0, 0, 2])
    np.testing.assert_allclose(ours.jk_index(target, output), [0.5 * 5 / 9 + 0.125 * (0 + 1 + 0 + 1)])


def test_undefined_is_nan() -> None:
    target, output = np.array([0, 0, 2]), np.array([0, 0, 2])
    assert np.isnan(ours.class_f1(target, output, positive=1)).all()
    assert np.isnan(ours.sensitivity(target, output, positive=1)).all()
    assert np.isnan(ours.ppv(target, output, positive=1)).all()
    assert np.isnan(ours.jk_index(target, output)).all()
    assert np.isnan(ours.cohen_kappa(np.zeros(3, int), np.zeros(3, int))).all()
    assert np.isnan(ours.specificity(np.ones(3, int), np.ones(3, int))).all()


def test_threshold_decides_two_classes_and_scores() -> None:
    probabilities = np.array([[0.8, 0.2], [0.6, 0.4], [0.1, 0.9]])
    target = np.array([0, 1, 1])
    np.testing.assert_allclose(ours.accuracy(target, probabilities), [2 / 3])
    np.testing.assert_allclose(ours.accuracy(target, probabilities, threshold=0.4), [1.0])
    np.testing.assert_allclose(ours.accuracy(target, probabilities[:, 1], threshold=0.4), [1.0])
    np.testing.assert_allclose(ours.accuracy(target, probabilities[:, 1]), [2 / 3])


@pytest.mark.parametrize(
    ("target", "output", "parameters", "words"),
    [
        (np.zeros(2, int), np.ones((3, 2)), {}, r"output: expected shape \(2\), got \(3,\)"),
        (np.zeros(3, int), np.ones((3, 2, 2)), {}, r"output: expected shape \(N, K\), got \(3, 2, 2\)"),
        (np.array([0, 4]), np.ones((2, 2)), {}, "target: expected classes 0 to 1, got 1 of 2 outside"),
        (np.array([0.0, 1.0]), np.ones((2, 2)), {}, "target: expected whole numbers"),
        (np.array([0, 1]), np.array([[np.nan, 1.0], [0.0, 1.0]]), {}, "got 1 NaN or infinite of 4"),
        (np.array([0, 1]), np.ones((2, 3)), {"threshold": 0.5}, r"expected shape \(N, 2\), got \(2, 3\)"),
        (np.array([0, 1]), np.array([0, -1]), {}, "output: expected classes 0 to 1, got 1 of 2 outside"),
        (np.zeros(0, int), np.zeros((0, 2)), {}, "expected at least one, got none"),
    ],
)
def test_refusals(target: np.ndarray, output: np.ndarray, parameters: dict[str, float], words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        ours.accuracy(target, output, **parameters)


def test_unknown_positive_class_is_refused() -> None:
    with pytest.raises(ShapeError, match="positive: expected a class from 0 to 1, got 2"):
        ours.sensitivity(np.array([0, 1]), np.ones((2, 2)), positive=2)
