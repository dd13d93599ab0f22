"""The comparison with plain LightGCN: both sides follow the same curve."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the peer is not installed", exc_type=ImportError)

import speed_lightgcn_epoch as speed


def test_both_sides_learn_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(speed.DATA, raising=False)
    made = speed.measure(0.1, 2)
    told = made["context"]
    np.testing.assert_allclose(told["ndcg_ours"], told["ndcg_theirs"], atol=2e-4)
    assert [p["setting"] for p in made["peers"]] == ["CSR, 2 epochs", "COO, 1 epochs"]
    assert told["input"].startswith("simulated users")
