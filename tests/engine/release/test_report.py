"""The report and the model card: every part is there, nothing is loaded, text from outside stays text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auscult.base.contracts import Finding, Outputs, SetAside, TaskSpec
from auscult.base.files import write_json
from auscult.base.recipe import Recipe
from auscult.engine.evaluate import GateResult, Judge
from auscult.engine.release.card import model_card, plain
from auscult.engine.release.evidence import Evidence
from auscult.engine.release.report import html_report, write_report
from auscult.engine.release.report_parts import Source
from auscult.engine.release.report_sections import SECTIONS, sections_of

SPEC = TaskSpec("toy", "sample", "A toy task.", ("no", "yes"), "kid", ("kid", "membership_auc"), "noise", "toy")
EVIL = "<script src='http://evil'>alert(1)</script> | `x` **b** [l](http://evil)"
HASH = "ab" * 32


def recipe(**more: Any) -> Recipe:
    intent = {
        "use": "Triage of toys.",
        "not_for": "People.",
        "population": "Toys.",
        "device": "Toy scanners.",
    }
    table = {
        "name": "toy-recipe",
        "domain": "toys",
        "task": {"name": "toy"},
        "model": {"name": "net"},
        "intent": intent,
    }
    return Recipe.model_validate(table | more)


def figure(value: float, low: float, high: float, *, better: bool = False, **more: Any) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "higher_is_better": better, **more}


def metrics(**more: Any) -> dict[str, Any]:
    measured = {"kid": figure(0.2, 0.1, 0.3), "membership_auc": figure(0.5, 0.4, 0.6)}
    gap = figure(-0.4, -0.5, -0.3)
    base = {
        "domain": "toys", "task": "toy", "kind": "sample", "model": "net", "floor_model": "noise",
        "primary": "kid",
        "choice": {"shipped": "net", "reason": "net is better", "forced": False, "difference": gap},
        "split": "test", "split_policy": "subject", "n_records": 30, "n_answers": 1234, "n_subjects": 25,
        "resampled_by": "subject", "metrics": measured, "floor": {"kid": figure(0.6, 0.5, 0.7)},
        "difference_from_floor": {"kid": gap}, "validation": measured, "by_subject": {}, "published": [],
        "subgroups": {}, "leaks": {"n_records": 0}, "faults": {}, "apart": {}, "summary": {}, "rows": [], "seeds": [0],
        "recipe_hash": HASH, "shipped_refit_untested": False,
    }  # fmt: skip
    return base | more


def evidence(asked: Recipe | None = None, spec: TaskSpec = SPEC, **more: Any) -> Evidence:
    test = Outputs({"sample": np.zeros((2, 1))}, np.arange(2))
    counts = {"train": 60, "valid": 10, "test": 30, "apart": 0}
    rows = [[f"{k:064x}", "train", -1, -1] for k in range(100)]
    fold = {"policy": "subject", "unit": "subject", "n_records": 100, "counts": counts, "rows": rows}
    split = {"seeds": [[fold]]}
    latency = {"n": 40, "median_ms": 1.25, "p99_ms": 3.5, "program_median_ms": 0.5}
    return Evidence(asked or recipe(), spec, metrics(**more), (), (), split, test, test, (), latency)


def manifest(**more: Any) -> dict[str, Any]:
    about = {
        "version": "1.2.3",
        "auscult": "0.1.0",
        "created": "2025-01-01T00:00:00+00:00",
        "content_hash": HASH,
    }
    return {**about, "parts": {"dataset": "cd" * 32}, **more}


def page(given: Evidence | None = None, calibration: Mapping[str, Any] | None = None, **about: Any) -> str:
    return html_report(Source(given or evidence(), manifest(**about), calibration or {}))


def read(html: str) -> str:
    """The words of a page, without markup; no-break spaces as spaces."""
    text = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", text).replace("&#39;", "'").replace("\u00a0", " ")
    return re.sub(r"\s+", " ", text)


def test_every_section_in_its_order() -> None:
    full = evidence(
        by_subject={"kid": [0.1, 0.2]},
        rows=[{"model": "tree", "metrics": metrics()["metrics"]}],
    )
    anchors = [section.anchor for section in sections_of(Source(full, manifest()))]
    assert anchors == [
        "summary", "intent", "results", "gates", "choice", "pictures", "subgroups", "by-subject", "leaks",
        "faults", "study", "data", "split", "calibration", "latency", "provenance",
    ]  # fmt: skip
    assert list(SECTIONS) == anchors
    html = page(full)
    for anchor in anchors:
        assert f'<section id="{anchor}"' in html
        assert f'<a href="#{anchor}">' in html


def test_the_page_loads_nothing() -> None:
    html = page()
    assert "http://" not in html
    assert "https://" not in html
    assert not re.search(r"<(script|link|img|iframe|object)\b|@import|\bsrc=|url\(", html)
    assert "@media print" in html


def test_two_files_are_written_and_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_report(tmp_path / name, evidence(), manifest())
    for name in ("report.html", "model-card.md"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_text_from_outside_stays_text() -> None:
    intent = {"use": EVIL, "not_for": EVIL, "population": EVIL, "device": EVIL}
    given = replace(
        evidence(
            recipe(intent=intent),
            replace(SPEC, summary=EVIL),
            subgroups={EVIL: {EVIL: {"n_units": 1, "n_answers": 2}}},
        ),
        findings=(Finding("check", "error", EVIL, 3),),
        set_aside=(SetAside("f", EVIL),),
    )
    html = page(given, version=EVIL)
    assert "<script" not in html
    assert "&lt;script" in html
    card = model_card(Source(given, manifest(version=EVIL)))
    assert "<script" not in card.replace("\\<", "")
    assert re.search(r"(?<!\\)\]\(", card) is None
    assert " | `x`" not in card


def test_the_name_of_a_model_is_escaped() -> None:
    html = page(evidence(model=EVIL))
    assert "<script" not in html


def test_markdown_specials_are_escaped() -> None:
    assert plain("a|b\n*c* _d_ <e>") == r"a\|b \*c\* \_d\_ \<e\>"


def test_the_summary_in_plain_words() -> None:
    text = read(page())
    assert "the test split: 1 234 answers for 30 records of 25 subjects." in text
    assert "net, reaches 0.200 (0.100 to 0.300) in kid; in brackets the 95 % interval by resampling subjects" in text
    assert "reaches 0.600 (0.500 to 0.700) on the same answers; the difference is −0.400 (−0.500 to −0.300)" in text
    assert "leaves out 0: the model is better than the floor" in text
    assert "Lower is better." in text


def test_no_shown_advantage_is_said() -> None:
    assert "a real advantage is not shown" in read(
        page(evidence(difference_from_floor={"kid": figure(0.0, -0.1, 0.1)}))
    )
    worse = evidence(difference_from_floor={"kid": figure(0.2, 0.1, 0.3)})
    assert "the model is worse than the floor" in read(page(worse))


def test_a_floor_that_ships_is_said() -> None:
    assert "What ships is the floor" in read(page(evidence(model="noise")))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.25, "inside the interval of this release: no difference is shown"),
        (0.9, "outside the interval of this release, which is better"),
        (0.05, "outside the interval of this release, which is worse"),
    ],
)
def test_a_published_figure_beside_the_interval(value: float, words: str) -> None:
    row = {"source": "Doe 2020", "metric": "kid", "value": value, "status": "read"}
    text = read(page(evidence(published=[row])))
    assert words in text
    assert "read in the source" in text


def test_a_recalled_figure_is_not_printed() -> None:
    row = {"source": "Somebody 1999", "metric": "kid", "value": 0.123456, "status": "recalled"}
    given = evidence(published=[row])
    for text in (page(given), model_card(Source(given, manifest()))):
        assert "Somebody" not in text
        assert "0.123" not in text
        assert "known from memory only" in text


def test_unknown_subjects_are_said() -> None:
    text = read(page(evidence(n_subjects=None, resampled_by="record")))
    assert "subjects unknown: intervals are by record" in text
    assert "from an unknown number of subjects" in text
    assert "whether one person is on both sides cannot be said" in text


def test_a_split_in_time_does_not_claim_new_subjects() -> None:
    text = read(page(evidence(split_policy="time-within-subject")))
    assert "keeps each subject on both sides by its rule" in text


def test_subjects_kept_away_whole_have_a_table_of_their_own() -> None:
    text = read(page(evidence(apart={"kid": figure(0.7, 0.5, 0.9)})))
    assert "of whom the model had seen nothing: Metric Value (95 % interval) kid 0.700 (0.500 to 0.900)" in text
    assert "kept away whole" not in read(page())


def test_nan_is_not_defined() -> None:
    nan = figure(float("nan"), float("nan"), float("nan"))
    both = {"kid": nan, "membership_auc": nan}
    given = evidence(metrics=both, floor={"kid": nan}, difference_from_floor={"kid": nan}, validation=both)
    text = read(page(given))
    assert "reaches not defined in kid" in text
    assert "Whether they differ cannot be said." in text
    assert "The primary metric is not defined on this test." in text
    assert not re.search(r"\bnan\b", text, flags=re.IGNORECASE)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({}, "see signature.json beside release.json, or run 'auscult verify'"),
        ({"signed": True}, "Signed (Ed25519)."),
        ({"signed": False}, "Unsigned: nobody vouches for this release."),
    ],
)
def test_the_signature_in_plain_words(about: dict[str, Any], words: str) -> None:
    assert words in read(page(None, None, **about))


def test_a_failed_gate_stands_out() -> None:
    limits = (
        GateResult("kid", "at most 0.1, by its value", 0.2, False),
        GateResult("kid", "at most 1, by its low", 0.3, True),
    )
    html = page(replace(evidence(), gates=limits))
    assert html.count('<tr class="failed">') == 1
    assert "DOES NOT HOLD" in html
    assert "Limits of the recipe that do not hold: kid." in read(html)


def test_leaks_with_and_without() -> None:
    without = {"kid": figure(0.35, 0.25, 0.45)}
    leaks = {
        "n_records": 2,
        "same_subject": 2,
        "same_content": 0,
        "records": ["12ab"],
        "metrics_without": without,
    }
    text = read(page(evidence(leaks=leaks)))
    assert "2 test records known before the test: 2 of a subject" in text
    assert "kid 0.200 (0.100 to 0.300) 0.350 (0.250 to 0.450)" in text


def test_subgroups_with_their_number_and_too_few() -> None:
    groups = {
        "sex": {
            "F": {"n_units": 12, "n_answers": 60, "metrics": metrics()["metrics"]},
            "": {"n_units": 1, "n_answers": 5},
        }
    }
    text = read(page(evidence(subgroups=groups)))
    assert "sex F 12 60 0.200 (0.100 to 0.300) 0.500 (0.400 to 0.600)" in text
    assert "sex not stated 1 5 too few too few" in text


def test_faults_show_the_change() -> None:
    text = read(page(evidence(faults={"electrode-off": {"kid": figure(0.5, 0.4, 0.6)}})))
    assert "electrode off 0.500 0.400 to 0.600 0.300" in text


def test_set_aside_reasons_are_counted_without_file_names() -> None:
    aside = (SetAside("x/jane.edf", "jane.edf: no header"), SetAside("x/joe.edf", "x/joe.edf: no header"))
    html = page(replace(evidence(), set_aside=aside))
    assert "no header 2" in read(html)
    assert "jane" not in html
    assert "joe" not in html


def test_records_of_findings_are_not_named() -> None:
    found = (Finding("near-duplicates", "warning", "records with nearly the same content", 2, ("jane", "joe")),)
    html = page(replace(evidence(), findings=found))
    assert "near-duplicates warning 2 records with nearly the same content" in read(html)
    assert "jane" not in html


def test_what_limits_the_figures_is_said() -> None:
    choice = metrics()["choice"] | {"forced": True}
    given = evidence(
        recipe(data={"example": "toy"}), n_subjects=5, choice=choice, shipped_refit_untested=True,
        split="cv5", seeds=[1, 2],
        metrics={"kid": figure(0.2, 0.1, 0.3, undefined_resamples=3, by_seed=[0.1, 0.3])},
    )  # fmt: skip
    text = read(page(given))
    assert "The records are simulated. The figures say nothing about patients or real devices." in text
    assert "Fewer than 20 subjects" in text
    assert "named by the user, not chosen on validation" in text
    assert "that refit itself is untested" in text
    assert "1 metric could not be computed in every resample" in text
    assert "5-fold cross-validation" in text
    assert "mean over 2 seeds" in text
    assert "The test played no part in this choice" not in text


def test_what_was_fitted_is_read_from_the_release(tmp_path: Path) -> None:
    write_json(
        tmp_path / "calibration.json",
        {"threshold": {"method": "threshold", "value": 0.4251}, "probability": None},
    )
    write_report(tmp_path / "evidence", evidence(), manifest())
    text = read((tmp_path / "evidence" / "report.html").read_text(encoding="utf-8"))
    assert "threshold value 0.4251" in text
    assert "probability not used" in text


def test_classes_are_measured_on_the_test_by_hand() -> None:
    spec = replace(SPEC, kind="class", primary="accuracy", metrics=("accuracy",))
    arrays = {
        "probability": np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]]),
        "label": np.array([0, 0, 1, 1]),
        "answered": np.array([True, True, True, False]),
        "set": np.array([[True, False], [True, True], [False, True], [False, True]]),
    }
    test = Outputs(arrays, np.arange(4), None, {"label": np.array([0, 1, 1, 0])})
    judged = Judge(spec, np.arange(4).astype(np.str_), recipe().evaluate)
    measured = {"accuracy": judged.figure(test, "accuracy")}
    given = evidence(
        None, spec, primary="accuracy", metrics=measured, floor=measured, validation=measured, kind="class",
        difference_from_floor={"accuracy": figure(0.0, 0.0, 0.0, better=True)},
    )  # fmt: skip
    html = page(replace(given, test=test))
    text = read(html)
    # Answered 3 of 4, of which 2 right; 2 of 4 right in all; the set holds the class in 3 of 4; 5 members.
    assert "Answered 75.0 % Right among those answered 66.7 % Right among all 50.0 %" in text
    assert "Sets that hold the true class 75.0 % Mean number of classes in a set 1.25" in text
    assert html.count("<svg") == 5
    assert "Figure 5." in text


def test_the_card_has_the_headings_of_mitchell() -> None:
    headings = re.findall(r"^## (.*)$", model_card(Source(evidence(), manifest())), flags=re.MULTILINE)
    # Mitchell et al. 2019, section 4.
    assert headings == [
        "Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data",
        "Quantitative analyses", "Ethical considerations", "Caveats and recommendations",
    ]  # fmt: skip


def test_the_card_says_which_groups_were_not_examined() -> None:
    card = model_card(Source(evidence(subgroups={"sex": {}}), manifest()))
    assert "not examined: age band, device model, firmware, site" in card


def test_missing_parts_do_not_stop_the_report() -> None:
    bare = replace(evidence(), split={}, latency={})
    text = read(html_report(Source(bare, {})))
    assert "Not measured." in text
    assert "Records in the split not stated" in text
