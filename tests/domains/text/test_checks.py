"""Checks of texts: each finds what was put in, in the right number, and repeats no word of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from auscult.base.contracts import Field, Finding, RecordBatch
from auscult.base.registry import load_part
from auscult.domains.text import DOMAIN
from auscult.domains.text.check_forms import _HIDDEN, cut_off, hidden_characters, rare_labels, text_languages
from auscult.domains.text.check_words import identifiers, label_phrases, templates
from auscult.domains.text.preprocess.codes import folded
from auscult.domains.text.readers.common import TEXT
from auscult.domains.text.simulate.reports import EVENTS, simulate_reports

SECRET = "Zanzibar"


def _batch(texts: list[str], label: Any = None) -> RecordBatch:
    fields: tuple[Field, ...] = (Field("text", "text"),)
    columns: dict[str, Any] = {"text": np.array(texts, dtype=TEXT)}
    if label is not None:
        fields, columns["label"] = (*fields, Field("label", "ids")), np.array(label)
    return RecordBatch(fields, columns, np.array([f"r{k}" for k in range(len(texts))]))


def _reports(n: int) -> tuple[list[str], list[int]]:
    made = simulate_reports(n, np.random.default_rng(0))
    return [r.narrative for r in made], [EVENTS.index(r.event) for r in made]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"write to {SECRET}@example.org today", "an e-mail address"),
        ("call 415 555 0134 or (415) 555-0134", "a telephone number"),
        ("the number 078-05-1120 was given", "a social security number"),
        ("MRN: 1234567 was seen", "a record number of a patient"),
        ("dob 3/4/1950", "a date of birth"),
        (f"said by Mrs. {SECRET} herself", "a name after a title"),
    ],
)
def test_identifiers_are_counted_and_not_repeated(text: str, words: str) -> None:
    (found,) = identifiers([_batch(["the pump stopped", text])])
    assert (found.severity, found.count, found.records) == ("warning", 1, ("r1",))
    assert f"records with what looks like {words}" in found.message
    assert SECRET not in found.message


def test_a_line_without_a_blank_has_its_identifiers_told() -> None:
    """Where the time grows with the square of the length, this ends after minutes."""
    long = "x" * 400_000
    assert not identifiers([_batch([long])])
    (found,) = identifiers([_batch([f"{long}@example.org"])])
    assert "an e-mail address" in found.message


def test_lot_numbers_and_dates_are_no_identifiers() -> None:
    assert not identifiers([_batch(["lot 1234567-01 of model 415-5550134x, 12/11/2014, was returned by the doctor"])])


def test_a_heading_that_gives_a_class_away_is_found() -> None:
    texts, label = _reports(180)
    clean = label_phrases([_batch(texts, label)])
    marked = [f"Form {SECRET} seven. {t}" if k == 2 else t for t, k in zip(texts, label, strict=True)]
    (found,) = [f for f in label_phrases([_batch(marked, label)]) if f not in clean]
    assert found.count == label.count(2)
    assert "records of class 2 with three words in a row that 99% of the time mean this class" in found.message
    assert SECRET not in found.message


def test_phrases_need_a_class_to_give_away() -> None:
    texts, _ = _reports(60)
    assert label_phrases([_batch(texts)]) == []
    assert label_phrases([_batch(texts, [[0, 1]] * 60)]) == []
    assert label_phrases([_batch(texts, [1] * 60)]) == []


def test_templates_are_told_by_how_they_begin() -> None:
    same = [f"Follow up number {k}: the report of {SECRET} is as follows {k}" for k in range(30)]
    other = [f"{'abcdefghij'[k % 10]} word{k} opens every one of these other {k} texts" for k in range(40)]
    (found,) = templates([_batch(same + other[:40])])
    assert found.count == 30
    assert found.records[0] == "r0"
    assert templates([_batch(["short text"] * 50)]) == []


def test_languages_beside_the_most_frequent_one_are_warned_of() -> None:
    english, _ = _reports(30)
    spanish = ["El paciente ingresó por un dolor y fue dado de alta con su tratamiento."] * 3
    by_words = {f.message: f for f in text_languages([_batch(english + spanish + ["12"])])}
    spoken = by_words["records in the language or script 'es', beside others"]
    assert (spoken.severity, spoken.count, spoken.records) == ("warning", 3, ("r30", "r31", "r32"))
    assert by_words["records in the language or script 'en', beside others"].severity == "info"
    (alone,) = text_languages([_batch(english)])
    assert (alone.severity, alone.message) == ("info", "records in the language or script 'en'")


def test_texts_that_a_database_cut_off() -> None:
    (found,) = cut_off([_batch(["x" * 255] * 3 + ["y" * 254 + "."] + ["z" * 1000])])
    assert (found.count, found.message) == (3, "records of exactly 255 characters that end without a mark")


def test_characters_that_nobody_sees() -> None:
    (found,) = hidden_characters([_batch(["pu\u200bmp", "pump", "\u202epmup"])])
    assert (found.count, found.records) == (2, ("r0", "r2"))
    assert hidden_characters([_batch(["pump"])]) == []


def test_what_the_check_calls_hidden_is_left_out_of_words() -> None:
    hidden = [c for c in map(chr, range(0x10000)) if _HIDDEN.match(c)]
    assert len(hidden) == 1 + 5 + 5 + 10 + 1
    assert {folded(f"pu{c}mp") for c in hidden} == {"pump"}


def test_labels_of_few_records() -> None:
    label = np.zeros((50, 3), dtype=int)
    label[:30, 0], label[:5, 1] = 1, 1
    (found,) = rare_labels([_batch(["a b"] * 50, label)])
    assert (found.count, found.message) == (2, "labels with fewer than 20 records")
    assert rare_labels([_batch(["a b"], [1])]) == []


@pytest.mark.parametrize("check", [identifiers, label_phrases, templates, text_languages, cut_off, hidden_characters])
def test_a_batch_without_text_has_no_finding(check: Callable[[list[RecordBatch]], list[Finding]]) -> None:
    batch = RecordBatch((Field("n", "scalar"),), {"n": np.zeros(2)}, np.array(["a", "b"]))
    assert check([batch]) == []
    assert check([]) == []
    assert check.__name__.replace("_", "-") in DOMAIN.checks


@pytest.mark.parametrize("name", sorted(DOMAIN.checks))
def test_a_column_of_a_file_may_be_called_label(name: str) -> None:
    texts = np.array(["the pump stopped", "the lamp fell"], dtype=TEXT)
    fields = (Field("text", "text"), Field("label", "text"))
    raw = RecordBatch(fields, {"text": texts, "label": np.array(["a", "b"], dtype=TEXT)}, np.array(["r0", "r1"]))
    assert all("class" not in found.message for found in load_part(DOMAIN, "checks", name)([raw]))
