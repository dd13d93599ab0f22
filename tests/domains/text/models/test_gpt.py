"""The network that writes is, piece by piece, the network that was trained; rare words are no pieces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from auscult.base.contracts import FitContext, Items, ItemSet
from auscult.base.errors import DataError, RecipeError, UsageError
from auscult.base.files import write_bytes
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.text.models.gpt import Causal, Gpt, GptConfig, OneStep, read_causal
from auscult.domains.text.models.ngram_text import NgramText, NgramTextConfig
from auscult.domains.text.models.sequences import VocabularyConfig, sequences
from auscult.domains.text.tasks.report_generation import ReportGeneration, ReportGenerationConfig, as_bytes
from auscult.engine.drivers import load_program

TEXTS = ["the pump leaked", "the pump stopped", "the pump Zyx leaked"] * 2
SPEC = ReportGeneration(ReportGenerationConfig(length=40, request=32)).spec


def items_of(texts: list[str], *, candidates: int = 2, length: int = 40) -> ItemSet:
    rows = np.repeat(np.arange(len(texts)), candidates)
    prompt = as_bytes(["device: pump\x02"] * len(rows), 32)
    target = as_bytes([texts[k] for k in rows], length)
    position = np.tile(np.arange(candidates), len(texts))
    items = Items({"prompt": prompt, "seed": np.arange(len(rows))}, rows, position, target)
    return ItemSet(items, np.arange(len(rows)))


def test_one_step_after_the_other_is_the_whole_network() -> None:
    torch.manual_seed(0)
    config = GptConfig(layers=2, width=16, heads=2, places=16)
    network = Causal(config, 40).eval()
    tokens = torch.randint(0, 40, (3, 9))
    past = torch.zeros(3, 2 * 2 * 2, 1, 8)
    with torch.no_grad():
        whole = network(tokens)
        for place in range(9):
            scores = OneStep(network.body)(tokens[:, place], torch.full((3,), place), past)
            torch.testing.assert_close(scores[:, :40], whole[:, place], atol=1e-5, rtol=1e-4)
            past = torch.cat([past, scores[:, 40:].reshape(3, 8, 1, 8)], dim=2)


def test_sequences_have_each_record_once_and_an_end_only_where_the_text_is_whole() -> None:
    learned = sequences(VocabularyConfig(least=3), items_of(TEXTS, length=16), items_of(TEXTS[:1]))
    assert len(learned.train) == 6
    assert len(learned.valid) == 1
    assert [s[0] for s in learned.train] == [0] * 6
    assert [s[-1] == 0 for s in learned.train] == [True, False, False] * 2  # 15, 16 and 19 bytes of 16
    words = {bytes(w).rstrip(b"\0") for w in learned.words}
    assert words == {b"device", b" pump", b"the"}  # the other words stand in fewer than three different texts


def test_counts_write_what_they_have_seen_and_score_it(tmp_path: Path) -> None:
    train = items_of(["the pump leaked"] * 4)
    model = NgramText(NgramTextConfig(least=1, order=4, temperature=0.0))
    run = load_program(model.fit(train, train, FitContext(SPEC, 0, TrainTable(), tmp_path, Silent())).export())
    inputs = {**train.inputs(np.array([0])), "given": as_bytes(["the pump leaked"], 40)}
    made = run({k: v for k, v in inputs.items() if k != "given"})["tokens"]
    assert bytes(made[made >= 0].astype(np.uint8)) == b"device: pump\x02the pump leaked"
    seen = run(inputs)["log_probability"]
    unseen = run({**inputs, "given": as_bytes(["the pump xyz"], 40)})["log_probability"]
    assert unseen[0] < seen[0] < 0


def test_another_recipe_goes_on_from_the_network_with_its_sizes_and_words(tmp_path: Path) -> None:
    first = items_of([f"the pump {word}" for word in ("leaked", "stopped", "broke", "hummed", "froze")])
    table = TrainTable(epochs=1, threads=1, batch_size=4, learning_rate=0.01)
    learned = Gpt(GptConfig(width=16, layers=2, places=48)).fit(
        first, first, FitContext(SPEC, 0, table, tmp_path / "a", Silent())
    )
    before = learned.export()
    folder = tmp_path / "network"
    for name, content in before.network.items():
        write_bytes(folder / name, content)
    other = items_of(["a stent was bent"] * 6)
    slow = table.model_copy(update={"learning_rate": 1e-12})
    after = (
        Gpt(GptConfig(folder=str(folder)))
        .fit(other, other, FitContext(SPEC, 1, slow, tmp_path / "b", Silent()))
        .export()
    )
    np.testing.assert_array_equal(after.arrays["words"], before.arrays["words"])
    assert after.settings == before.settings
    inputs = {**other.inputs(np.array([0])), "given": as_bytes(["a stent was bent"], 40)}
    one, two = (load_program(p)(inputs)["log_probability"] for p in (before, after))
    np.testing.assert_allclose(one, two, rtol=1e-4)
    (folder / "pieces.safetensors").unlink()
    with pytest.raises(
        UsageError, match=r"\[model\] folder: expected pieces.safetensors in network, got none; name a rel"
    ):
        read_causal(str(folder))


def test_nothing_to_learn_from_and_odd_heads_are_refused(tmp_path: Path) -> None:
    none = ItemSet(items_of(TEXTS).items, np.zeros(0, dtype=np.int64))
    with pytest.raises(DataError, match=r"training: expected narratives, got none; name their column in \[task\] text"):
        sequences(VocabularyConfig(), none, none)
    with pytest.raises(RecipeError, match=r"\[model\] heads: expected a divisor of the width 64, got 5"):
        Gpt(GptConfig(heads=5))
