"""Fine-tuning: our training loop against ``transformers.Trainer``, on the same network, texts and threads.

Tokens a second are those of the texts, without padding, over whole passes. Ours is the time of ``fit`` of the model
``bert``, so it holds reading the network, checkpoints and validation; the Trainer saves and evaluates nothing. It runs
as it comes (batches of 8 in any order), and with texts grouped by their length in batches of several sizes.
"""

from __future__ import annotations

import os

from measure import comparison, in_turn, publish, typed

os.environ.update({"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2")})  # before numpy is loaded

import argparse
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from text_peers import LABELS, MODEL, VOCABULARY, Same, padded, same_texts, texts_of, tokens_of

from auscult.base.contracts import FitContext, Items, ItemSet
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.text.models.bert import Bert
from auscult.domains.text.models.pretrained import Encoder, EncoderConfig, read_encoder
from auscult.domains.text.tasks.document_class import DocumentClass, DocumentClassConfig

THREADS = int(os.environ["OMP_NUM_THREADS"])
GOAL = 1.3
BATCH = 16
RATE = 5e-5
HELD_OUT = 8
SETTINGS: dict[str, dict[str, Any]] = {
    "default (batches of 8 in any order)": {"per_device_train_batch_size": 8},
    **{
        f"grouped by length, batches of {n}": {
            "per_device_train_batch_size": n,
            "train_sampling_strategy": "group_by_length",
        }
        for n in (8, 16, 32)
    },
}


def ours(tokens: np.ndarray[Any, Any], labels: list[int], folder: str) -> None:
    """Fine-tune once over all texts."""
    index = np.arange(len(labels), dtype=np.int64)
    items = Items({"tokens": tokens}, index, np.zeros_like(index), np.array(labels, dtype=np.int64))
    task = DocumentClass(DocumentClassConfig(labels=LABELS, vocabulary=VOCABULARY, length=tokens.shape[1]))
    table = TrainTable(epochs=1, batch_size=BATCH, learning_rate=RATE, threads=THREADS)
    with tempfile.TemporaryDirectory() as scratch:
        context = FitContext(task.spec, 0, table, Path(scratch), Silent())
        model = Bert(EncoderConfig(folder=folder))
        model.fit(ItemSet(items, index), ItemSet(items, index[:HELD_OUT]), context)


def theirs(rows: list[dict[str, Any]], settings: dict[str, Any], folder: str) -> Callable[[], object]:
    """Make a Trainer of the same network; what is returned trains once over all texts."""
    import torch
    from transformers import Trainer, TrainingArguments

    torch.manual_seed(0)
    network = Same(Encoder(EncoderConfig(), read_encoder(folder), len(LABELS), per_token=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arguments = TrainingArguments(
            output_dir=tempfile.mkdtemp(), num_train_epochs=1, learning_rate=RATE, use_cpu=True, report_to="none",
            save_strategy="no", logging_strategy="no", disable_tqdm=True, remove_unused_columns=False,
            dataloader_pin_memory=False, length_column_name="length", **settings,
        )  # fmt: skip
        trainer = Trainer(model=network, args=arguments, train_dataset=rows, data_collator=padded)
    torch.set_num_threads(THREADS)
    return trainer.train


def measure(count: int, *, repeats: int, folder: str = MODEL) -> dict[str, Any]:
    """Time both sides in turn.

    Parameters
    ----------
    count : int
        Texts.
    repeats : int
        Rounds; in each, ours and every setting of the peer run once, one after the other.
    folder : str
        The encoder.
    """
    texts, labels = texts_of(count)
    tokens = tokens_of(texts, folder)
    rows, n_tokens = same_texts(tokens, labels), int((tokens > 0).sum())
    ours(tokens[:BATCH], labels[:BATCH], folder)  # the first call pays for what is loaded late
    made = in_turn(
        partial(ours, tokens, labels, folder),
        {name: partial(theirs, rows, settings, folder) for name, settings in SETTINGS.items()},
        amount=n_tokens,
        unit="tokens/s",
        repeats=repeats,
        of=("transformers", "Trainer"),
    )
    about = {"texts": count, "tokens": n_tokens, "padded_to": int(tokens.shape[1]), "batch": BATCH}
    return {**made, "context": about}


def main() -> int:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=96, help="how many texts")
    parser.add_argument("--repeats", type=int, default=2, help="rounds")
    given = parser.parse_args()
    made = measure(given.texts, repeats=given.repeats)
    context = {**made.pop("context"), "repeats": given.repeats, "threads": THREADS, "encoder": MODEL}
    publish(comparison("text-train", **made, goal=GOAL, goal_of="ratio", command=typed(), context=context))
    return 0


if __name__ == "__main__":
    sys.exit(main())
