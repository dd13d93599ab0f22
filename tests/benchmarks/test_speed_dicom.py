"""The comparison with MONAI: both sides read every file, in turn."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import measure
import numpy as np
import pytest

pytest.importorskip("monai", reason="the peer is not installed", exc_type=ImportError)

import speed_dicom_prepare as speed


def test_both_sides_read_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    default = next(iter(speed.SETTINGS))
    monkeypatch.setattr(speed, "SETTINGS", {default: speed.SETTINGS[default]})
    made = speed.measure(tmp_path, count=3, side=64, repeats=1)
    assert [p["setting"] for p in made["peers"]] == [default]
    assert made["ours"][1] == "images/s"
    assert speed.ours(tmp_path) == 3
    stored: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = []
    monkeypatch.setattr(np, "save", lambda path, values: stored.append(values))
    speed.theirs(sorted(tmp_path.glob("*.dcm")), speed.SETTINGS[default])
    assert stored[0].shape == (3, 1, speed.GRID, speed.GRID)


def test_rounds_take_turns_and_each_ratio_is_of_one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    seconds = iter([1.0, 4.0, 2.0, 4.0, 3.0, 4.0])

    def timed(call: object) -> float:
        assert callable(call)
        call()
        return next(seconds)

    monkeypatch.setattr(measure, "seconds_of", timed)
    made = measure.in_turn(
        partial(called.append, "ours"),
        {"default": lambda: partial(called.append, "peer")},
        amount=8.0, unit="images/s", repeats=3, of=("numpy", "a call"),
    )  # fmt: skip
    assert called == ["ours", "peer"] * 3
    assert made["ours"] == (4.0, "images/s")  # median of 8, 4 and 8 / 3
    (entry,) = made["peers"]
    assert (entry["value"], entry["ratio"], entry["note"]) == (2.0, 2.0, "a call")  # median of 4, 2 and 4 / 3
