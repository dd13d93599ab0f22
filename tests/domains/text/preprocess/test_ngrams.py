from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from auscult.domains.text.preprocess.codes import Corpus, folded
from auscult.domains.text.preprocess.ngrams import NgramPlan, hashed_ngrams, hashed_words
from auscult.domains.text.preprocess.profile import PROFILE, profiles
from auscult.domains.text.preprocess.words import word_spans

WORDS_ONLY = NgramPlan(1 << 16, 64, 2, 0, 0)


def test_features_are_counted_as_by_hand() -> None:
    """Words 'pump' twice, 'stopped' once; runs 'pump pump' and 'pump stopped': 4 features, weights 1 + ln(count)."""
    ids, counts = hashed_ngrams(["Pump pump stopped"], WORDS_ONLY)
    weights = np.array([1 + np.log(2), 1.0, 1.0, 1.0])
    assert (ids[0] >= 0).sum() == 4
    np.testing.assert_allclose(np.sort(counts[0][:4])[::-1], weights / np.linalg.norm(weights), rtol=1e-6)
    assert (counts[0][4:] == 0).all()


def test_the_same_word_is_the_same_bucket_wherever_it_stands() -> None:
    ids, _ = hashed_ngrams(["leak", "a long report about a leak", "LEAK!"], NgramPlan(1 << 16, 64, 1, 0, 0))
    assert ids[0][0] in ids[1]
    assert ids[0][0] == ids[2][0]


def test_characters_are_the_runs_that_python_counts() -> None:
    text = "alarm alarms"
    grams = {text[i : i + 3] for i in range(len(text) - 2)}
    ids, _ = hashed_ngrams([text], NgramPlan(1 << 20, 64, 1, 3, 3))
    half = 1 << 19
    assert (ids[0] >= half).sum() == len(grams)
    assert ((ids[0] >= 0) & (ids[0] < half)).sum() == 2


def test_a_text_alone_has_the_same_features_as_in_a_batch() -> None:
    texts = ["pump stopped", "", "泵 停机 alarm", "x" * 300, "pump stopped"]
    plan = NgramPlan(1 << 14, 128, 2, 3, 5)
    ids, counts = hashed_ngrams(texts, plan)
    for row, text in enumerate(texts):
        alone = hashed_ngrams([text], plan)
        np.testing.assert_array_equal(alone[0][0], ids[row])
        np.testing.assert_array_equal(alone[1][0], counts[row])
    assert (ids[1] == -1).all()


def test_too_many_features_leave_out_those_with_the_highest_numbers() -> None:
    many = " ".join(f"word{k}" for k in range(100))
    whole, _ = hashed_ngrams([many], NgramPlan(1 << 16, 400, 1, 0, 0))
    cut, _ = hashed_ngrams([many], NgramPlan(1 << 16, 32, 1, 0, 0))
    np.testing.assert_array_equal(cut[0], whole[0][:32])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ＰＵＭＰ", "pump"),
        ("pu\u200bmp", "pump"),
        ("a\u00a0 b", "a b"),
        ("STRASSE", "strasse"),
        ("\u202epump", "pump"),
    ],
)
def test_what_a_person_reads_as_equal_is_equal(written: str, read: str) -> None:
    assert folded(written) == read


def test_words_of_several_scripts() -> None:
    assert word_spans("don't, 停机 5 mL") == [(0, 3), (4, 5), (7, 8), (8, 9), (10, 11), (12, 14)]
    assert word_spans("") == []
    assert word_spans("\ud800 a") == [(2, 3)]


def test_hash_has_few_collisions() -> None:
    words = [f"{a}{b}" for a in "abcdefgh" for b in range(2000)]
    corpus = Corpus.of(words)
    begin, end, _ = corpus.words
    assert max(Counter(corpus.hashes(begin, end).tolist()).values()) == 1


def test_words_as_numbers_in_order() -> None:
    tokens = hashed_words(["a b a", "b"], buckets=1 << 12, length=4)
    assert tokens[0, 0] == tokens[0, 2] != tokens[0, 1]
    assert tokens[1].tolist() == [tokens[0, 1], 0, 0, 0]
    assert tokens.min() >= 0


def test_profile_by_hand() -> None:
    """'ab 1!' has 5 characters, 2 words of 3 characters, 2 letters, 1 digit, 1 mark."""
    made = dict(zip(PROFILE, profiles(["ab 1!", "泵泵"])[0], strict=True))
    assert made["log_characters"] == pytest.approx(np.log1p(5))
    assert made["word_length"] == pytest.approx(1.5)
    assert made["letters"] == pytest.approx(0.4)
    assert made["digits"] == pytest.approx(0.2)
    assert made["marks"] == pytest.approx(0.2)
    assert made["new_words"] == pytest.approx(1.0)
    chinese = dict(zip(PROFILE, profiles(["ab 1!", "泵泵"])[1], strict=True))
    assert (chinese["ideographs"], chinese["beyond_ascii"], chinese["new_words"]) == (1.0, 1.0, 0.5)
