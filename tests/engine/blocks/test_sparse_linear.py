"""Linear models over sparse features: the losses, what is weighed, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auscult.base.contracts import FitContext, Items, ItemSet
from auscult.base.errors import DataError
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.engine.blocks.sparse_linear import SparsePlan, fit_sparse
from toys.battery import task_of

SIZE = 12


def _context(labels: tuple[str, ...] = ("a", "b", "c")) -> FitContext:
    spec = replace(task_of("toys", "colour").spec, labels=labels)
    return FitContext(spec, 1, TrainTable(threads=1), Path(), Silent())


def _items(rows: list[list[int]], target: Any) -> ItemSet:
    width = max(map(len, rows))
    ids = np.array([r + [-1] * (width - len(r)) for r in rows])
    n = len(rows)
    items = Items(
        {"ids": ids, "counts": (ids >= 0).astype(np.float32)}, np.arange(n), np.zeros(n, np.int64), np.array(target)
    )
    return ItemSet(items, np.arange(n))


CLASSES = [[0, 9], [0, 10], [1, 9], [1, 10], [2, 9], [2, 11]]


@pytest.mark.parametrize("loss", ["logistic", "hinge"])
def test_each_loss_tells_the_classes_apart(loss: Any) -> None:
    items = _items(CLASSES, [0, 0, 1, 1, 2, 2])
    made = fit_sparse(items, _context(), SparsePlan(loss, 10.0), size=SIZE)
    score = made.weight[[0, 1, 2]] + made.bias
    assert score.argmax(axis=1).tolist() == [0, 1, 2]


def test_the_hinge_weights_are_those_of_the_reference() -> None:
    """LinearSVC of scikit-learn on the dense matrix, with every feature weighed 1."""
    from sklearn.svm import LinearSVC

    items = _items(CLASSES, [0, 0, 1, 1, 2, 2])
    dense = np.zeros((6, SIZE))
    for row, ids in enumerate(CLASSES):
        dense[row, ids] = 1.0
    expected = LinearSVC(C=0.5, random_state=1, max_iter=300).fit(dense, [0, 0, 1, 1, 2, 2])
    made = fit_sparse(items, _context(), SparsePlan("hinge", 0.5, document_frequency=False), size=SIZE)
    np.testing.assert_allclose(made.weight, expected.coef_.T, atol=1e-3)
    np.testing.assert_allclose(made.bias, expected.intercept_, atol=1e-3)


def test_features_from_a_number_on_are_out_of_sight() -> None:
    made = fit_sparse(_items(CLASSES, [0, 0, 1, 1, 2, 2]), _context(), SparsePlan(below=9), size=SIZE)
    assert not made.weight[9:].any()
    assert made.weight[:3].any(axis=1).all()


def test_rare_features_have_no_weight() -> None:
    made = fit_sparse(_items(CLASSES, [0, 0, 1, 1, 2, 2]), _context(), SparsePlan(least=2), size=SIZE)
    assert not made.weight[11].any()
    assert made.weight[10].any()


def test_plain_features_are_not_weighed_by_how_rare_they_are() -> None:
    """Features 0 and 9 come together always and would have equal weights, unless one is made larger by its rarity."""
    items = _items([[0, 9], [0, 9], [1], [1], [1]], [0, 0, 1, 1, 1])
    context = _context(("a", "b"))
    both = fit_sparse(items, context, SparsePlan(), size=SIZE).weight
    one = fit_sparse(items, context, SparsePlan(plain_from=9), size=SIZE).weight
    rarity = np.log(6 / 3) + 1
    np.testing.assert_allclose(both[0], both[9])
    np.testing.assert_allclose(one[0], one[9] * rarity**2, rtol=1e-6)


def test_a_label_that_is_always_there_has_its_base_rate() -> None:
    items = _items(CLASSES, [[1, 0], [1, 0], [1, 1], [1, 1], [1, 0], [1, -1]])
    made = fit_sparse(items, _context(("a", "b")), SparsePlan("hinge"), size=SIZE)
    assert not made.weight[:, 0].any()
    assert made.bias[0] == pytest.approx(np.log(6.5 / 0.5))
    assert made.weight[1, 1] > 0


def test_one_class_is_nothing_to_learn() -> None:
    with pytest.raises(DataError, match="training: expected at least two classes, got 1"):
        fit_sparse(_items(CLASSES, [0] * 6), _context(), SparsePlan(), size=SIZE)
