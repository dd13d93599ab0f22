"""Spans of texts: exact characters, chunks that are put together again, what is refused and what is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, FitContext, ItemSet, RecordBatch
from auscult.base.errors import DataError, ReadError
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.text.checks import spans_of_other_types
from auscult.domains.text.models.crf_tagger import CrfTagger, CrfTaggerConfig
from auscult.domains.text.preprocess.token_features import chunks
from auscult.domains.text.preprocess.tokens import tokenised
from auscult.domains.text.simulate.identifiers import IDENTIFIERS, simulate_notes
from auscult.domains.text.tasks.text_spans import TextSpans, TextSpansConfig
from auscult.engine.answers import kind_of
from auscult.engine.drivers import load_program
from domains.text.tokenizer import write_tokenizer

TEXT = np.dtypes.StringDType()


def _batch(texts: list[str], spans: list[list[tuple[int, int, str]]] | None = None) -> RecordBatch:
    columns: dict[str, object] = {"text": np.array(texts, dtype=TEXT)}
    fields = [Field("text", "text")]
    if spans is not None:
        fields += [Field("span", "ids", ragged=True), Field("span_type", "category", ragged=True)]
        columns["span"] = Ragged.of([np.array([s[:2] for s in r], dtype=np.int64).reshape(-1, 2) for r in spans])
        columns["span_type"] = Ragged.of([np.array([s[2].encode() for s in r], dtype="S64") for r in spans])
    names = np.array([f"r{k}" for k in range(len(texts))])
    return RecordBatch(tuple(fields), columns, names)  # type: ignore[arg-type]


def _notes(count: int, seed: int) -> RecordBatch:
    notes = simulate_notes(count, np.random.default_rng(seed))
    return _batch([n.text for n in notes], [list(n.spans) for n in notes])


def _learned(task: TextSpans, batch: RecordBatch):  # type: ignore[no-untyped-def]
    items = task.cut(task.prepare(batch))
    chosen = ItemSet(items, np.arange(len(items)))
    context = FitContext(task.spec, 0, TrainTable(threads=1), Path(), Silent())
    return load_program(CrfTagger(CrfTaggerConfig(epochs=6)).fit(chosen, chosen, context).export())


def test_learned_spans_of_new_notes_have_the_exact_characters() -> None:
    task = TextSpans(TextSpansConfig(length=24, margin=4, buckets=1 << 13))
    run = _learned(task, _notes(60, 1))
    new = task.prepare(_notes(20, 2))
    items = task.cut(new)
    answers = task.join(new, items, run({"ids": items.inputs["ids"]}))
    sure = answers.ragged("score").values > 0.5
    found = {(int(r), *map(int, s)) for r, s in zip(_rows(answers.ragged("score"))[sure],
             answers.ragged("span").values[sure], strict=True)}  # fmt: skip
    true = {(r, *map(int, s[:2])) for r, part in enumerate(new.ragged("span")) for s in part}
    assert len(found & true) > 0.9 * len(true)
    for row, begin, end in found & true:
        assert str(new.dense("text")[row])[begin:end].strip() == str(new.dense("text")[row])[begin:end]


def _rows(column: Ragged) -> np.ndarray:  # type: ignore[type-arg]
    return np.repeat(np.arange(len(column)), column.lengths)


def test_a_long_text_in_chunks_has_the_answers_of_the_whole() -> None:
    notes = simulate_notes(12, np.random.default_rng(3))
    text, spans = "", []
    for note in notes:
        spans += [(a + len(text), b + len(text), k) for a, b, k in note.spans]
        text += note.text + "\n"
    whole, cut = (TextSpans(TextSpansConfig(length=n, margin=6, buckets=1 << 13)) for n in (1024, 24))
    run = _learned(cut, _notes(40, 1))
    made = []
    for task in (whole, cut):
        batch = task.prepare(_batch([text]))
        items = task.cut(batch)
        made.append(task.join(batch, items, run({"ids": items.inputs["ids"]})))
    assert len(made[0].ragged("span").values) > 10
    for name in ("span", "label", "score"):
        np.testing.assert_allclose(made[0].ragged(name).values, made[1].ragged(name).values, atol=1e-6)


def test_spans_of_other_types_are_counted_and_a_span_within_a_token_stays_true() -> None:
    task = TextSpans(TextSpansConfig(labels=("NAME", "DATE")))
    batch = task.prepare(_batch(["Ms Ahorn came 2 June"], [[(3, 8, "NAME"), (14, 20, "DAY"), (10, 12, "DATE")]]))
    assert batch.ragged("span")[0].tolist() == [[3, 8, 0], [10, 12, 1]]
    (finding,) = spans_of_other_types([batch])
    assert (finding.count, finding.message[-20:]) == (1, "1 spans are left out")
    items = task.cut(batch)
    assert items.target is not None
    assert items.target[0, :6].tolist() == [0, 1, 0, 0, 0, -1]  # no token begins and ends as the date does


def test_figures_of_each_type() -> None:
    task = TextSpans(TextSpansConfig(labels=("NAME", "DATE")))
    batch = task.prepare(_batch(["Ms Ahorn came 2 June"], [[(3, 8, "NAME"), (14, 20, "DATE")]]))
    items = task.cut(batch)
    score = np.full((len(items), 64, 5), -9.0)
    score[..., 0] = 9.0
    score[0, 1] = [0, 9, 0, 0, 0]
    answers = task.join(batch, items, {"score": score})
    assert task.summary(answers) == {
        "NAME n": 1.0, "NAME recall": 1.0, "NAME precision": 1.0, "NAME f1": 1.0,
        "DATE n": 1.0, "DATE recall": 0.0, "DATE f1": 0.0,
    }  # fmt: skip


def test_what_is_refused() -> None:
    task = TextSpans(TextSpansConfig())
    batch = _batch(["a"])
    with pytest.raises(ReadError, match="expected the text in 'text', got note; name the column"):
        task.prepare(RecordBatch((Field("note", "text"),), {"note": batch.columns["text"]}, batch.record))
    with pytest.raises(ReadError, match="text: expected at least one word, got none in 1 of 2 texts"):
        task.prepare(_batch(["a", " .\u200b "]))
    with pytest.raises(DataError, match="training: expected spans of at least one type, got none"):
        _learned(task, _batch(["nothing here"] * 4, [[]] * 4))


@pytest.mark.parametrize(("length", "margin", "most"), [(16, 12, 7), (64, 32, 31)])
def test_a_margin_that_leaves_tokens_out_is_refused(length: int, margin: int, most: int) -> None:
    with pytest.raises(ValidationError, match=f"margin at most {most}, below half of length, so that every token"):
        TextSpansConfig(length=length, margin=margin)
    assert chunks([100], length, most)[-1] == (0, 100 - length)


def test_the_simulated_types_are_all_in_the_notes() -> None:
    kinds = {k for n in simulate_notes(40, np.random.default_rng(0)) for *_, k in n.spans}
    assert kinds == set(IDENTIFIERS)


def test_the_words_that_carried_a_span_are_those_in_and_beside_it() -> None:
    task = TextSpans(TextSpansConfig(buckets=1 << 13))
    run = _learned(task, _notes(60, 1))
    batch = task.prepare(_batch(["Contact: Elif Klee, elif.klee@hospital.example\nMRN: 1234567"]))
    items = task.cut(batch)
    answers = kind_of(task.spec).apply(
        task.spec, task.join(batch, items, run({"ids": items.inputs["ids"]})), {"threshold": 0.5}
    )
    (told,) = task.explain(batch, answers, run)
    text = str(batch.dense("text")[0])
    by_span = {text[s["begin"] : s["end"]]: [text[w["begin"] : w["end"]] for w in s["words"]] for s in told["spans"]}
    assert "1234567" in by_span
    assert set(by_span["1234567"]) & {"MRN", "1234567", ":"}
    assert all(w["carries"] > 0 for s in told["spans"] for w in s["words"])


def test_subwords_as_tokens_keep_the_characters(tmp_path: Path) -> None:
    path = str(write_tokenizer(tmp_path / "tokenizer.json"))
    task = TextSpans(TextSpansConfig(labels=("PART",), tokenizer=path, vocabulary=64))
    batch = task.prepare(_batch(["the pump, the pump"], [[(4, 8, "PART"), (14, 18, "PART")]]))
    items = task.cut(batch)
    assert items.target is not None
    assert items.inputs["tokens"][0, :2].tolist() == [5, 6]
    begins = np.flatnonzero(items.target[0] == 1)
    score = np.zeros((1, items.target.shape[1], 3))
    score[0, :, 0] = 9
    score[0, begins] = [0, 9, 0]
    answers = task.join(batch, items, {"score": score})
    assert answers.ragged("span")[0].tolist() == [[4, 8], [14, 18]]


@pytest.mark.parametrize(
    "text",
    [
        "\u05e9\u05dc\u05d5\u05dd Ms Ahorn \u202eabc\u202c",  # right to left, and a mark of direction
        "Ms\u200b Ahorn\ufeff came",  # zero-width
        "\U0001f489 Ahorn \ud800",  # beyond the basic plane, and half of a pair
        "Ms Ahorn " + "x" * 20_000,
        "a\u0301" * 50,  # marks on letters
        "头痛三天, seen by Ahorn",
    ],
)
def test_odd_texts_are_answered_with_characters_of_the_text(text: str) -> None:
    task = TextSpans(TextSpansConfig(buckets=1 << 13))
    batch = task.prepare(_batch([text.replace("\ud800", "\ufffd")]))
    items = task.cut(batch)
    score = np.zeros((len(items), items.inputs["ids"].shape[1], 1 + 2 * len(IDENTIFIERS)))
    answers = task.join(batch, items, {"score": score})
    spans = answers.ragged("span")[0]
    assert (spans[:, 0] < spans[:, 1]).all()
    assert spans.max(initial=0) <= len(text)


def test_a_text_without_a_token_among_others_has_no_span(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tokenizer may know no part of a text; the default cuts every text with a word."""
    task = TextSpans(TextSpansConfig(labels=("NAME",), length=16, margin=2))
    batch = task.prepare(_batch(["Ahorn", "Birke"]))
    empty = tokenised(["", "Birke"])
    monkeypatch.setattr(task, "_tokenised", lambda _: (empty, np.array([7])))
    items = task.cut(batch)
    assert items.inputs["tokens"].sum(axis=1).tolist() == [0, 7]
    score = np.zeros((2, 16, 3))
    score[:, 0] = [0, 9, 0]
    assert task.join(batch, items, {"score": score}).ragged("span").lengths.tolist() == [0, 1]
