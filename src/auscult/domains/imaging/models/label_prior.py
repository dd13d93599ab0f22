"""Model ``label-prior``: at each voxel of the grid the label that it had most often in training; the floor of masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.engine.answers import kind_of

OPSET = 18
ROWS = 64


class LabelPriorConfig(Config):
    """No settings."""


class LabelPrior:
    """How often each voxel has each label, whatever the image shows."""

    Config: ClassVar[type[Config]] = LabelPriorConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("mask",)
    inputs: ClassVar[tuple[str, ...]] = ("image",)

    def __init__(self, config: LabelPriorConfig) -> None:
        pass

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Count labels over the training items."""
        n_outputs = kind_of(context.spec).n_outputs(context.spec)
        counts: Array = np.zeros(0)
        for start in range(0, len(train), ROWS):
            target = train.target(np.arange(start, min(start + ROWS, len(train))))
            part = np.stack([(target == k).sum(axis=0) for k in range(n_outputs)])
            counts = part if not counts.size else counts + part
        shape = train.inputs(np.zeros(1, dtype=np.int64))["image"].shape[1:]
        return _Prior((counts / len(train)).astype(np.float32), shape)


@dataclass(frozen=True, repr=False)
class _Prior:
    """Share of each label at each voxel, (K, *S), and the shape of the input, (C, *S)."""

    share: Array
    shape: tuple[int, ...]

    def export(self) -> Program:
        """Return an ONNX program that repeats the shares for every item."""
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        names: list[str | int | None] = ["items", *(int(s) for s in self.shape)]
        shares: list[str | int | None] = ["items", *self.share.shape]
        nodes = [
            helper.make_node("Shape", ["image"], ["count"], start=0, end=1),
            helper.make_node("Concat", ["count", "form"], ["full"], axis=0),
            helper.make_node("Expand", ["share", "full"], ["probability"]),
        ]
        constants = {"share": self.share[None], "form": np.array(self.share.shape, dtype=np.int64)}
        graph = helper.make_graph(
            nodes,
            "prior",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, names)],
            [helper.make_tensor_value_info("probability", TensorProto.FLOAT, shares)],
            [numpy_helper.from_array(v, n) for n, v in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
        onnx.checker.check_model(model)
        return Program("forward", ("image",), {"main": model.SerializeToString()})
