"""What a task that asks may see: training in validation, training and validation in the test, everything in use."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from auscult.base.arrays import Array
from auscult.base.recipe import SplitTable
from auscult.engine import outputs
from auscult.engine.arms import KNOWN
from auscult.engine.dataset import Dataset
from auscult.engine.outputs import predict_items, questions
from auscult.engine.splits import make_split
from toys.battery import task_of

Make = Callable[..., Dataset]


def _echo(inputs: Mapping[str, Array]) -> dict[str, Array]:
    """A program that answers with what it was shown, padded with -1."""
    history = inputs["history"]
    shown = np.pad(history, ((0, 0), (0, 8 - history.shape[1])), constant_values=-1)
    return {"item": shown, "score": np.zeros(shown.shape, np.float32)}


@pytest.mark.parametrize("step", [3, 2048])
@pytest.mark.parametrize(("role", "seen"), [("valid", ["train"]), ("test", ["train", "valid"])])
def test_a_question_shows_what_is_known_before(
    role: str, seen: list[str], step: int, dataset: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "QUESTIONS", step)
    baskets = dataset("next-devices", "baskets")
    items, task = baskets.items, task_of("toys", "next-devices")
    split = make_split(baskets, SplitTable(policy="per-user-holdout", test=0.3, valid=0.2), seed=1)
    chosen, known = split.select(items, role), split.select(items, *KNOWN[role])
    made = predict_items(task, baskets, chosen, run=_echo, inputs=("history",), known=known)
    assert made.record.tolist() == list(range(len(baskets)))
    device = np.asarray(items.inputs["device"])[:, 0]
    expected = split.select(items, *seen).rows
    for row, record in enumerate(made.record):
        shown = made.array("item")[row]
        assert shown[shown >= 0].tolist() == device[expected[items.record[expected] == record]].tolist()
        wanted = chosen.rows[items.record[chosen.rows] == record]
        assert made.ragged_truth("relevant")[row].tolist() == device[wanted].tolist()


def test_a_record_of_which_nothing_is_known_is_asked_about_all_the_same(dataset: Make) -> None:
    baskets = dataset("next-devices", "baskets")
    items, task = baskets.items, task_of("toys", "next-devices")
    split = make_split(baskets, SplitTable(policy="subject"), seed=1)
    made = predict_items(task, baskets, split.select(items, "test"), run=_echo, inputs=("history",))
    assert made.record.tolist() == split.records("test").tolist()
    assert (made.array("item") == -1).all()


def test_in_use_everything_in_the_record_is_known_and_nothing_asked(dataset: Make) -> None:
    baskets = dataset("next-devices", "baskets")
    task = task_of("toys", "next-devices")
    batch = next(baskets.batches())
    made = questions(task, batch, task.cut(batch))
    assert made.target is None
    for row, taken in enumerate(batch.ragged("taken")):
        assert made.inputs["history"][row][: len(taken)].tolist() == taken.tolist()
