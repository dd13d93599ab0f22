"""The comparison with a plain training loop: it runs at every setting of the peer."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="training is not installed")

import numpy as np
import speed_image_train as script


def test_both_sides_are_timed_at_every_setting() -> None:
    items = script.pictures(128, 16)
    made = script.measure(128, side=16, epochs=1, repeats=1)
    assert [p["setting"] for p in made["peers"]] == list(script.SETTINGS)
    assert made["ours"][1] == "images/s"
    assert np.isin(items.target(), (0, 1)).all()
    assert items.inputs()["image"].shape == (128, 1, 16, 16)
