"""Trees of any library as one ONNX node with several outputs: ``x <= threshold`` goes left, leaves are added up.

Thresholds are rounded down to single precision. An input is single precision, so ``x <= t`` and ``x <= down(t)`` are
the same question, and no item changes its leaf by the conversion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from auscult.base.arrays import Array

ML_OPSET, OPSET = 3, 18
Finish = Literal["none", "sigmoid", "two-classes", "two-classes-logit"]


@dataclass(frozen=True, repr=False)
class Tree:
    """One tree of M nodes; node 0 is the root, ``feature`` is -1 at a leaf.

    Parameters
    ----------
    feature, left, right : (M,) int64
        What is asked, and where to go.
    threshold, value : (M,) float64
        Of branches, and of leaves.
    """

    feature: Array
    threshold: Array
    left: Array
    right: Array
    value: Array


def constant_tree(value: float) -> Tree:
    """Return a tree that is one leaf."""
    none = np.array([-1])
    return Tree(none, np.zeros(1), none, none, np.array([value]))


def lightgbm_trees(booster: Any) -> list[Tree]:
    """Trees of a LightGBM booster with one output and neither missing values nor categories."""
    return [_lightgbm_tree(t["tree_structure"]) for t in booster.dump_model()["tree_info"]]


def _lightgbm_tree(root: Mapping[str, Any]) -> Tree:
    rows: list[tuple[int, float, int, int, float]] = []

    def visit(node: Mapping[str, Any]) -> int:
        here = len(rows)
        if "split_feature" not in node:
            rows.append((-1, 0.0, -1, -1, float(node["leaf_value"])))
            return here
        rows.append((0, 0.0, 0, 0, 0.0))
        left, right = visit(node["left_child"]), visit(node["right_child"])
        rows[here] = (int(node["split_feature"]), float(node["threshold"]), left, right, 0.0)
        return here

    visit(root)
    return Tree(*(np.array(c) for c in zip(*rows, strict=True)))


def sklearn_trees(forest: Any, column: int = 0) -> list[Tree]:
    """Trees of a scikit-learn forest whose mean is the answer; ``column`` is the class, 0 for values."""
    share = 1.0 / len(forest.estimators_)
    made = []
    for estimator in forest.estimators_:
        t = estimator.tree_
        leaf = t.children_left < 0
        values = t.value[:, 0, :]
        value = values[:, column] / (values.sum(axis=1) if values.shape[1] > 1 else 1.0)
        feature = np.where(leaf, -1, t.feature)
        made.append(Tree(feature, t.threshold, t.children_left, t.children_right, np.where(leaf, share * value, 0.0)))
    return made


def forest_graph(outputs: Sequence[Sequence[Tree]], widths: Mapping[str, int], *, output: str, finish: Finish) -> bytes:
    """Put the trees of every output into one ONNX graph.

    Parameters
    ----------
    outputs : sequence of sequences of Tree
        The trees of each output.
    widths : mapping of str to int
        Inputs in order, and how many columns each has; features are numbered over all of them.
    output : str
        Name of the graph's output, (N, K).
    finish : str
        ``none`` gives the sums, ``sigmoid`` squashes each, ``two-classes`` gives one minus the first and the first,
        and ``two-classes-logit`` does so after squashing.

    Returns
    -------
    bytes
        The ONNX model; the same trees give the same bytes.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    trees = helper.make_node(
        "TreeEnsembleRegressor", ["all"], ["sums"], domain="ai.onnx.ml", n_targets=len(outputs), **_attributes(outputs)
    )
    nodes = [helper.make_node("Concat", list(widths), ["all"], axis=1), trees]
    last = "sums"
    if finish in ("sigmoid", "two-classes-logit"):
        nodes.append(helper.make_node("Sigmoid", [last], ["squashed"]))
        last = "squashed"
    constants = []
    two = finish.startswith("two-classes")
    if two:
        constants.append(numpy_helper.from_array(np.ones((1, 1), dtype=np.float32), "one"))
        nodes.append(helper.make_node("Sub", ["one", last], ["other"]))
        nodes.append(helper.make_node("Concat", ["other", last], [output], axis=1))
    else:
        nodes.append(helper.make_node("Identity", [last], [output]))
    n_outputs = 2 if two else len(outputs)
    graph = helper.make_graph(
        nodes,
        "forest",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["items", w]) for n, w in widths.items()],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["items", n_outputs])],
        constants,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    made: bytes = model.SerializeToString()
    return made


def _attributes(outputs: Sequence[Sequence[Tree]]) -> dict[str, Any]:
    """Attributes of the tree node: every tree's nodes one after the other."""
    trees = [(k, tree) for k, of_output in enumerate(outputs) for tree in of_output]
    sizes = [len(tree.feature) for _, tree in trees]
    tree_id = np.repeat(np.arange(len(trees)), sizes)
    node_id = np.concatenate([np.arange(n) for n in sizes])
    target = np.repeat([k for k, _ in trees], sizes)
    feature, left, right, value = (
        np.concatenate([getattr(tree, name) for _, tree in trees]) for name in ("feature", "left", "right", "value")
    )
    threshold = _down(np.concatenate([tree.threshold for _, tree in trees]))
    leaf = feature < 0
    return {
        "nodes_treeids": tree_id.tolist(),
        "nodes_nodeids": node_id.tolist(),
        "nodes_featureids": np.where(leaf, 0, feature).tolist(),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        "nodes_values": np.where(leaf, 0.0, threshold).astype(np.float32).tolist(),
        "nodes_truenodeids": np.where(leaf, 0, left).tolist(),
        "nodes_falsenodeids": np.where(leaf, 0, right).tolist(),
        "target_treeids": tree_id[leaf].tolist(),
        "target_nodeids": node_id[leaf].tolist(),
        "target_ids": target[leaf].tolist(),
        "target_weights": value[leaf].astype(np.float32).tolist(),
    }


def _down(threshold: Array) -> Array:
    """Round to single precision, never up: (M,) -> (M,)."""
    near = threshold.astype(np.float32)
    return np.asarray(np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near))
