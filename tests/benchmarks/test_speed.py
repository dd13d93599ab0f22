"""The comparisons of speed, on short simulated records: they run, and both sides answer the same question."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("wfdb", reason="the peer is not installed", exc_type=ImportError)

import leads
import speed_predict
import speed_qrs
from leads import Lead, headers, read_lead, without_annotations

from auscult.base.errors import DataError


@pytest.fixture
def header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("AUSCULT_DATA", raising=False)
    paths, what = headers(tmp_path, count=1, minutes=0.5)
    assert what == "1 simulated records of 0.5 min"
    return paths[0]


def test_both_detectors_find_the_simulated_beats(header: Path) -> None:
    lead = read_lead(header)
    made = speed_qrs.measure([lead], repeats=1)
    settings = [p["setting"] for p in made["peers"]]
    assert settings == ["default (learn, verbose)", "verbose=False", "learn=False, verbose=False"]
    assert set(made["quality"]) == {"ours", *(f"xqrs {s}" for s in settings)}
    for found in made["quality"].values():
        assert min(found.values()) > 0.8
    assert all(p["ratio"] > 1 for p in made["peers"])


def test_quality_is_counted_by_hand() -> None:
    """Beats at 100, 200 and 300; found at 100 and 250: one of three, and one of two, at 100 samples a second."""
    lead = Lead(leads.np.zeros(400), 100.0, leads.np.array([100, 200, 300]))
    assert speed_qrs.quality(lambda _: leads.np.array([250, 100]), [lead]) == {"sensitivity": 1 / 3, "ppv": 1 / 2}


def test_windows_are_ten_seconds_without_annotations(header: Path) -> None:
    batches = speed_predict.windows(header)
    assert len(batches) == 3
    assert {len(b.ragged("ecg")[0]) for b in batches} == {3600}
    assert not any(b.has("beat_position") for b in batches)


def test_annotations_stay_behind(header: Path, tmp_path: Path) -> None:
    bare = without_annotations(header, tmp_path / "bare")
    assert sorted(p.suffix for p in bare.parent.iterdir()) == [".dat", ".hea"]


def test_a_missing_release_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"expected a release of ecg-beats, got none; first run .python benchmarks/run\.py"
    ):
        speed_predict.find_release(tmp_path)


def test_without_a_release_a_simulated_one_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed_predict, "RUNS", tmp_path)
    folder = speed_predict.find_release(None)
    made = (folder / "release.json").stat().st_mtime_ns
    assert speed_predict.find_release(None) == folder == tmp_path / "ecg-beats-simulated" / "release"
    assert (folder / "release.json").stat().st_mtime_ns == made


def test_inside_adds_up() -> None:
    inside = speed_predict.Inside(lambda inputs: inputs)
    assert inside({"x": 1}) == {"x": 1}
    assert inside.seconds > 0
