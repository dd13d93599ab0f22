from __future__ import annotations

import numpy as np

from auscult.domains.text.preprocess.sketch import EMPTY, shingles, signatures
from auscult.engine.quality import minhash

WORDS = [f"w{k}" for k in range(100)]
LONG = " ".join(WORDS)


def test_signatures_agree_as_far_as_the_shingles_do() -> None:
    """98 shingles of three words; leaving out the first ten words leaves 88 of them: Jaccard 0.9."""
    made = signatures([LONG, " ".join(WORDS[10:]), LONG.upper() + "!", " ".join(reversed(WORDS))], minhash.PLACES)
    assert abs((made[0] == made[1]).mean() - 0.9) < 0.1
    np.testing.assert_array_equal(made[0], made[2])
    assert (made[0] == made[3]).mean() < 0.05


def test_a_text_has_the_same_signature_alone_and_among_many() -> None:
    texts = [LONG, "", "a b", "a b c d e f g h i j k", "泵停机了屏幕没有显示任何东西", LONG * 40]
    together = signatures(texts, 8)
    for row, text in enumerate(texts):
        np.testing.assert_array_equal(signatures([text], 8)[0], together[row])


def test_short_texts_have_none() -> None:
    made = signatures(["a b c d e f g h i", "a b c d e f g h i j", "…"], 8)
    assert (made[0] == EMPTY).all()
    assert (made[1] != EMPTY).all()
    assert (made[2] == EMPTY).all()
    assert minhash.EMPTY == EMPTY


def test_no_shingle_crosses_from_one_text_to_the_next() -> None:
    text, _ = shingles(["a b", "c d e", "f"])
    assert text.tolist() == [1]
