"""Hashed n-grams of words and characters: features without a learned vocabulary.

Feature hashing of Weinberger et al. (2009, ICML), without signs: a bucket is a feature, and two n-grams that share one
are one feature. Words and characters have separate halves of the buckets, and each half of a text has unit length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auscult.domains.text.preprocess.codes import Corpus, Hashes, Index, folded, mixed

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class NgramPlan:
    """Which n-grams are taken.

    Parameters
    ----------
    buckets : int
        Number of features, V.
    features : int
        Largest number of different features of one text, L; beyond it the buckets with the highest numbers are left
        out, which are n-grams of characters.
    words : int
        Longest run of words.
    shortest, longest : int
        Runs of characters; 0 takes none.
    """

    buckets: int
    features: int
    words: int
    shortest: int
    longest: int


def hashed_ngrams(texts: Sequence[str], plan: NgramPlan) -> tuple[npt.NDArray[np.int32], Floats]:
    """Return the features of texts.

    Parameters
    ----------
    texts : sequence of N str
        As they were read.
    plan : NgramPlan
        Which n-grams.

    Returns
    -------
    ids : (N, L) int32
        Buckets, ascending, padded with -1.
    counts : (N, L) float32
        1 + ln(count), each half scaled to unit length; 0 where padded.
    """
    corpus = Corpus.of([folded(t) for t in texts])
    n, half = len(texts), plan.buckets // 2
    whole = np.dtype(np.int32 if (n + 1) * plan.buckets < 1 << 31 else np.int64)  # short numbers sort twice as fast
    parts = [_words(corpus, plan.words)]
    if plan.longest:
        parts.append(_characters(corpus, plan.shortest, plan.longest))
    keys = [
        text.astype(whole) * plan.buckets + ((hashes % np.uint64(half)).astype(whole) + block * half)
        for block, (text, hashes) in enumerate(parts)
    ]
    key, count = np.unique(np.concatenate(keys), return_counts=True)
    length = np.diff(np.searchsorted(key, np.arange(n + 1).astype(whole) * plan.buckets))
    text = np.repeat(np.arange(n), length)
    bucket = (key - text.astype(whole) * plan.buckets).astype(np.int32)
    side = 2 * text + (bucket >= half)
    weight = 1.0 + np.log(count)
    norm = np.sqrt(np.bincount(side, weights=weight**2, minlength=2 * n))
    return _padded(bucket, weight / norm[side], length=length, features=plan.features)


def _padded(
    bucket: npt.NDArray[np.int32], value: npt.NDArray[np.float64], *, length: Index, features: int
) -> tuple[npt.NDArray[np.int32], Floats]:
    """Lay features out, a row a text: (F,), (F,) and how many each text has, (N,) -> (N, L), (N, L)."""
    if len(length) and length.max() > features:
        kept = np.arange(len(bucket)) - np.repeat(np.cumsum(length) - length, length) < features
        bucket, value = bucket[kept], value[kept]
    there = np.arange(features) < length[:, None]
    ids = np.full(there.shape, -1, dtype=np.int32)
    counts = np.zeros(there.shape, dtype=np.float32)
    ids[there] = bucket
    counts[there] = value
    return ids, counts


def _words(corpus: Corpus, longest: int) -> tuple[Index, Hashes]:
    """Text and hash of each run of 1 to ``longest`` words."""
    begin, end, text = corpus.words
    single = corpus.hashes(begin, end)
    run, texts, hashes = single, [text], [single]
    for n in range(2, longest + 1):
        run = mixed(run[:-1] * np.uint64(31) + single[n - 1 :])
        inside = text[: len(run)] == text[n - 1 :]
        texts.append(text[: len(run)][inside])
        hashes.append(run[inside])
    return np.concatenate(texts), np.concatenate(hashes)


def _characters(corpus: Corpus, shortest: int, longest: int) -> tuple[Index, Hashes]:
    """Text and hash of each run of characters that lies in one text."""
    texts, hashes = [], []
    place = np.arange(len(corpus.codes), dtype=np.int64)
    text = corpus.text_of(place)
    room = corpus.end[text] - place
    for n in range(shortest, longest + 1):
        begin = np.flatnonzero(room >= n)
        texts.append(text[begin])
        hashes.append(corpus.hashes(begin, begin + n))
    return np.concatenate(texts), np.concatenate(hashes)


def hashed_words(texts: Sequence[str], *, buckets: int, length: int) -> npt.NDArray[np.int64]:
    """Return the first words of texts as numbers in order: (N, length), 1 to ``buckets`` - 1, 0 where there is none.

    Parameters
    ----------
    texts : sequence of N str
        As they were read.
    buckets : int
        How many numbers there are.
    length : int
        How many words of a text are taken.
    """
    corpus = Corpus.of([folded(t) for t in texts])
    begin, end, text = corpus.words
    number = (corpus.hashes(begin, end) % np.uint64(buckets - 1)).astype(np.int64) + 1
    place = np.arange(len(text)) - np.searchsorted(text, np.arange(len(texts)))[text]
    kept = place < length
    tokens = np.zeros((len(texts), length), dtype=np.int64)
    tokens[text[kept], place[kept]] = number[kept]
    return tokens
