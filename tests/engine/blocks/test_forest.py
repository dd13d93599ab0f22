"""Trees as one ONNX node give what their library gives, threshold by threshold."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from auscult.base.arrays import Array
from auscult.engine.blocks.forest import Tree, constant_tree, forest_graph, lightgbm_trees, sklearn_trees
from auscult.engine.drivers.session import Session


def _data(seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x = np.concatenate([rng.normal(size=(300, 4)), rng.integers(0, 3, (300, 3))], axis=1).astype(np.float32)
    return x, x[:, 0] + x[:, 5] * x[:, 1]


def _run(graph: bytes, x: Array, output: str) -> Array:
    return Session(graph, 1)({"a": x[:, :4], "b": x[:, 4:]})[output]


def test_lightgbm_of_several_outputs() -> None:
    x, y = _data()
    options = {"verbose": -1, "num_leaves": 7, "min_data_in_leaf": 5, "use_missing": False}
    yes = [lgb.train({**options, "objective": "binary"}, lgb.Dataset(x, y > c), 20) for c in (0.0, 1.0)]
    graph = forest_graph([lightgbm_trees(b) for b in yes], {"a": 4, "b": 3}, output="probability", finish="sigmoid")
    expected = np.stack([b.predict(x) for b in yes], axis=1)
    np.testing.assert_allclose(_run(graph, x, "probability"), expected, atol=1e-6)


def test_scikit_learn_forests() -> None:
    x, y = _data()
    classes = RandomForestClassifier(7, min_samples_leaf=3, random_state=0).fit(x, y > 0)
    graph = forest_graph([sklearn_trees(classes, 1)], {"a": 4, "b": 3}, output="probability", finish="two-classes")
    np.testing.assert_allclose(_run(graph, x, "probability"), classes.predict_proba(x), atol=1e-6)
    values = RandomForestRegressor(7, random_state=0).fit(x, y)
    graph = forest_graph([sklearn_trees(values)], {"a": 4, "b": 3}, output="value", finish="none")
    np.testing.assert_allclose(_run(graph, x, "value")[:, 0], values.predict(x), atol=1e-5)


@pytest.mark.parametrize("threshold", [0.1, 1 / 3, 1.0, 0.5 + 2**-40])
def test_no_item_changes_its_leaf_by_single_precision(threshold: float) -> None:
    """By hand: the single-precision neighbours of a threshold, compared in double precision."""
    tree = Tree(
        np.array([0, -1, -1]), np.array([threshold, 0, 0]), np.array([1, -1, -1]), np.array([2, -1, -1]),
        np.array([0.0, 1.0, 2.0]),
    )  # fmt: skip
    near = np.float32(threshold)
    x = np.array([np.nextafter(near, -9), near, np.nextafter(near, 9)], dtype=np.float32)[:, None]
    graph = forest_graph([[tree]], {"a": 1}, output="value", finish="none")
    expected = np.where(x.astype(np.float64) <= threshold, 1.0, 2.0)
    np.testing.assert_array_equal(Session(graph, 1)({"a": x})["value"], expected)


def test_a_leaf_alone_and_both_classes_of_a_log_odds() -> None:
    graph = forest_graph([[constant_tree(0.0)]], {"a": 1}, output="probability", finish="two-classes-logit")
    answer = Session(graph, 1)({"a": np.zeros((3, 1), np.float32)})["probability"]
    np.testing.assert_allclose(answer, np.full((3, 2), 0.5))
