"""What scores the next token of texts that are written side by side: a graph, a graph with a memory, or counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from auscult.base.contracts import Program
from auscult.engine.drivers.session import Session

Floats = npt.NDArray[np.float64]
_FACTOR, _START, _BITS = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, (1 << 64) - 1


class Scorer(Protocol):
    """Scores the next token of N texts after each step."""

    def step(self, token: npt.NDArray[np.int64], wanted: npt.NDArray[np.bool_]) -> Floats:
        """Take the next token of every text, (N,), and return logits of the one after it, (N, V), of the wanted."""

    def keep(self, rows: npt.NDArray[np.int64]) -> None:
        """Go on with some of the texts."""


class WholeGraph:
    """A graph ``main`` that sees the last tokens of each text, (N, L) -> ``logits`` (N, L, V)."""

    def __init__(self, session: Session, context: int) -> None:
        self._session, self._context = session, context
        self._seen: list[npt.NDArray[np.int64]] = []

    def step(self, token: npt.NDArray[np.int64], wanted: npt.NDArray[np.bool_]) -> Floats:
        """See ``Scorer``."""
        self._seen = [*self._seen, token][-self._context :]
        logits = self._session({self._session.inputs[0]: np.stack(self._seen, axis=1)})["logits"]
        return np.asarray(logits[:, -1], dtype=np.float64)

    def keep(self, rows: npt.NDArray[np.int64]) -> None:
        """See ``Scorer``."""
        self._seen = [tokens[rows] for tokens in self._seen]


class StepGraph:
    """A graph ``step`` that sees one token and what it made of the ones before.

    ``token`` (N,), ``place`` (N,), ``past`` (N, G, T, D), whose first place stands for nothing -> ``scores``
    (N, V + G D): the logits, then what is kept of this token.
    """

    def __init__(self, session: Session, sizes: tuple[int, int], kept: tuple[int, int]) -> None:
        self._session, self._at = session, 0
        (n_texts, places), (groups, width) = sizes, kept
        self._past = np.zeros((n_texts, groups, places + 1, width), dtype=np.float32)

    def step(self, token: npt.NDArray[np.int64], wanted: npt.NDArray[np.bool_]) -> Floats:
        """See ``Scorer``."""
        place = np.full(len(token), self._at, dtype=np.int64)
        past = self._past[:, :, : self._at + 1]
        scores = self._session({"token": token, "place": place, "past": past})["scores"]
        self._at += 1
        n, groups, _, width = self._past.shape
        self._past[:, :, self._at] = scores[:, -groups * width :].reshape(n, groups, width)
        return np.asarray(scores[:, : -groups * width], dtype=np.float64)

    def keep(self, rows: npt.NDArray[np.int64]) -> None:
        """See ``Scorer``."""
        self._past = self._past[rows]


class Counts:
    """How often each token came after the last ones, the longer runs weighing more (Witten and Bell 1991).

    Arrays ``run`` (C,) int64 sorted hashes of runs, ``begin`` (C + 1,), ``next`` and ``count`` (E,); setting ``order``
    is the longest run, ``tokens`` is V.
    """

    def __init__(self, program: Program, n_texts: int) -> None:
        arrays = program.arrays
        self._run, self._begin = arrays["run"], arrays["begin"]
        self._next, self._count = arrays["next"], arrays["count"].astype(np.float64)
        self._order, self._n_tokens = int(program.settings["order"]), int(program.settings["tokens"])
        self._last: list[list[int]] = [[] for _ in range(n_texts)]

    def step(self, token: npt.NDArray[np.int64], wanted: npt.NDArray[np.bool_]) -> Floats:
        """See ``Scorer``."""
        out = np.zeros((len(token), self._n_tokens))
        for row, (last, now) in enumerate(zip(self._last, token.tolist(), strict=True)):
            last.append(now)
            del last[: max(0, len(last) - self._order)]
            if wanted[row]:
                out[row] = self._scores(last)
        return out

    def keep(self, rows: npt.NDArray[np.int64]) -> None:
        """See ``Scorer``."""
        self._last = [self._last[k] for k in rows.tolist()]

    def _scores(self, last: list[int]) -> Floats:
        share = np.full(self._n_tokens, 1.0 / self._n_tokens)
        for length in range(min(self._order, len(last)) + 1):
            key = run_hash(last[len(last) - length :])
            at = int(np.searchsorted(self._run, key))
            if at == len(self._run) or self._run[at] != key:
                break  # no longer run was seen either
            part = slice(int(self._begin[at]), int(self._begin[at + 1]))
            kinds, counts = part.stop - part.start, self._count[part]
            share *= kinds / (kinds + counts.sum())
            share[self._next[part]] += counts / (kinds + counts.sum())
        return np.asarray(np.log(share), dtype=np.float64)


def run_hash(tokens: Sequence[int]) -> int:
    """Name a run of tokens by a number of 63 bits."""
    value = _START + len(tokens)
    for token in tokens:
        value = ((value ^ (token + 1)) * _FACTOR) & _BITS
        value ^= value >> 29
    return value >> 1


class Scorers:
    """Makes a scorer for each batch of texts; graphs are opened once."""

    def __init__(self, program: Program, threads: int) -> None:
        self._program = program
        self._sessions = {name: Session(graph, threads) for name, graph in program.graphs.items()}

    def __call__(self, n_texts: int) -> Scorer:
        """Begin texts side by side."""
        settings = self._program.settings
        if "step" in self._sessions:
            groups, width = map(int, settings["kept"])
            return StepGraph(self._sessions["step"], (n_texts, int(settings["context"])), (groups, width))
        if "main" in self._sessions:
            return WholeGraph(self._sessions["main"], int(settings["context"]))
        return Counts(self._program, n_texts)
