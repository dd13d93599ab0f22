"""When two answers are the same, what a guess is, and what "it learned" means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auscult.base.arrays import Ragged
from auscult.base.contracts import Outputs, TaskSpec
from auscult.base.errors import UsageError
from auscult.base.recipe import CalibrateTable
from auscult.engine.answers import KINDS, kind_of
from auscult.engine.calibration.threshold import fit_label_thresholds
from auscult.engine.metrics.ranking import mrr
from auscult.engine.metrics.table import METRICS
from auscult.engine.outputs import read_outputs, save_outputs
from toys.battery import fits_schema

ROWS = np.arange(2)


def _spec(kind: str, primary: str = "", **more: Any) -> TaskSpec:
    return TaskSpec("t", kind, "test", ("a", "b"), primary, (primary,), "f", "e", **more)  # type: ignore[arg-type]


def _ragged(*rows: Any, dtype: Any = np.int64) -> Ragged:
    return Ragged.of([np.asarray(r, dtype=dtype) for r in rows])


P = np.array([[0.9, 0.1], [0.2, 0.8]])
VALUE = np.array([[100.0, 2.0], [3.0, 4.0]])
CLASS = {
    "probability": P,
    "label": np.array([0, 1]),
    "answered": np.array([True, False]),
    "set": np.array([[True, False], [True, True]]),
}
EVENTS = {
    "position": _ragged([3], [7, 9]),
    "label": _ragged([0], [1, 0]),
    "score": _ragged([0.5], [0.6, 0.7], dtype=float),
}
MASK = np.zeros((40, 50), np.uint8)
MASK[:5] = 1
TWO = [[1, 1, 5, 5], [2, 2, 6, 6]]
EXAMPLES: dict[str, dict[str, Any]] = {
    "class": CLASS,
    "labels": {"probability": P, "label": CLASS["set"], "interval": np.zeros((2, P.shape[1], 2))},
    "value": {"value": VALUE, "interval": np.zeros((2, 2, 2))},
    "events": EVENTS,
    "spans": {"span": _ragged([[0, 3]], [[1, 2], [4, 9]]), "label": EVENTS["label"], "score": EVENTS["score"]},
    "mask": {"mask": Ragged.of([MASK, MASK[:20]], ragged_axes=2)},
    "boxes": {"box": _ragged([[0, 0, 9, 9]], TWO, dtype=float), "label": EVENTS["label"], "score": EVENTS["score"]},
    "ranking": {"item": np.array([[1, 2], [3, -1]]), "score": np.array([[0.5, 0.4], [0.3, 0.0]])},
    "sample": {"sample": np.zeros((2, 3)), "feature": np.zeros((2, 3))},
}  # fmt: skip


def _outputs(kind: str, **changes: Any) -> Outputs:
    return Outputs({**EXAMPLES[kind], **changes}, ROWS)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_presents_what_its_schema_says(kind: str) -> None:
    spec = _spec(kind, unit="mmHg", position_rate_hz=2.0)
    for row in range(2):
        value = kind_of(spec).present(spec, _outputs(kind), row)
        assert not fits_schema(value, kind_of(spec).schema(spec))
    assert fits_schema({"odd": 1}, kind_of(spec).schema(spec))


def test_presented_values_by_hand() -> None:
    spec = _spec("events", position_rate_hz=2.0)
    assert kind_of(spec).present(spec, _outputs("events"), 1) == {
        "position_s": [3.5, 4.5],
        "label": ["b", "a"],
        "score": [0.6, 0.7],
    }
    spec = _spec("class")
    assert kind_of(spec).present(spec, _outputs("class"), 1) == {
        "label": None, "probability": {"a": 0.2, "b": 0.8}, "set": ["a", "b"],
    }  # fmt: skip
    spec = _spec("mask")
    assert kind_of(spec).present(spec, _outputs("mask"), 0) == {"a": 250, "b": 0}


def test_labels_of_a_release_without_intervals_are_answered_too() -> None:
    spec = _spec("labels")
    rule = fit_label_thresholds(np.eye(2), P, rule="f1").to_dict()
    made = kind_of(spec).apply(spec, Outputs({"probability": P}, ROWS), {"probability": None, "threshold": rule})
    assert kind_of(spec).present(spec, made, 0).keys() == {"label", "probability"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_is_the_same_as_itself(kind: str) -> None:
    spec = _spec(kind)
    assert kind_of(spec).difference(spec, _outputs(kind), _outputs(kind)) == ""


def _masks(n: int) -> Ragged:
    other = MASK.copy()
    other.reshape(-1)[-n:] = 1
    return Ragged.of([other, MASK[:20]], ragged_axes=2)


@pytest.mark.parametrize(
    ("kind", "inside", "beyond", "words"),
    [  # the tolerances of design.md: probabilities 1e-4, masks 0.1 % of voxels, boxes 0.5 px
        ("class", {"probability": P + 0.9e-4}, {"probability": P + 1.1e-4}, "probability"),
        ("class", {}, {"label": np.array([0, 0])}, "the decided classes differ"),
        ("labels", {"probability": P - 0.9e-4}, {"label": ~CLASS["set"]}, "the decided labels differ"),
        ("value", {"value": VALUE + 0.009}, {"value": VALUE + 0.011}, "value"),
        ("events", {"score": _ragged([0.50005], [0.6, 0.7], dtype=float)},
         {"position": _ragged([3], [7, 8])}, "'position' differ"),
        ("events", {}, {"position": _ragged([3], [7]), "label": _ragged([0], [1])}, "expected 3, got 2"),
        ("spans", {}, {"span": _ragged([[0, 3]], [[1, 2], [4, 8]])}, "'span' differ"),
        ("mask", {"mask": _masks(2)}, {"mask": _masks(3)}, r"at most 0.1 % of voxels to differ, got 0.15 %"),
        ("boxes", {"box": _ragged([[0, 0, 9, 9.4]], TWO, dtype=float)},
         {"box": _ragged([[0, 0, 9, 9.6]], TWO, dtype=float)}, "box: expected within 0.5"),
        ("ranking", {"score": EXAMPLES["ranking"]["score"] + 5e-5}, {"item": np.array([[2, 1], [3, -1]])},
         "order differ"),
        ("sample", {"sample": np.full((2, 3), 5e-5)}, {"sample": np.full((2, 3), 2e-4)},
         "sample: expected within 0.0001"),
    ],
)  # fmt: skip
def test_tolerances(kind: str, inside: dict[str, Any], beyond: dict[str, Any], words: str) -> None:
    spec = _spec(kind)
    assert kind_of(spec).difference(spec, _outputs(kind), _outputs(kind, **inside)) == ""
    assert words in kind_of(spec).difference(spec, _outputs(kind), _outputs(kind, **beyond))


@pytest.mark.parametrize("kind", ["boxes", "spans"])
def test_a_span_or_box_that_moved_to_another_record_is_another_answer(kind: str) -> None:
    """The same values in the same order, but the first record has two of them and the second one."""
    name = {"boxes": "box", "spans": "span"}[kind]
    moved = {key: Ragged(EXAMPLES[kind][key].values, np.array([0, 2, 3])) for key in (name, "label", "score")}
    spec = _spec(kind)
    assert kind_of(spec).difference(spec, _outputs(kind), _outputs(kind, **moved))


@pytest.mark.parametrize("kind", KINDS)
def test_metrics_of_a_kind_are_registered(kind: str) -> None:
    spec = TaskSpec("t", kind, "t", ("sbp", "dbp"), "", (), "f", "e", parameters={"tolerance_s": 0.1})  # type: ignore[arg-type]
    own = set(kind_of(spec).table(spec))
    assert own
    assert not {m for m in own if m not in METRICS and not m.startswith("dice_")}


def test_an_unknown_kind_and_an_unknown_metric() -> None:
    with pytest.raises(UsageError, match="unknown answer kind 'clas' in task 't'; did you mean 'class'"):
        kind_of(_spec("clas"))
    spec = _spec("class")
    with pytest.raises(UsageError, match="unknown metric 'acuracy' in answer kind 'class'; did you mean 'accuracy'"):
        kind_of(spec).measure(spec, _outputs("class"), "acuracy")


def _classes(n: int, right: float) -> Outputs:
    rng = np.random.default_rng(0)
    truth = np.arange(n) % 2
    answer = np.where(rng.random(n) < right, truth, 1 - truth)
    return Outputs({"probability": np.eye(2)[answer]}, np.arange(n), None, {"label": truth})


def test_learned_is_better_than_the_answers_of_others() -> None:
    spec = _spec("class", "accuracy")
    kind = kind_of(spec)
    learned = [kind.learned(spec, _classes(200, right), np.random.default_rng(1)) for right in (1.0, 0.8, 0.2)]
    assert learned == [True, True, False]


def test_a_constant_has_learned_nothing() -> None:
    outputs = Outputs({"value": np.full((20, 2), 3.0)}, np.arange(20), None, {"value": np.arange(40.0).reshape(20, 2)})
    spec = _spec("value", "mae")
    assert not kind_of(spec).learned(spec, outputs, np.random.default_rng(0))


def test_one_threshold_for_all_labels_is_the_best_of_all_their_decisions() -> None:
    """Label a has its positives at 0.9 and 0.4, b its one at 0.6 and a false 0.7: together F1 is best from 0.6 on.

    From 0.6: 2 right of 3 called, 3 positives, F1 4/6; from 0.4: 3 of 4, F1 6/7; an unknown 0.95 counts for neither.
    """
    p = np.array([[0.9, 0.7], [0.4, 0.6], [0.1, 0.95], [0.2, 0.3]])
    truth = np.array([[1, 0], [1, 1], [0, -1], [0, 0]])
    valid = Outputs({"probability": p}, np.arange(4), None, {"label": truth})
    spec = _spec("labels")
    made = kind_of(spec).calibrate(spec, valid, CalibrateTable(threshold="micro_f1"))
    assert [t["value"] for t in made["threshold"]["labels"]] == [pytest.approx(0.35)] * 2
    each = kind_of(spec).calibrate(spec, valid, CalibrateTable(threshold="f1"))
    assert [t["value"] for t in each["threshold"]["labels"]] == [pytest.approx(0.3), pytest.approx(0.45)]


def test_guesses_keep_what_cannot_be_known() -> None:
    rng = np.random.default_rng(0)
    mask = Ragged.of([MASK, MASK[:20]], ragged_axes=2)
    guess = kind_of(_spec("mask")).guess(_spec("mask"), Outputs({"mask": mask}, ROWS, None, {"mask": mask}), rng)
    assert guess.ragged("mask")[0].sum() == MASK.sum()
    assert (guess.ragged("mask")[0] != MASK).any()
    ranking = Outputs(EXAMPLES["ranking"], ROWS, None, {"relevant": _ragged([5], [6])})
    items = kind_of(_spec("ranking")).guess(_spec("ranking"), ranking, rng).array("item")
    assert set(items.ravel()) <= {1, 2, 3, 5, 6}
    assert all(len(set(row)) == 2 for row in items.tolist())


def test_a_ranking_of_names_is_judged_shown_and_kept_as_one_of_numbers(tmp_path: Path) -> None:
    kind, spec = kind_of(_spec("ranking")), _spec("ranking")
    numbers = np.array([[1, 2, 3], [4, 5, -1]])
    names = np.array([[b"K1", b"K2", b"K3"], [b"K4", b"K5", b""]])
    wanted = Ragged.of([np.array([b"K3", b"K9"]), np.array([b"K4"])])
    by_number = Outputs({"item": numbers, "score": np.zeros((2, 3))}, ROWS, None, {"relevant": _ragged([3, 9], [4])})
    by_name = Outputs({"item": names, "score": np.zeros((2, 3))}, ROWS, None, {"relevant": wanted})
    save_outputs(by_name, tmp_path / "kept")
    kept = read_outputs(tmp_path / "kept")
    assert kept.array("item").tolist() == names.tolist()
    assert [r.tolist() for r in kept.ragged_truth("relevant")] == [r.tolist() for r in wanted]
    assert kind.present(spec, by_name, 1)["item"] == ["K4", "K5"]
    measured = [kind.judged(spec, o, "mrr") for o in (by_number, by_name, kept)]
    values = [float(mrr(target, output, k=3)[0]) for target, output, _ in measured]
    assert values == [pytest.approx((1 / 3 + 1) / 2)] * 3
