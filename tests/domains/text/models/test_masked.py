"""Learning from hidden words: what is hidden anew, what the floor counts, and a recipe that starts from the release."""

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
from auscult.base.recipe import Recipe, TrainTable, load_recipe
from auscult.domains.text import DOMAIN
from auscult.domains.text.models.bert import Bert
from auscult.domains.text.models.masked import GAPS, HIDDEN, PART, Masked, _loss, _loss_in_parts, hidden_anew
from auscult.domains.text.models.pretrained import WEIGHTS, EncoderConfig, read_encoder
from auscult.domains.text.models.word_frequency import WordFrequency, WordFrequencyConfig
from auscult.domains.text.tasks.document_class import DocumentClass, DocumentClassConfig
from auscult.domains.text.tasks.masked_text import MaskedText, MaskedTextConfig
from auscult.engine.build import BuildOptions, build
from auscult.engine.drivers import load_program
from auscult.engine.train import Batch

VOCABULARY = 64
RECIPES = Path(__file__).parents[4] / "recipes" / "text"


def _items(n: int = 40, length: int = 20) -> ItemSet:
    """Texts that count on from a random number, so that a hidden word is told by those beside it."""
    rng = np.random.default_rng(0)
    whole = 1 + (rng.integers(0, 50, (n, 1)) + np.arange(length)) % 50
    whole[: n // 2, length // 2 :] = 0
    gap = np.stack([np.sort(rng.permutation(length // 2)[:2]) for _ in range(n)])
    ids = np.take_along_axis(whole, gap, axis=1)
    tokens = whole.copy()
    np.put_along_axis(tokens, gap, VOCABULARY, axis=1)
    return ItemSet(
        Items({"tokens": tokens, "gap": gap, "ids": ids}, np.arange(n), np.zeros(n, np.int64), ids), np.arange(n)
    )


def _context(folder: Path, **train: Any) -> FitContext:
    spec = MaskedText(MaskedTextConfig(vocabulary=VOCABULARY)).spec
    return FitContext(spec, 1, TrainTable(threads=1, learning_rate=0.01, batch_size=16, **train), folder, Silent())


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of a network that learned from texts with gaps."""
    folder = tmp_path_factory.mktemp("masked")
    items = _items()
    fitted = Bert(EncoderConfig(width=16)).fit(items, items, _context(folder, epochs=2))
    program = fitted.export()
    for name, content in program.network.items():
        (folder / name).write_bytes(content)
    inputs = items.inputs()
    with torch.no_grad():
        expected = fitted.network(*(torch.as_tensor(inputs[n]) for n in program.inputs)).numpy()  # type: ignore[attr-defined]
    np.testing.assert_allclose(load_program(program)(inputs)["score"], expected, atol=1e-4)
    return folder


def test_words_are_hidden_anew_and_the_text_is_restored_before() -> None:
    torch.manual_seed(0)
    items = _items(400)
    inputs = {n: torch.as_tensor(v) for n, v in items.inputs().items()}
    made = hidden_anew(Batch(inputs, None), VOCABULARY).inputs
    whole = inputs["tokens"].scatter(1, inputs["gap"], inputs["ids"])
    there = made["gap"] >= 0
    rows, _ = torch.nonzero(there, as_tuple=True)
    assert torch.equal(made["ids"][there], whole[rows, made["gap"][there]])
    size = (whole != 0).sum(dim=1)
    assert torch.equal(there.sum(dim=1), (HIDDEN * size).round().clamp(min=1).long())
    shown = made["tokens"][rows, made["gap"][there]]
    assert abs(float((shown == VOCABULARY).float().mean()) - GAPS) < 0.05
    assert 0.08 < float((shown == made["ids"][there]).float().mean()) < 0.16  # those that stay, and chance
    rest = made["tokens"].scatter(1, made["gap"].clamp(min=0), 0) != whole.scatter(1, made["gap"].clamp(min=0), 0)
    assert not rest[:, 1:].any()  # nothing but what is hidden has changed


def test_a_large_batch_has_the_loss_of_its_parts_together(network: Path) -> None:
    torch.manual_seed(0)
    made = Masked(read_encoder(str(network))).eval()
    inputs = {n: torch.as_tensor(v) for n, v in _items(PART + 7).inputs().items()}
    inputs["gap"][-5:, 1:] = -1  # parts with another number of gaps
    with torch.no_grad():
        whole, parts = (loss(made, Batch(inputs, None)) for loss in (_loss, _loss_in_parts))
    torch.testing.assert_close(whole, parts)


def test_the_floor_gives_each_word_its_share(tmp_path: Path) -> None:
    items = _items(2)
    program = WordFrequency(WordFrequencyConfig()).fit(items, items, _context(tmp_path)).export()
    inputs = items.inputs()
    whole = inputs["tokens"].copy()
    np.put_along_axis(whole, inputs["gap"], inputs["ids"], axis=1)
    counts = np.bincount(whole[whole > 0], minlength=VOCABULARY) + 1
    share = counts / counts[1:].sum()
    score = load_program(program)(inputs)["score"]
    np.testing.assert_allclose(score[:, 0], np.log(share[inputs["ids"]]).sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(score[:, 1], (inputs["ids"] == counts.argmax()).sum(axis=1))


def test_the_network_that_learned_is_the_one_that_is_read(network: Path) -> None:
    body = read_encoder(str(network))
    assert body.config.vocab_size == VOCABULARY
    assert body.config.tokenizer_number == VOCABULARY  # no tokenizer: words are hashed to so many numbers
    assert (network / WEIGHTS).is_file()


def test_another_tokenizer_than_the_networks_is_refused(network: Path, tmp_path: Path) -> None:
    tokens = _items().items.inputs["tokens"] % 50
    items = ItemSet(Items({"tokens": tokens}, np.arange(40), np.zeros(40, np.int64), np.arange(40) % 2), np.arange(40))
    spec = DocumentClass(DocumentClassConfig(labels=("a", "b"), vocabulary=VOCABULARY + 1)).spec
    context = replace(_context(tmp_path, epochs=1), spec=spec)
    with pytest.raises(
        UsageError, match=r"\[task\] tokenizer: expected what the network learned its words by, got anot"
    ):
        Bert(EncoderConfig(folder=str(network))).fit(items, items, context)
    same = replace(context, spec=DocumentClass(DocumentClassConfig(labels=("a", "b"), vocabulary=VOCABULARY)).spec)
    assert Bert(EncoderConfig(folder=str(network))).fit(items, items, same).export().graphs


def test_a_recipe_starts_from_the_release_of_another(tmp_path: Path) -> None:
    options = BuildOptions(cache=tmp_path / "cache", workers=1)
    first = _recipe("masked-simulated", "train.epochs=2", "split.seed=3")
    made = build(first, tmp_path / "masked", DOMAIN, options=replace(options, ship="bert"))
    assert made.release is not None
    with (made.release / "evidence" / "report.html").open(encoding="utf-8") as report:
        assert "masked_accuracy" in report.read()
    text = b"pump"
    held = [p for p in made.release.rglob("*") if p.is_file() and "golden" not in p.parts and text in p.read_bytes()]
    assert [p.name for p in held] == []
    changes = ("model.name=bert", f"model.folder={tmp_path / 'masked'}", "task.vocabulary=2048", "train.epochs=1")
    second = _recipe("event-type-simulated", *changes, "split.on_leak=report", "evaluate.faults=false")
    tuned = build(second, tmp_path / "tuned", DOMAIN, options=replace(options, ship="bert", until="evaluate"))
    assert tuned.metrics["leaks"]["seen_by_network"] > 0  # the same simulated reports


def _recipe(name: str, *overrides: str) -> Recipe:
    return load_recipe(RECIPES / f"{name}.toml", ["evaluate.resamples=100", *overrides])
