"""Documents a second: raw text to label with an exported program against ``transformers.pipeline`` on the same weights.

Ours is what a release does with a batch of texts: preparing, cutting, the program, the label. The pipeline gets the
same texts and runs in batches of several sizes, sorted by length and as they come; all labels must agree. How fast a
release in whole numbers of 8 bits (``[model] int8``) is stands in the notes: the pipeline computes in 32 bits.
"""

from __future__ import annotations

import os

from measure import comparison, in_turn, publish, seconds_of, typed

os.environ.update({"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2")})  # before numpy is loaded

import argparse
import logging
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from text_peers import LABELS, LENGTH, MODEL, TOKENIZER, VOCABULARY, Same, texts_of, tokens_of

from auscult.base.contracts import Field, FitContext, Items, ItemSet, Program, RecordBatch
from auscult.base.errors import VerifyError
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.text.models.bert import Bert
from auscult.domains.text.models.pretrained import EncoderConfig, together
from auscult.domains.text.tasks.document_class import DocumentClass, DocumentClassConfig
from auscult.engine.blocks.int8 import in_int8
from auscult.engine.drivers import load_program
from auscult.engine.task_files import located_folder

THREADS = int(os.environ["OMP_NUM_THREADS"])
GOAL = 2.0
BATCHES = (1, 8, 32)
DEFAULT = "default (one text at a time)"
LEARNED_FROM = 48
RECORDS = 256
"""Texts that a release answers together."""


def fitted(folder: str) -> Any:
    """A network that was fine-tuned for a moment, so that it is no constant."""
    texts, labels = texts_of(LEARNED_FROM, seed=1)
    index = np.arange(len(labels), dtype=np.int64)
    items = Items({"tokens": tokens_of(texts, folder)}, index, np.zeros_like(index), np.array(labels, dtype=np.int64))
    spec = task_of(folder).spec
    table = TrainTable(epochs=1, batch_size=16, learning_rate=5e-5, threads=THREADS)
    with tempfile.TemporaryDirectory() as scratch:
        context = FitContext(spec, 0, table, Path(scratch), Silent())
        return Bert(EncoderConfig(folder=folder)).fit(ItemSet(items, index), ItemSet(items, index[:8]), context)


def task_of(folder: str) -> DocumentClass:
    """The task that a release of this network has."""
    tokenizer = str(located_folder("model", folder) / TOKENIZER)
    settings = DocumentClassConfig(labels=LABELS, vocabulary=VOCABULARY, length=LENGTH, tokenizer=tokenizer)
    return DocumentClass(settings)


def programs(made: Any) -> dict[str, Program]:
    """Return the program of a network as it is exported, and in whole numbers."""
    plain: Program = made.export()
    small = replace(plain, graphs={"main": in_int8(plain.graphs["main"])})
    settings = {k: v for k, v in plain.settings.items() if k not in ("batch", "budget")}
    return {
        "32-bit": plain,
        "int8": replace(small, settings={**settings, **together(EncoderConfig(int8=True))}),
    }


def ours(program: Program, folder: str) -> Callable[[Sequence[str]], list[str]]:
    """Answer texts as the runtime does."""
    task, run = task_of(folder), load_program(program, threads=THREADS)
    field = Field("text", "text")

    def answer(texts: Sequence[str]) -> list[str]:
        labels: list[str] = []
        for first in range(0, len(texts), RECORDS):
            part = np.array(texts[first : first + RECORDS], dtype=np.dtypes.StringDType())
            names = np.array([f"r{k}" for k in range(len(part))])
            batch = task.prepare(RecordBatch((field,), {"text": part}, names))
            items = task.cut_new(batch)
            outputs = task.join(batch, items, run({"tokens": items.inputs["tokens"]}))
            labels += [LABELS[k] for k in outputs.array("probability").argmax(axis=1)]
        return labels

    return answer


def theirs(made: Any, folder: str, batch: int, *, by_length: bool) -> Callable[[Sequence[str]], list[str]]:
    """Answer texts by a pipeline on the same weights."""
    from transformers import AutoTokenizer, PreTrainedModel, pipeline
    from transformers.modeling_outputs import SequenceClassifierOutput

    class Known(PreTrainedModel):  # type: ignore[misc]
        """The network as a model of the library."""

        _supports_sdpa = True

        def __init__(self, config: Any, network: Any) -> None:
            super().__init__(config)
            self.inner = Same(network)

        def forward(self, input_ids: Any, attention_mask: Any, **_: Any) -> Any:
            return SequenceClassifierOutput(logits=self.inner(input_ids, attention_mask)["logits"])

    logging.getLogger("transformers").setLevel(logging.CRITICAL)  # the list of its own classes, at each pipeline
    config = made.network.body.config
    config.id2label, config.label2id = dict(enumerate(LABELS)), {k: n for n, k in enumerate(LABELS)}
    model = Known(config, made.network).eval()
    tokenizer = AutoTokenizer.from_pretrained(located_folder("model", folder), local_files_only=True)
    pipe = pipeline("text-classification", model=model, tokenizer=tokenizer, batch_size=batch, device="cpu")

    def answer(texts: Sequence[str]) -> list[str]:
        order = np.argsort([len(t) for t in texts], kind="stable") if by_length else np.arange(len(texts))
        torch.set_num_threads(THREADS)
        found = pipe([texts[k] for k in order], truncation=True, max_length=LENGTH)
        labels = [""] * len(texts)
        for k, one in zip(order.tolist(), found, strict=True):
            labels[k] = one["label"]
        return labels

    return answer


def measure(count: int, *, repeats: int, folder: str = MODEL, batches: Sequence[int] = BATCHES) -> dict[str, Any]:
    """Time both sides in turn, and require equal labels.

    Parameters
    ----------
    count : int
        Texts.
    repeats : int
        Rounds.
    folder : str
        The encoder.
    batches : sequence of int
        Batch sizes of the peer.

    Raises
    ------
    VerifyError
        If a label differs.
    """
    texts, _ = texts_of(count)
    made = fitted(folder)
    both = {name: ours(program, folder) for name, program in programs(made).items()}
    peers = {
        DEFAULT if (n, by) == (1, False) else f"batches of {n}{', sorted by length' if by else ''}": theirs(
            made, folder, n, by_length=by
        )
        for n in batches
        for by in ((False, True) if n > 1 else (False,))
    }
    expected = both["32-bit"](texts)
    for name, answer in peers.items():
        differing = sum(a != b for a, b in zip(expected, answer(texts), strict=True))
        if differing:
            raise VerifyError(f"{name}: expected equal labels, got {differing} of {count} that differ")
    others = sum(a != b for a, b in zip(expected, both["int8"](texts), strict=True))
    seconds = {name: min(seconds_of(partial(own, texts)) for _ in range(repeats)) for name, own in both.items()}
    measured = in_turn(
        partial(both["32-bit"], texts),
        {name: partial(partial, answer, texts) for name, answer in peers.items()},
        amount=count,
        unit="documents/s",
        repeats=repeats,
        of=("transformers", "pipeline"),
    )
    rates = {f"ours_{name}_documents_s": round(count / s, 2) for name, s in seconds.items()}
    return {**measured, "context": {**rates, "int8_labels_that_differ": others}}


def main() -> int:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=96, help="how many texts")
    parser.add_argument("--repeats", type=int, default=2, help="rounds")
    given = parser.parse_args()
    made = measure(given.texts, repeats=given.repeats)
    context = made.pop("context") | {
        "texts": given.texts,
        "repeats": given.repeats,
        "threads": THREADS,
        "encoder": MODEL,
        "length": LENGTH,
    }
    publish(comparison("text-predict", **made, goal=GOAL, goal_of="ratio", command=typed(), context=context))
    return 0


if __name__ == "__main__":
    sys.exit(main())
