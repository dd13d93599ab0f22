"""Bytes of a text → pieces → bytes: frequent words whole, everything else byte by byte, so that nothing is lost.

Number 0 is the byte 0, which no text holds; it ends a text. A word, with the blank before it, is cut out by its letters
alone, a digit or a mark stands alone, and so does each character beyond ASCII.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array

BYTES = 256
END = 0
WIDEST = 32
"""Bytes of a piece at the most."""
_PART = re.compile(rb" ?[A-Za-z]+|[\xc2-\xf4][\x80-\xbf]+|.", re.DOTALL)


class Pieces:
    """A vocabulary of pieces.

    Parameters
    ----------
    words : (V, W) uint8
        Pieces beyond the single bytes, padded with 0 on the right; their numbers begin at 256.
    """

    def __init__(self, words: Array) -> None:
        self._bytes = [bytes([k]) for k in range(BYTES)] + [bytes(w).rstrip(b"\0") for w in words]
        self._number = {piece: k for k, piece in enumerate(self._bytes)}

    def __len__(self) -> int:
        return len(self._bytes)

    def cut(self, text: bytes) -> list[int]:
        """Return the numbers of the pieces of a text.

        Examples
        --------
        >>> Pieces(learned_words([b"the pump, the pump"] * 2, least=2, most=9)).cut(b"the pump")
        [257, 256]
        """
        numbers: list[int] = []
        for part in _PART.findall(text):
            known = self._number.get(part)
            numbers.extend(part if known is None else (known,))
        return numbers

    def size(self, piece: int) -> int:
        """How many bytes a piece is."""
        return len(self._bytes[piece])

    def text(self, numbers: Iterable[int]) -> bytes:
        """Return the text that pieces make."""
        return b"".join(self._bytes[k] for k in numbers)


def learned_words(texts: Sequence[bytes], *, least: int, most: int) -> npt.NDArray[np.uint8]:
    """Choose the words of a vocabulary: the most frequent of those that stand in several different texts.

    Parameters
    ----------
    texts : sequence of bytes
        What to learn from.
    least : int
        Texts that a word must stand in; a name that few texts hold is no piece.
    most : int
        Words at the most.

    Returns
    -------
    (V, 32) uint8
        Padded with 0, the most frequent first, equal ones in the order of their bytes.
    """
    found: Counter[bytes] = Counter()
    for text in texts:
        found.update({p for p in _PART.findall(text) if 1 < len(p) <= WIDEST})
    chosen = sorted((w for w, n in found.items() if n >= least), key=lambda w: (-found[w], w))[:most]
    words = np.zeros((len(chosen), WIDEST), dtype=np.uint8)
    for row, word in enumerate(chosen):
        words[row, : len(word)] = np.frombuffer(word, dtype=np.uint8)
    return words
