"""The chain of tags against the sum over all ways to tag, and tokens and their features."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np

from auscult.domains.text.preprocess.chain import FORBIDDEN, LEAST, allowed, chains, span_candidates
from auscult.domains.text.preprocess.token_features import N_FEATURES, chunks, token_features, window_size
from auscult.domains.text.preprocess.tokens import tokenised


def _all_ways(score: np.ndarray, link: np.ndarray) -> dict[tuple[int, ...], float]:  # type: ignore[type-arg]
    """Probability of every way to tag one text, by enumeration."""
    ways = {}
    for tags in product(range(score.shape[1]), repeat=len(score)):
        steps = link[-1, tags[0]] + sum(link[a, b] for a, b in pairwise(tags))
        ways[tags] = float(np.exp(steps + sum(score[t, k] for t, k in enumerate(tags))))
    total = sum(ways.values())
    return {tags: weight / total for tags, weight in ways.items()}


def test_marginals_total_and_spans_are_those_of_all_ways() -> None:
    rng = np.random.default_rng(0)
    link = allowed(2) + rng.normal(size=(6, 5)) * (allowed(2) > FORBIDDEN)
    score, length = rng.normal(size=(2, 4, 5)) * 2, np.array([4, 3])
    made = chains(score, length, link)
    for row in range(2):
        part = score[row, : length[row]]
        ways = _all_ways(part, link)
        for t, k in product(range(length[row]), range(5)):
            np.testing.assert_allclose(
                made.marginal[row, t, k], sum(p for w, p in ways.items() if w[t] == k), atol=1e-9
            )
        spans: dict[tuple[int, int, int], float] = {}
        for tags, p in ways.items():
            for begin, kind in ((t, (k - 1) // 2) for t, k in enumerate(tags) if k % 2):
                end = begin + 1
                while end < len(tags) and tags[end] == 2 + 2 * kind:
                    end += 1
                spans[begin, end, kind] = spans.get((begin, end, kind), 0.0) + p
        found = {s[:3]: s[3] for s in span_candidates(score, length, link)[row]}
        assert found.keys() == {s for s, p in spans.items() if p >= LEAST}
        for span, p in found.items():
            np.testing.assert_allclose(p, spans[span], atol=1e-9)
    first = _all_ways(score[0], link)
    one = link[-1, 0] + 3 * link[0, 0] + score[0, :, 0].sum()
    np.testing.assert_allclose(np.log(first[0, 0, 0, 0]), one - made.log_total[0], atol=1e-9)


def test_tokens_by_hand() -> None:
    tokens = tokenised(["Dr. Li, b6\n\n3,5", "痛2天", "  "])
    words = [[t[a:b] for a, b in tokens.characters(k)] for k, t in enumerate(["Dr. Li, b6\n\n3,5", "痛2天"])]
    assert words == [["Dr", ".", "Li", ",", "b", "6", "3", ",", "5"], ["痛", "2", "天"]]
    assert tokens.gap.tolist() == [2, 0, 1, 0, 1, 0, 2, 0, 0, 2, 0, 0]
    assert tokens.first.tolist() == [0, 9, 12, 12]


def test_features_do_not_depend_on_the_other_texts() -> None:
    texts = ["Ms Ahorn came.", "MRN: 4711\nSeen on 2024-05-01.", "头痛三天"]
    together = token_features(tokenised(texts), 1 << 12)
    alone = np.concatenate([token_features(tokenised([t]), 1 << 12) for t in texts])
    np.testing.assert_array_equal(together, alone)
    assert together.shape[1] == N_FEATURES
    assert together[:, :9].max() < window_size(1 << 12) <= together[:, 9:-8].min()
    assert token_features(tokenised([""]), 1 << 12).shape == (0, N_FEATURES)


def test_features_of_words_do_not_depend_on_case_or_width() -> None:
    small, wide = (token_features(tokenised([t]), 1 << 16)[0] for t in ("pump", "ＰＵＭＰ"))
    assert small[0] == wide[0]
    assert small[3] != wide[3]


def test_chunks_cover_every_token_and_end_at_the_text() -> None:
    for n in (1, 16, 17, 40, 100):
        begins = [begin for _, begin in chunks([n], 16, 3)]
        covered = {t for b in begins for t in range(b, min(b + 16, n))}
        assert covered == set(range(n))
        assert all(b + 16 <= n or n <= 16 for b in begins)
