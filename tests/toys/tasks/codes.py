"""Task ``codes``: kind ``labels`` with unknown labels; a bag of words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from zlib import crc32

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array
from auscult.base.contracts import Config, Items, LocalFile, Outputs, RecordBatch, TaskSpec
from auscult.base.errors import ReadError
from toys.tasks.common import needed, only, rows_of

VOCABULARY, LENGTH = 512, 12


class CodesConfig(Config):
    """Settings of the toy."""

    silent: LocalFile = Setting("", description="File of words that are not looked at, one a line.")


class Codes:
    """Which of three problems a note names."""

    Config: ClassVar[type[Config]] = CodesConfig

    def __init__(self, config: CodesConfig) -> None:
        self._silent = set(Path(config.silent).read_text().split()) if config.silent else set()
        self.spec = TaskSpec(
            "codes", "labels", "problems that a note names", ("leak", "screen", "alarm"),
            primary="mean_roc_auc", metrics=("mean_roc_auc", "micro_f1", "macro_f1"), floor="no-words", example="notes",
        )  # fmt: skip

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep the text and the codes; an empty text is refused."""
        prepared, reasons = self.sift(batch)
        if prepared is None or reasons:
            raise ReadError(next(iter(reasons.values())))
        return prepared

    def sift(self, batch: RecordBatch) -> tuple[RecordBatch | None, Mapping[int, str]]:
        """Keep the text and the codes of the records that have a text, and name the others."""
        needed(batch, "text")
        empty = [row for row, t in enumerate(batch.dense("text")) if not str(t).strip()]
        kept = np.setdiff1d(np.arange(len(batch)), empty)
        prepared = only(batch.take(kept), "text", "codes") if len(kept) else None
        return prepared, dict.fromkeys(empty, "text: expected at least one word, got an empty text")

    def cut(self, batch: RecordBatch) -> Items:
        """Words as numbers: ``ids`` (N, L) padded with -1 and ``counts`` (N, L)."""
        rows = rows_of(batch)
        ids = np.full((len(batch), LENGTH), -1, dtype=np.int64)
        for row, text in enumerate(batch.dense("text")):
            words = [crc32(w.encode()) % VOCABULARY for w in str(text).lower().split() if w not in self._silent]
            words = words[:LENGTH]
            ids[row, : len(words)] = words
        counts = (ids >= 0).astype(np.float32)
        target = np.asarray(batch.dense("codes")) if batch.has("codes") else None
        return Items({"ids": ids, "counts": counts}, rows, np.zeros_like(rows), target)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a record."""
        return Outputs(
            {"probability": arrays["probability"]},
            items.record,
            None,
            None if items.target is None else {"label": items.target},
        )
