"""A page for one compound: endpoints with intervals, neighbours, alerts, a picture; from several releases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import auscult
from auscult.base.errors import UsageError
from auscult.engine import record_report


@pytest.fixture
def compounds(tmp_path: Path) -> Path:
    path = tmp_path / "few.csv"
    path.write_text("smiles,name\nO=Cc1ccc(CCCC)cc1.Cl,salt\nC1CC,broken\n")
    return path


def test_what_a_page_says(release: Path, compounds: Path, tmp_path: Path) -> None:
    pages = auscult.report(compounds, releases=[release, release], out=tmp_path / "pages")
    assert [p.name for p in pages] == ["few-1.html", "few-2.html"]
    told = json.loads((tmp_path / "pages" / "few-1.json").read_text())
    assert told["record"] == "few#1"
    assert len(told["releases"]) == 2
    one = told["releases"][0]
    assert (one["status"], one["in_domain"]) == ("answered", True)
    answer, why = one["answers"][0], one["explanation"]
    for name, probability in answer["probability"].items():
        low, high = answer["interval"][name]
        assert low <= probability <= high
    assert why["standardised"] == ["largest-fragment"]
    assert [a["set"] for a in why["alerts"]] == ["Brenk"]
    assert len(why["atoms"]["reactive"]) == 12
    nearest = why["nearest_training_records"]
    assert len(nearest) == 5
    assert nearest[0]["likeness"] >= nearest[-1]["likeness"] >= 0
    assert one["release"]["intent"]["not_for"] == "use"
    page = pages[0].read_text()
    for words in (
        "reactive",
        "aldehyde",
        nearest[0]["record"],
        "<svg",
        "red speaks for a higher score",
        "Not for: use",
    ):
        assert words in page
    assert "<script" not in page
    broken = json.loads((tmp_path / "pages" / "few-2.json").read_text())["releases"][0]
    assert (broken["status"], broken["in_domain"]) == ("refused", None)
    assert "syntax error" in pages[1].read_text()


def test_the_explanation_stands_beside_the_answer_too(release: Path, compounds: Path, tmp_path: Path) -> None:
    answers = list(auscult.predict(release, compounds, explain=True, out=tmp_path / "drawn"))
    assert answers[0].files
    assert (tmp_path / "drawn" / answers[0].files[0]).read_text().startswith("<svg")
    assert answers[0].explanation is not None
    assert answers[0].explanation["alerts"]


def test_pages_are_for_a_few(release: Path, compounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_report, "MOST", 1)
    with pytest.raises(UsageError, match="--report: expected at most 1 records, got more; answer them with --table"):
        auscult.report(compounds, releases=[release], out=tmp_path / "pages")


def test_answers_of_any_kind_are_tables() -> None:
    labels = {"label": ["a"], "probability": {"a": 0.7, "b": 0.1}, "interval": {"a": [0.5, 0.8], "b": [0, 0.2]}}
    header, rows = record_report.answer_table(labels, "")
    assert header == ("endpoint", "probability", "interval", "decided")
    assert rows == [("a", "0.700", "0.500 to 0.800", "yes"), ("b", "0.100", "0.000 to 0.200", "")]
    value = {"unit": "mV", "value": {"x": 1.5}, "interval": {"x": [1, 2]}}
    assert record_report.answer_table(value, "mV")[1] == [("x", "1.5 mV", "1.00 to 2.00")]
    assert record_report.answer_table(value, "1")[1] == [("x", "1.5", "1.00 to 2.00")]
    assert record_report.answer_table({"at_s": 1.0}, "")[1] == [("at_s", "1.0")]
