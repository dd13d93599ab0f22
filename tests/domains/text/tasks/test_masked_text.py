"""Texts with gaps: what is hidden, what is told of it, and what never is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import ReadError
from auscult.domains.text.tasks.masked_text import MaskedText, MaskedTextConfig
from auscult.engine.answers import kind_of
from domains.text.tokenizer import write_tokenizer

TEXTS = ("The pump stopped and the screen broke after a leak.", "Leak.", " ".join(f"word{k}" for k in range(100)))


def batch(*texts: str) -> RecordBatch:
    column = np.array(texts, dtype=np.dtypes.StringDType())
    return RecordBatch((Field("text", "text"),), {"text": column}, np.array([f"r{k}" for k in range(len(texts))]))


def task(**settings: object) -> MaskedText:
    return MaskedText(MaskedTextConfig.model_validate({"length": 20, "pieces": 3, **settings}))


def test_a_share_of_each_piece_is_hidden_and_what_stood_there_is_kept() -> None:
    made = task()
    items = made.cut(made.prepare(batch(*TEXTS)))
    tokens, gap, ids = (items.inputs[name] for name in ("tokens", "gap", "ids"))
    assert items.record.tolist() == [0, 1, 2, 2, 2]
    assert (gap >= 0).sum(axis=1).tolist() == [2, 1, 3, 3, 3]  # 0.15 of 10, 1 and 20 words, one at the least
    assert (tokens == 1 << 11).sum(axis=1).tolist() == [2, 1, 3, 3, 3]
    np.testing.assert_array_equal(ids >= 1, gap >= 0)
    other = made.cut(made.prepare(batch(TEXTS[2])))
    np.testing.assert_array_equal(other.inputs["gap"], gap[2:])
    whole = tokens.copy()
    rows, columns = np.nonzero(gap >= 0)
    whole[rows, gap[rows, columns]] = ids[rows, columns]
    assert len(set(whole[0][:10].tolist())) == 9  # 'the' comes twice
    assert not (whole == 1 << 11).any()


def test_marks_of_the_tokenizer_are_never_hidden(tmp_path: Path) -> None:
    made = task(tokenizer=str(write_tokenizer(tmp_path / "tokenizer.json")), vocabulary=64, hidden=0.5)
    items = made.cut(made.prepare(batch("The pump stopped", "leak")))
    assert (items.inputs["gap"] >= 0).sum(axis=1).tolist() == [2, 1]
    assert set(items.inputs["tokens"][:, 0].tolist()) == {3}  # [CLS], its number plus one
    assert 4 in items.inputs["tokens"][0]  # [SEP]


def test_pieces_of_a_text_are_one_answer_in_numbers() -> None:
    made = task()
    prepared = made.prepare(batch(*TEXTS))
    items = made.cut(prepared)
    score = np.column_stack([np.log([0.25, 0.5, 0.1, 0.1, 0.1]), [1, 0, 1, 2, 3]])
    outputs = made.join(prepared, items, {"score": score})
    kind = kind_of(made.spec)
    assert kind.present(made.spec, outputs, 0) == {
        "synthetic": True, "hidden": 2, "right": 1, "perplexity": pytest.approx(2.0),
    }  # fmt: skip
    assert kind.present(made.spec, outputs, 2)["perplexity"] == pytest.approx(1000 ** (1 / 9))
    assert kind.present(made.spec, outputs, 2)["right"] == 6
    assert all(values.dtype == np.float64 for values in outputs.arrays.values() if isinstance(values, np.ndarray))
    m = kind.measure(made.spec, outputs, "masked_accuracy")
    assert m.function(m.target, m.output)[0] == pytest.approx(7 / 12)
    guess = kind.measure(made.spec, kind.guess(made.spec, outputs, np.random.default_rng(0)), "perplexity")
    assert guess.function(guess.target, guess.output)[0] == pytest.approx(1 << 11)
    assert not kind.difference(made.spec, outputs, outputs)
    worse = made.join(prepared, items, {"score": score - 0.1})
    assert "log_probability: expected within 0.001" in kind.difference(made.spec, outputs, worse)


def test_a_text_without_a_word_is_refused() -> None:
    with pytest.raises(ReadError, match="text: expected at least one word, got none in 1 of 2 texts"):
        task().prepare(batch("Leak.", "… --"))
