"""Splits: no unit on two sides, every record in one role, the same draw for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auscult.base.contracts import Items
from auscult.base.errors import DataError, UsageError
from auscult.base.recipe import EvaluateTable, SplitTable
from auscult.engine.dataset import Dataset
from auscult.engine.evaluate import judge_for
from auscult.engine.prepare import make_task
from auscult.engine.quality.leaks import find_leaks
from auscult.engine.splits import ROLES, Split, make_split
from toys import DOMAIN
from toys.examples import ids, write_toy

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


def test_another_key_of_the_pseudonyms_draws_the_same(dataset: Make) -> None:
    table = SplitTable(cross_fit=3)
    spec = make_task(DOMAIN, "colour", {}).spec
    first, second = dataset("colour", "points"), dataset("colour", "points", key="another key")
    assert first.subjects is not None
    assert second.subjects is not None
    assert not set(first.subjects) & set(second.subjects)
    for seed in range(3):
        assert make_split(first, table, seed=seed).to_dict(first) == make_split(second, table, seed=seed).to_dict(
            second
        )
        folds = [make_split(d, SplitTable(), seed=seed, fold=(1, 4)).to_dict(d) for d in (first, second)]
        assert folds[0] == folds[1]
    assert (
        judge_for(first, spec, EvaluateTable()).keys.tolist() == judge_for(second, spec, EvaluateTable()).keys.tolist()
    )
    pairs = [[a == b for b in first.subjects] for a in first.subjects]
    assert first.subject_order is not None
    assert pairs == [[a == b for b in first.subject_order] for a in first.subject_order]


def test_units_that_share_a_near_duplicate_stay_together_through_chains_too(dataset: Make) -> None:
    points = dataset("colour", "points")
    assert points.subjects is not None
    pairs = [(k, k + 3, "near") for k in range(0, 21, 3)] + [(40, 70, "exact")]
    linked = set(range(0, 24, 3)), {40, 70}
    apart = 0
    for seed in range(6):
        table = SplitTable(test=0.3, valid=0.3, duplicates_whole=True)
        split = make_split(points, table, seed=seed, duplicates=pairs)
        roles = {role: set(split.records(role).tolist()) for role in ROLES}
        assert all(any(some <= role for role in roles.values()) for some in linked)
        assert not set(points.subjects[list(roles["train"])]) & set(points.subjects[list(roles["test"])])
        plain = make_split(points, SplitTable(test=0.3, valid=0.3), seed=seed)
        apart += not any(linked[0] <= set(plain.records(role).tolist()) for role in ROLES)
        folds = make_split(points, table.model_copy(update={"cross_fit": 4}), seed=seed, duplicates=pairs)
        fold = dict(zip(folds.record.tolist(), folds.fold.tolist(), strict=True))
        assert all(len({fold[r] for r in some}) == 1 for some in linked)
    assert apart  # without it they are torn apart
    without = make_split(points, SplitTable(duplicates_whole=True), seed=0)
    assert without.to_dict(points) == make_split(points, SplitTable(), seed=0).to_dict(points)
    with pytest.raises(
        UsageError, match="duplicates_whole: expected policy 'subject', 'group' or 'given', got 'scaffold'"
    ):
        make_split(points, SplitTable(policy="scaffold", duplicates_whole=True), seed=0)


def test_near_duplicates_that_leave_too_few_units_are_told(dataset: Make) -> None:
    points = dataset("colour", "points")
    assert points.subject_order is not None
    n = len(np.unique(points.subject_order))
    chain = [(k, k + 1, "near") for k in range(len(points) - 1)]
    told = rf"values of 'subject', got 1, into which near-duplicates join {n} \(split.duplicates_whole\)"
    with pytest.raises(DataError, match=told):
        make_split(points, SplitTable(duplicates_whole=True), seed=0, duplicates=chain)


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


def test_what_is_nearly_the_same_as_a_record_of_a_later_role_is_left_out(dataset: Make) -> None:
    points = dataset("colour", "points")
    names = tuple(points.names.tolist())
    given = SplitTable(policy="given", train_records=names[:6], test_records=names[20:22], duplicates_whole=True)
    table = given.model_copy(update={"valid_records": names[10:12]})
    pairs = [(0, 20, "near"), (1, 10, "exact"), (2, 11, "near"), (11, 21, "near"), (3, 4, "near"), (5, 60, "near")]
    split = make_split(points, table, seed=0, duplicates=pairs)
    assert {role: split.records(role).tolist() for role in ROLES} == {
        "train": [2, 3, 4, 5],  # 11 has no role itself
        "valid": [10],
        "test": [20, 21],
    }
    assert split.to_dict(points)["counts"]["none"] == len(points) - 7
    assert not len(find_leaks(points, split, pairs).content)
    for seed in range(6):
        drawn = make_split(
            points,
            given.model_copy(update={"valid": 0.4}),
            seed=seed,
            duplicates=[(k, k + 1, "near") for k in range(3)],
        )
        assert any({0, 1, 2, 3} <= set(drawn.records(role).tolist()) for role in ("train", "valid"))
    baskets = dataset("next-devices", write=_with_parts)
    with pytest.raises(UsageError, match="expected roles of whole records, got 'part', which gives single items"):
        make_split(baskets, SplitTable(policy="given", key="part", duplicates_whole=True), seed=0)


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


def test_folds_of_cross_fitting_keep_a_group_whole(dataset: Make) -> None:
    points = dataset(
        "colour", "points", groups={"ward": {f"w{k}": tuple(f"r{k + 9 * i:03d}" for i in range(10)) for k in range(9)}}
    )
    split = make_split(points, SplitTable(cross_fit=3, fold_key="ward"), seed=0)
    for part in (split.cross_fit(k) for k in range(3)):
        wards = {role: set(points.groups["ward"][part.records(role)]) for role in ("train", "valid")}
        assert wards["valid"]
        assert not wards["train"] & wards["valid"]
    with pytest.raises(UsageError, match=r"'wart' in \[split\] fold_key; did you mean 'ward'"):
        make_split(points, SplitTable(cross_fit=3, fold_key="wart"), seed=0)


def test_records_without_items_are_in_no_role(dataset: Make) -> None:
    points = dataset("colour", "points", leave_out=("r005", "r006"))
    assert len(points) == 90
    split = make_split(points, SplitTable(), seed=0)
    used = np.concatenate([split.records(r) for r in ROLES])
    assert not {5, 6} & set(used.tolist())
    assert len(used) == 88


def _roles(split: Split, items: Items) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Role of each item, 0 to 2; every item has one."""
    role = np.full(len(items), -1)
    for number, name in enumerate(ROLES):
        rows = split.select(items, name).rows
        assert (role[rows] == -1).all()
        role[rows] = number
    assert (role >= 0).all()
    return role


@pytest.mark.parametrize("hold_out", ["random", "last"])
def test_some_interactions_of_each_user_are_held_out(hold_out: str, dataset: Make) -> None:
    baskets = dataset("next-devices", "baskets")
    items = baskets.items
    table = SplitTable(policy="per-user-holdout", test=0.3, valid=0.2, hold_out=hold_out)  # type: ignore[arg-type]
    role = _roles(make_split(baskets, table, seed=0), items)
    for record in range(len(baskets)):
        mine = role[items.record == record]  # 6 or 7 devices: 2 of them for the test, 1 of the others for validation
        assert [int((mine == r).sum()) for r in (1, 2)] == [1, 2]
        if hold_out == "last":
            assert (np.diff(mine) >= 0).all(), "validation comes after training, the test after validation"


def _with_parts(folder: Path) -> None:
    fields = [ids("taken", "L", ragged=True), ids("part", "L", ragged=True)]
    records = [
        {"record": f"r{k}", "subject": f"s{k}", "values": {"taken": list(range(k, k + 6)), "part": [0, 0, 2, 0, 2, 0]}}
        for k in range(9)
    ]
    write_toy(folder / "a.toy", fields, records)


def test_a_given_split_of_interactions(dataset: Make) -> None:
    baskets = dataset("next-devices", write=_with_parts)
    role = _roles(make_split(baskets, SplitTable(policy="given", key="part", valid=0.25), seed=0), baskets.items)
    np.testing.assert_array_equal(role == 2, np.asarray(baskets.items.inputs["part"]) == 2)
    assert (np.bincount(baskets.items.record[role == 1]) == 1).all()  # a quarter of the 4 that are not for the test
    with pytest.raises(DataError, match="expected 'device' to hold 0, 1, 2 or -1 once an item, got something else"):
        make_split(baskets, SplitTable(policy="given", key="device"), seed=0)


def test_an_item_without_a_role_is_in_none_also_between_two_of_one_role(dataset: Make) -> None:
    def write(folder: Path) -> None:
        fields = [ids("taken", "L", ragged=True), ids("part", "L", ragged=True)]
        parts = [0, -1, 0, 1, -1, 2]
        values = [{"taken": list(range(k, k + 6)), "part": parts} for k in range(4)]
        write_toy(
            folder / "a.toy",
            fields,
            [{"record": f"r{k}", "subject": f"s{k}", "values": v} for k, v in enumerate(values)],
        )

    baskets = dataset("next-devices", write=write)
    split = make_split(baskets, SplitTable(policy="given", key="part"), seed=0)
    stated = np.asarray(baskets.items.inputs["part"])
    for number, name in enumerate(ROLES):
        np.testing.assert_array_equal(split.select(baskets.items, name).rows, np.flatnonzero(stated == number))


def test_refit_gives_validation_back_after_the_choice(dataset: Make) -> None:
    baskets = dataset("next-devices", "baskets")
    apart = make_split(baskets, SplitTable(policy="per-user-holdout"), seed=0)
    given_back = make_split(baskets, SplitTable(policy="per-user-holdout", refit=True), seed=0)
    assert given_back.n_folds == 1
    assert not len(given_back.select(baskets.items, "valid"))
    choice = given_back.cross_fit(0)
    for role in ROLES:
        np.testing.assert_array_equal(choice.select(baskets.items, role).rows, apart.select(baskets.items, role).rows)
    np.testing.assert_array_equal(
        given_back.select(baskets.items, "train").rows, apart.select(baskets.items, "train", "valid").rows
    )


def test_stretches_are_selected_as_one_by_one(dataset: Make) -> None:
    waves = dataset("ahead", "waves")
    table = SplitTable(policy="time-within-subject", segment=24, history=10, horizon=3, stride=2)
    split = make_split(waves, table, seed=0)
    items = waves.items
    for role in ROLES:
        expected = np.zeros(len(items), dtype=bool)
        for p in np.flatnonzero(split.role == role):
            inside = (items.record == split.record[p]) & (items.position >= split.begin[p])
            inside &= (items.position < split.end[p]) & ((items.position - split.begin[p]) % split.step[p] == 0)
            expected |= inside
        np.testing.assert_array_equal(split.select(items, role).rows, np.flatnonzero(expected))
