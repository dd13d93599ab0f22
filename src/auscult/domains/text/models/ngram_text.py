"""Model ``ngram-text``: each piece by the last ones, from counts; the floor of text generation."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.domains.text.models.sequences import Sequences, VocabularyConfig, sequences
from auscult.engine.drivers.next_token import run_hash
from auscult.engine.drivers.pieces import END


class NgramTextConfig(VocabularyConfig):
    """Settings of the counts."""

    order: int = Setting(3, ge=0, le=8, description="Pieces before the next one that are looked at.")


class NgramText:
    """Counts of what came after each run of pieces (Shannon 1948; smoothed as Witten and Bell 1991)."""

    Config: ClassVar[type[Config]] = NgramTextConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("sample",)
    inputs: ClassVar[tuple[str, ...]] = ("prompt", "seed")

    def __init__(self, config: NgramTextConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Count."""
        return _Counted(self._config, sequences(self._config, train, valid), int(context.spec.parameters["length"]))


class _Counted:
    """Counted runs."""

    def __init__(self, config: NgramTextConfig, learned: Sequences, length: int) -> None:
        self._config, self._learned, self._length = config, learned, length

    def export(self) -> Program:
        """Return the counts as arrays."""
        c = self._config
        table: dict[int, dict[int, int]] = {}
        for sequence in self._learned.train:
            for at in range(1, len(sequence)):
                for length in range(min(c.order, at) + 1):
                    after = table.setdefault(run_hash(sequence[at - length : at]), {})
                    after[sequence[at]] = after.get(sequence[at], 0) + 1
        runs = sorted(table)
        arrays: dict[str, Array] = {
            "words": self._learned.words,
            "run": np.array(runs, dtype=np.int64),
            "begin": np.cumsum([0, *(len(table[r]) for r in runs)]).astype(np.int64),
            "next": np.array([t for r in runs for t in table[r]], dtype=np.int32),
            "count": np.array([n for r in runs for n in table[r].values()], dtype=np.int32),
        }
        settings = {
            "end": END, "max_length": self._length, "order": c.order, "tokens": self._learned.n_tokens,
            "temperature": c.temperature, "top_p": c.top_p,
        }  # fmt: skip
        return Program("decode", NgramText.inputs, {}, arrays, settings)
