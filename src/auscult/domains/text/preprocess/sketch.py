"""The MinHash signature of a text: near-duplicates have nearly the same, whatever stands before and after."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from auscult.domains.text.preprocess.codes import Corpus, Hashes, Index, folded, mixed

RUN = 3
"""Words of a shingle; an ideograph is a word."""
LEAST = 8
"""A text of fewer shingles has no signature: short texts are alike by chance, and are compared for equality only."""
EMPTY = np.uint32(0xFFFFFFFF)
_CHUNK = 1 << 15


def signatures(texts: Sequence[str], places: int) -> npt.NDArray[np.uint32]:
    """Return the signature of each text, (N, S): for S random orders, the first of its shingles of three words.

    Parameters
    ----------
    texts : sequence of N str
        As they were read.
    places : int
        S, how many orders; the share of equal places of two texts estimates the share of their shingles in common.
    """
    made = np.full((len(texts), places), EMPTY, dtype=np.uint32)
    text, hashes = shingles(texts)
    starts = np.flatnonzero(np.diff(text, prepend=-1))
    sizes = np.diff(starts, append=len(text))
    orders = mixed(np.arange(2 * places, dtype=np.uint64)).reshape(2, places)
    for begin, end in _spans(starts, sizes):
        some = starts[begin:end] - starts[begin]
        part = hashes[starts[begin] : starts[end - 1] + sizes[end - 1]]
        for place in range(places):
            order = (part ^ orders[0, place]) * (orders[1, place] | np.uint64(1))
            made[text[starts[begin:end]], place] = np.minimum.reduceat(order >> np.uint64(33), some)
    made[np.setdiff1d(np.arange(len(texts)), text[starts[sizes >= LEAST]])] = EMPTY
    return made


def shingles(texts: Sequence[str]) -> tuple[Index, Hashes]:
    """Text and hash of each run of three words, in the order of the texts."""
    corpus = Corpus.of([folded(t) for t in texts])
    begin, end, text = corpus.words
    run = corpus.hashes(begin, end)
    single = run
    for n in range(1, RUN):
        run = mixed(run[:-1] * np.uint64(31) + single[n:])
    inside = text[: len(run)] == text[RUN - 1 :]
    return text[: len(run)][inside], run[inside]


def _spans(starts: Index, sizes: Index) -> list[tuple[int, int]]:
    """Stretches of texts whose shingles fit the processor's cache."""
    block = np.cumsum(sizes) // _CHUNK
    cuts = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(starts)]
    return [(a, b) for a, b in pairwise(cuts) if b > a]
