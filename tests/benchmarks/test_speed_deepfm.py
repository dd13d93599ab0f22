"""The comparison of DeepFM with a DataLoader: same network on both sides, every row once, memory is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the peer is not installed", exc_type=ImportError)

import speed_deepfm_rows as speed
import torch


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(speed, "SIZE", 50)
    monkeypatch.setattr(speed, "PIECE", 100)
    speed.write_table(tmp_path, 240)
    return tmp_path


def test_both_sides_have_the_same_network(table: Path) -> None:
    ours, theirs = speed.Clicks().eval(), speed.Plain().eval()
    theirs.network.load_state_dict(ours.network.state_dict())
    part = speed.table_of(table, 20)
    given = (torch.tensor(part["category"]), torch.tensor(part["number"]))
    torch.testing.assert_close(ours(*given), theirs(*given))


@pytest.mark.parametrize("whole", [True, False])
def test_a_loader_gives_every_row_once(table: Path, whole: bool) -> None:
    part = {k: np.array(v) for k, v in speed.table_of(table, 200).items()}
    batches = list(speed.loader_of(part, 64, whole, 0))
    got = np.sort(np.concatenate([b[1][:, 0].numpy() for b in batches]))
    np.testing.assert_array_equal(got, np.sort(part["number"][:, 0]))


@pytest.mark.parametrize("setting", ["a batch at a time, no workers", speed.FUSED, speed.OUR_NETWORK])
def test_both_sides_run(table: Path, setting: str) -> None:
    part = speed.table_of(table, 240)
    assert speed.ours(part, 64) > 0
    assert speed.theirs({k: np.array(v) for k, v in part.items()}, 64, setting) > 0
