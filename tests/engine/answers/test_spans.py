"""The threshold of spans, and which of two that share characters stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from auscult.base.arrays import Ragged
from auscult.base.contracts import Outputs, TaskSpec
from auscult.base.errors import UsageError
from auscult.base.recipe import CalibrateTable
from auscult.engine.answers import kind_of

SPEC = TaskSpec("t", "spans", "t", ("name", "date"), "entity_f1", ("entity_f1",), "f", "e")
KIND = kind_of(SPEC)


def _outputs(spans: list[list[tuple[int, int, int, float]]], truth: list[list[tuple[int, int, int]]]) -> Outputs:
    def column(rows: list[list[Any]], at: slice | int, shape: tuple[int, ...], dtype: Any) -> Ragged:
        return Ragged.of([np.array([s[at] for s in row], dtype=dtype).reshape(-1, *shape) for row in rows])

    arrays = {
        "span": column(spans, slice(0, 2), (2,), np.int64),
        "label": column(spans, 2, (), np.int64),
        "score": column(spans, 3, (), np.float64),
    }
    target = {"span": column(truth, slice(0, 2), (2,), np.int64), "label": column(truth, 2, (), np.int64)}
    return Outputs(arrays, np.arange(len(spans)), None, target)


ANSWERS = _outputs(
    [[(0, 4, 0, 0.9), (6, 9, 1, 0.4), (20, 22, 1, 0.3)], [(0, 3, 0, 0.8), (5, 8, 0, 0.2)], []],
    [[(0, 4, 0), (6, 9, 1)], [(5, 8, 0)], []],
)
"""By falling score: right, wrong, right, wrong, right; three true spans."""


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("", 0.1),  # F1: 1/2, 2/5, 2/3, 4/7, 3/4 at 1 to 5 spans
        ("f2", 0.1),
        ("sensitivity_at_least:0.66", 0.35),  # two of three are found with three spans; halfway from 0.4 to 0.3
        ("sensitivity_at_least:0.3", 0.85),
        ("sensitivity_at_least:1", 0.1),
    ],
)
def test_threshold_by_hand(rule: str, expected: float) -> None:
    made = KIND.calibrate(SPEC, ANSWERS, CalibrateTable(threshold=rule))
    assert made["threshold"] == pytest.approx(expected)
    kept = KIND.apply(SPEC, ANSWERS, made).ragged("score").values
    assert kept.tolist() == [s for s in ANSWERS.ragged("score").values.tolist() if s >= expected]


def test_a_rule_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match=r"unknown threshold rule 'f3' in \[calibrate\] threshold.* Known: f1, f2"):
        KIND.calibrate(SPEC, ANSWERS, CalibrateTable(threshold="f3"))
    with pytest.raises(UsageError, match="expected a number after 'sensitivity_at_least:' and none after the others"):
        KIND.calibrate(SPEC, ANSWERS, CalibrateTable(threshold="sensitivity_at_least"))


@pytest.mark.parametrize("level", ["98", "0", "high"])
def test_a_level_that_is_no_share_is_refused(level: str) -> None:
    with pytest.raises(UsageError, match=f"expected a sensitivity above 0 and at most 1, got '{level}'"):
        KIND.calibrate(SPEC, ANSWERS, CalibrateTable(threshold=f"sensitivity_at_least:{level}"))


def test_what_validation_reached_is_kept_with_the_threshold() -> None:
    made = KIND.calibrate(SPEC, ANSWERS, CalibrateTable(threshold="sensitivity_at_least:0.66"))
    assert made["validation_sensitivity"] == pytest.approx(2 / 3)
    half = _outputs([[(0, 4, 0, 0.9)]], [[(0, 4, 0), (6, 9, 1)]])  # the second is no candidate at any threshold
    made = KIND.calibrate(SPEC, half, CalibrateTable(threshold="sensitivity_at_least:0.98"))
    assert made["validation_sensitivity"] == 0.5


def test_without_a_true_span_the_threshold_is_the_middle() -> None:
    nothing = _outputs([[(0, 4, 0, 0.9)]], [[]])
    assert KIND.calibrate(SPEC, nothing, CalibrateTable())["threshold"] == 0.5


def test_of_spans_that_share_characters_the_surest_then_the_longest_stays() -> None:
    shared = _outputs([[(0, 4, 0, 0.5), (2, 9, 1, 0.7), (9, 12, 0, 0.6), (9, 13, 0, 0.6)]], [[]])
    kept = KIND.apply(SPEC, shared, {"method": "threshold", "threshold": 0.1})
    assert kept.ragged("span")[0].tolist() == [[2, 9], [9, 13]]
    assert kept.ragged("label")[0].tolist() == [1, 0]
