"""Similarity search: the likeness to the nearest active compound that is known, label by label."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from auscult.base.contracts import FitContext, Items, ItemSet, TaskSpec
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.molecules.models.fingerprint_similarity import FingerprintSimilarity, FingerprintSimilarityConfig
from auscult.domains.molecules.models.search_ensemble import SearchEnsemble, SearchEnsembleConfig
from auscult.engine.drivers import load_program


def items_of(counts: np.ndarray, target: np.ndarray) -> ItemSet:
    return ItemSet(Items({"ecfp4": counts}, np.arange(40), np.zeros(40, dtype=np.int64), target), np.arange(30))


def context(folder: Path) -> FitContext:
    spec = TaskSpec("simulated", "labels", "simulated", ("a", "b", "c"), "pr_auc", ("pr_auc",), "none", "none")
    return FitContext(spec, 0, TrainTable(threads=1), folder, Silent())


def test_the_nearest_active_counts_and_a_label_without_one_is_unlikely(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    counts = rng.integers(0, 3, (40, 16)).astype(np.uint8)
    target = rng.integers(-1, 2, (40, 3))
    target[:, 2] = 0
    items = items_of(counts, target)
    program = FingerprintSimilarity(FingerprintSimilarityConfig()).fit(items, items, context(tmp_path)).export()
    new = np.concatenate([counts[30:], np.zeros((1, 16), dtype=np.uint8)])
    made = load_program(program)({"ecfp4": new})["probability"]

    def alike(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.sum((one > 0) & (other > 0)) / max(np.sum((one > 0) | (other > 0)), 1))

    for k in range(2):
        active = counts[:30][target[:30, k] == 1]
        np.testing.assert_allclose(made[:, k], [max(alike(n, a) for a in active) for n in new], atol=1e-6)
    np.testing.assert_array_equal(made[:, 2], 0)
    assert not made[-1].any()


def test_the_ensemble_is_the_mean_of_likeness_and_classifier(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    counts = rng.integers(0, 3, (40, 16)).astype(np.uint8)
    target = np.stack([counts[:, 0] > 0, rng.random(40) < 0.5, np.zeros(40)], axis=1).astype(np.int64)
    target[5, 0] = -1
    items, asked = items_of(counts, target), {"ecfp4": counts[30:]}
    made = {}
    for share in (0.25, 0.5):
        config = SearchEnsembleConfig(search_share=share, strength=1.0)
        program = SearchEnsemble(config).fit(items, items, context(tmp_path)).export()
        made[share] = load_program(program)(asked)["probability"]
    search = FingerprintSimilarity(FingerprintSimilarityConfig()).fit(items, items, context(tmp_path)).export()
    likeness = load_program(search)(asked)["probability"]
    linear = 2 * made[0.5] - likeness
    np.testing.assert_allclose(made[0.25], 0.75 * linear + 0.25 * likeness, atol=1e-5)
    assert ((linear[:, 0] > 0.5) == (counts[30:, 0] > 0)).all()
    np.testing.assert_allclose(linear[:, 2], 0.5 / 31, atol=1e-5)  # never active: nearly 0
