from __future__ import annotations

from pathlib import Path

import pytest

from auscult.base.errors import RecipeError
from auscult.domains.text.preprocess.subwords import read_tokenizer, subword_tokens, subwords
from auscult.domains.text.tasks.common import TextItems
from auscult.domains.text.tasks.document_class import DocumentClassConfig
from domains.text.tokenizer import WORDS, write_tokenizer


def test_subwords_are_numbers_plus_one_between_the_marks(tmp_path: Path) -> None:
    """[CLS] the pump [UNK] [SEP] is 2 4 5 1 3; the padding and cutting of the file are not used."""
    tokenizer = read_tokenizer(write_tokenizer(tmp_path / "tokenizer.json"))
    made = subwords(tokenizer, ["The pump exploded", "", "the the the the the the"], 6)
    assert made.tolist() == [[3, 5, 6, 2, 4, 0], [3, 4, 0, 0, 0, 0], [3, 5, 5, 5, 5, 4]]
    assert subwords(tokenizer, ["the " * 40], 64).tolist()[0].count(5) == 40


def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(RecipeError, match=r"\[task\] tokenizer: expected a tokenizer.json .*got other.json, which is"):
        read_tokenizer(tmp_path / "other.json")


def test_items_hold_the_subwords_of_the_tokenizer(tmp_path: Path) -> None:
    path = str(write_tokenizer(tmp_path / "tokenizer.json"))
    made = TextItems(DocumentClassConfig(tokenizer=path, vocabulary=64, length=8)).tokens(["pump"])
    assert made.tolist() == [[3, 6, 4, 0, 0, 0, 0, 0]]


def test_a_vocabulary_below_the_tokenizer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(write_tokenizer(tmp_path / "tokenizer.json"))
    config = DocumentClassConfig(tokenizer=path).model_copy(update={"vocabulary": len(WORDS)})
    with pytest.raises(RecipeError, match=r"\[task\] vocabulary: expected more than the 10 subwords .*got 10"):
        TextItems(config).tokens(["pump"])


def test_subwords_stand_where_they_are_in_the_text(tmp_path: Path) -> None:
    tokenizer = read_tokenizer(write_tokenizer(tmp_path / "tokenizer.json"))
    texts = ["The  pump exploded", "", "pump"]
    tokens, numbers = subword_tokens(tokenizer, texts)
    words = [[text[a:b] for a, b in tokens.characters(row)] for row, text in enumerate(texts)]
    assert words == [["The", "pump", "exploded"], [], ["pump"]]
    assert numbers.tolist() == [5, 6, 2, 6]
    assert tokens.first.tolist() == [0, 3, 3, 4]
