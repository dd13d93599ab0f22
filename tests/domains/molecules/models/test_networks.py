"""The network on fingerprints and descriptors, and its mean with trees: what they learn, and what they leave out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auscult.base.arrays import Array
from auscult.base.contracts import FitContext, Items, ItemSet, KindName, TaskSpec
from auscult.base.files import read_json
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.molecules.models.compound_ensemble import CompoundEnsemble, CompoundEnsembleConfig
from auscult.domains.molecules.models.descriptor_trees import DescriptorTrees, DescriptorTreesConfig
from auscult.domains.molecules.models.fingerprint_net import FingerprintNet, FingerprintNetConfig
from auscult.engine.drivers import load_program

SMALL = FingerprintNetConfig(width=16, members=2, dropout=0.1, input_dropout=0.0)


def problem(kind: KindName, n: int = 240) -> tuple[ItemSet, ItemSet, Array]:
    """Items whose second output follows the first bit, and the first a descriptor of another scale."""
    rng = np.random.default_rng(5)
    bits = (rng.random((n, 12)) < 0.4).astype(np.uint8)
    descriptors = np.stack([rng.normal(size=n), np.exp(rng.normal(6, 2, size=n)), np.ones(n)], axis=1)
    truth = np.stack([descriptors[:, 1] > np.exp(6), bits[:, 0]], axis=1).astype(np.int64)
    target: Array = truth.copy()
    target[rng.random(truth.shape) < 0.2] = -1
    if kind == "value":
        target = 100.0 + np.log(descriptors[:, 1:2])
    inputs: dict[str, Array] = {"ecfp4": bits, "descriptors": descriptors.astype(np.float32)}
    items = Items(inputs, np.arange(n), np.zeros(n, dtype=np.int64), target)
    return ItemSet(items, np.arange(180)), ItemSet(items, np.arange(180, n)), truth


def context(kind: KindName, folder: Path, epochs: int = 40) -> FitContext:
    labels = ("large", "bit") if kind == "labels" else ("size",)
    spec = TaskSpec("simulated", kind, "simulated", labels, "mae", ("mae",), "none", "none")
    table = TrainTable(epochs=epochs, batch_size=32, threads=1, learning_rate=1e-2, patience=40)
    return FitContext(spec, 0, table, folder, Silent())


def test_labels_are_learned_from_both_inputs_where_they_are_known(tmp_path: Path) -> None:
    train, valid, truth = problem("labels")
    program = FingerprintNet(SMALL).fit(train, valid, context("labels", tmp_path)).export()
    answer = load_program(program)({n: v[180:] for n, v in train.items.inputs.items()})["probability"]
    assert ((answer > 0.5) == truth[180:]).mean(axis=0).min() > 0.9


def test_its_own_epochs_take_the_place_of_the_recipes(tmp_path: Path) -> None:
    train, valid, _ = problem("labels")
    FingerprintNet(SMALL.model_copy(update={"epochs": 3})).fit(train, valid, context("labels", tmp_path, epochs=2))
    assert len(read_json(tmp_path / "curve.json")["validation_loss"]) == 3


def test_values_far_from_zero_are_learned(tmp_path: Path) -> None:
    train, valid, _ = problem("value")
    program = FingerprintNet(SMALL).fit(train, valid, context("value", tmp_path)).export()
    answer = load_program(program)({n: v[180:] for n, v in train.items.inputs.items()})["value"]
    assert np.abs(answer - valid.target()).mean() < 0.8  # the mean of the training items is off by 1.6


def test_rare_bits_are_not_looked_at(tmp_path: Path) -> None:
    train, valid, _ = problem("labels")
    bits = train.items.inputs["ecfp4"].copy()
    bits[:, 3] = 0
    bits[:2, 3] = 1
    items = Items({**train.items.inputs, "ecfp4": bits}, train.items.record, train.items.position, train.items.target)
    made = FingerprintNet(SMALL).fit(
        ItemSet(items, train.rows), ItemSet(items, valid.rows), context("labels", tmp_path, 1)
    )
    run = load_program(made.export())
    asked = {n: v[:8].copy() for n, v in items.inputs.items()}
    before = run(asked)["probability"]
    asked["ecfp4"][:, 3] = 1
    np.testing.assert_array_equal(run(asked)["probability"], before)


def test_the_ensemble_is_the_weighted_mean_of_its_parts(tmp_path: Path) -> None:
    train, valid, _ = problem("labels")
    trees = DescriptorTreesConfig(rounds=5)
    config = CompoundEnsembleConfig(nets=(SMALL,), trees=trees, net_share=0.25)
    given = context("labels", tmp_path / "both", epochs=1)
    both = load_program(CompoundEnsemble(config).fit(train, valid, given).export())
    net = load_program(FingerprintNet(SMALL).fit(train, valid, context("labels", tmp_path / "net", epochs=1)).export())
    tree = load_program(DescriptorTrees(trees).fit(train, valid, given).export())
    asked = {n: v[:30] for n, v in train.items.inputs.items()}
    expected = 0.25 * net(asked)["probability"] + 0.75 * tree(asked)["probability"]
    np.testing.assert_allclose(both(asked)["probability"], expected, atol=1e-6)


def test_an_ensemble_without_networks_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 item"):
        CompoundEnsembleConfig(nets=())
