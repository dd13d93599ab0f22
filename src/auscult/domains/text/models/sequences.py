"""Narratives behind their requests as sequences of pieces: what ``gpt`` and ``ngram-text`` learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import Field as Setting

from auscult.base.arrays import Array
from auscult.base.contracts import Config, Index, ItemSet
from auscult.base.errors import DataError
from auscult.engine.drivers.pieces import END, Pieces, learned_words


class VocabularyConfig(Config):
    """Settings of the vocabulary, and of how the next piece is drawn."""

    least: int = Setting(5, ge=1, description="Different texts that a word stands in to be a piece of its own.")
    words: int = Setting(4096, ge=0, le=1 << 16, description="Words that are pieces at the most.")
    temperature: float = Setting(0.7, ge=0, le=4, description="Below 1 the probable is drawn more often; 0 draws none.")
    top_p: float = Setting(0.9, gt=0, le=1, description="Share of the probability that is drawn from, the best first.")


@dataclass(frozen=True, repr=False)
class Sequences:
    """What was learned of words, and the items as their pieces.

    Parameters
    ----------
    words : (V, W) uint8
        The pieces that are no single bytes.
    train, valid : list of list of int
        Sequences: an end, the request, the narrative, and an end where the narrative is whole; each record once.
    """

    words: npt.NDArray[np.uint8]
    train: list[list[int]]
    valid: list[list[int]]

    @property
    def n_tokens(self) -> int:
        """Pieces of the vocabulary."""
        return 256 + len(self.words)


def sequences(
    config: VocabularyConfig, train: ItemSet, valid: ItemSet, *, known: npt.NDArray[np.uint8] | None = None
) -> Sequences:
    """Learn the words of training items, unless they are known, and cut them and the validation items into pieces.

    Raises
    ------
    DataError
        If there is no narrative to learn from.
    """
    if not len(train):
        raise DataError("training: expected narratives, got none; name their column in [task] text")
    parts = {role: _texts(items) for role, items in (("train", train), ("valid", valid))}
    different = sorted({request + text for request, text, _ in parts["train"]})
    words = learned_words(different, least=config.least, most=config.words) if known is None else known
    pieces = Pieces(words)
    cut = {
        role: [[END, *pieces.cut(r), *pieces.cut(t), *([END] if whole else [])] for r, t, whole in texts]
        for role, texts in parts.items()
    }
    return Sequences(words, cut["train"], cut["valid"])


def _texts(items: ItemSet) -> list[tuple[bytes, bytes, bool]]:
    """Request and narrative of each record, once, and whether it is whole."""
    rows: Index = np.flatnonzero(np.asarray(items.items.position[items.rows]) == 0)
    prompts, targets = items.inputs(rows)["prompt"], items.target(rows)
    return [(_bytes(p), _bytes(t), bool(t[-1] < 0)) for p, t in zip(prompts, targets, strict=True)]


def _bytes(row: Array) -> bytes:
    return row[row >= 0].astype(np.uint8).tobytes()
