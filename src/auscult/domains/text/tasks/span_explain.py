"""Which words around a span carried it: each is blotted out in turn, and the probability of the span is asked again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from auscult.base.arrays import Array

Span = tuple[int, int, int]
Ask = Callable[[Sequence[str], Span], list[float]]
"""(texts, span) → probability of exactly this span in each text."""

AROUND = 5
"""Tokens before and after a span that are blotted out."""
CONTEXT = 40
"""Tokens before and after a span that are looked at; farther ones are not part of the explanation."""
MOST_SPANS, MOST_WORDS = 50, 4


def words_that_carry(text: str, places: Array, spans: Sequence[Span], ask: Ask) -> list[dict[str, Any]]:
    """Return for each span the words whose absence lowers its probability most, in itself or beside it.

    Parameters
    ----------
    text : str
        The text.
    places : (w, 2) int64
        First character of each token, and the one after the last.
    spans : sequence of (first character, one after the last, type)
        What was answered; the first ``MOST_SPANS`` are explained.
    ask : callable
        Gives probabilities.
    """
    return [
        {"begin": span[0], "end": span[1], "words": _words(text, places, span, ask)}
        for span in list(spans)[:MOST_SPANS]
    ]


def _words(text: str, places: Array, span: Span, ask: Ask) -> list[dict[str, Any]]:
    inside = [k for k, (a, b) in enumerate(places.tolist()) if a >= span[0] and b <= span[1]]
    first, last = inside[0], inside[-1]
    begin = int(places[max(0, first - CONTEXT), 0])
    part = text[begin : int(places[min(len(places) - 1, last + CONTEXT), 1])]
    near = range(max(0, first - AROUND), min(len(places), last + 1 + AROUND))
    variants = [part]
    for k in near:
        a, b = (int(v) - begin for v in places[k])
        variants.append(part[:a] + "".join(map(_blot, part[a:b])) + part[b:])
    whole, *without = ask(variants, (span[0] - begin, span[1] - begin, span[2]))
    lost = sorted(((whole - p, k) for p, k in zip(without, near, strict=True)), key=lambda v: (-v[0], v[1]))
    return [
        {"begin": int(places[k, 0]), "end": int(places[k, 1]), "carries": round(drop, 4)}
        for drop, k in lost[:MOST_WORDS]
        if drop > 0
    ]


def _blot(char: str) -> str:
    """Stand-in of the same class, so that all places stay: a letter, a digit, a sign that says nothing."""
    return "0" if char.isdigit() else ("X" if char.isupper() else "x") if char.isalpha() else "·"
