"""Names of items as bytes of one width, and lists of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Ragged

NAME_BYTES = 32
"""The longest name of an item. A GS1 or HIBCC device identifier has at most 25 characters, a K-number 7."""

Names = npt.NDArray[np.bytes_]
Index = npt.NDArray[np.int64]


def as_names(texts: Sequence[str]) -> Names:
    """Names as bytes, (N,); none is longer than ``NAME_BYTES``.

    Examples
    --------
    >>> as_names(["K123456"])
    array([b'K123456'], dtype='|S32')
    """
    return np.array([t.encode() for t in texts], dtype=f"S{NAME_BYTES}")


def padded(names: Names, record: Index, n_records: int) -> Names:
    """Give each record its names as one row, in their order, padded with empty ones: (N,) -> (R, L).

    Parameters
    ----------
    names : (N,) array of bytes
    record : (N,) int64
        Record of each name, from 0 to before ``n_records``.
    n_records : int
        R.
    """
    order = np.argsort(record, kind="stable")
    count = np.bincount(record, minlength=n_records)
    start = np.cumsum(count) - count
    rows = np.zeros((n_records, int(count.max(initial=0))), dtype=names.dtype)
    mine = record[order]
    rows[mine, np.arange(len(order)) - start[mine]] = names[order]
    return rows


def unpadded(rows: Names) -> Ragged:
    """Names of each row without the empty ones: (R, L) -> R ragged rows."""
    filled = rows != b""
    offsets = np.concatenate([[0], np.cumsum(filled.sum(axis=1))]).astype(np.int64)
    return Ragged(rows[filled], offsets)


def latest(numbers: Index, record: Index, n_records: int, width: int) -> Index:
    """Give each record its last numbers as one row, latest first, padded with 0: (N,) -> (R, width)."""
    order = np.argsort(record, kind="stable")[::-1]
    mine = record[order]
    count = np.bincount(record, minlength=n_records)
    start = len(record) - np.cumsum(count)
    place = np.arange(len(order)) - start[mine]
    rows = np.zeros((n_records, width), dtype=np.int64)
    kept = place < width
    rows[mine[kept], place[kept]] = numbers[order][kept]
    return rows


def tenths_of(names: Iterable[bytes]) -> Index:
    """Tenth of each name by its hash, (N,), from 0 to 9: the same in every export and under every key.

    Examples
    --------
    >>> tenths_of([b"ward-1", b"ward-2", b"ward-1"]).tolist()
    [9, 2, 9]
    """
    return np.array([10 * crc32(bytes(n) + b"/part") >> 32 for n in names], dtype=np.int64)


def item_text(name: bytes) -> str:
    """A name as text."""
    return bytes(name).decode(errors="replace")
