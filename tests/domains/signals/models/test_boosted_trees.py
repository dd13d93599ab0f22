"""Boosted trees on simulated features: what they learn, what they leave out, and that they repeat themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auscult.base.contracts import Items, ItemSet, Program
from auscult.base.errors import DataError, RecipeError
from auscult.base.recipe import validated
from auscult.domains.signals.models.boosted_trees import BoostedTrees, BoostedTreesConfig
from auscult.domains.signals.models.rhythm_trees import RhythmTrees
from auscult.engine.drivers import load_program
from auscult.engine.program import program_hash

from .problems import Pair, columns, context_of, pair, spec_of

SPEC = spec_of("class", ("none", "one", "two"))
SMALL: dict[str, Any] = {"rounds": 40, "leaves": 4, "learning_rate": 0.2, "min_leaf": 5}


def fit(items: Pair, folder: Path, *, seed: int = 0, **settings: Any) -> Program:
    model = BoostedTrees(BoostedTreesConfig(**{**SMALL, **settings}))
    return model.fit(*items, context_of(SPEC, folder, seed=seed)).export()


def test_learns_and_gives_probabilities(tmp_path: Path) -> None:
    train, valid = columns()
    run = load_program(fit((train, valid), tmp_path))
    probability = run(valid.inputs())["probability"]
    assert probability.shape == (60, 3)
    np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-5)
    assert (probability.argmax(axis=1) == valid.target()).mean() > 0.8  # chance: 0.4, the commonest class
    np.testing.assert_allclose(
        run({"features": valid.inputs()["features"][:1]})["probability"], probability[:1], atol=1e-6
    )


def test_same_seed_same_program(tmp_path: Path) -> None:
    first, again, other = (program_hash(fit(columns(), tmp_path, seed=seed, features=0.5)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_members_are_averaged(tmp_path: Path) -> None:
    train, valid = columns()
    program = fit((train, valid), tmp_path, members=3, features=0.5)
    each = [load_program(Program("forward", program.inputs, {n: g}))(valid.inputs()) for n, g in program.graphs.items()]
    assert len(each) == 3
    mean = np.mean([e["probability"] for e in each], axis=0)
    np.testing.assert_allclose(load_program(program)(valid.inputs())["probability"], mean, atol=1e-6)
    assert not np.allclose(each[0]["probability"], each[1]["probability"])


def test_items_of_no_weight_and_no_class_are_not_learned_from(tmp_path: Path) -> None:
    train, valid = columns()
    inputs, target = train.items.inputs["features"].copy(), np.asarray(train.items.target).copy()
    clean = fit((ItemSet(train.items, train.rows[40:]), valid), tmp_path)
    inputs[:40] = 100.0
    target[:20] = -1
    weight = np.ones(len(target), dtype=np.float32)
    weight[20:40] = 0
    spoiled = Items({"features": inputs, "weight": weight}, train.items.record, train.items.position, target)
    assert program_hash(fit((ItemSet(spoiled, train.rows), valid), tmp_path)) == program_hash(clean)


def test_thinning_keeps_some_of_each_class_of_each_record(tmp_path: Path) -> None:
    train, valid = columns()
    with pytest.raises(DataError, match="training: expected at least two classes, got 1"):
        fit((ItemSet(train.items, train.rows[train.target() == 1]), valid), tmp_path)
    thin, whole = fit((train, valid), tmp_path, thin=3), fit((train, valid), tmp_path, thin=1000)
    assert program_hash(whole) == program_hash(fit((train, valid), tmp_path))
    assert program_hash(thin) != program_hash(whole)


def test_events_get_one_score(tmp_path: Path) -> None:
    train, valid = columns()
    target = (np.asarray(train.items.target) > 0).astype(np.int64)[:, None]
    items = pair({"features": train.items.inputs["features"]}, target)
    model = BoostedTrees(BoostedTreesConfig(**SMALL))
    score = load_program(model.fit(*items, context_of(spec_of("events", ("R",)), tmp_path)).export())(valid.inputs())[
        "score"
    ]
    assert score.shape == (60, 1)
    assert ((score[:, 0] > 0.5) == (valid.target() > 0)).mean() > 0.85


def test_rhythm_trees_look_at_the_rhythm_alone(tmp_path: Path) -> None:
    train, valid = columns()
    rhythm = train.items.inputs["features"]
    items = pair({"rhythm": rhythm, "features": np.zeros_like(rhythm)}, np.asarray(train.items.target))
    program = RhythmTrees(BoostedTreesConfig(**SMALL)).fit(*items, context_of(SPEC, tmp_path)).export()
    assert program.inputs == ("rhythm",)
    probability = load_program(program)(items[1].inputs())["probability"]
    assert (probability.argmax(axis=1) == valid.target()).mean() > 0.8


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"unknown key 'leafs' in \[model\]; did you mean 'leaves'"):
        validated(BoostedTreesConfig, {"leafs": 3}, where="[model]")
