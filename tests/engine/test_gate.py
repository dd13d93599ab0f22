"""The input gate: what looks like training passes, what does not is refused with the reason."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.contracts import Items, ItemSet
from auscult.base.errors import ShapeError
from auscult.engine.gate import Gate, fit_gate


def _items(n: int, *, gain: float = 1.0, seed: int = 0, record: int = 1) -> Items:
    rng = np.random.default_rng(seed)
    t = np.arange(100) / 50
    window = gain * (np.sin(2 * np.pi * (t + rng.random((n, 1, 1)))) + rng.normal(0, 0.1, (n, 1, 100)))
    return Items({"window": window.astype(np.float32)}, np.arange(n) // record, np.arange(n))


def _gate() -> Gate:
    items = _items(600)
    gate = fit_gate(ItemSet(items, np.arange(400)), ItemSet(items, np.arange(400, 600)), refusal=0.02, seed=0)
    assert gate is not None
    return gate


def test_share_of_validation_beyond_the_limit_is_what_was_asked_for() -> None:
    gate = _gate()
    beyond = gate.distances(_items(600)) > gate.limit
    assert 0.0 < beyond[400:].mean() <= 0.02  # the quantile of its own 200 items


@pytest.mark.parametrize("gain", [0.0, 50.0, -30.0])
def test_dead_and_foreign_signals_are_refused(gain: float) -> None:
    (reason,) = _gate().refusals(_items(5, gain=gain, record=5), 1)
    assert reason.startswith("does not look like the training data: 5 of 5 items are out of distribution")


def test_usual_records_pass() -> None:
    assert _gate().refusals(_items(20, seed=9, record=5), 4) == [""] * 4


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_not_finite_refuses_its_record_alone(bad: float) -> None:
    items = _items(10, record=5)
    items.inputs["window"][7, 0, 3] = bad
    reasons = _gate().refusals(items, 2)
    assert reasons == ["", "expected finite numbers, got NaN or infinity in 1 of 5 items"]


def test_a_record_without_items_is_refused() -> None:
    items = _items(5, record=5)
    assert _gate().refusals(items, 2)[1] == "nothing in the record that the model could answer"


def test_other_axes_are_refused() -> None:
    items = Items({"window": np.zeros((3, 2, 100), np.float32)}, np.zeros(3, np.int64), np.arange(3))
    with pytest.raises(ShapeError, match=r"input gate: expected .* got .*other axes than in training"):
        _gate().distances(items)


def test_comes_back_from_json() -> None:
    gate = _gate()
    again = Gate.from_dict(gate.to_dict())
    np.testing.assert_allclose(again.distances(_items(5)), gate.distances(_items(5)))
    assert again.limit == gate.limit


def test_nothing_to_look_at() -> None:
    items = Items({"ids": np.zeros((4, 3), np.int64)}, np.arange(4), np.arange(4))
    assert fit_gate(ItemSet(items, np.arange(2)), ItemSet(items, np.arange(2, 4)), refusal=0.01, seed=0) is None


def test_constant_features_do_not_break_it() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(size=(50, 2)), np.ones((50, 1))], axis=1).astype(np.float32)
    items = Items({"features": values}, np.arange(50), np.arange(50))
    gate = fit_gate(ItemSet(items, np.arange(30)), ItemSet(items, np.arange(30, 50)), refusal=0.1, seed=0)
    assert gate is not None
    assert np.isfinite(gate.distances(items)).all()
