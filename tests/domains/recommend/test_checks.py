"""What is said about interactions before anything is learned."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

import auscult
from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, RecordBatch
from auscult.base.files import read_json
from auscult.domains.recommend.checks import (
    one_part_only,
    popularity_share,
    rare_items,
    repeated_users,
    short_histories,
)


def _batch(*users: list[str]) -> RecordBatch:
    items = Ragged.of([np.array(u, dtype="S32") for u in users])
    return RecordBatch((Field("item", "ids", "L", ragged=True),), {"item": items}, np.arange(len(users)).astype(str))


def test_one_item_for_everybody_is_told() -> None:
    batch = _batch(*[["star"] for _ in range(30)], [f"i{k}" for k in range(20)])
    (found,) = popularity_share([batch])
    assert found.message == "1 of 21 items hold 60 % of the interactions; read the floor popularity"
    assert popularity_share([_batch([f"i{k}" for k in range(20)])]) == []
    (rare,) = rare_items([batch])
    assert rare.count == 20
    assert rare.message.startswith("20 of 21 items were taken by fewer than 5 users")
    (short,) = short_histories([batch])
    assert short.count == 30


def test_records_without_items_are_none_of_ours() -> None:
    other = RecordBatch((Field("age", "scalar"),), {"age": np.ones(1)}, np.array(["r"]))
    assert popularity_share([other]) == rare_items([other]) == short_histories([other]) == one_part_only([other]) == []


def test_what_only_the_test_has_is_told() -> None:
    batch = _batch(["a", "b"], ["c"], ["a"])
    parts = Ragged.of([np.array(p, np.int8) for p in ([0, 2], [2], [1])])
    made = one_part_only([batch.with_columns({Field("part", "ids", "L", ragged=True): parts})])
    assert [f.message for f in made] == [
        "2 items are in the test only; nothing that learns from use can list them",
        "1 users are in the test only; they are answered without a history",
    ]
    clean = Ragged.of([np.array(p, np.int8) for p in ([0, 0], [0], [2])])
    assert [f.count for f in one_part_only([batch.with_columns({Field("part", "ids", "L", ragged=True): clean})])] == [
        1
    ]


def test_a_user_in_two_tables_is_told() -> None:
    first, second = (replace(_batch(["a"], ["b"]), subject=np.array(s)) for s in (["u", "v"], ["v", "w"]))
    (found,) = repeated_users([first, second])
    assert found.count == 1
    assert found.message.startswith("1 users are in several tables or folders")
    assert repeated_users([first]) == repeated_users([_batch(["a"])]) == []


def test_the_report_says_what_is_wrong_with_interactions_and_their_split(tmp_path: Path) -> None:
    """Planted: a row twice, a user in two tables, a split that shows the future, and items of one user each."""
    rng = np.random.default_rng(0)
    rows = [
        [f"u{u}", f"i{k}", f"2024-{1 + d // 28:02d}-{1 + d % 28:02d}"]
        for u in range(60)
        for d, k in enumerate(rng.permutation(30)[:12].tolist())
    ]
    (tmp_path / "data").mkdir()
    tables = {"a": [*rows, rows[0], *([f"u{u}", f"late{u}", "2024-12-01"] for u in range(60))], "b": rows[:12]}
    for name, table in tables.items():
        with (tmp_path / "data" / f"{name}.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([["user", "item", "date"], *table])
    recipe = Path(auscult.__file__).parents[2] / "recipes" / "recommend" / "ward-usage-simulated.toml"
    quick = ("evaluate.resamples=100", "study.models=[]", "data.example=''", f"data.path='{tmp_path / 'data'}'")
    leaky = auscult.build(recipe, tmp_path / "leaky", overrides=(*quick, "split.hold_out='random'"))
    assert leaky.release is not None
    evidence = leaky.release / "evidence"
    report = (evidence / "report.html").read_text()
    quality = read_json(evidence / "quality.json")
    told = {f["check"]: f["message"] for f in quality["findings"]}
    assert "are earlier than something that the history of their user shows" in told["time-leak"]
    assert {"later-than-border", "cold-items", "training-only", "repeated-users"} <= set(told)
    for message in told.values():
        assert message.split("(")[0].split(";")[0].strip().replace("'", "&#39;") in report
    assert [a for a in quality["set_aside"] if "left out 1 of 781 interactions that repeat an item" in a["reason"]]
    groups = read_json(evidence / "metrics.json")["subgroups"]
    assert set(groups["items"]) >= {"popular", "tail", "new"}
    assert groups["items"]["new"]["metrics"]["recall_at_20"]["value"] == 0
    assert groups["users"]["warm, 5 items or more"]["metrics"]["recall_at_20"]["low"] > 0
    ordered = auscult.build(recipe, tmp_path / "ordered", overrides=quick)
    assert ordered.release is not None
    clean = {f["check"]: f for f in read_json(ordered.release / "evidence" / "quality.json")["findings"]}
    assert "time-leak" not in clean
    assert clean["cold-items"]["message"].startswith("60 of ")
