"""Where the words of a text stand, by character."""

from __future__ import annotations

from auscult.domains.text.preprocess.codes import Corpus


def word_spans(text: str) -> list[tuple[int, int]]:
    """Return the first character and the one after the last of each word; an ideograph is a word.

    Examples
    --------
    >>> word_spans("pump 3 停机")
    [(0, 4), (5, 6), (7, 8), (8, 9)]
    """
    begin, end, _ = Corpus.of([text]).words
    return list(zip(begin.tolist(), end.tolist(), strict=True))
