"""What a recipe says of records by name must be true of some record."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from auscult.base.errors import DataError
from auscult.engine.dataset import Dataset

Make = Callable[..., Dataset]

SLIPS = {
    "leave_out": {"leave_out": ("r0001",)},
    "groups": {"groups": {"half": {"first": ("r0001",)}}},
    "same_subject": {"same_subject": {"r0001": "r001"}},
}


@pytest.mark.parametrize("key", SLIPS)
def test_a_record_that_is_not_there_is_refused(dataset: Make, key: str) -> None:
    with pytest.raises(DataError, match=rf"\[data\] {key}: expected names of records .* got 'r0001'"):
        dataset("colour", "points", **SLIPS[key])


def test_stated_groups_and_left_out_records(dataset: Make) -> None:
    names = dataset("colour", "points").names.tolist()
    made = dataset("colour", "points", leave_out=(names[0],), groups={"half": {"first": tuple(names[:3])}})
    assert 0 not in made.items.record
    assert made.groups["half"].tolist() == ["first"] * 3 + ["other"] * (len(names) - 3)
