"""Near-duplicates of sets by their MinHash signatures, without comparing all pairs (Broder 1997, SEQUENCES).

The share of equal places of two signatures estimates the share that the two sets have in common (Jaccard). Signatures
are cut into bands; records that share a band are compared. With 12 bands of 5 a pair with 0.8 in common is found with a
probability of 0.99, one with 0.5 is looked at in 0.3 of the cases and left out by the comparison.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BANDS, ROWS = 12, 5
PLACES = BANDS * ROWS
"""Length of a signature, S."""
ALIKE = 0.8
NEIGHBOURS = 20
"""Of many records that share a band each is compared with as many before and after it: templates come thousandfold."""
EMPTY = np.uint32(0xFFFFFFFF)
"""What an empty set has in every place; it is like no other."""
_CHUNK = 1 << 20

Signatures = npt.NDArray[np.uint32]
Index = npt.NDArray[np.int64]


def alike_pairs(signatures: Signatures) -> Index:
    """Find pairs of records whose sets have at least 0.8 in common, as their signatures estimate it.

    Parameters
    ----------
    signatures : (R, 60) uint32
        MinHash signatures; rows of ``EMPTY`` are left out.

    Returns
    -------
    (P, 2) int64
        Pairs of record numbers, the smaller first, ascending and each once.
    """
    rows = np.flatnonzero((signatures != EMPTY).any(axis=1))
    found = [np.zeros(0, dtype=np.int64)]
    for band in range(BANDS):
        key = _key(signatures[rows, band * ROWS : (band + 1) * ROWS])
        order = np.argsort(key, kind="stable")
        found.append(_agreeing(signatures, rows[order], key[order]))
    both = np.unique(np.concatenate(found))
    return np.stack([both // len(signatures), both % len(signatures)], axis=1) if len(both) else np.zeros((0, 2), int)


def alike_to_any(signatures: Signatures, known: Signatures) -> Index:
    """Find the records that have at least 0.8 in common with any of some others; every candidate is looked at.

    Parameters
    ----------
    signatures : (R, 60) uint32
        Those of the records.
    known : (S, 60) uint32
        Those of the others.

    Returns
    -------
    (F,) int64
        Numbers of records, ascending.
    """
    found = np.zeros(len(signatures), dtype=np.bool_)
    there = (signatures != EMPTY).any(axis=1)
    others = known[(known != EMPTY).any(axis=1)]
    for band in range(BANDS):
        part = slice(band * ROWS, (band + 1) * ROWS)
        keys = _key(others[:, part])
        order = np.argsort(keys, kind="stable")
        rows = np.flatnonzero(there & ~found)
        asked = _key(signatures[rows, part])
        first, last = (np.searchsorted(keys[order], asked, side=side) for side in ("left", "right"))
        for row, begin, end in zip(rows, first, last, strict=True):
            if end > begin:
                found[row] = bool(((others[order[begin:end]] == signatures[row]).mean(axis=1) >= ALIKE).any())
    return np.flatnonzero(found)


def _key(part: Signatures) -> npt.NDArray[np.uint64]:
    """One number for the places of a band, (R, 5) -> (R,)."""
    key = np.zeros(len(part), dtype=np.uint64)
    for column in part.T:
        key = (key ^ column) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(32)
    return key


def _agreeing(signatures: Signatures, record: Index, key: npt.NDArray[np.uint64]) -> Index:
    """Pairs of neighbours with the same key whose signatures agree, each as one number."""
    found = [np.zeros(0, dtype=np.int64)]
    for step in range(1, NEIGHBOURS + 1):
        first = np.flatnonzero(key[step:] == key[:-step]) if len(key) > step else np.zeros(0, dtype=np.int64)
        if not len(first):
            break
        a, b = record[first], record[first + step]
        for begin in range(0, len(first), _CHUNK):
            some = slice(begin, begin + _CHUNK)
            equal = (signatures[a[some]] == signatures[b[some]]).mean(axis=1)
            kept = np.flatnonzero(equal >= ALIKE)
            low, high = np.minimum(a[some][kept], b[some][kept]), np.maximum(a[some][kept], b[some][kept])
            found.append(low * len(signatures) + high)
    return np.unique(np.concatenate(found))
