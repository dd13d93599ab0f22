"""A split in time within subjects, with some subjects kept out whole, as GlucoBench does it.

Sergazinov et al. 2024, ICLR. Each subject's last readings are the test, the readings before them validation; a
stretch of history stands before each, so that no target of one role is a target of another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auscult.base.errors import ShapeError

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SplitProtocol:
    """How GlucoBench cuts the segments of each subject."""

    n_history: int
    """Readings that stand before the first target of a held-out range (``max_length_input``)."""
    n_holdout: int
    """Readings kept for validation, and as many for testing, at a subject's end (``length_segment``)."""
    ood_fraction: float = 0.1
    """Share of the subjects that are kept out whole, in [0, 1]; the number of subjects is rounded up."""


@dataclass(frozen=True)
class SplitRanges:
    """Half-open ranges of positions; each array is ``(R, 3)`` int64 with the columns segment, begin, end.

    The first ``n_history`` readings of a range in `valid` and `test` are history: targets come after them. No
    target of one role is a target of another. `ood` holds the whole segments of the subjects kept out.
    """

    train: Ints
    valid: Ints
    test: Ints
    ood: Ints


def split_ranges(
    segment_subject: ArrayLike, segment_length: ArrayLike, *, protocol: SplitProtocol, seed: int
) -> SplitRanges:
    """Give every range of every segment its role for one seed of GlucoBench.

    The subjects are drawn from NumPy's legacy generator, as the benchmark does (``data_formatter/utils.py``).

    Parameters
    ----------
    segment_subject : (S,) array
        Subject of each segment; the segments of a subject in the order of time.
    segment_length : (S,) int array
        Readings on the grid of each segment.
    protocol : SplitProtocol
        Lengths and share of subjects.
    seed : int
        Chooses the subjects that are kept out whole; the paper's tables use 10 to 19.

    Returns
    -------
    SplitRanges
        Ranges per role, in the order of the sorted subjects. Refuses with ShapeError arrays that are empty or
        differ in length.
    """
    subject, length = np.asarray(segment_subject), np.asarray(segment_length, dtype=np.int64)
    if subject.ndim != 1 or subject.shape != length.shape or subject.size == 0:
        raise ShapeError(
            f"segment_subject and segment_length: expected two arrays (S,) with S of at least 1, "
            f"got {subject.shape} and {length.shape}"
        )
    subjects = np.unique(subject)
    n_ood = math.ceil(subjects.size * protocol.ood_fraction)
    kept_out = np.random.RandomState(seed).choice(subjects.size, n_ood, replace=False)
    rows: dict[str, list[tuple[int, int, int]]] = {"train": [], "valid": [], "test": [], "ood": []}
    for index, name in enumerate(subjects):
        own = np.flatnonzero(subject == name)
        if index in kept_out:
            rows["ood"] += [(int(s), 0, int(length[s])) for s in own]
            continue
        for role, segment, begin, end in _subject_ranges(own, length, protocol):
            rows[role].append((segment, begin, end))
    return SplitRanges(**{k: np.array(v, dtype=np.int64).reshape(-1, 3) for k, v in rows.items()})


def _subject_ranges(own: Ints, length: Ints, protocol: SplitProtocol) -> list[tuple[str, int, int, int]]:
    """Role, segment, begin and end of each range of one subject's segments `own`, oldest first."""
    history, hold = protocol.n_history, protocol.n_holdout
    last, n = int(own[-1]), int(length[own[-1]])
    ranges = [("train", int(s), 0, int(length[s])) for s in own[:-1]]
    if n >= history + 3 * hold:
        return [
            *ranges,
            ("train", last, 0, n - 2 * hold),
            ("valid", last, n - 2 * hold - history, n - hold),
            ("test", last, n - hold - history, n),
        ]
    if n >= history + 2 * hold:
        # The benchmark validates on the rest only where an earlier segment is left to train on.
        rest = "valid" if ranges else "train"
        return [*ranges, (rest, last, 0, n - hold), ("test", last, n - hold - history, n)]
    if not ranges:
        return [("train", last, 0, n)]
    _, before, _, m = ranges.pop()
    if m < history + 2 * hold:
        return [*ranges, ("train", before, 0, m), ("test", last, 0, n)]
    return [
        *ranges,
        ("train", before, 0, m - hold),
        ("valid", before, m - hold - history, m),
        ("test", last, 0, n),
    ]
