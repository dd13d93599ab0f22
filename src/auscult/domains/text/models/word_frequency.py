"""Model ``word-frequency``: each hidden word by how often words come, whatever stands beside it; a floor."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program


class WordFrequencyConfig(Config):
    """It has no settings."""


class WordFrequency:
    """Counts of words, one added to each (Laplace)."""

    Config: ClassVar[type[Config]] = WordFrequencyConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("sample",)
    inputs: ClassVar[tuple[str, ...]] = ("tokens", "gap", "ids")

    def __init__(self, config: WordFrequencyConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Count the words of the training texts."""
        size, inputs = int(context.spec.parameters["vocabulary"]), train.inputs()
        numbers = np.concatenate([inputs["tokens"].ravel(), inputs["ids"].ravel()])
        return _Counted(np.bincount(numbers[(numbers > 0) & (numbers < size)], minlength=size))


class _Counted:
    """How often each word came."""

    def __init__(self, counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        self._counts = counts

    def export(self) -> Program:
        """Return the logarithm of the share of each word, and which is the most frequent."""
        share = (self._counts + 1) / (self._counts + 1)[1:].sum()
        weight = np.column_stack([np.log(share), np.arange(len(share)) == self._counts.argmax()])
        settings = {"activation": "none", "output": "score"}
        arrays = {"weight": weight.astype(np.float32), "bias": np.zeros(2, dtype=np.float32)}
        return Program("linear-sparse", ("ids",), {}, arrays, settings)
