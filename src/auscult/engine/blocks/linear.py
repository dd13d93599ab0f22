"""A linear model as an ONNX program: standardise, clip, weigh, add, squash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Program

OPSET = 18


@dataclass(frozen=True, repr=False)
class LinearFitted:
    """A linear model over one or more inputs.

    Parameters
    ----------
    widths : mapping of str to int
        Inputs in order, and how many columns each has.
    mean, scale : (F,) array
        Subtracted from and divided by, over all columns together.
    weight : (F, K) array
        Of the standardised columns.
    bias : (K,) array
        Added.
    output : str
        Name of the output.
    clip : float
        Standardised columns are cut at plus and minus this.
    activation : str
        ``none``, ``sigmoid`` or ``softmax``.
    """

    widths: Mapping[str, int]
    mean: Array
    scale: Array
    weight: Array
    bias: Array
    output: str
    clip: float = 3.0
    activation: str = "none"

    def export(self) -> Program:
        """Return the ONNX program."""
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        f32 = np.float32
        constants = {
            "mean": self.mean.astype(f32),
            "scale": self.scale.astype(f32),
            "low": f32(-self.clip),
            "high": f32(self.clip),
            "weight": self.weight.astype(f32),
            "bias": self.bias.astype(f32),
        }
        last = self.output if self.activation == "none" else "linear"
        nodes = [
            helper.make_node("Concat", list(self.widths), ["all"], axis=1),
            helper.make_node("Sub", ["all", "mean"], ["centred"]),
            helper.make_node("Div", ["centred", "scale"], ["scaled"]),
            helper.make_node("Clip", ["scaled", "low", "high"], ["clipped"]),
            helper.make_node("Gemm", ["clipped", "weight", "bias"], [last]),
        ]
        if self.activation != "none":
            kind = {"sigmoid": "Sigmoid", "softmax": "Softmax"}[self.activation]
            nodes.append(helper.make_node(kind, ["linear"], [self.output]))
        graph = helper.make_graph(
            nodes,
            "linear",
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["items", w]) for n, w in self.widths.items()],
            [helper.make_tensor_value_info(self.output, TensorProto.FLOAT, ["items", self.weight.shape[1]])],
            [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
        onnx.checker.check_model(model)
        return Program("forward", tuple(self.widths), {"main": model.SerializeToString()})
