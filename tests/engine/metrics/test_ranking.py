"""Ranking metrics by hand and against scikit-learn; queries without a relevant id are left out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from auscult.base.errors import ShapeError
from auscult.engine.metrics.ranking import (
    Relevant,
    hit_rate_at_k,
    map_at_k,
    mrr,
    ndcg_at_k,
    recall_at_k,
    relevance,
)

# Query 0 wants 4 and 9, query 1 wants nothing, query 2 wants 7.
TARGET = Relevant(np.array([4, 9, 7]), np.array([0, 2, 2, 3]))
OUTPUT = np.array([[1, 4, 9], [1, 2, 3], [5, 6, -1]])


def test_by_hand() -> None:
    hit, n_relevant = relevance(TARGET, OUTPUT, k=3)
    assert hit.tolist() == [[False, True, True], [False] * 3, [False] * 3]
    assert n_relevant.tolist() == [2, 0, 1]
    gain = 1 / np.log2([2, 3, 4])
    for metric, first in [
        (recall_at_k, 1.0),
        (ndcg_at_k, (gain[1] + gain[2]) / (gain[0] + gain[1])),
        (map_at_k, (1 / 2 + 2 / 3) / 2),
        (mrr, 1 / 2),
        (hit_rate_at_k, 1.0),
    ]:
        np.testing.assert_allclose(metric(TARGET, OUTPUT, k=3), [first / 2], atol=1e-12)


def test_depth_cuts_the_list() -> None:
    np.testing.assert_allclose(recall_at_k(TARGET, OUTPUT, k=2), [(1 / 2 + 0) / 2])
    np.testing.assert_allclose(map_at_k(TARGET, OUTPUT, k=1), [0.0])


def test_an_empty_place_is_no_hit() -> None:
    # Query 0 wants the largest id of all, whose key is next to that of an empty place of query 1.
    target = Relevant(np.array([3, 0]), np.array([0, 1, 2]))
    np.testing.assert_allclose(recall_at_k(target, np.array([[1, 2], [-1, -1]]), k=2), [0.0])
    np.testing.assert_allclose(mrr(target, np.array([[1, 2], [-1, -1]]), k=2), [0.0])


def test_ndcg_equal_to_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    score = rng.random((30, 50))
    truth = rng.random((30, 50)) < 0.1
    truth[:, 0] = True
    ranked = np.argsort(-score, axis=1)
    target = Relevant(np.nonzero(truth)[1], np.concatenate([[0], np.cumsum(truth.sum(axis=1))]))
    np.testing.assert_allclose(ndcg_at_k(target, ranked, k=20), [ndcg_score(truth, score, k=20)], atol=1e-9)
    expected = [truth[n, ranked[n, :20]].sum() / truth[n].sum() for n in range(30)]
    np.testing.assert_allclose(recall_at_k(target, ranked, k=20), [np.mean(expected)], atol=1e-12)


def test_nobody_with_a_relevant_id_is_nan() -> None:
    nothing = Relevant(np.array([], dtype=int), np.zeros(4, dtype=int))
    assert np.isnan(recall_at_k(nothing, OUTPUT, k=3)).all()


@pytest.mark.parametrize(
    ("target", "output", "k", "words"),
    [
        (TARGET, OUTPUT, 20, "lists of at least 20 ids"),
        (TARGET, OUTPUT[:2], 3, r"offsets: expected shape \(3\), got \(4,\)"),
        (
            TARGET,
            np.array([[1, 1, 2], [1, 2, 3], [1, 2, 3]]),
            3,
            "output: expected each id once a query, got 1 again",
        ),
        (Relevant(np.array([4, 4, 7]), TARGET.offsets), OUTPUT, 3, "target: expected each id once a query"),
        (Relevant(TARGET.values, np.array([0, 2, 1, 3])), OUTPUT, 3, "offsets that rise from 0 to 3"),
        (TARGET, OUTPUT.astype(float), 3, "expected whole-number lists"),
    ],
)
def test_refusals(target: Relevant, output: np.ndarray, k: int, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        recall_at_k(target, output, k=k)
