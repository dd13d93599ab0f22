"""What is wrong between the roles of a split, on faults that were put there."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.arrays import Ragged
from auscult.base.contracts import Items, ItemSet, Outputs
from auscult.domains.recommend.preprocess.between import (
    Uses,
    divided_lists,
    findings_between,
    item_groups,
    popular_items,
    user_groups,
)
from auscult.domains.recommend.preprocess.names import as_names

NONE: list[tuple[str, int, float]] = []


def _uses(rows: list[tuple[str, int, float]]) -> Uses:
    """Interactions (item, user, time)."""
    items, users, times = ([r[k] for r in rows] for k in range(3))
    return Uses(as_names(items), np.array(users, dtype=np.int64), np.array(times, dtype=np.float64))


def _found(
    train: list[tuple[str, int, float]], test: list[tuple[str, int, float]], valid: list[tuple[str, int, float]] = NONE
) -> dict[str, tuple[int, str]]:
    made = findings_between({"train": _uses(train), "valid": _uses(valid), "test": _uses(test)})
    return {f.check: (f.count, f.message) for f in made}


def test_a_clean_split_has_nothing_to_say() -> None:
    assert _found([("a", 0, 1.0), ("b", 1, 2.0)], [("b", 0, 3.0), ("a", 1, 4.0)]) == {}
    assert findings_between({"train": _uses(NONE), "valid": _uses(NONE), "test": _uses([("a", 0, 1.0)])}) == []


@pytest.mark.parametrize("role", ["train", "valid"])
def test_a_history_that_holds_the_future_is_found_in_either_role(role: str) -> None:
    clean = [("a", 0, 1.0), ("b", 1, 1.0)]
    late = [("b", 0, 9.0)]
    asked = [("b", 1, 3.0), ("a", 0, 3.0), ("a", 0, 9.5)]
    found = _found([*clean, *late] if role == "train" else clean, asked, late if role == "valid" else NONE)
    count, text = found["time-leak"]
    assert count == 1  # of user 0 the first of two; user 1's history ends before
    assert text.startswith("1 of 3 interactions of the test are earlier than something that the history")
    assert "hold_out = 'last'" in text
    assert ("later-than-border" in found) == (role == "train")


def test_training_later_than_the_first_of_the_test_is_counted() -> None:
    found = _found([("a", 0, 1.0), ("b", 1, 5.0), ("b", 2, 7.0)], [("b", 0, 4.0), ("a", 1, 8.0), ("a", 2, 9.0)])
    assert found["later-than-border"][0] == 2
    assert found["later-than-border"][1].startswith(
        "2 of 3 interactions that are learned from are later than the first"
    )
    assert "time-leak" not in found


def test_without_times_nothing_is_said_of_them() -> None:
    nan = float("nan")
    found = _found([("a", 0, nan), ("b", 0, 9.0)], [("b", 0, nan)])
    assert not {"time-leak", "later-than-border"} & set(found)


def test_cold_items_and_users_are_counted_with_their_share() -> None:
    found = _found([("a", 0, 1.0)], [("a", 0, 2.0), ("x", 0, 2.0), ("x", 1, 2.0), ("y", 1, 2.0)])
    assert found["cold-items"][0] == 2
    assert (
        "2 of 3 items of the test are in no interaction of training; they are 75.0 % of the test"
        in (found["cold-items"][1])
    )
    assert found["cold-users"] == (
        1,
        "1 of 2 users of the test have no history (50.0 %); they are answered by attributes or by popularity",
    )


def test_a_history_of_validation_makes_a_user_known_and_an_item_not() -> None:
    found = _found([("a", 0, 1.0)], [("b", 1, 3.0), ("a", 0, 3.0)], valid=[("b", 1, 2.0)])
    assert "cold-users" not in found
    assert found["cold-items"][0] == 1


def test_what_is_in_training_only_is_counted() -> None:
    found = _found([("a", 0, 1.0), ("b", 1, 1.0), ("c", 2, 1.0)], [("a", 0, 2.0)])
    assert found["training-only"][0] == 4
    assert found["training-only"][1].startswith("2 users and 2 items are in training and validation only")


def test_popular_is_the_fifth_that_most_took() -> None:
    rows = [(f"i{k}", user, 0.0) for k in range(10) for user in range(1 + 9 * (k in (3, 7)))]
    names, popular = popular_items(_uses(rows))
    assert [n.decode() for n in names[popular]] == ["i3", "i7"]
    groups = item_groups(as_names(["i3", "i4", "zz", "i7"]), _uses(rows))
    assert {k: v.tolist() for k, v in groups.items()} == {
        "popular": [True, False, False, True],
        "tail": [False, True, False, False],
        "new": [False, False, True, False],
    }


def test_users_are_known_by_five_items_of_training_and_validation() -> None:
    train = _uses([(f"i{k}", 0, 0.0) for k in range(3)] + [("i0", 1, 0.0)])
    valid = _uses([("i8", 0, 0.0), ("i9", 0, 0.0)])
    groups = user_groups(np.array([0, 1, 2]), train, valid)
    assert [v.tolist() for v in groups.values()] == [[True, False, False], [False, True, True]]


def test_lists_are_judged_for_one_kind_of_items_at_a_time() -> None:
    rows = [(f"i{k}", user, 0.0) for k in range(5) for user in range(1 + 9 * (k == 2))]
    relevant = Ragged.of([as_names(["i2", "i4"]), as_names(["i1"]), as_names(["new"])])
    lists = Outputs({"item": np.zeros((3, 2), "S32")}, np.arange(3), None, {"relevant": relevant})
    divided = divided_lists(lists, _uses(rows), _uses(NONE))
    assert {k: v.record.tolist() for k, v in divided["items"].items()} == {"popular": [0], "tail": [0, 1], "new": [2]}
    tail = divided["items"]["tail"].ragged_truth("relevant")
    assert [[bytes(n).decode() for n in row] for row in tail] == [["i4"], ["i1"]]
    assert sum(len(v) for v in divided["users"].values()) == 3


def test_what_was_shown_and_not_taken_is_no_use() -> None:
    items = Items({"item": np.array([4, 5])}, np.array([0, 0]), np.array([0, 1]), np.array([1, 0]))
    uses = Uses.of(ItemSet(items, np.arange(2)), taken_only=True)
    assert uses.item.tolist() == [4]
    assert np.isnan(uses.time).all()
