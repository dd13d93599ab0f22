"""Hashed features of each token: its words, shape, affixes, neighbours, and where in its line it stands.

The templates of taggers of names (Ratinov and Roth 2009, CoNLL; Leaman and Gonzalez 2008, PSB) with feature hashing
(Weinberger et al. 2009, ICML). The first templates are those of a plain window; their buckets are the first eighth, so
that a model of the window alone uses the same items.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from auscult.domains.text.preprocess.codes import DIGIT, IDEOGRAPH, LETTER, Hashes, Index, mixed
from auscult.domains.text.preprocess.patterns import patterns_in
from auscult.domains.text.preprocess.tokens import Tokens

OUTSIDE = np.uint64(0x5BF0_3635)
"""Stands for a neighbour beyond the text."""
WINDOW_SHARE = 8
_PRIME = np.uint64(0x1000_0000_01B3)
_COLON = 58
CHARACTER_RUNS = 6
N_FEATURES = 55
"""Templates: 9 of the window, 38 of the long view, 6 runs of characters and 2 of forms."""
FAR = 12


def window_size(buckets: int) -> int:
    """How many of the buckets, from the first, are of the plain window."""
    return buckets // WINDOW_SHARE


def token_features(tokens: Tokens, buckets: int) -> npt.NDArray[np.int32]:
    """Return the features of tokens, (W, F): buckets, -1 where a template says nothing.

    Parameters
    ----------
    tokens : Tokens
        Of any number of texts.
    buckets : int
        Features that there can be.
    """
    if not len(tokens):
        return np.zeros((0, N_FEATURES), dtype=np.int32)
    made = _Templates(tokens)
    near, wide = made.window(), made.wide()
    head = window_size(buckets)
    columns = [_bucket(h, k, 0, head) for k, h in enumerate(near)]
    columns += [_bucket(h, k + len(near), head, buckets) for k, h in enumerate(wide)]
    columns += [np.where(there, _bucket(h, 200, head, buckets), -1) for h, there in made.runs()]
    columns += [np.where(there, _bucket(h, 300 + k, head, buckets), -1) for k, (h, there) in enumerate(made.forms())]
    return np.stack(columns, axis=1).astype(np.int32)


def _bucket(hashes: Hashes, template: int, low: int, high: int) -> Index:
    place = mixed(hashes + np.uint64(template + 1) * _PRIME) % np.uint64(high - low)
    return np.asarray(place.astype(np.int64) + low)


def _joined(*hashes: Hashes) -> Hashes:
    made = hashes[0]
    for other in hashes[1:]:
        made = mixed(made * np.uint64(31) + other)
    return made


class _Templates:
    """Hashes of what is known of each token, each (W,)."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        whole = tokens.corpus.codes.astype("<u4").tobytes().decode("utf-32-le")
        self._texts = [whole[a:b] for a, b in zip(tokens.corpus.begin, tokens.corpus.end, strict=True)]
        self._low = tokens.lowered
        self.word = self._low.hashes(tokens.begin, tokens.end)
        self.shape = self._shape()
        self.gap = tokens.gap.astype(np.uint64)
        self.sketch = _joined(self.shape, self.gap)

    def at(self, values: Hashes, step: int) -> Hashes:
        """Values of the token ``step`` places on, in the same text."""
        place = np.arange(len(values)) + step
        inside = (place >= 0) & (place < len(values))
        place = np.where(inside, place, 0)
        inside &= self._tokens.text[place] == self._tokens.text
        return np.where(inside, values[place], OUTSIDE)

    def start(self, size: int) -> Hashes:
        """The first characters of each token."""
        return self._low.hashes(self._tokens.begin, np.minimum(self._tokens.begin + size, self._tokens.end))

    def stop(self, size: int) -> Hashes:
        """The last characters of each token."""
        return self._low.hashes(np.maximum(self._tokens.end - size, self._tokens.begin), self._tokens.end)

    def window(self) -> list[Hashes]:
        """What a plain tagger sees."""
        word, shape, at = self.word, self.shape, self.at
        return [
            word, at(word, -1), at(word, 1), shape, at(shape, -1), at(shape, 1), self.start(3), self.stop(3),
            _joined(self.gap, at(self.gap, 1)),
        ]  # fmt: skip

    def wide(self) -> list[Hashes]:
        """What a tagger with a long view sees besides."""
        word, sketch, at = self.word, self.sketch, self.at
        line, key, far, number = self._line()
        unit = self._unit()
        places = [at(word, d) for d in (-4, -3, -2, 2, 3, 4)] + [at(sketch, d) for d in (-3, -2, 2, 3)]
        affixes = [self.start(2), self.start(4), self.start(5), self.stop(1), self.stop(2), self.stop(4), self.stop(5)]
        pairs = [
            _joined(at(word, -1), word), _joined(word, at(word, 1)), _joined(at(word, -2), at(word, -1)),
            _joined(at(word, 1), at(word, 2)), _joined(at(word, -1), word, at(word, 1)),
            _joined(at(word, -3), at(word, -2), at(word, -1)), _joined(at(sketch, -1), sketch, at(sketch, 1)),
            _joined(*(at(sketch, d) for d in (-2, -1, 0, 1, 2))), _joined(at(word, -1), sketch),
            _joined(sketch, at(word, 1)), _joined(at(self.stop(3), -1), self.stop(3)),
            _joined(self.stop(3), at(self.stop(3), 1)),
        ]  # fmt: skip
        layout = [
            _joined(line, np.minimum(far, 3)), _joined(key, np.minimum(far, FAR)), _joined(key, sketch),
            np.minimum(number, 25), _joined(np.minimum(number, 25), sketch),
        ]  # fmt: skip
        whole, inside = unit
        units = [whole, _joined(whole, inside), at(whole, -1), at(whole, 1)]
        return places + affixes + pairs + layout + units

    def runs(self) -> list[tuple[Hashes, npt.NDArray[np.bool_]]]:
        """The first runs of three characters inside of each token that no affix holds."""
        made = []
        for k in range(1, CHARACTER_RUNS + 1):
            begin = self._tokens.begin + k
            there = begin + 3 < self._tokens.end
            begin = np.where(there, begin, self._tokens.begin)
            made.append((self._low.hashes(begin, np.minimum(begin + 3, self._tokens.end)), there))
        return made

    def forms(self) -> list[tuple[Hashes, npt.NDArray[np.bool_]]]:
        """The form that a token is in, whether it begins there, and the form with the words before it."""
        tokens = self._tokens
        form = np.zeros(len(tokens.corpus.codes) + 1, dtype=np.int64)
        for a, text in zip(tokens.corpus.begin.tolist(), self._texts, strict=True):
            for begin, end, number in patterns_in(text):
                form[a + begin + 1 : a + end] = 2 * number + 2
                form[a + begin] = 2 * number + 1
        here = form[tokens.begin].astype(np.uint64)
        there = here > 0
        return [(mixed(here), there), (_joined(here, self.at(self.word, -1)), there)]

    def _shape(self) -> Hashes:
        """Class of the token: small, Capital, UPPER, miXed; a number by its length; a sign by itself."""
        tokens = self._tokens
        codes, kinds = tokens.corpus.codes, tokens.corpus.kinds
        large = np.concatenate([[0], np.cumsum((codes != self._low.codes) & (kinds == LETTER))])
        n_large, size = large[tokens.end] - large[tokens.begin], tokens.end - tokens.begin
        first = (large[tokens.begin + 1] - large[tokens.begin]) > 0
        case = np.select([n_large == 0, n_large == size, first & (n_large == 1)], [1, 2 + (size == 1), 4], 5)
        kind = kinds[tokens.begin]
        shape = np.select(
            [kind == LETTER, kind == DIGIT, kind == IDEOGRAPH],
            [case, 10 + np.minimum(size, 9), 6],
            1000 + codes[tokens.begin].astype(np.int64),
        )
        return np.asarray(mixed(shape.astype(np.uint64)))

    def _line(self) -> tuple[Hashes, Hashes, Hashes, Hashes]:
        """First words of the line, the word before its last colon, tokens since then, and number of the line."""
        tokens, place = self._tokens, np.arange(len(self._tokens))
        begins = tokens.gap == 2
        begin = np.maximum.accumulate(np.where(begins, place, 0))
        head = _joined(self.word, self.at(self.word, 1))[begin]
        colon = (tokens.corpus.codes[tokens.begin] == _COLON) & (place > begin)
        last = np.maximum.accumulate(np.where(colon, place, -1))
        last = np.concatenate([[-1], last[:-1]])
        named = last > begin
        key = np.where(named, self.word[np.maximum(last - 1, 0)], OUTSIDE)
        count = np.cumsum(begins)
        number = count - count[tokens.first[tokens.text]]
        far = place - np.where(named, last, begin)
        return head, key, far.astype(np.uint64), number.astype(np.uint64)

    def _unit(self) -> tuple[Hashes, Hashes]:
        """What stands between blanks around each token, and the place of the token in it."""
        tokens, place = self._tokens, np.arange(len(self._tokens))
        begins = tokens.gap > 0
        begin = np.maximum.accumulate(np.where(begins, place, 0))
        after = np.where(np.concatenate([begins[1:], [True]]), place, len(place))
        end = np.minimum.accumulate(after[::-1])[::-1]
        whole = self._low.hashes(tokens.begin[begin], tokens.end[end])
        return whole, np.minimum(place - begin, 7).astype(np.uint64)


def word_numbers(tokens: Tokens, buckets: int) -> Index:
    """Return each token as a number from 1 to ``buckets`` - 1, (W,), for networks."""
    word = tokens.lowered.hashes(tokens.begin, tokens.end)
    return (word % np.uint64(buckets - 1)).astype(np.int64) + 1


def chunks(n_tokens: Sequence[int], length: int, margin: int) -> list[tuple[int, int]]:
    """Return text and first token of each chunk; neighbours share two margins, and every text has one.

    Examples
    --------
    >>> chunks([3, 0, 9], 6, 1)
    [(0, 0), (1, 0), (2, 0), (2, 3)]
    """
    step = length - 2 * margin
    return [
        (row, begin)
        for row, n in enumerate(n_tokens)
        for begin in ([0] if n <= length else [*range(0, n - length, step), n - length])
    ]
