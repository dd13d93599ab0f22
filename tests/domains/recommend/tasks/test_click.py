"""Pairs of a user and an item: what is learned, what is asked, and what may be seen with each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import ReadError
from auscult.domains.recommend.preprocess.catalogue import hashed
from auscult.domains.recommend.preprocess.names import as_names
from auscult.domains.recommend.tasks.click import Click, ClickConfig, without
from auscult.engine.outputs import take_items


def _batch(*users: tuple[list[str], list[int] | None]) -> RecordBatch:
    columns = {Field("item", "ids", "L", ragged=True): Ragged.of([as_names(i) for i, _ in users])}
    if users[0][1] is not None:
        columns[Field("clicked", "ids", "L", ragged=True)] = Ragged.of([np.array(c, np.int8) for _, c in users])
    names = np.array([f"u{k}" for k in range(len(users))])
    return RecordBatch(tuple(columns), {f.name: c for f, c in columns.items()}, names, names)


@pytest.fixture
def listed(tmp_path: Path) -> Click:
    (tmp_path / "items.txt").write_text("".join(f"D{k}\t{k}\n" for k in range(1, 10)))
    return Click(ClickConfig(catalogue=str(tmp_path / "items.txt"), history=3))


def test_items_are_drawn_where_nothing_says_what_was_not_taken(listed: Click) -> None:
    batch = listed.prepare(_batch((["D1", "D5", "foreign"], None), (["D2"], None)))
    items = listed.cut(batch)
    assert items.target is not None
    assert items.record.tolist() == [0, 0, 0, 0, 1, 1]
    assert items.target.tolist() == [1, 1, 0, 0, 1, 0]
    assert items.inputs["item"][[0, 1, 4]].tolist() == [1, 5, 2]
    assert not {1, 5} & set(items.inputs["item"][2:4].tolist())
    assert items.position.tolist() == [0, 1, 2, 3, 0, 1]


def test_a_click_log_says_itself_and_what_is_asked_is_not_learned() -> None:
    task = Click(ClickConfig())
    batch = task.prepare(_batch((["D1", "D2", "D3"], [1, 0, -1])))
    items = task.cut(batch)
    assert items.target is not None
    assert items.target.tolist() == [1, 0]
    asked = task.ask(batch, task.cut_new(batch), None)
    assert asked.inputs["item"].tolist() == task.cut_new(batch).inputs["item"][2:].tolist()
    assert asked.inputs["history"][0].tolist()[:2] == [int(task.cut_new(batch).inputs["item"][0]), 0]


def test_where_all_is_known_each_is_asked_about_without_itself(listed: Click) -> None:
    batch = listed.prepare(_batch((["D1", "D2"], None)))
    asked = listed.ask(batch, listed.cut_new(batch), None)
    assert asked.inputs["item"].tolist() == [1, 2]
    assert asked.inputs["history"].tolist() == [[2, 0, 0], [1, 0, 0]]


def test_a_question_shows_only_what_is_known(listed: Click) -> None:
    batch = listed.prepare(_batch((["D1", "D2", "D3"], [1, 1, 0])))
    items = listed.cut(batch)
    known, asked = (take_items(items, np.array(r), items.record[r]) for r in ([0], [1, 2]))
    made = listed.ask(batch, known, asked)
    assert made.inputs["history"].tolist() == [[1, 0, 0], [1, 0, 0]]
    assert made.target is not None
    assert made.target.tolist() == [1, 0]


def test_without_an_answer_or_a_catalogue_nothing_can_be_learned() -> None:
    task = Click(ClickConfig())
    batch = task.prepare(_batch((["D1"], None)))
    with pytest.raises(ReadError, match="clicked: expected a column that says what was not taken, got none"):
        task.cut(batch)


def test_users_of_other_items_are_told(listed: Click) -> None:
    made, told = listed.sift(_batch((["D1"], None), (["other", "foreign"], None)))
    assert made is not None
    assert len(made) == 1
    assert told == {1: "expected items of the catalogue, got none of 2"}
    with pytest.raises(ReadError, match="expected items of the catalogue, got none of 1"):
        listed.prepare(_batch((["other"], None)))
    with pytest.raises(ReadError, match="expected items of users, got age"):
        listed.sift(RecordBatch((Field("age", "scalar"),), {"age": np.ones(1)}, np.array(["r"])))


def test_a_reason_is_the_item_without_which_the_probability_falls(listed: Click) -> None:
    batch = listed.prepare(_batch((["D1", "D2", "D3"], [1, 1, -1])))

    def run(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        yes = 0.1 + 0.5 * (inputs["history"] == 2).any(axis=1)
        return {"probability": np.stack([1 - yes, yes], axis=1)}

    questions = listed.ask(batch, listed.cut_new(batch), None)
    outputs = listed.join(batch, questions, run(questions.inputs))
    (told,) = listed.explain(batch, outputs, run)
    assert told == {"items": [{"item": "D3", "because": [{"item": "D2", "adds": 0.5}]}]}


def test_an_item_is_taken_out_of_its_history() -> None:
    history = np.array([[4, 5, 6], [4, 5, 0]])
    assert without(history, np.array([5, 9])).tolist() == [[4, 6], [4, 5]]


def test_a_pair_has_its_context_and_a_drawn_one_that_of_a_taken_one(listed: Click) -> None:
    batch = _batch((["D1", "foreign", "D5"], None), (["D2"], None))
    where = Ragged.of([as_names(["night", "day", "day"]), as_names([""])])
    made = listed.cut(listed.prepare(batch.with_columns({Field("context", "ids", "L", ragged=True): where})))
    night, day = hashed(as_names(["night", "day"])).tolist()
    assert made.inputs["context"].tolist() == [night, day, night, day, 0, 0]
    assert listed.cut(listed.prepare(batch)).inputs["context"].tolist() == [0] * 6
    later = Ragged.of([np.array([1.0, 2.0, 3.0]), np.array([4.0])])
    timed = listed.cut(listed.prepare(batch.with_columns({Field("time", "array", "T", "s", ragged=True): later})))
    np.testing.assert_array_equal(timed.inputs["time"], [1, 3, np.nan, np.nan, 4, np.nan])
