"""The error tree and its one message function."""

from __future__ import annotations

import pytest

from auscult.base import errors
from auscult.base.errors import AuscultError, unknown

CODES = {  # design.md: 0 done, 1 internal, 2 bad usage or input, 3 a gate or a verification failed
    "AuscultError": 1, "UsageError": 2, "RecipeError": 2, "MissingExtraError": 2, "InputError": 2, "ReadError": 2,
    "UnitError": 2, "ShapeError": 2, "DataError": 2, "LimitError": 2, "GateError": 3, "VerifyError": 3,
}  # fmt: skip


def test_exit_codes() -> None:
    tree = {n: c.exit_code for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, AuscultError)}
    assert tree == CODES


def test_unknown_says_the_nearest_and_the_known() -> None:
    told = unknown("model", "resnet", ["tcn", "resnet1d"], where="recipe a.toml")
    assert told == "unknown model 'resnet' in recipe a.toml; did you mean 'resnet1d'? Known: resnet1d, tcn"


def test_unknown_without_anything_near_or_known() -> None:
    assert unknown("model", "zzz", ["tcn"]) == "unknown model 'zzz'. Known: tcn"
    assert unknown("model", "zzz", []) == "unknown model 'zzz'. Known: none"


@pytest.mark.parametrize("name", [3, None, ("a",)])
def test_unknown_takes_any_name(name: object) -> None:
    assert "Known: 1, 2" in unknown("k", name, [2, 1])
