"""The year in the number of a clearance: ``K191234`` was received in 2019 (FDA, 510(k) number, yy and a sequence)."""

from __future__ import annotations

import numpy as np

from auscult.domains.recommend.preprocess.names import Index, Names

SEQUENCE = 10_000
"""Numbers of one year: the sequence has four digits."""
CENTURY = 60
"""Two digits from here on are of the 20th century: the first 510(k) is of 1976."""


def clearance_years(names: Names) -> Index:
    """Year in each number, (N,); -1 where a name is no letters followed by two digits of a year and a sequence.

    Examples
    --------
    >>> from auscult.domains.recommend.preprocess.names import as_names
    >>> clearance_years(as_names(["K191234", "DEN160003", "K760010", "pump"])).tolist()
    [2019, 2016, 1976, -1]
    """
    distinct, inverse = np.unique(names, return_inverse=True)
    years = np.array([_year(name) for name in distinct], dtype=np.int64)
    return np.asarray(years[inverse.ravel()]).reshape(names.shape)


def _year(name: bytes) -> int:
    digits = name.lstrip(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    if len(digits) == len(name) or len(digits) < 6 or not digits.isdigit():
        return -1
    year = int(digits[:2])
    return year + (1900 if year >= CENTURY else 2000)


def sequence_numbers(names: Names) -> Index:
    """Year and sequence of each number as one number that rises with time, (N,); 0 where a name says no year.

    Examples
    --------
    >>> from auscult.domains.recommend.preprocess.names import as_names
    >>> sequence_numbers(as_names(["K191234", "pump"])).tolist()
    [20191234, 0]
    """
    years = clearance_years(names)
    last = np.array([int(n[-4:]) if y >= 0 else 0 for n, y in zip(names, years, strict=True)], dtype=np.int64)
    return np.asarray(np.where(years >= 0, years * SEQUENCE + last, 0), dtype=np.int64)
