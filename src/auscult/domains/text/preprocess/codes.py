"""Many texts as one array of code points, with the words found in it and a hash of any stretch.

Everything is done for all texts of a batch together, so that a million short reports take seconds.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint32]
Hashes = npt.NDArray[np.uint64]
Index = npt.NDArray[np.int64]

OTHER, SPACE, LETTER, DIGIT, IDEOGRAPH = 0, 1, 2, 3, 4
"""Classes of characters. An ideograph is a word by itself: Chinese has no separators between words."""

_BASE = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))
_IDEOGRAPHS = ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF), (0x3040, 0x30FF))
"""CJK ideographs with extensions, and Japanese kana (Unicode 15, blocks)."""
_INVISIBLE = dict.fromkeys((173, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF))
"""Soft hyphen, zero-width and direction marks: they change no word that a person reads."""


def folded(text: str) -> str:
    r"""Return a text as it is compared: compatibility forms and case folded, invisible marks out, blanks single.

    Examples
    --------
    >>> folded("ＰＵＭＰ\u200b  Stopped")
    'pump stopped'
    """
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text).translate(_INVISIBLE)
    return " ".join(plain.casefold().split())


def lowered(text: str) -> str:
    """Return a text in small letters and with plain apostrophes, whose places are those of the text.

    Examples
    --------
    >>> lowered("It WASN\u2019T the pump")
    "it wasn't the pump"
    """
    low = text.lower()
    if len(low) != len(text):  # a letter that has no single small one stays
        low = "".join(small if len(small := c.lower()) == 1 else c for c in text)
    return low.replace("\u2019", "'")


def class_of(code: int) -> int:
    """Return the class of one code point."""
    if any(low <= code <= high for low, high in _IDEOGRAPHS):
        return IDEOGRAPH
    char = chr(code)
    if char.isspace():
        return SPACE
    if char.isdigit():
        return DIGIT
    return LETTER if char.isalpha() or unicodedata.category(char).startswith("M") else OTHER


@dataclass(frozen=True, repr=False)
class Corpus:
    """Texts of a batch as one array.

    Parameters
    ----------
    codes : (C,) uint32
        Code points of all texts, a zero between two.
    begin, end : (N,) int64
        Where each text lies in ``codes``.
    """

    codes: Codes
    begin: Index
    end: Index

    @staticmethod
    def of(texts: Sequence[str]) -> Corpus:
        """Put texts together as they are; a lone surrogate becomes a question mark."""
        codes = np.frombuffer("\0".join(texts).encode("utf-32-le", errors="replace"), dtype=np.uint32)
        length = np.fromiter((len(t) for t in texts), dtype=np.int64, count=len(texts))
        begin = np.concatenate([[0], np.cumsum(length[:-1] + 1)]).astype(np.int64)
        return Corpus(codes, begin, begin + length)

    def __len__(self) -> int:
        return len(self.begin)

    @cached_property
    def kinds(self) -> npt.NDArray[np.uint8]:
        """Class of each code point, (C,)."""
        if not len(self.codes):
            return np.zeros(0, dtype=np.uint8)
        there = np.flatnonzero(np.bincount(self.codes))
        table = np.zeros(int(there[-1]) + 1, dtype=np.uint8)
        table[there] = [class_of(int(code)) for code in there]
        return np.asarray(table[self.codes])

    @cached_property
    def words(self) -> tuple[Index, Index, Index]:
        """First place, place after the last, and text of each word, each (W,): runs of letters and digits."""
        inside = (self.kinds == LETTER) | (self.kinds == DIGIT)
        alone = self.kinds == IDEOGRAPH
        before = np.concatenate([[False], inside[:-1]])
        after = np.concatenate([inside[1:], [False]])
        begin = np.flatnonzero((inside & ~before) | alone)
        end = np.flatnonzero((inside & ~after) | alone) + 1
        return begin, end, self.text_of(begin)

    def text_of(self, place: Index) -> Index:
        """Number of the text that each place lies in, (W,) -> (W,)."""
        return np.asarray(self._texts[place])

    @cached_property
    def _texts(self) -> Index:
        """Number of the text that each code point lies in, (C,); the zero behind a text is its own."""
        return np.repeat(np.arange(len(self)), np.diff(self.begin, append=len(self.codes)))

    @cached_property
    def _sums(self) -> tuple[Hashes, Hashes]:
        """Running sums of the polynomial hash, (C + 1,), and the inverse powers, (C + 1,)."""
        n = len(self.codes)
        power = np.concatenate([np.ones(1, np.uint64), np.cumprod(np.full(n, _BASE, dtype=np.uint64))])
        inverse = np.concatenate([np.ones(1, np.uint64), np.cumprod(np.full(n, _INVERSE, dtype=np.uint64))])
        terms = (self.codes.astype(np.uint64) + np.uint64(1)) * power[:n]
        return np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)]), inverse

    def hashes(self, begin: Index, end: Index) -> Hashes:
        """Hash of what stands in each stretch, wherever it stands: (W,), (W,) -> (W,).

        The polynomial hash of Karp and Rabin (1987, IBM J Res Dev 31:249) modulo 2^64.
        """
        sums, inverse = self._sums
        return np.asarray(mixed((sums[end] - sums[begin]) * inverse[begin]))


def mixed(values: Hashes) -> Hashes:
    """Spread hashes evenly over 64 bits, (W,) -> (W,): the finaliser of splitmix64 (Steele et al. 2014, OOPSLA)."""
    z = values + _BASE
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))
