"""Tags along a text: which may follow which, and the probability of every span under a linear chain.

The conditional random field of Lafferty, McCallum and Pereira (2001, ICML), with tags of the kind begin-inside-outside:
0 is outside, 1 + 2k begins a span of type k and 2 + 2k goes on with it. Given the text the tags are a Markov chain, so
that the probability that a span is exactly (first token, last token, type) is a product along it, and no span has to
be decoded before its probability is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FORBIDDEN = -1e4
LEAST = 0.01
"""Spans less probable than this are no candidates."""
TOGETHER = 32
"""Texts of like length whose chains are worked out together."""


def allowed(n_types: int) -> Floats:
    """Log-weights of the plain chain, (K + 1, K): 0 where a tag may follow, the last row is the begin of a text."""
    n_tags = 1 + 2 * n_types
    link = np.zeros((n_tags + 1, n_tags))
    for inside in range(2, n_tags, 2):
        link[:, inside] = FORBIDDEN
        link[inside - 1 : inside + 1, inside] = 0.0
    return link


@dataclass(frozen=True, repr=False)
class Chains:
    """Chains of B texts of up to T tokens with K tags.

    Parameters
    ----------
    marginal : (B, T, K) float64
        Probability of each tag at each token; 0 beyond the end of a text.
    forward : (B, T, K) float64
        Scaled sums over the tags before; each token sums to 1.
    backward : (B, T, K) float64
        Scaled sums over the tags after.
    weight : (B, T, K) float64
        Exponentials of the scores, the largest of a token 1.
    scale : (B, T) float64
        What the forward sums were divided by.
    log_total : (B,) float64
        Logarithm of the sum over all ways to tag a text.
    """

    marginal: Floats
    forward: Floats
    backward: Floats
    weight: Floats
    scale: Floats
    log_total: Floats


def chains(score: Floats, length: Ints, link: Floats) -> Chains:
    """Sum over all ways to tag texts.

    Parameters
    ----------
    score : (B, T, K) float
        Log-weight of each tag at each token.
    length : (B,) int64
        Tokens of each text, at least 1.
    link : (K + 1, K) float
        Log-weight of a tag after another; the last row is after the begin.
    """
    n, steps, _ = score.shape
    top = score.max(axis=2)
    weight = np.exp(np.asarray(score, dtype=np.float64) - top[..., None])
    start, follow = np.exp(link[-1]), np.exp(link[:-1])
    forward, backward = np.zeros_like(weight), np.ones_like(weight)
    scale = np.ones((n, steps))
    now = start * weight[:, 0]
    for t in range(steps):
        if t:
            now = (forward[:, t - 1] @ follow) * weight[:, t]
        total = np.maximum(now.sum(axis=1), 1e-300)
        scale[:, t] = total
        forward[:, t] = now / total[:, None]
    for t in range(steps - 2, -1, -1):
        later = ((weight[:, t + 1] * backward[:, t + 1]) @ follow.T) / scale[:, t + 1, None]
        backward[:, t] = np.where((length > t + 1)[:, None], later, 1.0)
    there = np.arange(steps) < length[:, None]
    marginal = forward * backward * there[..., None]
    log_total = ((np.log(scale) + top) * there).sum(axis=1)
    return Chains(marginal, forward, backward, weight, scale, log_total)


def span_candidates(score: Floats, length: Ints, link: Floats) -> list[list[tuple[int, int, int, float]]]:
    """Return every probable span of each text: first token, one after the last, type, probability.

    Parameters
    ----------
    score, length, link
        As ``chains`` takes them.
    """
    made = chains(score, length, link)
    n_types = score.shape[2] // 2
    begin, inside = np.arange(1, 2 * n_types, 2), np.arange(2, 2 * n_types + 1, 2)
    ahead = np.zeros_like(made.weight)  # weight of a tag at the next token, with all that may come after it
    ahead[:, :-1] = made.weight[:, 1:] * made.backward[:, 1:] / made.scale[:, 1:, None]
    ahead *= (np.arange(score.shape[1]) < length[:, None] - 1)[..., None]
    follow = np.exp(link[:-1])
    stay = {
        kind: ahead[:, :, inside] * follow[tags, inside] / np.maximum(made.backward[:, :, tags], 1e-300)
        for kind, tags in ((0, begin), (1, inside))
    }
    found: list[list[tuple[int, int, int, float]]] = [[] for _ in range(len(score))]
    for row, first, kind in np.argwhere(made.marginal[:, :, begin] >= LEAST).tolist():
        whole, last = float(made.marginal[row, first, begin[kind]]), first
        while whole >= LEAST:
            on = min(float(stay[int(last > first)][row, last, kind]), 1.0)
            if whole * (1 - on) >= LEAST:
                found[row].append((first, last + 1, kind, whole * (1 - on)))
            whole, last = whole * on, last + 1
    return found
