"""Libraries for the comparisons of speed: as many rows as asked for, from the start again when structures run out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from library import SIMULATED, structures, write_library
from speed_text_library import write_reports


def test_rows_come_again_from_the_start(tmp_path: Path) -> None:
    write_library(tmp_path / "a.csv", ["CCO", "CCN"], 3)
    assert (tmp_path / "a.csv").read_text() == "smiles,name\nCCO,C0\nCCN,C1\nCCO,C2\n"


def test_without_the_public_sets_structures_are_simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUSCULT_DATA", str(tmp_path))
    smiles, what = structures()
    assert (len(set(smiles)), what) == (SIMULATED, "simulated compounds")


def test_the_public_sets_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import library

    monkeypatch.setenv("AUSCULT_DATA", str(tmp_path))
    monkeypatch.setattr(library, "SETS", ("a", "b"))
    for name, text in (("a", "smiles,y\nCCO,1\nCCO,0\n"), ("b", "Drug_ID,Drug,Y\nx,CCN,1\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "t.csv").write_text(text)
    assert structures()[0] == ["CCO", "CCN"]


def test_no_two_reports_are_the_same(tmp_path: Path) -> None:
    write_reports(tmp_path / "a.jsonl", 300)
    texts = {json.loads(line)["text"] for line in (tmp_path / "a.jsonl").read_text().splitlines()}
    assert len(texts) == 300
    assert all("Simulated report" in text for text in texts)
