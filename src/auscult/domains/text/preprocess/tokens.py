"""Texts cut into small tokens whose characters are known: runs of letters, runs of digits, and every other sign alone.

A span of a person's name or a date must begin and end exactly, so a token is never more than one of these.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from auscult.domains.text.preprocess.codes import DIGIT, LETTER, SPACE, Codes, Corpus, Index

LINE_ENDS = (10, 13, 0x85, 0x2028, 0x2029)


@dataclass(frozen=True, repr=False)
class Tokens:
    """Tokens of several texts, one after the other.

    Parameters
    ----------
    corpus : Corpus
        The texts as they are.
    begin, end : (W,) int64
        Where each token lies in ``corpus.codes``.
    text : (W,) int64
        Number of the text of each token.
    """

    corpus: Corpus
    begin: Index
    end: Index
    text: Index

    def __len__(self) -> int:
        return len(self.begin)

    @cached_property
    def first(self) -> Index:
        """Number of the first token of each text, and the number of tokens at the end, (N + 1,)."""
        return np.searchsorted(self.text, np.arange(len(self.corpus) + 1)).astype(np.int64)

    def characters(self, row: int) -> npt.NDArray[np.int64]:
        """First character and the one after the last of each token of a text, counted in the text: (w, 2)."""
        part = slice(int(self.first[row]), int(self.first[row + 1]))
        return np.asarray(np.stack([self.begin[part], self.end[part]], axis=1) - self.corpus.begin[row])

    @cached_property
    def lowered(self) -> Corpus:
        """The same texts in small letters and compatibility forms, place by place."""
        return Corpus(_mapped(self.corpus.codes), self.corpus.begin, self.corpus.end)

    @cached_property
    def gap(self) -> npt.NDArray[np.int64]:
        """What stands before each token, (W,): 0 nothing, 1 blanks, 2 the end of a line or the begin of the text."""
        space = np.concatenate([[0], np.cumsum(self.corpus.kinds == SPACE)])
        ends = np.concatenate([[0], np.cumsum(np.isin(self.corpus.codes, LINE_ENDS))])
        before = np.where(np.arange(len(self)) == self.first[self.text], self.corpus.begin[self.text], 0)
        before = np.maximum(before, np.concatenate([[0], self.end[:-1]]))
        starts = np.arange(len(self)) == self.first[self.text]
        line = (ends[self.begin] > ends[before]) | starts
        return np.where(line, 2, np.where(space[self.begin] > space[before], 1, 0)).astype(np.int64)


def tokenised(texts: Sequence[str]) -> Tokens:
    """Cut texts into tokens.

    Examples
    --------
    >>> tokenised(["Dr. Li, b6"]).characters(0).tolist()
    [[0, 2], [2, 3], [4, 6], [6, 7], [8, 9], [9, 10]]
    """
    corpus = Corpus.of(texts)
    kinds = corpus.kinds
    run = (kinds == LETTER) | (kinds == DIGIT)
    same = np.concatenate([[False], (kinds[1:] == kinds[:-1]) & run[1:]]) if len(kinds) else np.zeros(0, bool)
    solid = (kinds != SPACE) & (corpus.codes > 0)
    begin = np.flatnonzero(solid & ~same)
    end = np.flatnonzero(solid & ~np.concatenate([same[1:], [False]])[: len(same)]) + 1
    return Tokens(corpus, begin, end, corpus.text_of(begin))


def _mapped(codes: Codes) -> Codes:
    if not len(codes):
        return codes
    there = np.unique(codes)
    small = np.array([_small(int(c)) for c in there], dtype=np.uint32)
    return np.asarray(small[np.searchsorted(there, codes)])


def _small(code: int) -> int:
    plain = unicodedata.normalize("NFKC", chr(code)).lower() if code else "\0"
    return ord(plain) if len(plain) == 1 else code
