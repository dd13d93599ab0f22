"""Task ``text-pair``: two texts → a class of the pair, such as whether two questions ask the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array, Column
from auscult.base.contracts import Config, Field, Index, Items, Outputs, RecordBatch, TaskSpec
from auscult.base.errors import ReadError
from auscult.domains.text.preprocess.ngrams import hashed_words
from auscult.domains.text.preprocess.pairs import pair_features
from auscult.domains.text.preprocess.profile import profiles
from auscult.domains.text.tasks.common import TEXT, text_key

LABEL_FIELD = Field("label", "ids")
SIDES = ("first", "second")


class TextPairConfig(Config):
    """Settings of the task."""

    text: tuple[str, str] = Setting(SIDES, description="The two columns that are compared.")
    label: str = Setting("same", description="Column that holds the class.")
    labels: tuple[str, ...] = Setting(
        ("0", "1"), min_length=2, description="Classes; a record of another is left out of training and figures."
    )
    buckets: int = Setting(1 << 16, ge=1 << 8, le=1 << 22, description="Features of each kind that are hashed to.")
    features: int = Setting(1024, ge=16, le=1 << 14, description="Most features of one pair.")
    word_run: int = Setting(3, ge=1, le=5, description="Longest run of words that is a feature.")
    vocabulary: int = Setting(1 << 13, ge=64, le=1 << 20, description="Numbers of words for networks, 0 for none.")
    length: int = Setting(64, ge=8, le=4096, description="Words of a pair that a network sees.")


class TextPair:
    """Pairs of texts and their class."""

    Config: ClassVar[type[Config]] = TextPairConfig

    def __init__(self, config: TextPairConfig) -> None:
        self._config = config
        self.spec = TaskSpec(
            name="text-pair",
            kind="class",
            summary="class of a pair of texts",
            labels=config.labels,
            primary="macro_f1",
            metrics=("accuracy", "macro_f1", "ece", "brier"),
            floor="tfidf-linear",
            example="question-pairs",
            parameters={"buckets": config.buckets, "cues": config.buckets, "vocabulary": config.vocabulary},
            tags=("sentence pair", "question matching", "paraphrase", "cMedQQ"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep the two texts, and the class where there is one.

        Raises
        ------
        ReadError
            If a column is not there, or a text has no word.
        """
        c = self._config
        missing = [name for name in c.text if not batch.has(name)]
        if missing:
            raise ReadError(
                f"expected two texts in {c.text[0]!r} and {c.text[1]!r}, got {', '.join(batch.columns)}; name the "
                "columns in [task] text"
            )
        sides = [[str(v).strip() for v in batch.dense(name)] for name in c.text]
        empty = sum(not all(any(x.isalnum() for x in t) for t in pair) for pair in zip(*sides, strict=True))
        if empty:
            raise ReadError(
                f"text pair: expected at least one word in both texts, got none in {empty} of {len(batch)} pairs"
            )
        made: dict[Field, Column] = {
            Field(name, "text"): np.array(texts, dtype=TEXT) for name, texts in zip(SIDES, sides, strict=True)
        }
        if batch.has(c.label):
            number = {name: k for k, name in enumerate(c.labels)}
            made[LABEL_FIELD] = np.array([number.get(str(v).strip(), -1) for v in batch.dense(c.label)], dtype=np.int64)
        keys = np.array([text_key("\n".join(sorted(pair))) for pair in zip(*sides, strict=True)])
        kept = replace(batch, groups={**batch.groups, "text": keys})
        return kept.with_columns(made, drop=[f.name for f in batch.fields])

    def cut(self, batch: RecordBatch) -> Items:
        """One item a pair whose class is one of the labels."""
        if not batch.has("label"):
            return self.cut_new(batch)
        label = np.asarray(batch.dense("label"))
        rows = np.flatnonzero(label >= 0)
        items = self.cut_new(batch.take(rows if len(rows) else np.zeros(1, dtype=np.int64)))
        inputs = {name: values[: len(rows)] for name, values in items.inputs.items()}
        return Items(inputs, rows, np.zeros_like(rows), label[rows])

    def cut_new(self, batch: RecordBatch) -> Items:
        """One item a pair: ``ids`` and ``counts`` (N, L), ``tokens`` (N, T), ``profile`` (N, 9).

        Floors see the ids below V: what both texts share, and what they differ in.

        The tokens are the words of the first text, those of the second after them.
        """
        c = self._config
        first, second = ([str(t) for t in batch.dense(name)] for name in SIDES)
        ids, counts = pair_features(first, second, buckets=c.buckets, features=c.features, run=c.word_run)
        both = _joined(first, second)
        tokens = hashed_words(both, buckets=c.vocabulary, length=c.length)
        rows: Index = np.arange(len(batch), dtype=np.int64)
        inputs: dict[str, Array] = {"ids": ids, "counts": counts, "tokens": tokens, "profile": profiles(both)}
        return Items(inputs, rows, np.zeros_like(rows))

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a pair."""
        target = None if items.target is None else {"label": items.target}
        return Outputs({"probability": arrays["probability"]}, items.record, None, target)


def _joined(first: Sequence[str], second: Sequence[str]) -> list[str]:
    return [f"{a}\n{b}" for a, b in zip(first, second, strict=True)]
