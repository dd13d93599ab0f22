"""Task ``sentence``: kind ``sample``; new token sequences from a prompt, by the driver ``decode``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Config, Items, Outputs, RecordBatch, TaskSpec
from auscult.base.errors import ReadError
from toys.tasks.common import NoSettings, needed, only, rows_of

N_TOKENS, LENGTH, END = 10, 10, 9


class Sentence:
    """New sequences of tokens; the request gives the first token and a seed."""

    Config: ClassVar[type[Config]] = NoSettings

    def __init__(self, config: NoSettings) -> None:
        self.spec = TaskSpec(
            "sentence", "sample", "new sequences of tokens", ("sequence",),
             primary="kid", metrics=("kid",), floor="unigram",
            example="sentences", resample="record",
        )  # fmt: skip

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep tokens and seed; a token beyond the vocabulary is refused."""
        needed(batch, "seed", "tokens")
        values = batch.ragged("tokens").values
        if len(values) and (values.min() < 0 or values.max() >= N_TOKENS):
            raise ReadError(f"tokens: expected numbers from 0 to {N_TOKENS - 1}, got others")
        return only(batch, "seed", "tokens")

    def cut(self, batch: RecordBatch) -> Items:
        """``prompt`` (N, 1) and ``seed`` (N,); the target is the whole sequence padded with -1, (N, L)."""
        rows = rows_of(batch)
        tokens = np.full((len(batch), LENGTH), -1, dtype=np.int64)
        for row, sequence in enumerate(batch.ragged("tokens")):
            tokens[row, : len(sequence)] = sequence[:LENGTH]
        return Items(
            {"prompt": tokens[:, :1], "seed": np.asarray(batch.dense("seed"))}, rows, np.zeros_like(rows), tokens
        )

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One sequence a request; its feature is which token follows which."""
        tokens = arrays["tokens"]
        target = None if items.target is None else {"real": _pairs(items.target)}
        return Outputs({"sample": tokens, "feature": _pairs(tokens)}, items.record, None, target)


def _pairs(tokens: Array) -> Array:
    """Count how often the token after each is the next number, and the length: (N, L) -> (N, 2)."""
    step = np.diff(tokens, axis=1)
    valid = tokens[:, 1:] >= 0
    return np.stack([((step == 1) & valid).sum(axis=1), valid.sum(axis=1)], axis=1) / 5.0
