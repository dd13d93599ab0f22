"""Model ``fingerprint-similarity``: as likely active as it is like the nearest active compound of the training.

The similarity search of virtual screening (Willett 2006, Drug Discov Today 11:1046): Tanimoto likeness of bits, and of
several active compounds the largest counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program

OPSET = 18


class FingerprintSimilarityConfig(Config):
    """Settings of the search."""

    fingerprint: str = Setting("ecfp4", description="Fingerprint of the task that is compared; a count is a bit here.")


class FingerprintSimilarity:
    """The likeness to the nearest active compound of each label."""

    Config: ClassVar[type[Config]] = FingerprintSimilarityConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("labels",)
    inputs: ClassVar[tuple[str, ...]] = ("ecfp4",)

    def __init__(self, config: FingerprintSimilarityConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Keep the active compounds."""
        name = self._config.fingerprint
        bits, target = train.inputs()[name] > 0, train.target()
        known = [np.flatnonzero(column == 1) for column in target.T]
        kept, place = np.unique(np.concatenate(known), return_inverse=True)
        longest = max(1, *(len(rows) for rows in known))
        places = np.full((target.shape[1], longest), len(kept), dtype=np.int64)  # the column of zeros stands last
        ends = np.cumsum([0, *(len(rows) for rows in known)])
        for k, rows in enumerate(known):
            places[k, : len(rows)] = place[ends[k] : ends[k + 1]]
        return _Actives(name, bits[kept], places)


@dataclass(frozen=True, repr=False)
class _Actives:
    """Active compounds ``bits`` (A, F), and for each label which of them, ``places`` (K, M); A stands for none."""

    name: str
    bits: Array
    places: Array

    def export(self) -> Program:
        """Return the ONNX program: shared bits over bits of either, the largest for each label."""
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        width = self.bits.shape[1]
        with_none = np.concatenate([self.bits, np.zeros((1, width), dtype=bool)]).astype(np.float32)
        constants = {
            "actives": with_none.T,
            "sizes": with_none.sum(axis=1)[None],
            "one": np.float32(1),
            "places": self.places.reshape(-1),
            "shape": np.array([-1, *self.places.shape], dtype=np.int64),
            "last": np.array([-1], dtype=np.int64),
            "members": np.array([2], dtype=np.int64),
        }
        nodes = [
            helper.make_node("Min", [self.name, "one"], ["bits"]),
            helper.make_node("MatMul", ["bits", "actives"], ["shared"]),
            helper.make_node("ReduceSum", ["bits", "last"], ["size"], keepdims=1),
            helper.make_node("Add", ["size", "sizes"], ["both"]),
            helper.make_node("Sub", ["both", "shared"], ["either"]),
            helper.make_node("Max", ["either", "one"], ["divisor"]),
            helper.make_node("Div", ["shared", "divisor"], ["likeness"]),
            helper.make_node("Gather", ["likeness", "places"], ["listed"], axis=1),
            helper.make_node("Reshape", ["listed", "shape"], ["by_label"]),
            helper.make_node("ReduceMax", ["by_label", "members"], ["probability"], keepdims=0),
        ]
        graph = helper.make_graph(
            nodes,
            "similarity",
            [helper.make_tensor_value_info(self.name, TensorProto.FLOAT, ["items", width])],
            [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["items", len(self.places)])],
            [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
        onnx.checker.check_model(model)
        return Program("forward", (self.name,), {"main": model.SerializeToString()})
