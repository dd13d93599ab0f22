from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from auscult.base.contracts import Field, Outputs, RecordBatch
from auscult.base.errors import ReadError
from auscult.domains.text.checks import encodings, unlabelled
from auscult.domains.text.readers.common import TEXT
from auscult.domains.text.tasks.document_class import DocumentClass, DocumentClassConfig

CONFIG = DocumentClassConfig(text=("what", "more"), label="kind", labels=("a", "b"), groups=("site",))


def _batch(**columns: list[str]) -> RecordBatch:
    fields = tuple(Field(n, "text", missing=True) for n in columns)
    n = len(next(iter(columns.values())))
    return RecordBatch(
        fields,
        {k: np.array(v, dtype=TEXT) for k, v in columns.items()},
        np.array([f"r{k}" for k in range(n)]),
        groups={"encoding": np.full(n, "windows-1252")},
    )


def test_columns_are_joined_and_the_rest_is_dropped() -> None:
    raw = _batch(what=["The pump", "x y"], more=["", "stopped"], kind=["a", "c"], site=["S1", ""], name=["N", "N"])
    made = DocumentClass(CONFIG).prepare(raw)
    assert [f.name for f in made.fields] == ["text", "label"]
    assert made.dense("text").tolist() == ["The pump", "x y\nstopped"]
    assert made.dense("label").tolist() == [0, -1]
    assert made.groups["site"].tolist() == ["S1", "none"]
    assert len(set(made.groups["text"].tolist())) == 2


def test_a_text_that_is_a_group_key_is_kept_as_a_hash() -> None:
    config = CONFIG.model_copy(update={"groups": ("what",)})
    raw = _batch(what=["The pump", "the  PUMP ", "The bed"], more=["a", "b", "c"], kind=["a", "a", "a"])
    keys = DocumentClass(config).prepare(raw).groups["what"].tolist()
    assert keys[0] == keys[1] != keys[2]
    assert not any("pump" in k.lower() for k in keys)


def test_another_class_is_left_out_of_training_and_counted_but_answered() -> None:
    task = DocumentClass(CONFIG)
    made = task.prepare(_batch(what=["p q", "r s", "t u"], more=["", "", ""], kind=["b", "other", "a"]))
    items = task.cut(made)
    assert items.record.tolist() == [0, 2]
    assert items.target is not None
    assert items.target.tolist() == [1, 0]
    assert len(task.cut_new(made)) == 3
    assert [(f.check, f.count, f.records) for f in unlabelled([made])] == [("unlabelled", 1, ("r1",))]
    assert encodings([made])[0].count == 3


def test_a_batch_without_any_known_class_has_no_item() -> None:
    task = DocumentClass(CONFIG)
    made = task.prepare(_batch(what=["p q"], more=[""], kind=["other"]))
    assert len(task.cut(made)) == 0


def test_a_new_narrative_needs_no_columns_but_text() -> None:
    task = DocumentClass(CONFIG)
    assert len(task.cut_new(task.prepare(_batch(text=["The pump stopped"])))) == 1


@pytest.mark.parametrize("text", ["", "  ", "?!… —", "\u200b\u200b"])
def test_a_text_without_a_word_is_refused(text: str) -> None:
    with pytest.raises(ReadError, match="text: expected at least one word, got none in 1 of 1 texts"):
        DocumentClass(CONFIG).prepare(_batch(what=[text], more=[""]))


def test_missing_columns_are_named() -> None:
    with pytest.raises(ReadError, match=r"expected the text in 'what', 'more' .*got words, kind; name the columns"):
        DocumentClass(CONFIG).prepare(_batch(words=["a b"], kind=["a"]))


def test_the_words_that_carry_an_answer_are_found() -> None:
    """A stand-in for a program: the probability is 0.9 where the bucket of 'broken' is there."""
    task = DocumentClass(CONFIG)
    made = task.prepare(_batch(text=["the tip was found broken today"]))
    bucket = task.cut_new(task.prepare(_batch(text=["broken"]))).inputs["tokens"][0, 0]

    def run(inputs):  # type: ignore[no-untyped-def]
        there = (inputs["tokens"] == bucket).any(axis=1)
        return {"probability": np.where(there[:, None], [[0.1, 0.9]], [[0.8, 0.2]])}

    items = task.cut_new(made)
    outputs = task.join(made, items, run(items.inputs))
    (words,) = task.explain(made, outputs, run)
    assert words == {"words": [{"begin": 18, "end": 24, "carries": 0.7}]}


def test_places_count_in_the_text_as_it_was_read_and_blanks_around_it_change_nothing() -> None:
    task = DocumentClass(CONFIG)
    text = "\r\n  the tip was\r\nfound broken today \n"
    made = task.prepare(_batch(text=[text]))
    assert made.dense("text").tolist() == [text]
    plain, items = task.cut_new(task.prepare(_batch(text=[text.strip()]))), task.cut_new(made)
    for name, values in plain.inputs.items():
        np.testing.assert_array_equal(items.inputs[name], values)
    bucket = task.cut_new(task.prepare(_batch(text=["broken"]))).inputs["tokens"][0, 0]

    def run(inputs):  # type: ignore[no-untyped-def]
        there = (inputs["tokens"] == bucket).any(axis=1)
        return {"probability": np.where(there[:, None], [[0.1, 0.9]], [[0.8, 0.2]])}

    (told,) = task.explain(made, task.join(made, items, run(items.inputs)), run)
    assert [text[w["begin"] : w["end"]] for w in told["words"]] == ["broken"]


def test_a_folder_of_new_narratives_is_answered_as_json_lines(tmp_path: Path) -> None:
    from auscult.base.recipe import load_recipe
    from auscult.domains.text import DOMAIN
    from auscult.domains.text.examples import write_narratives_example
    from auscult.engine.build import BuildOptions, build
    from auscult.engine.runtime import open_release

    root = Path(__file__).parents[4]
    recipe = load_recipe(root / "recipes" / "text" / "event-type-simulated.toml", ["model.name=tfidf-linear"])
    made = build(recipe, tmp_path / "run", DOMAIN, options=BuildOptions(cache=tmp_path / "cache", workers=1))
    assert made.release is not None
    write_narratives_example(tmp_path / "new", 5, small=True)
    (tmp_path / "new" / "empty.txt").write_bytes(b"")
    opened = open_release(made.release, lambda name: DOMAIN)
    answers = list(opened.answer_path(tmp_path / "new", explain=True))
    assert [a.status for a in answers].count("answered") == 4
    assert all(a.explanation and a.explanation["words"] for a in answers if a.status == "answered")
    assert made.metrics["metrics"]["macro_f1"]["value"] > 0.75


def test_a_report_that_was_filed_twice_is_no_test_for_itself(tmp_path: Path) -> None:
    """Twenty long reports, each filed twice with another first word: whatever the split by record, some leak."""
    from auscult.base.errors import DataError
    from auscult.base.recipe import load_recipe
    from auscult.domains.text import DOMAIN
    from auscult.engine.build import BuildOptions, build

    rng = np.random.default_rng(0)
    texts = [" ".join(f"word{k}" for k in rng.integers(0, 5000, 60)) for _ in range(20)]
    rows = [
        json.dumps({"event": ("malfunction", "injury")[k % 2], "text": f"{first} {text}"})
        for first in ("first", "second")
        for k, text in enumerate(texts)
    ]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.jsonl").write_text("\n".join(rows))
    root = Path(__file__).parents[4]
    changes = [f'data.path="{tmp_path / "data"}"', 'data.example=""', 'split.key="text"']
    recipe = load_recipe(root / "recipes" / "text" / "event-type-simulated.toml", changes)
    with pytest.raises(DataError, match=r"0 test records share a subject .* and \d+ have nearly the same content"):
        build(recipe, tmp_path / "run", DOMAIN, options=BuildOptions(cache=tmp_path / "cache", workers=1))


def test_a_text_in_another_language_is_refused_with_its_reason() -> None:
    task = DocumentClass(CONFIG.model_copy(update={"languages": ("en",)}))
    assert len(task.prepare(_batch(text=["The pump stopped and was not used for the patient"]))) == 1
    with pytest.raises(ReadError, match="expected a text in en, got one whose language is es in 1 of 1 texts"):
        task.prepare(_batch(text=["El paciente ingresó por un dolor y fue dado de alta"]))
    with pytest.raises(ReadError, match="whose language is unknown"):
        task.prepare(_batch(text=["xqzt vlorp brindle zmekt qwop lkjh zzz"]))


ODD = {
    "right to left": "המשאבה נעצרה the pump stopped בזמן השימוש",
    "zero width": "the pu\u200bmp sto\u200dpped \ufeffand the alarm was silent",
    "overridden": "the \u202epmup\u202c stopped and nobody heard it",
    "mixed": "насос pump 泵 المضخة stopped",
    "lone surrogate": "the pump \ud83d stopped",
    "combining": "the pu\u0301\u0302\u0303mp stopped",
}


@pytest.mark.parametrize("text", ODD.values(), ids=list(ODD))
def test_odd_characters_are_cut_as_any_others_and_change_no_neighbour(text: str) -> None:
    task = DocumentClass(CONFIG)
    plain = "the pump stopped and the nurse saw it"
    alone = task.cut_new(task.prepare(_batch(text=[plain])))
    both = task.cut_new(task.prepare(_batch(text=[text.encode("utf-8", "replace").decode(), plain])))
    for name, values in alone.inputs.items():
        np.testing.assert_array_equal(both.inputs[name][1], values[0])
        assert np.isfinite(both.inputs[name]).all()


def test_zero_width_characters_hide_no_word() -> None:
    task = DocumentClass(CONFIG)
    made = task.cut_new(task.prepare(_batch(text=["the pu\u200bmp stop\u00adped", "the pump stopped"])))
    for name in ("ids", "counts", "tokens"):
        np.testing.assert_array_equal(made.inputs[name][0], made.inputs[name][1])


def test_a_long_text_is_cut_into_pieces_and_answered_once() -> None:
    """The word that decides stands at the end, beyond the first piece; its piece says 0.9, the other 0.1."""
    config = DocumentClassConfig(label="kind", labels=("a", "b"), length=8, pieces=3)
    task = DocumentClass(config)
    long = "one two three four five six seven eight nine ten broken"
    made = task.prepare(_batch(text=["short words", long], kind=["a", "b"]))
    items = task.cut(made)
    assert (items.record.tolist(), items.position.tolist()) == ([0, 1, 1], [0, 0, 6])
    assert items.target is not None
    assert items.target.tolist() == [0, 1, 1]
    bucket = task.cut_new(task.prepare(_batch(text=["broken"]))).inputs["tokens"][0, 0]

    def run(inputs):  # type: ignore[no-untyped-def]
        there = (inputs["tokens"] == bucket).any(axis=1)
        return {"probability": np.where(there[:, None], [[0.1, 0.9]], [[0.9, 0.1]])}

    outputs = task.join(made, items, run(items.inputs))
    np.testing.assert_allclose(outputs.array("probability"), [[0.9, 0.1], [0.5, 0.5]])
    assert np.asarray(outputs.truth("label")).tolist() == [0, 1]
    one = task.prepare(_batch(text=[long]))
    sure = Outputs({"probability": np.array([[0.4, 0.6]])}, np.array([0]))
    begin = long.index("broken")
    assert task.explain(one, sure, run)[0]["words"][0] == {"begin": begin, "end": begin + 6, "carries": 0.4}
