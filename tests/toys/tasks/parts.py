"""Task ``parts``: kind ``spans``; words are items with tags, spans are decoded from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from auscult.base.arrays import Array, Column, Ragged
from auscult.base.contracts import Config, Items, Outputs, RecordBatch, TaskSpec
from toys.tasks.common import NoSettings, cut_where, needed, only, ragged


class Parts:
    """Devices and times in a sentence. Tags are 0 outside, 1 and 2 begin and inside of a device, 3 and 4 of a time."""

    Config: ClassVar[type[Config]] = NoSettings

    def __init__(self, config: NoSettings) -> None:
        self.spec = TaskSpec(
            "parts", "spans", "devices and times in a sentence", ("device", "time"), primary="entity_f1",
            metrics=("entity_f1", "entity_precision", "entity_recall"), floor="constant", example="orders",
        )  # fmt: skip

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep the text and the spans."""
        needed(batch, "text")
        return only(batch, "text", "span")

    def cut(self, batch: RecordBatch) -> Items:
        """Words: ``features`` (N, 4); the position is the first character."""
        features, record, position, target = [], [], [], []
        for row, text in enumerate(batch.dense("text")):
            known = {int(s): int(k) for s, _, k in batch.ragged("span")[row]} if batch.has("span") else {}
            for start, word in _words(str(text)):
                digits = sum(c.isdigit() for c in word) / len(word)
                features.append([digits, ":" in word, word.isupper(), len(word) / 10])
                record.append(row)
                position.append(start)
                target.append(1 + 2 * known[start] if start in known else 0)
        return Items(
            {"features": np.array(features, dtype=np.float32)}, np.array(record, dtype=np.int64),
            np.array(position, dtype=np.int64), np.array(target, dtype=np.int64) if batch.has("span") else None,
        )  # fmt: skip

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a record: each word that begins a span."""
        tag = np.asarray(arrays["tag"])
        span, label, score = [], [], []
        for row, (tags, starts) in enumerate(
            zip(
                cut_where(tag, items.record, len(batch)),
                cut_where(items.position, items.record, len(batch)),
                strict=True,
            )
        ):
            ends = {s: s + len(w) for s, w in _words(str(batch.dense("text")[row]))}
            best = tags.argmax(axis=1) if len(tags) else np.zeros(0, np.int64)
            hits = np.flatnonzero(best % 2 == 1)
            span.append(np.array([[starts[h], ends[int(starts[h])]] for h in hits], dtype=np.int64).reshape(-1, 2))
            label.append(best[hits] // 2)
            score.append(tags[hits, best[hits]])
        made: dict[str, Column] = {
            "span": ragged(span, np.zeros((0, 2), np.int64)),
            "label": ragged(label, np.zeros(0, np.int64)),
            "score": ragged(score, np.zeros(0, np.float32)),
        }
        target: dict[str, Column] | None = None
        if batch.has("span"):
            known = batch.ragged("span")
            target = {
                "span": Ragged(known.values[:, :2], known.offsets),
                "label": Ragged(known.values[:, 2], known.offsets),
            }
        return Outputs(made, np.arange(len(batch), dtype=np.int64), None, target)


def _words(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for word in text.split(" "):
        if word:
            yield start, word
        start += len(word) + 1
