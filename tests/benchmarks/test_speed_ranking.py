"""The comparisons of rankings: both sides give the same lists, and everything is judged."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import speed_ranking_metrics
import speed_top20
from scipy import sparse

from auscult.base.contracts import Program
from auscult.engine.drivers import load_program


def test_the_whole_product_of_scipy_gives_the_lists_of_the_driver() -> None:
    rng = np.random.default_rng(0)
    size = 1500
    matrix = sparse.random(size, size, 0.02, format="csr", random_state=0, dtype=np.float32)
    arrays = {
        "data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr,
        "left": rng.normal(size=(size, 70)).astype(np.float32), "right": rng.normal(size=(70, size)).astype(np.float32),
        "prior": np.zeros(size, np.float32),
    }  # fmt: skip
    program = Program("sparse-topk", ("history",), {}, arrays, {"k": speed_top20.LENGTH})
    users = sparse.random(40, size, 0.01, format="csr", random_state=1, dtype=np.float32)
    users.data[:] = 1
    users.sort_indices()
    ours = speed_top20.lists_of(load_program(program), speed_top20.padded(users))
    for block in (7, 40):
        told = speed_top20.differing(ours, speed_top20.plain(program, users, block))
        assert told["lists_that_differ"] == 0
        assert told["largest_gap_of_scores"] < 1e-4
    alone = dataclasses.replace(program, arrays={n: arrays[n] for n in ("data", "indices", "indptr", "prior")})
    assert speed_top20.differing(ours, speed_top20.plain(alone, users, 40))["lists_that_differ"] == 40


def test_everything_is_judged_and_the_values_are_those_without_intervals() -> None:
    outputs = speed_ranking_metrics.simulated(50)
    made = speed_ranking_metrics.judge(outputs)
    assert {"coverage", "novelty_bits", "recall_at_20", "mrr"} <= set(made)
    for name, value in speed_ranking_metrics.values_alone(outputs).items():
        assert made[name] == pytest.approx(value)
    told = speed_ranking_metrics.measure("", outputs, "simulated lists", 1)
    assert told["peers"] == []
    assert told["name"] == "ranking-metrics"
