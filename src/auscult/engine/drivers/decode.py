"""Driver ``decode``: tokens one after the other, from what scores the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array
from auscult.base.contracts import Program, Run
from auscult.base.errors import ShapeError
from auscult.engine.drivers.next_token import Scorers
from auscult.engine.drivers.pieces import Pieces

BATCH = 64
"""Texts that are written side by side."""


def load(program: Program, threads: int) -> Run:
    """Open a program that scores the next token; see ``next_token`` for the three ways.

    Settings: ``end`` (token that ends a text), ``max_length``, ``context`` (tokens that a graph can see),
    ``temperature``, ``top_p``. The run takes ``prompt`` (N, L) int64, padded on the right with -1, and ``seed``
    (N,) int64; it gives ``tokens`` (N, max_length) int64, padded with -1. Sampling is nucleus sampling
    (Holtzman et al. 2020, arXiv:1904.09751); temperature 0 takes the most probable token.

    With an array ``words`` the prompt and the tokens given are bytes of a text; those inside are pieces of it, which
    begin behind an end (``pieces``). Where ``given`` (N, L) is among the inputs, nothing is drawn: the text is taken as
    it is, and ``log_probability`` (N,) says how probable it is, with its end, after the prompt. It is NaN where the
    text is longer than a graph with a memory has places for.
    """
    words = program.arrays.get("words")
    writer = _Writer(Scorers(program, threads), program, None if words is None else Pieces(words))

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        if inputs["prompt"].ndim != 2 or inputs["seed"].ndim != 1:
            got = f"{inputs['prompt'].shape} and {inputs['seed'].shape}"
            raise ShapeError(f"program inputs 'prompt' and 'seed': expected shapes (N, L) and (N,), got {got}")
        given = inputs.get("given")
        texts = [
            writer.text(prompt, int(seed), None if given is None else given[row])
            for row, (prompt, seed) in enumerate(zip(inputs["prompt"], inputs["seed"], strict=True))
        ]
        for first in range(0, len(texts), BATCH):
            writer.write(texts[first : first + BATCH])
        tokens = np.stack([writer.shown(t) for t in texts]) if texts else np.zeros((0, writer.limit), dtype=np.int64)
        if given is None:
            return {"tokens": tokens}
        return {"tokens": tokens, "log_probability": np.array([t.log_probability for t in texts])}

    return run


@dataclass
class _Text:
    """A text that is being written.

    Parameters
    ----------
    ahead : list of int
        Tokens that are taken as they are: the prompt, then what is given.
    n_prompt : int
        How many of them are the prompt.
    rng : Generator
        Draws the others.
    scored : bool
        Whether nothing is drawn and the text is only scored.
    """

    ahead: list[int]
    n_prompt: int
    rng: np.random.Generator
    scored: bool
    tokens: list[int] = field(default_factory=list)
    size: int = 0
    done: bool = False
    log_probability: float = 0.0

    @property
    def asks(self) -> bool:
        """Whether the next token is drawn or scored."""
        return len(self.tokens) >= (self.n_prompt if self.scored else len(self.ahead))


class _Writer:
    """Writes texts side by side, each by its own random numbers."""

    def __init__(self, scorers: Scorers, program: Program, pieces: Pieces | None) -> None:
        settings = program.settings
        self._scorers, self._pieces = scorers, pieces
        self._end, self.limit = int(settings["end"]), int(settings["max_length"])
        self._places = int(settings["context"]) if "step" in program.graphs else 0
        self._temperature, self._top_p = float(settings.get("temperature", 1.0)), float(settings.get("top_p", 1.0))

    def text(self, prompt: Array, seed: int, given: Array | None) -> _Text:
        """Begin a text."""
        ahead = [self._end] * (self._pieces is not None) + self._cut(prompt)
        n_prompt = len(ahead)
        if given is not None:
            ahead += [*self._cut(given), self._end]
        return _Text(ahead, n_prompt, np.random.default_rng(seed), given is not None)

    def _cut(self, row: Array) -> list[int]:
        values = [int(t) for t in row if t >= 0]
        return values if self._pieces is None else self._pieces.cut(bytes(values))

    def write(self, texts: list[_Text]) -> None:
        """Write until each has ended; once a quarter of them have, the others go on alone."""
        scorer = self._scorers(len(texts))
        logits: npt.NDArray[np.float64] | None = None
        while True:
            for row, text in enumerate(texts):
                if not text.done:
                    self._go_on(text, None if logits is None else logits[row])
            live = [row for row, text in enumerate(texts) if not text.done]
            if not live:
                return
            if 4 * len(live) <= 3 * len(texts):
                scorer.keep(np.array(live, dtype=np.int64))
                texts = [texts[row] for row in live]
            last = np.array([text.tokens[-1] if text.tokens else self._end for text in texts], dtype=np.int64)
            logits = scorer.step(last, np.array([text.asks and not text.done for text in texts]))

    def _go_on(self, text: _Text, logits: npt.NDArray[np.float64] | None) -> None:
        at = len(text.tokens)
        if at < len(text.ahead):
            token = text.ahead[at]
            if at >= text.n_prompt and logits is not None:
                text.log_probability += float(logits[token] - _log_sum(logits))
        elif logits is None:
            token = self._end  # nothing was asked for, so what begins a text is what ends the one before
        else:
            token = _choose(logits, self._temperature, self._top_p, text.rng)
        text.tokens.append(token)
        text.size += 1 if self._pieces is None else self._pieces.size(token)
        wrote = at + 1 > text.n_prompt and bool(at)
        ended = token == self._end and wrote if not text.scored else at + 1 == len(text.ahead)
        text.done = ended or (text.size >= self.limit and not text.scored) or at + 1 == self._places
        if text.done and text.scored and not ended:
            text.log_probability = float("nan")

    def shown(self, text: _Text) -> Array:
        """Return the tokens of a text, or its bytes, padded with -1."""
        numbers = text.tokens
        if self._pieces is not None:
            numbers = list(self._pieces.text(t for t in text.tokens if t != self._end))
        row = np.full(self.limit, -1, dtype=np.int64)
        row[: len(numbers[: self.limit])] = numbers[: self.limit]
        return row


def _log_sum(logits: npt.NDArray[np.float64]) -> float:
    most = logits.max()
    return float(most + np.log(np.exp(logits - most).sum()))


def _choose(logits: Array, temperature: float, top_p: float, rng: np.random.Generator) -> int:
    if temperature == 0:
        return int(logits.argmax())
    scaled = (logits - logits.max()) / temperature
    probability = np.exp(scaled) / np.exp(scaled).sum()
    order = np.argsort(-probability, kind="stable")
    keep = np.searchsorted(np.cumsum(probability[order]), top_p) + 1
    nucleus = order[:keep]
    return int(rng.choice(nucleus, p=probability[nucleus] / probability[nucleus].sum()))
