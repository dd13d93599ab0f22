"""A long text as pieces that overlap, and the pieces' answers as one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array

Tokens = npt.NDArray[np.int64]
Index = npt.NDArray[np.int64]


def step_of(length: int) -> int:
    """Tokens from one piece to the next: a quarter is common to both."""
    return length - length // 4


def total_of(length: int, most: int) -> int:
    """Tokens that ``most`` pieces of a length cover together."""
    return length + (most - 1) * step_of(length)


def pieces(tokens: Tokens, length: int, most: int) -> tuple[Tokens, Index, Index]:
    """Cut texts into pieces; a text that fits is one piece.

    Parameters
    ----------
    tokens : (N, total) int64
        Texts of ``total_of(length, most)`` tokens, padded with 0 on the right.
    length : int
        Tokens of a piece, T.
    most : int
        Most pieces of a text.

    Returns
    -------
    tokens : (M, T) int64
        The pieces, text by text.
    text, position : (M,) int64
        Which text each comes from, and where it begins.
    """
    step = step_of(length)
    there = tokens != 0
    size = np.where(there.any(axis=1), tokens.shape[1] - there[:, ::-1].argmax(axis=1), 0)
    count = 1 + np.clip(-(-(size - length) // step), 0, most - 1)
    text = np.repeat(np.arange(len(tokens)), count)
    position = (np.arange(len(text)) - np.repeat(np.cumsum(count) - count, count)) * step
    columns = position[:, None] + np.arange(length)
    return tokens[text[:, None], columns], text.astype(np.int64), position.astype(np.int64)


def together(arrays: Mapping[str, Array], record: Index) -> tuple[dict[str, Array], Index]:
    """Mean of the answers of each record's pieces: (M, …) -> (R, …), with the records in order, (R,)."""
    records, number, count = np.unique(record, return_inverse=True, return_counts=True)
    if len(records) == len(record):
        return dict(arrays), record
    made: dict[str, Array] = {}
    for name, values in arrays.items():
        total = np.zeros((len(records), *values.shape[1:]), dtype=np.float64)
        np.add.at(total, number, values)
        made[name] = (total / count.reshape(-1, *[1] * (values.ndim - 1))).astype(values.dtype)
    return made, records
