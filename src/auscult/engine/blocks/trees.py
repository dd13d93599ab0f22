"""Gradient-boosted trees (LightGBM, Ke et al. 2017, NeurIPS) as an ONNX program, for any kind with a feature vector."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import FitContext, ItemSet, Program
from auscult.base.errors import DataError

OPSET = 15


@dataclass(frozen=True, repr=False)
class TreesFitted:
    """Boosted trees that were fitted to one input."""

    program: Program

    def export(self) -> Program:
        """Return the ONNX program."""
        return self.program


def fit_class_trees(
    train: ItemSet, valid: ItemSet, context: FitContext, *, name: str, settings: Mapping[str, Any], weight_power: float
) -> TreesFitted:
    """Fit trees that give class probabilities.

    Parameters
    ----------
    train, valid : ItemSet
        Items with the input ``name`` (N, F) and targets (N,); -1 is left out. Validation stops the boosting.
    context : FitContext
        Seed, labels, threads.
    name : str
        Which input.
    settings : mapping
        LightGBM parameters, ``rounds`` among them.
    weight_power : float
        Items weigh ``count of their class ** -power``: 0 is none, 1 is balanced.

    Raises
    ------
    DataError
        If the training items hold fewer than two classes.
    """
    import lightgbm as lgb

    x, y = _known(train, name)
    if len(np.unique(y)) < 2:
        raise DataError(f"training: expected at least two classes, got {len(np.unique(y))}")
    counts = np.bincount(y, minlength=len(context.spec.labels)).astype(np.float64)
    weight = counts[y] ** -weight_power
    parameters = {
        "objective": "multiclass",
        "num_class": len(context.spec.labels),
        "metric": "multi_logloss",
        "seed": context.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": context.settings.threads,
        "verbose": -1,
        **{k: v for k, v in settings.items() if k != "rounds"},
    }
    vx, vy = _known(valid, name)
    data = lgb.Dataset(x, y, weight=weight / weight.mean(), free_raw_data=False)
    booster = lgb.train(
        parameters,
        data,
        num_boost_round=int(settings["rounds"]),
        valid_sets=[lgb.Dataset(vx, vy, reference=data)],
        callbacks=[lgb.early_stopping(context.settings.patience * 10, verbose=False)],
    )
    return TreesFitted(Program("forward", (name,), {"main": trees_to_onnx(booster, name, x.shape[1], "probability")}))


def _known(items: ItemSet, name: str) -> tuple[Array, Array]:
    y = items.target()
    rows = np.flatnonzero(y >= 0)
    return items.inputs(rows)[name], y[rows]


def trees_to_onnx(booster: Any, name: str, n_features: int, output: str) -> bytes:
    """Convert a LightGBM booster to ONNX with one input and one output.

    Parameters
    ----------
    booster : lightgbm.Booster
        Fitted trees.
    name : str
        Name of the graph's input, (N, F) float32.
    n_features : int
        F.
    output : str
        Name of the graph's output.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnxmltools import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType

        model = convert_lightgbm(
            booster, initial_types=[(name, FloatTensorType([None, n_features]))], zipmap=False, target_opset=OPSET
        )
    wanted = model.graph.output[-1].name
    for node in model.graph.node:
        for k, value in enumerate(node.output):
            if value == wanted:
                node.output[k] = output
    model.graph.output[-1].name = output
    while len(model.graph.output) > 1:
        del model.graph.output[0]
    graph: bytes = model.SerializeToString()
    return graph
