"""The table, and a battery: every metric of every kind obeys the calling convention."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pytest

from auscult.engine.metrics import (
    boxes,
    classification,
    curves,
    drafts,
    events,
    generated,
    labels,
    masks,
    probabilities,
    ranking,
    regression,
    screening,
    spans,
)
from auscult.engine.metrics.bootstrap import MetricFunction
from auscult.engine.metrics.boxes import Boxes
from auscult.engine.metrics.ranking import Relevant
from auscult.engine.metrics.table import METRICS

KIND_METRICS: dict[str, dict[str, MetricFunction]] = {
    "class": {
        "accuracy": classification.accuracy,
        "macro_f1": classification.macro_f1,
        "jk_index": partial(classification.jk_index, supraventricular=1, ventricular=2),
        "veb_f1": partial(classification.class_f1, positive=2),
        "sveb_f1": partial(classification.class_f1, positive=1),
        "sensitivity": classification.sensitivity,
        "specificity": classification.specificity,
        "ppv": classification.ppv,
        "cohen_kappa": classification.cohen_kappa,
        "roc_auc": curves.roc_auc,
        "pr_auc": curves.pr_auc,
        "log_loss": probabilities.log_loss,
        "brier": probabilities.brier,
        "ece": probabilities.ece,
    },
    "labels": {
        "micro_f1": labels.micro_f1,
        "macro_f1": labels.macro_f1,
        "mean_roc_auc": labels.mean_roc_auc,
        "mean_pr_auc": labels.mean_pr_auc,
        "mean_bedroc20": labels.mean_bedroc20,
        "mean_ef1": labels.mean_ef1,
    },
    "value": {
        "median_rmse": regression.median_rmse,
        "median_mae": regression.median_mae,
        "rmse": regression.rmse,
        "mae": regression.mae,
        "mae_sbp": partial(regression.mae, column=0),
        "mae_dbp": partial(regression.mae, column=1),
        "coverage": regression.coverage,
        "interval_width": regression.interval_width,
    },
    "events": {
        "sensitivity": events.event_sensitivity,
        "ppv": events.event_ppv,
        "event_f1": events.event_f1,
    },
    "spans": {
        "entity_f1": spans.entity_f1,
        "entity_precision": spans.entity_precision,
        "entity_recall": spans.entity_recall,
        "character_precision": spans.character_precision,
        "character_recall": spans.character_recall,
    },
    "mask": {
        "dice": masks.dice,
        "dice_anterior": partial(masks.dice, labels=(1,)),
        "dice_posterior": partial(masks.dice, labels=(2,)),
        "surface_distance_mean": partial(masks.mean_surface_distance, which="mean_mm"),
        "surface_distance_p95": partial(masks.mean_surface_distance, which="p95_mm"),
    },
    "boxes": {"map50": boxes.map50, "map50_95": boxes.map50_95},
    "ranking": {
        "recall_at_20": ranking.recall_at_k,
        "ndcg_at_20": ranking.ndcg_at_k,
        "map_at_20": ranking.map_at_k,
        "mrr": ranking.mrr,
        "hit_rate_at_20": ranking.hit_rate_at_k,
        "bedroc20": screening.bedroc,
        "ef1": screening.enrichment_factor,
        "roc_auc": curves.roc_auc,
    },
    "sample": {
        "tstr_auc": generated.trained_auc,
        "trtr_auc": generated.trained_auc,
        "tstr_share": generated.share_of_real,
        "synthetic_gain": generated.auc_gain,
        "membership_auc": generated.membership_auc,
        "kid": generated.kid,
        "copy_rate": generated.copy_rate,
        "copy_excess": drafts.copy_excess,
        "perplexity": drafts.perplexity,
        "masked_accuracy": drafts.masked_accuracy,
        "field_faithfulness": drafts.field_faithfulness,
        "field_recall": drafts.field_recall,
        "field_precision": drafts.field_precision,
    },
}

FIXED = (
    "accuracy",
    "macro_f1",
    "micro_f1",
    "jk_index",
    "veb_f1",
    "sveb_f1",
    "sensitivity",
    "ppv",
    "median_rmse",
    "median_mae",
    "rmse",
    "mae",
    "mae_sbp",
    "mae_dbp",
    "roc_auc",
    "mean_roc_auc",
    "pr_auc",
    "dice_anterior",
    "dice_posterior",
    "dice",
    "map50",
    "map50_95",
    "entity_f1",
    "entity_precision",
    "entity_recall",
    "recall_at_20",
    "ndcg_at_20",
    "map_at_20",
    "mrr",
    "hit_rate_at_20",
    "bedroc20",
    "ef1",
    "mean_bedroc20",
    "mean_ef1",
    "tstr_auc",
    "trtr_auc",
    "tstr_share",
    "synthetic_gain",
    "membership_auc",
    "kid",
    "ece",
    "brier",
    "cohen_kappa",
    "coverage",
    "interval_width",
    "log_loss",
    "specificity",
)


@dataclass(frozen=True)
class Example:
    """Target and output of some items, how to take items by index, and the parameters that a metric needs.

    ``repeats`` is false where a resample is by definition not the statistic of the repeated items: bins of
    equal mass stay those of all items, and kid never compares an item with itself.
    """

    target: Any
    output: Any
    n_items: int
    take: Callable[[Any, Any, np.ndarray], tuple[Any, Any]] = lambda t, o, i: (t[i], o[i])
    parameters: dict[str, Any] = field(default_factory=dict)
    repeats: bool = True


def _lists(target: Any, output: Any, index: np.ndarray) -> tuple[Any, Any]:
    return [target[i] for i in index], [output[i] for i in index]


def _ragged(target: Relevant, output: Any, index: np.ndarray) -> tuple[Any, Any]:
    parts = [target.values[target.offsets[i] : target.offsets[i + 1]] for i in index]
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
    return Relevant(np.concatenate(parts), offsets), output[index]


def _class(rng: np.random.Generator, name: str) -> Example:
    target = rng.integers(0, 4, 60)
    output = rng.dirichlet(np.ones(4), 60) * 0.6 + 0.4 * np.eye(4)[target]
    return Example(target, output, 60, repeats=name != "ece")


def _labels(rng: np.random.Generator, _: str) -> Example:
    return Example(rng.integers(0, 2, (50, 3)), np.round(rng.random((50, 3)), 1), 50)


def _value(rng: np.random.Generator, name: str) -> Example:
    target, output = rng.normal(size=(41, 2)), rng.normal(size=(41, 2))
    if name in ("coverage", "interval_width"):
        output = np.stack([output - 1, output + 1], axis=-1)
    return Example(target, output, 41)


def _events(rng: np.random.Generator, _: str) -> Example:
    target = [np.sort(rng.choice(500, 20, replace=False)) for _ in range(8)]
    output = [np.sort(record + rng.integers(-8, 9, 20)) for record in target]
    return Example(target, output, 8, _lists, {"tolerance": 5})


def _spans(_: np.random.Generator, __: str) -> Example:
    target = [[(i, i + 2, "A"), (9, 12, "B")] for i in range(6)]
    output = [[*spans[: i % 3], (40, 41, "A")] for i, spans in enumerate(target)]
    return Example(target, output, 6, _lists)


def _mask(rng: np.random.Generator, name: str) -> Example:
    target = [rng.integers(0, 3, (5, 6, 4)) for _ in range(6)]
    output = [np.where(rng.random(volume.shape) < 0.2, 0, volume) for volume in target]
    distances = name.startswith("surface")
    return Example(target, output, 6, _lists, {"spacing_mm": [(1.0, 1.0, 2.0)] * 6} if distances else {})


def _boxes(rng: np.random.Generator, _: str) -> Example:
    corner = rng.random((9, 3, 2)) * 20
    corners = np.concatenate([corner, corner + 10], axis=2)
    label = np.array([0, 1, 1])
    target = [Boxes(c, label) for c in corners]
    output = [Boxes(c + rng.normal(size=(3, 4)), label, rng.random(3)) for c in corners]
    return Example(target, output, 9, _lists, {"n_classes": 2})


def _ranking(rng: np.random.Generator, name: str) -> Example:
    if name in ("bedroc20", "ef1", "roc_auc"):
        target = rng.random(150) < 0.2
        return Example(target, np.round(rng.normal(size=150) + target, 1), 150)
    values = np.concatenate([np.sort(rng.choice(60, 4, replace=False)) for _ in range(15)])
    ranked = np.stack([rng.permutation(60)[:20] for _ in range(15)])
    return Example(Relevant(values, np.arange(0, 61, 4)), ranked, 15, _ragged)


def _sample(rng: np.random.Generator, name: str) -> Example:
    if name == "kid":
        return Example(rng.normal(size=(20, 3)), rng.normal(size=(25, 3)), 45, repeats=False)
    if name == "copy_rate":
        texts = [list(rng.integers(0, 3, 12)) for _ in range(10)]
        return Example(texts[:5], texts, 10, lambda t, o, i: (t, [o[n] for n in i]), {"n": 3})
    if name == "copy_excess":
        runs = rng.integers(5, 9, (40, 2))
        return Example(runs, rng.integers(0, 5, (40, 2)), 40)
    if name == "masked_accuracy":
        return Example(rng.integers(5, 9, 40), rng.integers(0, 5, 40), 40)
    if name == "perplexity":
        return Example(rng.integers(5, 9, 40), -rng.integers(9, 30, 40).astype(float), 40)
    if name.startswith("field_"):
        return Example(rng.random((40, 5)) < 0.4, rng.random((40, 5)) < 0.4, 40)
    if name == "membership_auc":
        return Example(rng.random(60) < 0.4, rng.random(60), 60)
    trainings = (60, 2, 3, 2) if name in ("tstr_share", "synthetic_gain") else (60, 3, 2)
    first = rng.random(trainings[:-1])
    return Example(rng.integers(0, 2, 60), np.stack([first, 1 - first], axis=-1), 60)


EXAMPLES: dict[str, Callable[[np.random.Generator, str], Example]] = {
    "class": _class,
    "labels": _labels,
    "value": _value,
    "events": _events,
    "spans": _spans,
    "mask": _mask,
    "boxes": _boxes,
    "ranking": _ranking,
    "sample": _sample,
}


def _example(kind: str, name: str) -> Example:
    return EXAMPLES[kind](np.random.default_rng(0), name)


ALL = [(kind, name) for kind, metrics in KIND_METRICS.items() for name in metrics]


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_weights_of_one_give_the_value_in_range(kind: str, name: str) -> None:
    example, metric = _example(kind, name), KIND_METRICS[kind][name]
    value = metric(example.target, example.output, **example.parameters)
    unit = np.arange(example.n_items) % 5
    ones = metric(example.target, example.output, unit=unit, weights=np.ones((2, 5)), **example.parameters)
    assert value.shape == (1,)
    assert value.dtype == np.float64
    np.testing.assert_allclose(ones, [value[0]] * 2, rtol=1e-12)
    low, high = METRICS[name].low, METRICS[name].high
    assert low is None or value[0] >= low
    assert high is None or value[0] <= high


@pytest.mark.parametrize(("kind", "name"), [row for row in ALL if _example(*row).repeats])
def test_a_resample_is_the_statistic_of_the_repeated_items(kind: str, name: str) -> None:
    example, metric = _example(kind, name), KIND_METRICS[kind][name]
    rng = np.random.default_rng(1)
    n_units = min(example.n_items, 12)
    unit = np.arange(example.n_items) % n_units
    weights = rng.multinomial(n_units, np.full(n_units, 1 / n_units), 20).astype(np.float32)
    found = metric(example.target, example.output, unit=unit, weights=weights, **example.parameters)
    for row, value in zip(weights, found, strict=True):
        index = np.repeat(np.arange(example.n_items), row[unit].astype(int))
        parameters = dict(example.parameters)
        if "spacing_mm" in parameters:
            parameters["spacing_mm"] = [parameters["spacing_mm"][i] for i in index]
        expected = metric(*example.take(example.target, example.output, index), **parameters)[0]
        np.testing.assert_allclose(value, expected, atol=1e-9)


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_nothing_drawn_is_nan(kind: str, name: str) -> None:
    example, metric = _example(kind, name), KIND_METRICS[kind][name]
    weights = np.zeros((1, example.n_items))
    assert np.isnan(metric(example.target, example.output, weights=weights, **example.parameters)).all()


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_the_caller_keeps_its_arrays(kind: str, name: str) -> None:
    example, metric = _example(kind, name), KIND_METRICS[kind][name]
    for part in (example.target, example.output):
        if isinstance(part, np.ndarray):
            part.setflags(write=False)
    weights = np.ones((3, example.n_items))
    weights.setflags(write=False)
    metric(example.target, example.output, weights=weights, **example.parameters)


def test_every_fixed_name_is_in_the_table_with_words() -> None:
    assert set(FIXED) <= set(METRICS)
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.definition.endswith(".")
        assert metric.source
        assert metric.unit


def test_every_function_has_its_row_and_every_row_its_function() -> None:
    assert {name for _, name in ALL} == set(METRICS)
