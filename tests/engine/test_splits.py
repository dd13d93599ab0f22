"""Splits: no unit on two sides, every record in one role, the same draw for the same seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from auscult.base.errors import DataError, UsageError
from auscult.base.recipe import SplitTable
from auscult.engine.dataset import Dataset
from auscult.engine.splits import ROLES, make_split

Make = Callable[..., Dataset]


def test_subjects_stay_together(dataset: Make) -> None:
    points = dataset("colour", "points")
    assert points.subjects is not None
    for seed in range(5):
        split = make_split(points, SplitTable(test=0.3, valid=0.3), seed=seed)
        roles = {role: set(points.subjects[split.records(role)]) for role in ROLES}
        assert sum(len(s) for s in roles.values()) == len(set(points.subjects))
        assert not roles["train"] & roles["test"]
        assert sorted(np.concatenate([split.records(r) for r in ROLES])) == list(range(90))
        assert abs(len(split.records("test")) - 27) <= 2  # 0.3 of 90, in subjects of 2
        items = {role: split.select(points.items, role) for role in ROLES}
        assert sum(map(len, items.values())) == len(points.items)


def test_the_same_seed_draws_the_same(dataset: Make) -> None:
    points = dataset("colour", "points")
    first, again, other = (make_split(points, SplitTable(seed=s), seed=t) for s, t in ((1, 0), (1, 0), (1, 1)))
    assert first.to_dict(points) == again.to_dict(points)
    assert first.to_dict(points) != other.to_dict(points)
    assert all(len(row[0]) == 64 for row in first.to_dict(points)["rows"])


def test_folds_test_every_record_once(dataset: Make) -> None:
    points = dataset("colour", "points")
    splits = [make_split(points, SplitTable(), seed=0, fold=(k, 4)) for k in range(4)]
    tested = np.concatenate([s.records("test") for s in splits])
    assert sorted(tested.tolist()) == list(range(90))
    for split in splits:
        assert not set(split.records("test")) & (set(split.records("train")) | set(split.records("valid")))


def test_groups_stay_together_and_an_unknown_key_is_named(dataset: Make) -> None:
    points = dataset(
        "colour", "points", groups={"ward": {f"w{k}": tuple(f"r{k + 5 * i:03d}" for i in range(18)) for k in range(5)}}
    )
    split = make_split(points, SplitTable(policy="group", key="ward"), seed=0)
    wards = {role: set(points.groups["ward"][split.records(role)]) for role in ROLES}
    assert not wards["train"] & wards["test"]
    assert not wards["train"] & wards["valid"]
    with pytest.raises(UsageError, match=r"unknown group key 'wards' in \[split\] key; did you mean 'ward'\?"):
        make_split(points, SplitTable(policy="group", key="wards"), seed=0)
    with pytest.raises(DataError, match="expected at least 3 different values of 'sex', got 2"):
        make_split(points, SplitTable(policy="group", key="sex"), seed=0)


def test_a_given_split_is_what_is_given(dataset: Make) -> None:
    points = dataset("colour", "points")
    table = SplitTable(
        policy="given", train_records=("r000", "r001", "r002", "r003"), test_records=("r010",), valid=0.5
    )
    split = make_split(points, table, seed=0)
    assert split.records("test").tolist() == [10]
    assert sorted([*split.records("train"), *split.records("valid")]) == [0, 1, 2, 3]
    assert points.subjects is not None
    assert not set(points.subjects[split.records("train")]) & set(points.subjects[split.records("valid")])
    with pytest.raises(
        UsageError, match=r"\[split\] test_records: expected names of records .* got 'r0001'"
    ) as refusal:
        make_split(points, table.model_copy(update={"test_records": ("r0001",)}), seed=0)
    assert "r001'" not in str(refusal.value), "a record's name may name a person, so the others are not listed"


def test_time_goes_forward(dataset: Make) -> None:
    waves = dataset("ahead", "waves")
    table = SplitTable(policy="time-within-subject", segment=24, horizon=3)
    split = make_split(waves, table, seed=0)
    sets = {role: split.select(waves.items, role, every=True) for role in ROLES}
    assert waves.subjects is not None
    for subject in set(waves.subjects):
        records = np.flatnonzero(waves.subjects == subject)
        last = {}
        for role, chosen in sets.items():
            mine = chosen.rows[np.isin(waves.items.record[chosen.rows], records)]
            order = waves.items.record[mine] * 100_000 + waves.items.position[mine]
            last[role] = (order.min(), order.max()) if len(order) else (None, None)
        if None not in [v for pair in last.values() for v in pair]:
            assert last["train"][1] < last["valid"][0]
            assert last["valid"][1] < last["test"][0]
    rows = np.concatenate([s.rows for s in sets.values()])
    assert len(rows) == len(set(rows.tolist()))


def test_cross_fit_gives_validation_back_to_training(dataset: Make) -> None:
    points = dataset("colour", "points")
    split = make_split(points, SplitTable(cross_fit=3), seed=0)
    assert not len(split.records("valid"))
    parts = [split.cross_fit(k) for k in range(3)]
    out = np.concatenate([p.records("valid") for p in parts])
    assert sorted(out.tolist()) == sorted(split.records("train").tolist())
    for part in parts:
        assert points.subjects is not None
        assert not set(points.subjects[part.records("train")]) & set(points.subjects[part.records("valid")])
        assert part.records("test").tolist() == split.records("test").tolist()


def test_records_without_items_are_in_no_role(dataset: Make) -> None:
    points = dataset("colour", "points", leave_out=("r005", "r006"))
    assert len(points) == 90
    split = make_split(points, SplitTable(), seed=0)
    used = np.concatenate([split.records(r) for r in ROLES])
    assert not {5, 6} & set(used.tolist())
    assert len(used) == 88
