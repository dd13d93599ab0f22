"""Task ``text-spans``: stretches of a text with a type, such as names and dates that tell who a patient is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field as Setting
from pydantic import model_validator

from auscult.base.arrays import Array, Column, Ragged
from auscult.base.contracts import Config, Field, Items, LocalFile, Outputs, RecordBatch, Run, TaskSpec
from auscult.base.errors import ReadError
from auscult.domains.text.preprocess.chain import TOGETHER, allowed, span_candidates
from auscult.domains.text.preprocess.profile import profiles
from auscult.domains.text.preprocess.subwords import subword_tokens, tokenizer_for, tokenizer_number
from auscult.domains.text.preprocess.token_features import chunks, token_features, word_numbers
from auscult.domains.text.preprocess.tokens import Tokens, tokenised
from auscult.domains.text.simulate.identifiers import IDENTIFIERS
from auscult.domains.text.tasks.common import TEXT, TEXT_FIELD, text_key
from auscult.domains.text.tasks.span_explain import words_that_carry
from auscult.engine.metrics.spans import entity_f1, entity_precision, entity_recall

SPAN_FIELD = Field("span", "ids", ragged=True)
OTHER_FIELD = Field("other_spans", "scalar")
PAD = -1


class TextSpansConfig(Config):
    """Settings of the task."""

    text: str = Setting("text", description="Column that is the text; character offsets count in it as it is.")
    labels: tuple[str, ...] = Setting(
        IDENTIFIERS, min_length=1, description="Types of spans; those of another type are left out, and counted."
    )
    groups: tuple[str, ...] = Setting((), description="Further columns that are kept as group keys.")
    buckets: int = Setting(1 << 17, ge=1 << 10, le=1 << 22, description="Features that templates are hashed to.")
    tokenizer: LocalFile = Setting(
        "", description="File tokenizer.json whose subwords are the tokens; runs of letters and digits when empty."
    )
    vocabulary: int = Setting(1 << 13, ge=64, le=1 << 20, description="Numbers of words or subwords, with 0 for none.")
    length: int = Setting(64, ge=16, le=1024, description="Tokens of a chunk; a longer text is several chunks.")
    margin: int = Setting(
        6, ge=0, le=256, description="Tokens at either end of a chunk that the next one has too; below half of length."
    )

    @model_validator(mode="after")
    def _covers(self) -> TextSpansConfig:
        if 2 * self.margin >= self.length:
            most = (self.length - 1) // 2
            raise ValueError(f"expected margin at most {most}, below half of length, so that every token is in a chunk")
        return self


class TextSpans:
    """Texts and their spans."""

    Config: ClassVar[type[Config]] = TextSpansConfig

    def __init__(self, config: TextSpansConfig) -> None:
        self._config = config
        self.spec = TaskSpec(
            name="text-spans",
            kind="spans",
            summary="stretches of a text with a type",
            labels=config.labels,
            primary="entity_f1",
            metrics=(
                "entity_f1",
                "entity_precision",
                "entity_recall",
                "character_precision",
                "character_recall",
            ),
            floor="window-tagger",
            example="identified-notes",
            parameters={
                "buckets": config.buckets,
                "vocabulary": config.vocabulary,
                "tokenizer_number": tokenizer_number(config.tokenizer, config.vocabulary) if config.tokenizer else 0,
            },
            tags=("named entity recognition", "NER", "de-identification", "PHI", "tagging", "information extraction"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep the text as it is, and its spans by character with the number of their type.

        Raises
        ------
        ReadError
            If there is no text, or one without a word.
        """
        name = self._config.text
        if not batch.has(name) or batch.field(name).kind != "text":
            raise ReadError(
                f"expected the text in '{name}', got {', '.join(batch.columns) or 'nothing'}; "
                "name the column in [task] text"
            )
        texts = [str(t) for t in batch.dense(name)]
        empty = sum(not any(c.isalnum() for c in t) for t in texts)
        if empty:
            raise ReadError(
                f"text: expected at least one word, got none in {empty} of {len(texts)} texts; leave the record out"
            )
        groups = dict(batch.groups)
        for key in self._config.groups:
            if batch.has(key):
                groups[key] = np.array([str(v) or "none" for v in batch.dense(key)], dtype=np.str_)
        groups["text"] = np.array([text_key(t) for t in texts])
        made: dict[Field, Column] = {TEXT_FIELD: np.array(texts, dtype=TEXT)}
        if batch.has("span") and batch.has("span_type"):
            made |= self._spans(batch)
        return replace(batch.with_columns(made, drop=[f.name for f in batch.fields]), groups=groups)

    def _spans(self, batch: RecordBatch) -> dict[Field, Column]:
        number = {name: k for k, name in enumerate(self._config.labels)}
        rows, other = [], np.zeros(len(batch), dtype=np.int64)
        for row in range(len(batch)):
            kinds = [number.get(bytes(t).decode(), PAD) for t in batch.ragged("span_type")[row]]
            triples = np.column_stack([batch.ragged("span")[row], np.array(kinds, dtype=np.int64)])
            rows.append(triples[triples[:, 2] != PAD].astype(np.int64).reshape(-1, 3))
            other[row] = kinds.count(PAD)
        return {SPAN_FIELD: Ragged.of(rows), OTHER_FIELD: other}

    def cut(self, batch: RecordBatch) -> Items:
        """Chunks: ``ids`` (N, T, F), ``tokens`` (N, T), ``profile`` (N, 9); the target is the tags (N, T).

        The position is the first token of the chunk in its text.
        """
        texts = [str(t) for t in batch.dense("text")]
        tokens, numbers = self._tokenised(texts)
        c = self._config
        where = chunks(np.diff(tokens.first).tolist(), c.length, c.margin)
        record, position = (np.array(v, dtype=np.int64) for v in zip(*where, strict=True))
        at = self._places(tokens, record, position)
        inputs: dict[str, Array] = {
            "ids": _spread(token_features(tokens, c.buckets), at, -1),
            "tokens": _spread(numbers, at, 0),
            "profile": profiles(texts)[record],
        }
        target = _spread(tags(tokens, batch.ragged("span")), at, PAD) if batch.has("span") else None
        return Items(inputs, record, position, target)

    def _tokenised(self, texts: Sequence[str]) -> tuple[Tokens, npt.NDArray[np.int64]]:
        """Tokens of texts, and their numbers for networks, (W,)."""
        if self._config.tokenizer:
            return subword_tokens(self._tokenizer, texts)
        tokens = tokenised(texts)
        return tokens, word_numbers(tokens, self._config.vocabulary)

    @cached_property
    def _tokenizer(self) -> Any:
        return tokenizer_for(Path(self._config.tokenizer), self._config.vocabulary)

    def _places(self, tokens: Tokens, record: Array, position: Array) -> npt.NDArray[np.int64]:
        """Number of the token at each place of each chunk, (N, T); -1 beyond the text."""
        place = position[:, None] + np.arange(self._config.length)
        inside = place < np.diff(tokens.first)[record][:, None]
        return np.where(inside, tokens.first[record][:, None] + place, -1).astype(np.int64)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a record: every probable span with its probability.

        A program gives ``score`` (N, T, K), log-weights, with or without ``link`` (N, K + 1, K), or probabilities
        ``tag`` (N, K, T).
        """
        if "score" in arrays:
            score = np.asarray(arrays["score"], dtype=np.float64)
        else:
            score = np.log(np.maximum(np.asarray(arrays["tag"], dtype=np.float64).transpose(0, 2, 1), 1e-12))
        link = np.asarray(arrays["link"][0], dtype=np.float64) if "link" in arrays and len(items) else None
        tokens, _ = self._tokenised([str(t) for t in batch.dense("text")])
        whole = self._whole(tokens, items, score)
        found = _candidates(whole, allowed(len(self.spec.labels)) if link is None else link)
        made = [_by_character(tokens.characters(row), f) for row, f in enumerate(found)]
        columns: dict[str, Column] = {
            "span": Ragged.of([m[0] for m in made]),
            "label": Ragged.of([m[1] for m in made]),
            "score": Ragged.of([m[2] for m in made]),
        }
        return Outputs(columns, np.arange(len(batch), dtype=np.int64), None, _truth(batch))

    def _whole(self, tokens: Tokens, items: Items, score: Array) -> list[Array]:
        """Scores of all tokens of each text, (n, K): of two chunks the one whose end is farther away."""
        sizes = np.diff(tokens.first)
        whole = [np.zeros((n, score.shape[2])) for n in sizes]
        far = [np.full(n, -1) for n in sizes]
        for k, (row, begin) in enumerate(zip(items.record.tolist(), items.position.tolist(), strict=True)):
            n = min(self._config.length, int(sizes[row]) - begin)
            depth = np.minimum(np.arange(n) + (0 if begin else 1 << 20), np.arange(n)[::-1])
            part = slice(begin, begin + n)
            deeper = depth > far[row][part]
            whole[row][part][deeper] = score[k, :n][deeper]
            far[row][part][deeper] = depth[deeper]
        return whole

    def explain(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[dict[str, Any]]:
        """The words in and beside each span that carried it."""
        texts = [str(t) for t in batch.dense("text")]
        tokens, _ = self._tokenised(texts)
        made: list[dict[str, Any]] = [{"spans": []} for _ in texts]
        for k, row in enumerate(outputs.record.tolist()):
            spans = [
                (int(a), int(b), int(c))
                for (a, b), c in zip(outputs.ragged("span")[k], outputs.ragged("label")[k], strict=True)
            ]
            ask = partial(self._probabilities, run)
            made[row] = {"spans": words_that_carry(texts[row], tokens.characters(row), spans, ask)}
        return made

    def _probabilities(self, run: Run, texts: Sequence[str], span: tuple[int, int, int]) -> list[float]:
        """Probability of one exact span in each of some texts."""
        batch = RecordBatch((TEXT_FIELD,), {"text": np.array(texts, dtype=TEXT)}, np.array([""] * len(texts)))
        items = self.cut(batch)
        answers = self.join(batch, items, run(items.inputs))
        made = []
        for row in range(len(texts)):
            places, labels = answers.ragged("span")[row], answers.ragged("label")[row]
            same = (places[:, 0] == span[0]) & (places[:, 1] == span[1]) & (labels == span[2])
            made.append(float(answers.ragged("score")[row][same].sum()))
        return made

    def summary(self, outputs: Outputs) -> Mapping[str, float]:
        """Precision, recall and F1 of each type that the test holds, and how many spans of it."""
        truth = outputs.ragged_truth("span"), outputs.ragged_truth("label")
        found = outputs.ragged("span"), outputs.ragged("label")
        target, output = ([_triples(s[r], k[r]) for r in range(len(s))] for s, k in (truth, found))
        figures: dict[str, float] = {}
        for k, name in enumerate(self.spec.labels):
            n = int((truth[1].values == k).sum())
            if n:
                figures[f"{name} n"] = float(n)
                for what, metric in (("recall", entity_recall), ("precision", entity_precision), ("f1", entity_f1)):
                    value = float(metric(target, output, kind=str(k))[0])
                    if np.isfinite(value):  # without an answer of the type there is no precision
                        figures[f"{name} {what}"] = round(value, 4)
        return figures


def _spread(values: Array, at: npt.NDArray[np.int64], empty: int) -> Array:
    """Values of tokens laid out by place: (W, ...), (N, T) -> (N, T, ...)."""
    made = values[np.maximum(at, 0)] if len(values) else np.zeros((*at.shape, *values.shape[1:]), values.dtype)
    made[at < 0] = empty
    return made


def tags(tokens: Tokens, spans: Ragged) -> npt.NDArray[np.int64]:
    """Tag of each token, (W,); a span that begins or ends within a token has none."""
    made = np.zeros(len(tokens), dtype=np.int64)
    for row in range(len(spans)):
        places, first = tokens.characters(row), int(tokens.first[row])
        begins = {int(b): k for k, b in enumerate(places[:, 0])}
        ends = {int(e): k for k, e in enumerate(places[:, 1])}
        for begin, end, kind in np.asarray(spans[row]).tolist():
            if begin in begins and end in ends:
                a, b = first + begins[begin], first + ends[end]
                made[a], made[a + 1 : b + 1] = 1 + 2 * kind, 2 + 2 * kind
    return made


def _candidates(whole: Sequence[Array], link: Array) -> list[list[tuple[int, int, int, float]]]:
    """Probable spans of each text by token; texts of like length are worked out together."""
    order = np.argsort([len(w) for w in whole], kind="stable")
    order = order[sum(not len(w) for w in whole) :]  # a text without a token has no span
    found: list[list[tuple[int, int, int, float]]] = [[] for _ in whole]
    for rows in np.array_split(order, range(TOGETHER, len(order), TOGETHER)) if len(order) else []:
        length = np.array([len(whole[r]) for r in rows], dtype=np.int64)
        score = np.zeros((len(rows), int(length.max()), link.shape[1]))
        for k, r in enumerate(rows):
            score[k, : length[k]] = whole[r]
        for r, spans in zip(rows, span_candidates(score, length, link), strict=True):
            found[r] = spans
    return found


def _by_character(places: Array, found: list[tuple[int, int, int, float]]) -> tuple[Array, Array, Array]:
    span = np.array([[places[a, 0], places[b - 1, 1]] for a, b, _, _ in found], dtype=np.int64).reshape(-1, 2)
    label = np.array([k for _, _, k, _ in found], dtype=np.int64)
    return span, label, np.array([p for *_, p in found], dtype=np.float64)


def _truth(batch: RecordBatch) -> dict[str, Column] | None:
    if not batch.has("span"):
        return None
    known = batch.ragged("span")
    return {
        "span": Ragged(np.asarray(known.values[:, :2]), known.offsets),
        "label": Ragged(np.asarray(known.values[:, 2]), known.offsets),
    }


def _triples(spans: Array, labels: Array) -> list[tuple[int, int, str]]:
    return [(int(a), int(b), str(int(k))) for (a, b), k in zip(spans, labels, strict=True)]
