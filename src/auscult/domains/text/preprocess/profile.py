"""A few numbers that say what kind of text a text is: its length, its characters, its variety. For the input gate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from auscult.domains.text.preprocess.codes import DIGIT, IDEOGRAPH, LETTER, OTHER, Corpus, mixed

PROFILE = (
    "log_characters",
    "log_words",
    "word_length",
    "letters",
    "digits",
    "marks",
    "ideographs",
    "beyond_ascii",
    "new_words",
)


def profiles(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return the profile of texts, (N, 9), in the order of ``PROFILE``; shares are between 0 and 1."""
    corpus = Corpus.of(list(texts))
    n = len(texts)
    text = corpus.text_of(np.arange(len(corpus.codes)))
    inside = corpus.codes > 0
    size = np.maximum(np.bincount(text[inside], minlength=n), 1)

    def share(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        return np.asarray(np.bincount(text[mask & inside], minlength=n) / size)

    begin, end, of = corpus.words
    words = np.bincount(of, minlength=n)
    first = np.unique(corpus.hashes(begin, end) ^ mixed(of.astype(np.uint64)), return_index=True)[1]
    return np.stack(
        [
            np.log1p(size),
            np.log1p(words),
            np.bincount(of, weights=end - begin, minlength=n) / np.maximum(words, 1),
            share(corpus.kinds == LETTER),
            share(corpus.kinds == DIGIT),
            share(corpus.kinds == OTHER),
            share(corpus.kinds == IDEOGRAPH),
            share(corpus.codes > 127),
            np.bincount(of[first], minlength=n) / np.maximum(words, 1),
        ],
        axis=1,
    ).astype(np.float32)
