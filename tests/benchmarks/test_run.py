"""One recipe built and published: what goes into the kept result and what stays behind."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import measure
import pytest
import run
from measure import Spent, comparison, spend


def test_records_are_not_published() -> None:
    evidence = {
        "leaks": {"n_records": 1, "records": ["ab12"]},
        "rows": [{"records": [1], "model": "m"}],
        "by_subject": {"f1": [0.5]},
    }
    assert run.publishable(evidence) == {
        "leaks": {"n_records": 1},
        "rows": [{"model": "m"}],
        "by_subject": {"f1": [0.5]},
    }


def test_paths_of_the_machine_are_not_published(tmp_path: Path) -> None:
    assert run.shown(tmp_path / "mine.toml") == "mine.toml"
    assert run.shown(run.ROOT / "recipes" / "signals" / "x.toml") == "recipes/signals/x.toml"
    assert run.without_path("data.path=/mnt/secret") == "data.path=FOLDER"
    assert run.without_path('data.path="~/secret"') == "data.path=FOLDER"
    assert run.without_path("train.epochs=3") == "train.epochs=3"


def _fake_build(folder: Path, status: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have ``run`` think that a build ended with a status after it wrote its evidence."""

    def fake(command: Any, env: Any) -> Spent:
        assert env["AUSCULT_CACHE"] == str((folder / "run").resolve() / "cache")
        assert list(command[-2:]) == ["--set", "data.path=/x"]
        for place, value in ((folder / "run", 1), (folder / "run" / "release" / "evidence", 2)):
            place.mkdir(parents=True, exist_ok=True)
            (place / "metrics.json").write_text(json.dumps({"value": value, "records": ["a"]}))
        return Spent(status, 12.34, 1.5, "")

    monkeypatch.setattr(run, "spend", fake)
    monkeypatch.setattr(run, "RESULTS", folder / "results")
    return folder / "results" / "mine.json"


@pytest.mark.parametrize(("status", "value"), [(0, 2), (3, 1)])
def test_evidence_is_kept_with_its_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, value: int
) -> None:
    """A failed gate writes no release: the figures then come from the run, not from an older release."""
    kept = _fake_build(tmp_path, status, monkeypatch)
    assert run.run(tmp_path / "mine.toml", overrides=["data.path=/x"], out=tmp_path / "run") == status
    made = json.loads(kept.read_text())
    assert made["value"] == value
    assert "records" not in made
    assert (made["seconds"], made["peak_memory_gib"]) == (12.3, 1.5)
    assert set(made["machine"]) == {"cores", "memory_gib", "load"}
    assert made["command"] == "python benchmarks/run.py mine.toml --set data.path=FOLDER"
    assert made["gates_passed"] is (status == 0)
    assert made["resumed"] is False


def test_a_failed_build_publishes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = _fake_build(tmp_path, 2, monkeypatch)
    assert run.run(tmp_path / "mine.toml", overrides=["data.path=/x"], out=tmp_path / "run") == 2
    assert not kept.exists()


def test_a_changed_recipe_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = _fake_build(tmp_path, 0, monkeypatch)
    monkeypatch.setattr(run, "committed", lambda path: False)
    run.run(tmp_path / "mine.toml", overrides=["data.path=/x"], out=tmp_path / "run")
    assert "warning: mine.toml differs from the last commit" in capsys.readouterr().err
    assert json.loads(kept.read_text())["recipe_committed"] is False


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system has no /proc")
def test_memory_of_all_processes_is_added() -> None:
    """A parent and a child that hold 64 MiB each: together at least 128 MiB, by hand."""
    hold = "b = bytearray(64 << 20); b[::4096] = b'x' * len(b[::4096]); import time; time.sleep(0.5)"
    parent = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {hold!r}]); {hold}; p.wait()"
    spent = spend([sys.executable, "-c", parent])
    assert spent.status == 0
    assert 128 / 1024 <= spent.peak_memory_gib < 0.4
    assert spent.seconds >= 0.5


def test_output_and_status_come_back() -> None:
    spent = spend(
        [sys.executable, "-c", "import os; print(os.environ['GIVEN']); raise SystemExit(3)"], env={"GIVEN": "yes"}
    )
    assert (spent.status, spent.output) == (3, "yes\n")


def _compare(**given: Any) -> dict[str, Any]:
    return comparison("x", ours=(2.0, "s"), goal_of="ratio", command="c", **given)


def test_the_best_set_peer_decides() -> None:
    peers = [{"ratio": 90.0}, {"ratio": 40.0}]
    made = _compare(goal=50.0, peers=peers)
    assert (made["ratio"], made["met"]) == (40.0, False)
    assert _compare(goal=40.0, peers=peers)["met"] is True


@pytest.mark.parametrize(
    ("goal", "up", "ratio", "met"), [(4.0, False, 2.0, True), (1.0, False, 0.5, False), (1.0, True, 2.0, True)]
)
def test_without_a_peer_the_ratio_is_against_the_goal(goal: float, up: bool, ratio: float, met: bool) -> None:
    made = comparison("x", ours=(2.0, "s"), goal=goal, goal_of="value", command="c", higher_is_better=up)
    assert (made["ratio"], made["met"]) == (ratio, met)


def test_machine_has_no_name() -> None:
    assert os.uname().nodename not in json.dumps(measure.machine())


def test_seconds_of() -> None:
    assert 0.05 <= measure.seconds_of(lambda: time.sleep(0.05)) < 5
