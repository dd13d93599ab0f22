"""ONNX graphs written by hand, so that a toy model costs no export by torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from auscult.base.arrays import Array

OPSET, IR = 17, 9
AFTER = {"softmax": "Softmax", "sigmoid": "Sigmoid"}


def dense_graph(layers: Sequence[tuple[Array, Array]], source: str, output: str, *, activation: str = "none") -> bytes:
    """Fully connected layers with ReLU between them: (N, F) -> (N, K).

    Parameters
    ----------
    layers : sequence of ((F, G) array, (G,) array)
        Weight and bias of each layer.
    source, output : str
        Names of the graph's input and output.
    activation : str
        What follows the last layer.
    """
    nodes, constants, last = [], [], source
    for k, (weight, bias) in enumerate(layers):
        constants += [
            numpy_helper.from_array(np.ascontiguousarray(weight, dtype=np.float32), f"w{k}"),
            numpy_helper.from_array(np.ascontiguousarray(bias, dtype=np.float32), f"b{k}"),
        ]
        nodes.append(helper.make_node("Gemm", [last, f"w{k}", f"b{k}"], [f"g{k}"]))
        last = f"g{k}"
        if k + 1 < len(layers):
            nodes.append(helper.make_node("Relu", [last], [f"r{k}"]))
            last = f"r{k}"
    kind, about = (
        (AFTER[activation], {"axis": 1} if activation == "softmax" else {}) if activation in AFTER else ("Identity", {})
    )
    nodes.append(helper.make_node(kind, [last], [output], **about))
    ends = (["items", len(layers[0][0])], ["items", len(layers[-1][1])])
    return _model(nodes, constants, (source, TensorProto.FLOAT, ends[0]), (output, ends[1]))


def table_graph(logits: Array) -> bytes:
    """Scores of the next token by the current one: tokens (N, L) int64 -> logits (N, L, V)."""
    constants = [numpy_helper.from_array(np.ascontiguousarray(logits, dtype=np.float32), "table")]
    nodes = [helper.make_node("Gather", ["table", "tokens"], ["logits"], axis=0)]
    return _model(
        nodes,
        constants,
        ("tokens", TensorProto.INT64, ["items", "length"]),
        ("logits", ["items", "length", len(logits)]),
    )


def constant_tile_graph(share: Array, tile: int) -> bytes:
    """The same probabilities for every pixel: (N, 1, tile, tile) -> (N, K, tile, tile)."""
    n = len(share)
    constants = [
        numpy_helper.from_array(np.zeros((n, 1, 1, 1), np.float32), "w"),
        numpy_helper.from_array(np.asarray(share, np.float32), "b"),
    ]
    nodes = [helper.make_node("Conv", ["image", "w", "b"], ["probability"])]
    ends = (["items", 1, tile, tile], ["items", n, tile, tile])
    return _model(nodes, constants, ("image", TensorProto.FLOAT, ends[0]), ("probability", ends[1]))


def _model(nodes: list, constants: list, source: tuple, output: tuple) -> bytes:  # type: ignore[type-arg]
    graph = helper.make_graph(
        nodes, "toy", [helper.make_tensor_value_info(*source)],
        [helper.make_tensor_value_info(output[0], TensorProto.FLOAT, output[1])], constants,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    return bytes(model.SerializeToString())
