"""Leaks: the same subject, or the same content, on both sides of a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from auscult.base.contracts import Index
from auscult.base.errors import DataError
from auscult.engine.dataset import Dataset
from auscult.engine.splits import Split


@dataclass(frozen=True)
class Leak:
    """Test records that training or validation knows in some way.

    Parameters
    ----------
    subject : (A,) int64
        Test records whose subject is also in training or validation.
    content : (B,) int64
        Test records with the same or nearly the same content as one in training or validation.
    seen : (C,) int64
        Test records that a network which training started from has learned from.
    """

    subject: Index
    content: Index
    seen: Index = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def records(self) -> Index:
        """All leaking test records."""
        return np.union1d(np.union1d(self.subject, self.content), self.seen)


def find_leaks(
    dataset: Dataset, split: Split, duplicates: Sequence[tuple[int, int, str]], seen: Index | None = None
) -> Leak:
    """Look for test records that are known before the test; ``duplicates`` are pairs as ``duplicate_pairs`` gives.

    ``seen`` are records that a network which training starts from has learned from.

    A split in time keeps a subject on both sides by its own rule; there only other records' content counts.
    """
    test = split.records("test")
    known = np.union1d(split.records("train"), split.records("valid"))
    both = np.intersect1d(test, known)
    subject = np.zeros(0, dtype=np.int64)
    if dataset.subjects is not None and not len(both):
        subject = test[np.isin(dataset.subjects[test], dataset.subjects[known])]
    links = np.array([pair[:2] for pair in duplicates], dtype=np.int64).reshape(-1, 2)
    mine, other = np.concatenate([links, links[:, ::-1]]).T
    content = mine[np.isin(mine, np.setdiff1d(test, both)) & np.isin(other, known)]
    before = test[:0] if seen is None else np.intersect1d(test, seen)
    return Leak(subject, np.unique(content), before)


def require_no_leak(leak: Leak, dataset: Dataset, *, on_leak: str) -> None:
    """Refuse a split that leaks, unless the recipe asks to report it.

    Raises
    ------
    DataError
        With how many records leak, which, and what to do.
    """
    if on_leak == "report" or not len(leak.records):
        return
    names = ", ".join(str(n) for n in dataset.names[leak.records][:10])
    raise DataError(
        f"split: {len(leak.subject)} test records share a subject with training and {len(leak.content)} have nearly "
        f"the same content as a training record{_also_seen(leak)} ({names}); split by subject, leave them out, keep "
        "near-duplicates on one side with split.duplicates_whole = true, or set split.on_leak = 'report'"
    )


def _also_seen(leak: Leak) -> str:
    if not len(leak.seen):
        return ""
    return f", and {len(leak.seen)} are among the records that the network learned from which training starts from"
