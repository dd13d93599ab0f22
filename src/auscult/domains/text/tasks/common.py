"""What every task on whole texts shares: which columns are the text, and what a model sees of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field as Setting

from auscult.base.arrays import Array, Column
from auscult.base.contracts import Config, Field, Index, Items, LocalFile, Outputs, RecordBatch, Run
from auscult.base.errors import ReadError
from auscult.base.files import sha256
from auscult.domains.text.preprocess.codes import folded
from auscult.domains.text.preprocess.cues import FEATURES, cue_features
from auscult.domains.text.preprocess.language import languages
from auscult.domains.text.preprocess.ngrams import NgramPlan, hashed_ngrams, hashed_words
from auscult.domains.text.preprocess.profile import profiles
from auscult.domains.text.preprocess.sketch import signatures
from auscult.domains.text.preprocess.subwords import marks_of, subwords, tokenizer_for, tokenizer_number
from auscult.domains.text.preprocess.windows import pieces, together, total_of
from auscult.domains.text.preprocess.words import word_spans
from auscult.engine.quality.minhash import PLACES

TEXT = np.dtypes.StringDType()
TEXT_FIELD = Field("text", "text")
EXPLAINED_WORDS = 8
MAX_EXPLAINED = 256


class TextConfig(Config):
    """Settings of a task on whole texts."""

    text: tuple[str, ...] = Setting(
        ("text",), min_length=1, description="Columns that are the text, joined in this order."
    )
    groups: tuple[str, ...] = Setting(
        (),
        description="Further columns that are kept as group keys; one that is text too is kept as a hash, equal where "
        "only case and blanks differ.",
    )
    languages: tuple[str, ...] = Setting(
        (),
        description="Languages that are answered, such as 'en' (ISO 639-1), or scripts such as 'cyrillic'; a text of "
        "another or of an unknown one is refused. All are answered when empty.",
    )
    buckets: int = Setting(1 << 16, ge=1 << 8, le=1 << 22, description="Features that n-grams are hashed to.")
    features: int = Setting(512, ge=16, le=1 << 14, description="Most features of one text.")
    word_run: int = Setting(2, ge=1, le=5, description="Longest run of words that is a feature.")
    character_run: tuple[int, int] = Setting(
        (3, 4), description="Shortest and longest run of characters that is a feature; 0, 0 takes none."
    )
    cue_weight: float = Setting(
        0.0, ge=0, description="Size of a cue of device reports beside the n-grams, whose half has length 1; 0 is none."
    )
    tokenizer: LocalFile = Setting(
        "", description="File tokenizer.json whose subwords networks see; words that are hashed to numbers when empty."
    )
    vocabulary: int = Setting(1 << 13, ge=64, le=1 << 20, description="Numbers of words or subwords, with 0 for none.")
    length: int = Setting(64, ge=8, le=4096, description="Words or subwords of a text that a network sees.")
    pieces: int = Setting(
        1,
        ge=1,
        le=64,
        description="Most pieces of that length that a long text is cut into, a quarter of each common to the next; "
        "their probabilities are averaged.",
    )

    @property
    def parameters(self) -> dict[str, float]:
        """What models need to know of the items."""
        return {"buckets": self.buckets, "cues": len(FEATURES) if self.cue_weight else 0, **self.words}

    @property
    def words(self) -> dict[str, float]:
        """What networks need to know of the numbers of words."""
        number = tokenizer_number(self.tokenizer, self.vocabulary)
        return {"vocabulary": self.vocabulary, "tokenizer_number": number}


class TextItems:
    """Cuts a prepared text into the one item that models see."""

    def __init__(self, config: TextConfig) -> None:
        self._config = config
        shortest, longest = config.character_run
        self._plan = NgramPlan(config.buckets, config.features, config.word_run, shortest, longest)

    def prepared(self, batch: RecordBatch) -> RecordBatch:
        """Bring the columns that are the text to one, and keep the group keys; everything else is dropped.

        One column stays as it is, so that places count in the text of the record. Several are joined by line ends,
        without the blanks around each and without empty ones, and places count in what they are joined to.

        Raises
        ------
        ReadError
            If there is no such column, or a text has no word.
        """
        names = self._columns(batch)
        columns = [batch.dense(n) for n in names]
        texts = [_joined(parts) for parts in zip(*columns, strict=True)] if columns[1:] else list(map(str, columns[0]))
        empty = sum(not any(c.isalnum() for c in t) for t in texts)
        if empty:
            raise ReadError(
                f"text: expected at least one word, got none in {empty} of {len(texts)} texts; leave the record out"
            )
        self._require_language([t.strip() for t in texts])
        groups = dict(batch.groups)
        for name in self._config.groups:
            if batch.has(name):
                key = text_key if name in names else str
                groups[name] = np.array([key(str(v)) or "none" for v in batch.dense(name)], dtype=np.str_)
        groups["text"] = np.array([text_key(t) for t in texts])
        made: dict[Field, Column] = {TEXT_FIELD: np.array(texts, dtype=TEXT)}
        return replace(batch.with_columns(made, drop=[f.name for f in batch.fields]), groups=groups)

    def _require_language(self, texts: Sequence[str]) -> None:
        wanted = self._config.languages
        odd = [f for f in languages(texts).tolist() if f not in wanted] if wanted else []
        if odd:
            raise ReadError(
                f"text: expected a text in {' or '.join(wanted)}, got one whose language is {odd[0]} in {len(odd)} of "
                f"{len(texts)} texts; this task answers no other"
            )

    def _columns(self, batch: RecordBatch) -> list[str]:
        wanted = list(self._config.text)
        there = {f.name for f in batch.fields if f.kind == "text"}
        if there.issuperset(wanted):
            return wanted
        if "text" in there:
            return ["text"]  # a new narrative as a file of its own
        raise ReadError(
            f"expected the text in {', '.join(repr(n) for n in wanted)} (or in a column 'text'), "
            f"got {', '.join(batch.columns) or 'nothing'}; name the columns in [task] text"
        )

    def items(self, batch: RecordBatch) -> Items:
        """Return one item a text: ``ids`` and ``counts`` (N, L), ``tokens`` (N, T), ``profile`` (N, 9).

        The numbers from ``buckets`` on are cues; floors do not look at them. A text that is longer than ``length`` has
        an item for each of its pieces, which differ in their tokens only.
        """
        inputs, text, position = self.cut([str(t) for t in batch.dense("text")])
        return Items(inputs, text, position)

    def cut(self, texts: Sequence[str]) -> tuple[dict[str, Array], Index, Index]:
        """What models see of texts, piece by piece: the inputs, which text each piece is of, and where it begins.

        Blanks around a text change nothing.
        """
        c = self._config
        texts = [t.strip() for t in texts]
        if c.pieces == 1:
            rows = np.arange(len(texts), dtype=np.int64)
            return self.inputs(texts), rows, np.zeros_like(rows)
        tokens, text, position = pieces(self.tokens(texts, total_of(c.length, c.pieces)), c.length, c.pieces)
        whole = self.inputs(texts)
        return {**{n: v[text] for n, v in whole.items() if n != "tokens"}, "tokens": tokens}, text, position

    def labelled(self, batch: RecordBatch, target: Array, rows: Index) -> Items:
        """Return the items of some records with their targets, (N,) or (N, K); none where there are no rows."""
        items = self.items(batch.take(rows if len(rows) else np.zeros(1, dtype=np.int64)))
        kept = len(items) if len(rows) else 0
        inputs = {name: values[:kept] for name, values in items.inputs.items()}
        record = rows[items.record[:kept]]
        return Items(inputs, record, items.position[:kept], target[record])

    def join(self, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a text: the mean of the probabilities of its pieces."""
        made, record = together({"probability": arrays["probability"]}, items.record)
        if items.target is None:
            return Outputs(made, record, None, None)
        first = np.unique(items.record, return_index=True)[1] if len(record) < len(items) else np.arange(len(items))
        return Outputs(made, record, None, {"label": np.asarray(items.target)[first]})

    def inputs(self, texts: Sequence[str]) -> dict[str, Array]:
        """What models see of texts."""
        ids, counts = hashed_ngrams(texts, self._plan)
        if self._config.cue_weight:
            cues = cue_features(texts) * np.float32(self._config.cue_weight)
            number = self._config.buckets + np.arange(len(FEATURES), dtype=np.int32)
            ids = np.concatenate([ids, np.where(cues > 0, number, np.int32(-1))], axis=1)
            counts = np.concatenate([counts, cues], axis=1)
        return {"ids": ids, "counts": counts, "tokens": self.tokens(texts), "profile": profiles(texts)}

    def tokens(self, texts: Sequence[str], length: int = 0) -> Array:
        """What networks see of texts: (N, T), 0 where a text has ended; T is the setting ``length`` or as given."""
        length = length or self._config.length
        if not self._config.tokenizer:
            return hashed_words(texts, buckets=self._config.vocabulary, length=length)
        return subwords(self._tokenizer, texts, length)

    @cached_property
    def _tokenizer(self) -> Any:
        return tokenizer_for(Path(self._config.tokenizer), self._config.vocabulary)

    @cached_property
    def marks(self) -> list[int]:
        """Numbers of the marks that the tokenizer sets at the begin and the end of a text."""
        return marks_of(self._tokenizer) if self._config.tokenizer else []

    def sketch(self, batch: RecordBatch) -> npt.NDArray[np.uint32]:
        """Return what near-duplicates are found by, (N, 60)."""
        return signatures([str(t) for t in batch.dense("text")], PLACES)

    def words_that_count(self, text: str, run: Run, column: int) -> list[dict[str, Any]]:
        """Return the words whose absence lowers a probability most, with where they stand in the text and by how much.

        Each stretch of the text is left out in turn and the rest is answered again (Li, Monroe and Jurafsky 2016,
        arXiv:1612.08220); a long text is looked at in stretches of several words.
        """
        spans = _stretches(word_spans(text))
        without = [text[:a] + text[b:] for a, b in spans]
        inputs, of, _ = self.cut([text, *without])
        probability = together({"probability": run(inputs)["probability"]}, of)[0]["probability"][:, column]
        lost = probability[0] - probability[1:]
        best = np.argsort(-lost, kind="stable")[:EXPLAINED_WORDS]
        return [
            {"begin": spans[k][0], "end": spans[k][1], "carries": round(float(lost[k]), 4)} for k in best if lost[k] > 0
        ]


def _stretches(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    step = -(-len(spans) // MAX_EXPLAINED)
    return [(spans[k][0], spans[min(k + step, len(spans)) - 1][1]) for k in range(0, len(spans), max(step, 1))]


def _joined(parts: Sequence[object]) -> str:
    return "\n".join(text for text in (str(p).strip() for p in parts) if text)


def text_key(text: str) -> str:
    """Name a text by what it says: equal for texts that differ in case, blanks and invisible marks only."""
    return sha256(folded(text).encode("utf-8", errors="replace"))[:16]


def explained(cutter: TextItems, batch: RecordBatch, outputs: Outputs, run: Run) -> list[dict[str, Any]]:
    """Explain the most probable label of each record of a batch by its words."""
    texts = [str(t) for t in batch.dense("text")]
    top = {int(r): int(p.argmax()) for r, p in zip(outputs.record, outputs.array("probability"), strict=True)}
    return [
        {"words": cutter.words_that_count(text, run, top[row])} if row in top else {} for row, text in enumerate(texts)
    ]
