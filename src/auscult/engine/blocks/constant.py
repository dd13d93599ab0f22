"""A program that answers every item alike: the shares of the classes in training."""

from __future__ import annotations

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Program

OPSET = 18


def repeated(share: Array, name: str, shape: tuple[int, ...]) -> Program:
    """Return an ONNX program that gives the same ``probability`` for every item.

    Parameters
    ----------
    share : (K, ...) float32
        What each item is answered with.
    name : str
        The input that tells how many items there are.
    shape : tuple of int
        Its axes after the first.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    taken: list[str | int | None] = ["items", *(int(s) for s in shape)]
    given: list[str | int | None] = ["items", *share.shape]
    nodes = [
        helper.make_node("Shape", [name], ["count"], start=0, end=1),
        helper.make_node("Concat", ["count", "form"], ["full"], axis=0),
        helper.make_node("Expand", ["share", "full"], ["probability"]),
    ]
    constants = {"share": share[None], "form": np.array(share.shape, dtype=np.int64)}
    graph = helper.make_graph(
        nodes,
        "prior",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, taken)],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, given)],
        [numpy_helper.from_array(v, n) for n, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    onnx.checker.check_model(model)
    return Program("forward", (name,), {"main": model.SerializeToString()})
