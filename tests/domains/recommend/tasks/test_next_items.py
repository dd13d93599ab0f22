"""The question of a user, and why an item is in the answer."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import auscult
from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, Items, RecordBatch
from auscult.base.errors import DataError, ReadError, RecipeError
from auscult.domains.recommend.preprocess.names import as_names, padded, unpadded
from auscult.domains.recommend.preprocess.reasons import noted
from auscult.domains.recommend.tasks.next_items import NextItems, NextItemsConfig
from auscult.engine.build import BuildOptions
from auscult.engine.outputs import take_items


def _batch(*users: tuple[str, list[str]]) -> RecordBatch:
    items = Ragged.of([as_names(i) if i else as_names(["x"])[:0] for _, i in users])
    names = np.array([u for u, _ in users])
    return RecordBatch((Field("item", "ids", "L", ragged=True),), {"item": items}, names, names)


def test_a_question_has_what_is_known_and_a_truth_what_is_asked() -> None:
    task = NextItems(NextItemsConfig())
    batch = task.prepare(_batch(("a", ["D1", "D2", "D3"]), ("b", []), ("c", ["D4"])))
    items = task.cut(batch)
    assert items.record.tolist() == [0, 0, 0, 2]
    assert items.position.tolist() == [0, 1, 2, 0]
    known, asked = (take_items(items, np.array(r), items.record[r]) for r in ([0, 2], [1, 3]))
    made = task.ask(batch, known, asked)
    assert made.inputs["history"].tolist() == [[b"D1", b"D3"], [b"", b""], [b"", b""]]
    assert made.target is not None
    assert made.target.tolist() == [[b"D2"], [b""], [b"D4"]]


def test_records_of_something_else_are_refused() -> None:
    batch = RecordBatch((Field("age", "scalar"),), {"age": np.ones(1)}, np.array(["r"]))
    with pytest.raises(ReadError, match="expected items of users, got age"):
        NextItems(NextItemsConfig()).prepare(batch)


def test_rows_are_padded_and_come_back() -> None:
    names = as_names(["a", "b", "c", "d"])
    rows = padded(names, np.array([2, 0, 2, 2]), 4)
    assert rows.tolist() == [[b"b", b"", b""], [b"", b"", b""], [b"a", b"c", b"d"], [b"", b"", b""]]
    assert [r.tolist() for r in unpadded(rows)] == [[b"b"], [], [b"a", b"c", b"d"], []]


def test_what_has_a_low_weight_is_left_out_where_that_is_asked() -> None:
    batch = _batch(("a", ["D1", "D2"]), ("b", ["D3"]), ("new", []))
    weight = Ragged.of([np.array([1.0, 4.0]), np.array([2.0]), np.array([])])
    rated = batch.with_columns({Field("weight", "array", "L", "1", ragged=True): weight})
    made, told = NextItems(NextItemsConfig(least_weight=3)).sift(rated)
    assert made is not None
    assert made.record.tolist() == ["a", "new"]
    assert [r.tolist() for r in made.ragged("item")] == [[b"D2"], []]
    why = "[task] least_weight: expected an item of a weight of at least 3, got none; lower the setting"
    assert told == {1: why}
    with pytest.raises(ReadError, match=re.escape(why)):
        NextItems(NextItemsConfig(least_weight=3)).prepare(rated.take(np.array([1])))
    whole = NextItems(NextItemsConfig()).prepare(rated)
    assert [r.tolist() for r in whole.ragged("item")] == [[b"D1", b"D2"], [b"D3"], []]
    with pytest.raises(ReadError, match="least_weight: expected a column of weights, got none; leave the setting out"):
        NextItems(NextItemsConfig(least_weight=3)).prepare(batch)


def test_a_least_weight_counts_the_largest_of_a_pair_and_an_error_names_it(tmp_path: Path) -> None:
    """Every device was used once with 1 and later with 9."""
    rows = [
        f"u{u},D{(7 * u + d) % 30},{day},{w}"
        for u in range(12)
        for d in range(5)
        for day, w in (("2023-01-01", 1), ("2024-01-01", 9))
    ]
    data = tmp_path / "data"
    data.mkdir()
    (data / "use.csv").write_text("user,device,time,weight\n" + "\n".join(rows))
    recipe = Path(auscult.__file__).parents[2] / "recipes" / "recommend" / "ward-usage-simulated.toml"
    changes = (f"data.path='{data}'", "data.example=''", "model.rank=2", "study.models=[]")
    made = auscult.build(
        recipe, tmp_path / "run", overrides=(*changes, "task.least_weight=3"), options=BuildOptions(until="train")
    )
    assert made.n_records == 12
    with pytest.raises(DataError, match=r"got none of .* least_weight: expected an item of a weight of at least 10"):
        auscult.build(
            recipe,
            tmp_path / "other",
            overrides=(*changes, "task.least_weight=10"),
            options=BuildOptions(until="train"),
        )


def test_a_table_without_the_columns_is_told_which_are_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "use.csv").write_text(
        "Anwender-ID;Gerät;Ausgabedatum\nA. Muster;Monitor;22.07.2024\n", encoding="utf-8-sig"
    )
    recipe = Path(auscult.__file__).parents[2] / "recipes" / "recommend" / "ward-usage-simulated.toml"
    with pytest.raises(RecipeError) as error:
        auscult.build(recipe, tmp_path / "run", overrides=(f"data.path='{data}'", "data.example=''"))
    told = str(error.value)
    assert "got none in data; patients: a table whose first column is patient or patient_id, and no column" in told
    assert "interactions: CSV in UTF-8 or Parquet with a column of users (user, user_id, userid, patient, " in told
    assert " and one of items (item, item_id, itemid, device, device_id, product, product_id, artistid)" in told
    assert "edges: a table with the columns device,predicate or source,target or from,to" in told
    assert "Muster" not in told


def test_a_split_of_what_is_left_says_why_the_rest_was_set_aside(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rows = ["u0,D0,2024-07-22", "u0,,2024-07-22", *(f"u{k % 9},D{k},07/22/2024" for k in range(30))]
    (data / "use.csv").write_text("user,device,time\n" + "\n".join(rows))
    recipe = Path(auscult.__file__).parents[2] / "recipes" / "recommend" / "ward-usage-simulated.toml"
    why = "got none of 1; most often set aside: left out 30 of 32 interactions whose time is no date and time such as"
    with pytest.raises(DataError, match=why):
        auscult.build(recipe, tmp_path / "run", overrides=(f"data.path='{data}'", "data.example=''"))


def test_an_unknown_item_and_an_empty_history_are_answered_by_popularity(tmp_path: Path) -> None:
    recipe = Path(auscult.__file__).parents[2] / "recipes" / "recommend" / "ward-usage-simulated.toml"
    made = auscult.build(recipe, tmp_path / "run", overrides=("evaluate.resamples=100", "study.models=[]"))
    assert made.release is not None
    asked = tmp_path / "asked.csv"
    known = "SIM-ICU-PUMP-0"
    asked.write_text(f"ward,device\nnew,\nstrange,never-seen\nstrange,{'x' * 10240}\nknown,{known}\nknown,else-1\n")
    answers = list(auscult.predict(made.release, asked, explain=True))
    by_name = {a.record.rpartition("/")[2]: a for a in answers}
    told = by_name.pop("asked", None) or next(a for a in answers if a.status == "refused")
    assert {k: a.status for k, a in by_name.items() if a.status != "refused"} == dict.fromkeys(
        ("new", "strange", "known"), "answered"
    )
    new, strange = by_name["new"], by_name["strange"]
    assert new.answers[0]["item"] == strange.answers[0]["item"]
    assert "note" not in new.answers[0]
    nothing = "1 of 1 items unknown from training and not looked at: never-seen; popular items are listed"
    assert strange.answers[0]["note"] == nothing
    assert by_name["known"].answers[0]["note"] == "1 of 2 items unknown from training and not looked at: else-1"
    assert new.explanation is not None
    assert all(i["because"] == [] and i["popular"] for i in new.explanation["items"])
    assert known not in by_name["known"].answers[0]["item"]
    assert "left out 1 of 5 interactions whose item has a name of more than" in told.reason
    asked.write_text("ward,device\nnew,\n")
    assert [a.status for a in auscult.predict(made.release, asked)] == ["answered"]


def test_a_note_of_many_unknown_items_counts_them_and_names_some() -> None:
    history = as_names(["ü" * 16, *(f"D{k}" for k in range(4)), ""])[None]
    arrays = {"item": history, "score": np.zeros(history.shape), "unknown": history != b""}
    items = Items({"history": history}, np.zeros(1, np.int64), np.zeros(1, np.int64))
    (note,) = noted(items, arrays)["note"].tolist()
    told = (
        "5 of 5 items unknown from training and not looked at: " + "ü" * 16 + ", D0, D1 and 2 more; popular items are"
    )
    assert note.decode() == f"{told} listed"
    assert "note" not in noted(Items(items.inputs, items.record, items.position, history), arrays)
