"""Models ``chain`` and ``unigram`` by the driver ``decode``: the next token by the current one, and by itself."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from auscult.base.contracts import FitContext, ItemSet, KindName, Program
from toys.graphs import table_graph
from toys.models.common import Plain, Ready
from toys.tasks.sentence import END, LENGTH, N_TOKENS

SETTINGS = {"end": END, "max_length": LENGTH, "context": 4, "temperature": 1.0, "top_p": 0.95}


def _counts(train: ItemSet) -> np.ndarray:  # type: ignore[type-arg]
    tokens = train.target()
    now, after = tokens[:, :-1].ravel(), tokens[:, 1:].ravel()
    counts = np.full((N_TOKENS, N_TOKENS), 0.01)
    np.add.at(counts, (now[after >= 0], after[after >= 0]), 1.0)
    return counts


class Chain(Plain):
    """A Markov chain of order one."""

    kinds: ClassVar[tuple[KindName, ...]] = ("sample",)
    inputs: ClassVar[tuple[str, ...]] = ("prompt", "seed")

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Ready:
        """Count pairs."""
        counts = _counts(train)
        logits = np.log(counts / counts.sum(axis=1, keepdims=True))
        return Ready(Program("decode", ("prompt", "seed"), {"main": table_graph(logits)}, {}, SETTINGS))


class Unigram(Plain):
    """Each token by how often it comes."""

    kinds: ClassVar[tuple[KindName, ...]] = ("sample",)
    inputs: ClassVar[tuple[str, ...]] = ("prompt", "seed")

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Ready:
        """Count tokens."""
        share = _counts(train).sum(axis=0)
        logits = np.tile(np.log(share / share.sum()), (N_TOKENS, 1))
        return Ready(Program("decode", ("prompt", "seed"), {"main": table_graph(logits)}, {}, SETTINGS))
