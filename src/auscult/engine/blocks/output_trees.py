"""Trees for several outputs, each learned alone on the items whose target is known: labels, two classes, or values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import FitContext, ItemSet, Program
from auscult.base.errors import UsageError
from auscult.engine.answers import kind_of
from auscult.engine.blocks.forest import Finish, Tree, constant_tree, forest_graph, lightgbm_trees, sklearn_trees
from auscult.engine.blocks.trees import TreesFitted

Learn = Callable[[tuple[Array, Array], tuple[Array, Array], int], Sequence[Tree]]


def joined(items: ItemSet, names: Sequence[str], rows: Array | None = None) -> Array:
    """Inputs side by side in single precision, (N, F)."""
    inputs = items.inputs(rows)
    return np.concatenate([inputs[n].astype(np.float32) for n in names], axis=1)


def target_columns(items: ItemSet, context: FitContext) -> tuple[Array, bool]:
    """Targets as columns (N, K), NaN where unknown, and whether they are yes or no.

    Raises
    ------
    UsageError
        If the kind has other answers than labels, two classes or values.
    """
    target = items.target()
    kind = context.spec.kind
    if kind == "value":
        return target.reshape(len(items), -1).astype(np.float64), False
    if kind == "labels" or (kind == "class" and len(context.spec.labels) == 2):
        columns = target.reshape(len(items), -1)
        return np.where(columns < 0, np.nan, columns.astype(np.float64)), True
    raise UsageError(
        f"output trees: expected labels, two classes or values, got kind '{kind}' "
        f"with {len(context.spec.labels)} labels"
    )


def fit_each(
    train: ItemSet, valid: ItemSet, context: FitContext, *, names: Sequence[str], learn: Learn, logit: bool
) -> TreesFitted:
    """Learn the trees of every output and put them into one graph.

    Parameters
    ----------
    train, valid : ItemSet
        Items with the inputs; targets as ``target_columns`` takes them.
    context : FitContext
        Labels and seed.
    names : sequence of str
        Inputs, side by side.
    learn : callable
        ``(train x and y, validation x and y, output) -> trees``, on known items only; y is 0 or 1, or a value.
    logit : bool
        Whether the trees of a yes-or-no output add up to a log-odds (else to a probability).
    """
    x, x_valid = joined(train, names), joined(valid, names)
    y, binary = target_columns(train, context)
    y_valid, _ = target_columns(valid, context)
    outputs: list[Sequence[Tree]] = []
    for k in range(y.shape[1]):
        known, known_valid = np.isfinite(y[:, k]), np.isfinite(y_valid[:, k])
        own = y[known, k]
        if len(np.unique(own)) < 2:
            outputs.append([constant_tree(_prior(own, binary=binary, logit=logit))])
            continue
        outputs.append(learn((x[known], own), (x_valid[known_valid], y_valid[known_valid, k]), k))
    widths = {n: train.items.inputs[n].shape[1] for n in names}
    kind = kind_of(context.spec)
    graph = forest_graph(outputs, widths, output=kind.output, finish=_finish(context, logit=logit and binary))
    return TreesFitted(Program("forward", tuple(names), {"main": graph}))


def _prior(own: Array, *, binary: bool, logit: bool) -> float:
    """Answer of an output whose training items are all alike."""
    if not binary:
        return float(own.mean()) if len(own) else 0.0
    share = (own.sum() + 0.5) / (len(own) + 1.0)
    return float(np.log(share / (1 - share))) if logit else float(share)


def _finish(context: FitContext, *, logit: bool) -> Finish:
    if context.spec.kind == "class":
        return "two-classes-logit" if logit else "two-classes"
    return "sigmoid" if logit else "none"


def boosted(settings: Mapping[str, Any], context: FitContext) -> Learn:
    """Return the learning of one output by LightGBM (Ke et al. 2017, NeurIPS).

    ``settings`` are its parameters and ``rounds``, ``stop_early``; validation stops the boosting.
    """
    import lightgbm as lgb

    binary = context.spec.kind != "value"
    own = {k: v for k, v in settings.items() if k not in ("rounds", "stop_early")}
    fixed = {
        "objective": "binary" if binary else "regression",
        "metric": "binary_logloss" if binary else "l2",
        "seed": context.seed,
        "deterministic": True,
        "force_row_wise": True,
        "use_missing": False,
        "num_threads": context.settings.threads,
        "verbose": -1,
    }

    def learn(train: tuple[Array, Array], valid: tuple[Array, Array], output: int) -> Sequence[Tree]:
        data = lgb.Dataset(train[0], train[1], free_raw_data=False)
        both = len(valid[1]) > 0 and (not binary or len(np.unique(valid[1])) > 1)
        stops = settings["stop_early"] and both
        booster = lgb.train(
            {**fixed, **own},
            data,
            num_boost_round=int(settings["rounds"]),
            valid_sets=[lgb.Dataset(valid[0], valid[1], reference=data)] if stops else None,
            callbacks=[lgb.early_stopping(10 * context.settings.patience, verbose=False)] if stops else [],
        )
        best = booster.best_iteration if stops and booster.best_iteration > 0 else None
        return lightgbm_trees(booster)[:best]

    return learn


def random_forest(settings: Mapping[str, Any], context: FitContext) -> Learn:
    """Return the learning of one output by a random forest (Breiman 2001, Mach Learn 45:5); ``settings`` go to it."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    binary = context.spec.kind != "value"
    common = {"random_state": context.seed, "n_jobs": context.settings.threads, **settings}

    def learn(train: tuple[Array, Array], valid: tuple[Array, Array], output: int) -> Sequence[Tree]:
        made = RandomForestClassifier(**common) if binary else RandomForestRegressor(**common)
        made.fit(train[0], train[1])
        return sklearn_trees(made, 1 if binary else 0)

    return learn
