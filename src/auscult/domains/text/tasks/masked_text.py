"""Task ``masked-text``: words of a text are hidden and guessed from the others. It needs no label.

What a network learns by it of how reports are written is taken over by a recipe with labels, whose ``[model]`` names
this release. An answer says how well a text was foretold, never what stands in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field as Setting

from auscult.base.arrays import Array
from auscult.base.contracts import Config, Items, LocalFile, Outputs, RecordBatch, TaskSpec
from auscult.domains.text.preprocess.profile import profiles
from auscult.domains.text.preprocess.windows import pieces, total_of
from auscult.domains.text.tasks.common import TextConfig, TextItems


class MaskedTextConfig(Config):
    """Settings of the task."""

    text: tuple[str, ...] = Setting(
        ("text",), min_length=1, description="Columns that are the text, joined in this order."
    )
    tokenizer: LocalFile = Setting(
        "", description="File tokenizer.json whose subwords are guessed; words that are hashed to numbers when empty."
    )
    vocabulary: int = Setting(1 << 11, ge=64, le=1 << 20, description="Numbers of words or subwords, with 0 for none.")
    length: int = Setting(64, ge=8, le=4096, description="Words or subwords that a network sees at once.")
    pieces: int = Setting(
        1, ge=1, le=64, description="Most pieces of that length that a long text is cut into; what is left is not seen."
    )
    hidden: float = Setting(0.15, gt=0, le=0.5, description="Share of the words or subwords that is hidden.")


class MaskedText:
    """Texts with gaps."""

    Config: ClassVar[type[Config]] = MaskedTextConfig

    def __init__(self, config: MaskedTextConfig) -> None:
        self._config = config
        seen = TextConfig(
            text=config.text, tokenizer=config.tokenizer, vocabulary=config.vocabulary, length=config.length
        )
        self._cutter = TextItems(seen)
        self.spec = TaskSpec(
            name="masked-text",
            kind="sample",
            summary="hidden words of a text, guessed from the others",
            labels=("hidden word",),
            primary="perplexity",
            metrics=("perplexity", "masked_accuracy"),
            floor="word-frequency",
            example="reports",
            resample="record",
            parameters={"gaps": 1, **seen.words},
            tags=("pre-training", "masked language model", "transfer learning", "BERT", "unlabelled text"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep the text and nothing else.

        Raises
        ------
        ReadError
            If there is no text, or one without a word.
        """
        return self._cutter.prepared(batch)

    def cut(self, batch: RecordBatch) -> Items:
        """Pieces of texts: ``tokens`` (N, T), whose gaps are ``vocabulary``; ``gap`` and ``ids`` (N, G), ``profile``.

        ``gap`` says where the gaps are and ``ids`` what stood there, both padded with -1. Which words are hidden
        depends on the piece alone.
        """
        c = self._config
        texts = [str(t).strip() for t in batch.dense("text")]
        whole = self._cutter.tokens(texts, total_of(c.length, c.pieces))
        tokens, record, position = pieces(whole, c.length, c.pieces)
        gap = self._gaps(tokens)
        rows, columns = np.nonzero(gap >= 0)
        ids = np.full_like(gap, -1)
        ids[rows, columns] = tokens[rows, gap[rows, columns]]
        hidden = tokens.copy()
        hidden[rows, gap[rows, columns]] = c.vocabulary
        inputs: dict[str, Array] = {"tokens": hidden, "gap": gap, "ids": ids, "profile": profiles(texts)[record]}
        return Items(inputs, record, position, ids)

    def _gaps(self, tokens: Array) -> npt.NDArray[np.int64]:
        """Draw the places that are hidden, in order, (N, T) -> (N, G); marks of begin and end are not."""
        c = self._config
        gap = np.full((len(tokens), max(1, round(c.hidden * c.length))), -1, dtype=np.int64)
        marks = self._cutter.marks
        for row, values in enumerate(tokens):
            free = np.flatnonzero((values != 0) & ~np.isin(values, marks))
            rng = np.random.default_rng(int.from_bytes(sha256(values[values != 0].tobytes()).digest()[:7], "big"))
            drawn = np.sort(rng.permutation(free)[: max(1, round(c.hidden * len(free)))])
            gap[row, : len(drawn)] = drawn
        return gap

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """How probable the hidden words of each text were, and how many were guessed.

        A program gives ``score`` (N, 2): the logarithm of the probability of all gaps, and how many it guesses.
        """
        record, number = np.unique(items.record, return_inverse=True)
        columns = np.column_stack([arrays["score"], (items.inputs["gap"] >= 0).sum(axis=1)]).astype(np.float64)
        total = np.zeros((len(record), 3))
        np.add.at(total, number, columns)
        made = {"log_probability": total[:, 0], "right": total[:, 1], "words": total[:, 2]}
        return Outputs(made, record.astype(np.int64), None, {"words": total[:, 2]})

    def sketch(self, batch: RecordBatch) -> npt.NDArray[np.uint32]:
        """What near-duplicates are found by, also by a recipe that starts from what was learned here."""
        return self._cutter.sketch(batch)
