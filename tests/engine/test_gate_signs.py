"""The gate of tasks with signs: far from every centre is refused, and no item is kept."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from auscult.base.contracts import Items, ItemSet, Task
from auscult.base.errors import ShapeError
from auscult.engine.gate_signs import EXTREME, MEMBERS, fit_signs_gate, read_gate

RNG = np.random.default_rng(0)
NEAR = np.concatenate([RNG.normal(0, 1, (300, 4)), RNG.normal(20, 1, (300, 4))])[RNG.permutation(600)]


class Plain:
    """Signs are the numbers themselves."""

    def signs(self, items: Items) -> Any:
        return items.inputs["x"]


def items(x: np.ndarray[Any, Any]) -> Items:
    rows = np.arange(len(x))
    return Items({"x": x}, rows, np.zeros_like(rows))


def gate(x: np.ndarray[Any, Any] = NEAR) -> Any:
    whole = items(x)
    cut = 2 * len(x) // 3
    train, valid = ItemSet(whole, np.arange(cut)), ItemSet(whole, np.arange(cut, len(x)))
    return fit_signs_gate(Plain(), train, valid, refusal=0.02, seed=0)


def test_two_kinds_pass_and_what_lies_between_does_not() -> None:
    """A distance to one mean would let the middle pass."""
    found = gate().refusals(items(np.array([[0.0] * 4, [20.0] * 4, [10.0] * 4, [60.0] * 4])), 4)
    assert [bool(reason) for reason in found] == [False, False, True, True]
    assert found[2] == "does not look like the training data: 1 of 1 items are out of distribution"


def test_the_share_of_validation_beyond_the_limit() -> None:
    made = gate()
    assert 0 < (made.distances(items(NEAR[400:])) > made.limit).mean() <= 0.02


def test_a_centre_is_the_mean_of_several_items() -> None:
    made = gate()
    z = np.clip((NEAR[:400] - made.middle) / made.scale, -EXTREME, EXTREME)
    nearest = ((z[:, None] - made.centres[None]) ** 2).sum(axis=2).argmin(axis=1)
    assert np.bincount(nearest).min() >= MEMBERS // 2
    assert len(gate(NEAR[:9]).centres) == 1


def test_the_same_after_json() -> None:
    made = gate()
    again = read_gate(made.to_dict(), cast("Task", Plain()))
    assert again is not None
    np.testing.assert_allclose(again.distances(items(NEAR)), made.distances(items(NEAR)), atol=1e-5)


def test_what_is_not_finite_and_other_signs() -> None:
    assert gate().refusals(items(np.array([[np.nan] * 4])), 1) == [
        "expected finite numbers, got NaN or infinity in 1 of 1 items"
    ]
    assert gate().refusals(items(np.zeros((0, 4))), 1) == ["nothing in the record that the model could answer"]
    with pytest.raises(ShapeError, match="input gate: expected 4 signs, got"):
        gate().distances(items(np.zeros((1, 5))))
