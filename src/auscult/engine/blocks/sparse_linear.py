"""Linear models over a few of very many features, as a program of the driver ``linear-sparse``."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import sparse

from auscult.base.arrays import Array
from auscult.base.contracts import FitContext, ItemSet, Program
from auscult.base.errors import DataError

MAX_STEPS = 300


@dataclass(frozen=True)
class SparsePlan:
    """How the weights are found.

    Parameters
    ----------
    loss : str
        ``logistic``, or ``hinge`` squared (a linear support vector machine), one class or label against the rest; its
        scores are no probabilities before they are calibrated.
    strength : float
        Inverse of the penalty on the squared weights (``C``).
    class_weight : str
        ``balanced`` weighs classes equally.
    document_frequency : bool
        Weigh a feature by how rare it is: ln((1 + n) / (1 + n with it)) + 1, folded into the weights
        (Spärck Jones 1972, J Documentation 28:11).
    least : int
        A feature of fewer training items has no weight.
    below : int
        Only features with a number below this are looked at; 0 is all.
    plain_from : int
        Features from this number on are never weighed by how rare they are; 0 is none.
    """

    loss: Literal["logistic", "hinge"] = "logistic"
    strength: float = 1.0
    class_weight: Literal["none", "balanced"] = "none"
    document_frequency: bool = True
    least: int = 1
    below: int = 0
    plain_from: int = 0


@dataclass(frozen=True, repr=False)
class SparseFitted:
    """Weights (V, K) and bias (K,) of a linear model."""

    weight: Array
    bias: Array
    activation: str

    def export(self) -> Program:
        """Return the program."""
        arrays = {"weight": self.weight.astype(np.float32), "bias": self.bias.astype(np.float32)}
        settings = {"activation": self.activation, "output": "probability"}
        return Program("linear-sparse", ("ids", "counts"), {}, arrays, settings)


def fit_sparse(train: ItemSet, context: FitContext, plan: SparsePlan, *, size: int) -> SparseFitted:
    """Fit classes together, or each label by itself; -1 in the target is not known and left out.

    Parameters
    ----------
    train : ItemSet
        Items with the inputs ``ids`` and ``counts`` (N, L), and targets (N,) or (N, K).
    context : FitContext
        Labels and seed.
    plan : SparsePlan
        Penalty and weights.
    size : int
        V, the number of features that there can be.

    Raises
    ------
    DataError
        If the training items hold fewer than two classes.
    """
    arrays, target = train.inputs(), train.target()
    matrix = csr_of(arrays["ids"], arrays["counts"], size)
    known = np.flatnonzero((target >= 0).reshape(len(target), -1).any(axis=1))
    matrix, target = matrix[known], target[known]
    frequency = np.bincount(matrix.indices, minlength=size)
    used = np.flatnonzero(frequency[: plan.below or size] >= plan.least)
    scale = np.ones(len(used))
    if plan.document_frequency:
        scale = np.log((1 + matrix.shape[0]) / (1 + frequency[used])) + 1
    if plan.plain_from:
        scale[used >= plan.plain_from] = 1.0
    x = matrix[:, used] @ sparse.diags(scale)
    n_outputs = len(context.spec.labels)
    weight, bias = np.zeros((size, n_outputs)), np.zeros(n_outputs)
    if target.ndim == 1:
        found = np.unique(target)
        if len(found) < 2:
            raise DataError(f"training: expected at least two classes, got {len(found)}")
        weight[used], bias = _classes(x, target, plan, n_outputs=n_outputs, seed=context.seed)
    else:
        for k in range(n_outputs):
            weight[used, k], bias[k] = _label(x, target[:, k], plan, context.seed)
    weight[used] *= scale[:, None]
    return SparseFitted(weight, bias, "softmax" if target.ndim == 1 else "sigmoid")


def csr_of(ids: Array, counts: Array, size: int) -> Any:
    """Turn padded features (N, L) into a sparse matrix (N, V)."""
    there = ids >= 0
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    values = counts[there].astype(np.float64)
    return sparse.csr_matrix((values, ids[there].astype(np.int64), offsets), shape=(len(ids), size))


def _classes(x: Any, target: Array, plan: SparsePlan, *, n_outputs: int, seed: int) -> tuple[Array, Array]:
    """Weights (F, K) and bias (K,) of a softmax; a class that never came keeps a very low score."""
    model = _fitted(x, target, plan, seed)
    weight, bias = np.zeros((x.shape[1], n_outputs)), np.full(n_outputs, -20.0)
    if len(model.classes_) == 2:  # one score: half of it for either class is the same softmax
        weight[:, model.classes_] = np.stack([-model.coef_[0], model.coef_[0]], axis=1) / 2
        bias[model.classes_] = np.array([-0.5, 0.5]) * model.intercept_[0]
    else:
        weight[:, model.classes_] = model.coef_.T
        bias[model.classes_] = model.intercept_
    return weight, bias


def _label(x: Any, target: Array, plan: SparsePlan, seed: int) -> tuple[Array, float]:
    """Weights (F,) and bias of one label; one that is always or never there gets its base rate."""
    rows = np.flatnonzero(target >= 0)
    y = target[rows]
    if len(np.unique(y)) < 2:
        rate = (y.sum() + 0.5) / (len(y) + 1)
        return np.zeros(x.shape[1]), float(np.log(rate / (1 - rate)))
    model = _fitted(x[rows], y, plan, seed)
    return model.coef_[0], float(model.intercept_[0])


def _fitted(x: Any, y: Array, plan: SparsePlan, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    weights = None if plan.class_weight == "none" else plan.class_weight
    kind = LogisticRegression if plan.loss == "logistic" else LinearSVC
    model = kind(C=plan.strength, class_weight=weights, max_iter=MAX_STEPS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a step limit that is reached ends the search, it is no fault
        return model.fit(x, y)
