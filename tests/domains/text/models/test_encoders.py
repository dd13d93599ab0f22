"""Encoders of the transformers library: from a folder, with adapters, for a text and for each of its words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from auscult.base.contracts import FitContext, Items, ItemSet
from auscult.base.errors import UsageError
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.text.models.bert import Bert
from auscult.domains.text.models.encoder_linear import EncoderLinear, EncoderLinearConfig, FrozenMean
from auscult.domains.text.models.pretrained import Encoder, EncoderConfig, alike, read_encoder, require_known
from auscult.domains.text.tasks.document_class import DocumentClass, DocumentClassConfig
from auscult.engine.drivers import load_program

WIDTH = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small encoder as the library saves it."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("encoder")
    sizes = {"hidden_size": WIDTH, "intermediate_size": 32, "num_attention_heads": 2, "num_hidden_layers": 2}
    BertModel(BertConfig(vocab_size=64, max_position_embeddings=16, **sizes)).save_pretrained(path)
    return path


def _items(n: int = 24) -> ItemSet:
    """Texts of 1 to 12 tokens; the class says whether token 5 is there."""
    rng = np.random.default_rng(0)
    tokens = np.zeros((n, 12), dtype=np.int64)
    for row in range(n):
        tokens[row, : rng.integers(1, 13)] = 1 + rng.integers(6, 60, 12)[: (tokens[row] == 0).sum()][0]
        tokens[row, 0] = 5 if row % 2 else 7
    return ItemSet(Items({"tokens": tokens}, np.arange(n), np.zeros(n, np.int64), np.arange(n) % 2), np.arange(n))


def _context(tmp_path: Path, vocabulary: int = 64) -> FitContext:
    spec = DocumentClass(DocumentClassConfig(labels=("a", "b"), vocabulary=vocabulary)).spec
    table = TrainTable(epochs=2, batch_size=8, threads=1, learning_rate=0.01)
    return FitContext(spec, 1, table, tmp_path, Silent())


@pytest.mark.parametrize("settings", [{}, {"lora": 2}, {"frozen_layers": 1, "pool": "first"}])
def test_what_is_trained_is_what_was_asked_for(settings: dict[str, Any], folder: Path) -> None:
    net = Encoder(EncoderConfig(folder=str(folder), **settings), read_encoder(str(folder)), 2, per_token=False)
    moves = {name for name, p in net.named_parameters() if p.requires_grad}
    assert "read.weight" in moves
    assert any("lora" in m for m in moves) == bool(settings.get("lora"))
    assert any("word_embeddings" in m for m in moves) == (not settings)
    if "frozen_layers" in settings:
        assert not any("layer.0." in m for m in moves)
        assert any("layer.1." in m for m in moves)


def test_a_fine_tuned_folder_answers_as_its_program(folder: Path, tmp_path: Path) -> None:
    items = _items()
    fitted = Bert(EncoderConfig(folder=str(folder), lora=2)).fit(items, items, _context(tmp_path))
    program = fitted.export()
    assert program.settings["trim"] == "tokens"
    tokens = items.items.inputs["tokens"]
    with torch.no_grad():
        expected = fitted.network(torch.as_tensor(tokens)).softmax(dim=1).numpy()  # type: ignore[attr-defined]
    np.testing.assert_allclose(load_program(program)({"tokens": tokens})["probability"], expected, atol=1e-5)


def test_in_whole_numbers_an_answer_is_nearly_the_same_and_hangs_on_no_other_text(folder: Path, tmp_path: Path) -> None:
    items = _items()
    tokens = items.items.inputs["tokens"]
    plain, small = (
        Bert(EncoderConfig(folder=str(folder), int8=int8)).fit(items, items, _context(tmp_path / str(int8))).export()
        for int8 in (False, True)
    )
    assert len(small.graphs["main"]) < len(plain.graphs["main"])
    exact, near = (load_program(p)({"tokens": tokens})["probability"] for p in (plain, small))
    assert 0 < np.abs(exact - near).max() < 0.05
    alone = np.concatenate([load_program(small)({"tokens": tokens[k : k + 1]})["probability"] for k in range(6)])
    np.testing.assert_array_equal(alone, near[:6])


def test_padding_changes_no_answer(folder: Path) -> None:
    net = Encoder(EncoderConfig(), read_encoder(str(folder)), 2, per_token=False).eval()
    short = torch.tensor([[5, 6, 7]])
    long = torch.tensor([[5, 6, 7, 0, 0], [1, 2, 3, 4, 5]])
    with torch.no_grad():
        torch.testing.assert_close(net(long)[:1], net(short))


def test_each_token_has_scores_and_padding_has_none(folder: Path) -> None:
    net = Encoder(EncoderConfig(), read_encoder(str(folder)), 3, per_token=True).eval()
    with torch.no_grad():
        made = net(torch.tensor([[5, 6, 0, 0], [5, 0, 0, 0]]))
    assert made.shape == (2, 3, 4)
    assert not made[:, :, 2:].any()


def test_every_item_comes_once_in_batches_of_like_length() -> None:
    items = _items(50)
    batches = list(alike(items, 8, np.random.default_rng(0)))
    assert sorted(np.concatenate(batches).tolist()) == list(range(50))
    length = (items.items.inputs["tokens"] != 0).sum(axis=1)
    spread = np.mean([np.ptp(length[b]) for b in batches])
    assert spread < np.ptp(length) / 2


def test_a_folder_without_weights_or_with_pickled_ones_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\[model\] folder: expected config.json in .*, got none"):
        read_encoder(str(tmp_path))
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(UsageError, match=r"expected model.safetensors in .*, got none$"):
        read_encoder(str(tmp_path))
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(UsageError, match=r"only pytorch_model.bin, which is a pickle; save it as safetensors"):
        read_encoder(str(tmp_path))


def test_more_words_than_the_encoder_knows_are_refused(folder: Path, tmp_path: Path) -> None:
    items = _items()
    with pytest.raises(UsageError, match=r"\[task\] vocabulary: expected at most 65, which the encoder knows, got 99"):
        Bert(EncoderConfig(folder=str(folder))).fit(items, items, replace(_context(tmp_path, 99)))


@pytest.mark.parametrize(("family", "most"), [("bert", 16), ("roberta", 14)])
def test_longer_texts_than_the_encoder_has_places_for_are_refused(family: str, most: int) -> None:
    """An encoder of the family of RoBERTa begins to count after the number of its padding, 1 (Liu et al. 2019)."""
    from transformers import AutoConfig, AutoModel

    sizes = {"hidden_size": WIDTH, "intermediate_size": 32, "num_attention_heads": 2, "num_hidden_layers": 1}
    body = AutoModel.from_config(AutoConfig.for_model(family, max_position_embeddings=16, vocab_size=64, **sizes))
    require_known(body, 64, most)
    body.eval()(input_ids=torch.full((1, most), 5))
    with pytest.raises(UsageError, match=rf"\[task\] length: expected at most {most}, .* encoder has, got {most + 1}"):
        require_known(body, 64, most + 1)


@pytest.mark.parametrize("model", ["bert", "encoder-linear"])
def test_a_task_with_longer_texts_is_refused_before_anything_is_trained(
    model: str, folder: Path, tmp_path: Path
) -> None:
    items = _items()
    tokens = np.pad(items.items.inputs["tokens"], ((0, 0), (0, 8)))
    inputs = {"tokens": tokens, "ids": np.zeros((24, 1), np.int64), "counts": np.zeros((24, 1), np.float32)}
    longer = ItemSet(replace(items.items, inputs=inputs), items.rows)
    chosen = (
        Bert(EncoderConfig(folder=str(folder)))
        if model == "bert"
        else EncoderLinear(EncoderLinearConfig(folder=str(folder)))
    )
    with pytest.raises(UsageError, match=r"\[task\] length: expected at most 16, .* encoder has, got 20"):
        chosen.fit(longer, longer, _context(tmp_path))


class _Told(Silent):
    def __init__(self) -> None:
        self.labels: list[str] = []

    def bar(self, label: str, total: int) -> Any:
        self.labels.append(label)
        return super().bar(label, total)


def _with_grams() -> ItemSet:
    items = _items()
    n = len(items)
    ids = np.where(np.arange(n)[:, None] % 2, [[3, 9, -1]], [[4, 9, 11]]).astype(np.int32)
    inputs = {**items.items.inputs, "ids": ids, "counts": (ids >= 0).astype(np.float32)}
    return ItemSet(replace(items.items, inputs=inputs), items.rows)


def test_encoder_and_n_grams_make_one_program(folder: Path, tmp_path: Path) -> None:
    """The score is (encoder's mean, length 0.5, and counts) times the weights, as numpy has it."""
    items = _with_grams()
    context = _context(tmp_path / "arm")
    fitted = EncoderLinear(EncoderLinearConfig(folder=str(folder))).fit(items, items, context)
    program = fitted.export()
    inputs = items.inputs()
    with torch.no_grad():
        mean = FrozenMean(read_encoder(str(folder))).eval()(torch.as_tensor(inputs["tokens"])).numpy()
    network: Any = fitted.network  # type: ignore[attr-defined]
    grams, read = network.grams.weight.detach().numpy(), network.read
    np.testing.assert_allclose(np.linalg.norm(mean, axis=1), 1.0, rtol=1e-5)
    words = (grams[inputs["ids"] + 1] * inputs["counts"][:, :, None]).sum(axis=1)
    score = mean @ read.weight.detach().numpy().T + read.bias.detach().numpy() + words
    expected = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(load_program(program)(inputs)["probability"], expected, atol=1e-5)
    assert (expected.argmax(axis=1) == items.target()).all()


def test_a_text_is_encoded_once_for_all_folds(folder: Path, tmp_path: Path) -> None:
    items, told = _with_grams(), _Told()
    context = replace(_context(tmp_path / "fold-1"), report=told)
    model = EncoderLinear(EncoderLinearConfig(folder=str(folder)))
    some = ItemSet(items.items, np.arange(12))
    first = model.fit(some, some, context)
    again = model.fit(some, some, replace(context, folder=tmp_path / "fold-2"))
    assert told.labels == ["encode"]
    for one, other in zip(first.network.parameters(), again.network.parameters(), strict=True):  # type: ignore[attr-defined]
        torch.testing.assert_close(one, other)
    model.fit(items, items, context)
    assert told.labels == ["encode"] * 2
