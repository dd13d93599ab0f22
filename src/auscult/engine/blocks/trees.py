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


@dataclass(frozen=True)
class Weighing:
    """Which training items count, and how much.

    Parameters
    ----------
    class_power, record_power : float
        An item weighs ``count of its record within its class ** -record_power``; then the total of each class is
        brought to ``count ** (1 - class_power)``: 0 changes nothing, 1 makes classes equal.
    thin : int
        At most so many items of one class from one record; 0 is all.
    """

    class_power: float = 0.0
    record_power: float = 0.0
    thin: int = 0


def fit_class_trees(
    train: ItemSet, valid: ItemSet, context: FitContext, *, settings: Mapping[str, Any], weighing: Weighing
) -> TreesFitted:
    """Fit trees that give class probabilities.

    Parameters
    ----------
    train, valid : ItemSet
        Items with the input that ``settings["input"]`` names, (N, F), and targets (N,); -1, and items whose input
        ``weight`` is 0, are left out. Validation stops the boosting.
    context : FitContext
        Seed, labels, threads.
    settings : mapping
        LightGBM parameters, and ``input``, ``rounds`` and ``members`` (forests whose mean is the answer).
    weighing : Weighing
        Which items count, and how much.

    Raises
    ------
    DataError
        If the training items hold fewer than two classes.
    """
    name = str(settings["input"])
    rows = _thinned(train, weighing.thin, context.seed)
    x, y = train.inputs(rows)[name], train.target(rows)
    if len(np.unique(y)) < 2:
        raise DataError(f"training: expected at least two classes, got {len(np.unique(y))}")
    weight = _weights(y, train.items.record[train.rows[rows]], weighing)
    graphs = {}
    for member in range(int(settings.get("members", 1))):
        objective = {"objective": "multiclass", "num_class": len(context.spec.labels), "metric": "multi_logloss"}
        booster = _boost(
            (x, y, weight),
            _known(valid, name),
            {**objective, **_common(context, member)},
            settings,
            patience=10 * context.settings.patience,
        )
        graphs[f"trees{member}"] = trees_to_onnx(booster, name, x.shape[1])
    return TreesFitted(Program("forward", (name,), graphs))


def _thinned(train: ItemSet, most: int, seed: int) -> Array:
    """Rows with a known target and a weight, at most ``most`` of one class from one record."""
    y = train.target()
    weight = train.items.inputs.get("weight")
    rows = np.flatnonzero(y >= 0 if weight is None else (y >= 0) & (np.asarray(weight[train.rows]) > 0))
    if not most:
        return rows
    rng = np.random.default_rng([seed, 3])
    shuffled = rng.permutation(rows)
    group = train.items.record[train.rows[shuffled]] * (int(y.max()) + 1) + y[shuffled]
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], group[order])
    return np.asarray(np.sort(shuffled[order[np.arange(len(order)) - starts < most]]))


def _weights(y: Array, record: Array, weighing: Weighing) -> Array:
    _, index, counts = np.unique(np.stack([y, record]), axis=1, return_inverse=True, return_counts=True)
    weight = counts[index.ravel()].astype(np.float64) ** -weighing.record_power
    totals, sizes = np.bincount(y, weight), np.bincount(y)
    wanted = np.where(sizes > 0, sizes.astype(np.float64), 1.0) ** (1 - weighing.class_power)
    weight *= (wanted / np.where(totals > 0, totals, 1.0))[y]
    return np.asarray(weight / weight.mean())


def _boost(
    train: tuple[Array, Array, Array | None],
    valid: tuple[Array, Array],
    parameters: dict[str, Any],
    settings: Mapping[str, Any],
    *,
    patience: int,
) -> Any:
    """Boost trees; validation stops them where ``settings["stop_early"]`` is not false."""
    import lightgbm as lgb

    own = {k: v for k, v in settings.items() if k not in ("input", "rounds", "members", "stop_early")}
    data = lgb.Dataset(train[0], train[1], weight=train[2], free_raw_data=False)
    stop: list[Any] = [lgb.early_stopping(patience, verbose=False)] if settings.get("stop_early", True) else []
    return lgb.train(
        {**parameters, **own},
        data,
        num_boost_round=int(settings["rounds"]),
        valid_sets=[lgb.Dataset(valid[0], valid[1], reference=data)],
        callbacks=stop,
    )


def fit_score_trees(train: ItemSet, valid: ItemSet, context: FitContext, *, settings: Mapping[str, Any]) -> TreesFitted:
    """Fit trees that score each item from 0 to 1, for kinds whose target is 0 or 1 (-1 is left out).

    Parameters are those of ``fit_class_trees``; the program gives ``score`` (N, 1).
    """
    name = str(settings["input"])
    x, y = _known(train, name)
    parameters = {"objective": "binary", "metric": "binary_logloss", **_common(context, 0)}
    booster = _boost((x, y, None), _known(valid, name), parameters, settings, patience=10 * context.settings.patience)
    graph = trees_to_onnx(booster, name, x.shape[1], output="score", column=1)
    return TreesFitted(Program("forward", (name,), {"main": graph}))


def _common(context: FitContext, member: int) -> dict[str, Any]:
    """Parameters that make LightGBM repeatable."""
    return {
        "seed": context.seed + member,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": context.settings.threads,
        "verbose": -1,
    }


def _known(items: ItemSet, name: str) -> tuple[Array, Array]:
    y = items.target().reshape(len(items))
    rows = np.flatnonzero(y >= 0)
    return items.inputs(rows)[name], y[rows]


def trees_to_onnx(
    booster: Any, name: str, n_features: int, *, output: str = "probability", column: int | None = None
) -> bytes:
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
    column : int, optional
        Give only this column of the probabilities, as (N, 1).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnxmltools import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType

        model = convert_lightgbm(
            booster, initial_types=[(name, FloatTensorType([None, n_features]))], zipmap=False, target_opset=OPSET
        )
    from onnx import TensorProto, helper, numpy_helper

    model.graph.name = "trees"  # the converter draws a random name, and equal trees must be equal bytes
    wanted = model.graph.output[-1].name
    if column is None:
        model.graph.node.append(helper.make_node("Identity", [wanted], [output]))
    else:
        model.graph.initializer.append(numpy_helper.from_array(np.array([column], dtype=np.int64), "column"))
        model.graph.node.append(helper.make_node("Gather", [wanted, "column"], [output], axis=1))
    while model.graph.output:
        del model.graph.output[0]
    model.graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, ["items", "outputs"]))
    graph: bytes = model.SerializeToString()
    return graph
