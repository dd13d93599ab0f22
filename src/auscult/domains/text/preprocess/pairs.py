"""Two texts → features of the pair: what they share, what they differ in, and what stands in place of what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from auscult.domains.text.preprocess.codes import Corpus, Hashes, folded, mixed
from auscult.domains.text.preprocess.ngrams import NgramPlan, hashed_ngrams

Floats = npt.NDArray[np.float32]
SWAPPED = 5.0
"""Length of the words in place of each other: that of a usual text whose n-grams are weighed by their rarity."""
MOST = 32
"""Words of a text without a partner in the other that are paired with those of the other."""


def pair_features(
    first: Sequence[str], second: Sequence[str], *, buckets: int, features: int, run: int
) -> tuple[npt.NDArray[np.int32], Floats]:
    """Return the features of pairs of texts, which do not depend on the order of the two.

    Parameters
    ----------
    first, second : sequences of N str
        The two texts of each pair.
    buckets : int
        V. Numbers below V/2 are runs of words that both texts have, with the smaller weight; those from V/2 on are runs
        whose weights differ, with the difference; those from V to 2V are pairs of a word that only one has and a word
        that only the other has, of length 5 together.
    features : int
        Most features of a pair, L.
    run : int
        Longest run of words; an ideograph is a word.

    Returns
    -------
    ids : (N, L) int32
        Numbers, padded with -1.
    counts : (N, L) float32
        Weights; 0 where padded.
    """
    plan = NgramPlan(buckets, features, run, 0, 0)  # words only: numbers below V/2
    one, other = (_matrix(*hashed_ngrams(texts, plan), buckets // 2) for texts in (first, second))
    shared, apart = one.minimum(other).tocsr(), abs(one - other).tocsr()
    ids = np.full((len(first), features), -1, dtype=np.int32)
    counts = np.zeros((len(first), features), dtype=np.float32)
    swaps = _swaps(first, second, buckets)
    for row, swapped in enumerate(swaps):
        parts = [
            (shared.indices[slice(*shared.indptr[row : row + 2])], shared.data[slice(*shared.indptr[row : row + 2])]),
            (
                apart.indices[slice(*apart.indptr[row : row + 2])] + buckets // 2,
                apart.data[slice(*apart.indptr[row : row + 2])],
            ),
            (swapped, np.full(len(swapped), SWAPPED / np.sqrt(max(len(swapped), 1)))),
        ]
        number, weight = (np.concatenate([p[k] for p in parts])[:features] for k in (0, 1))
        ids[row, : len(number)] = number
        counts[row, : len(weight)] = weight
    return ids, counts


def _matrix(ids: npt.NDArray[np.int32], counts: Floats, size: int) -> Any:
    """Padded features (N, L) as a sparse matrix (N, V/2)."""
    from scipy import sparse

    there = ids >= 0
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    return sparse.csr_matrix((counts[there], ids[there].astype(np.int64), offsets), shape=(len(ids), size))


def _swaps(first: Sequence[str], second: Sequence[str], buckets: int) -> list[npt.NDArray[np.int64]]:
    """Numbers of the pairs of words that stand in place of each other, from V on, each once."""
    words = [_words(texts) for texts in (first, second)]
    made = []
    for one, other in zip(*words, strict=True):
        left, right = np.setdiff1d(one, other)[:MOST], np.setdiff1d(other, one)[:MOST]
        low, high = np.minimum.outer(left, right), np.maximum.outer(left, right)
        made.append(np.unique(mixed(low * np.uint64(31) + high) % np.uint64(buckets)).astype(np.int64) + buckets)
    return made


def _words(texts: Sequence[str]) -> list[Hashes]:
    """Hashes of the words of each text."""
    corpus = Corpus.of([folded(t) for t in texts])
    begin, end, text = corpus.words
    cuts = np.searchsorted(text, np.arange(1, len(texts)))
    return np.split(corpus.hashes(begin, end), cuts)
