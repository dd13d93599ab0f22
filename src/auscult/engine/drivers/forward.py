"""Driver ``forward``: items in, outputs out, through one graph or the mean of several."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Index, Program, Run
from auscult.base.errors import ShapeError
from auscult.engine.drivers.session import Session

BATCH = 2048


def load(program: Program, threads: int) -> Run:
    """Open every graph of the program; their outputs are averaged, weighted by ``settings["weights"]`` where given.

    ``settings["trim"]`` names an input (N, L) that is padded with 0 on the right, of graphs with a free L: items of
    like length then run together, cut to the longest of them, and as many as have ``settings["budget"]`` places
    together where it is given: what a run works on then stays in the processor's cache. The outputs must not depend on
    L, but for those that ``settings["along"]`` lists: they are (N, K, L), and 0 where an item has ended, whatever it
    ran together with.
    """
    sessions = [Session(program.graphs[name], threads) for name in sorted(program.graphs)]
    weights = np.asarray(program.settings.get("weights", [1.0] * len(sessions)), dtype=np.float64)
    weights = weights / weights.sum()
    batch, budget = int(program.settings.get("batch", BATCH)), int(program.settings.get("budget", 0))
    trim = str(program.settings.get("trim", ""))
    along = frozenset(program.settings.get("along", ()))

    def once(inputs: Mapping[str, Array]) -> dict[str, Array]:
        if len(sessions) == 1:
            return sessions[0](inputs)
        parts = [session(inputs) for session in sessions]
        return {
            name: np.sum([w * p[name] for w, p in zip(weights, parts, strict=True)], axis=0).astype(np.float32)
            for name in parts[0]
        }

    def by_length(inputs: Mapping[str, Array]) -> dict[str, Array]:
        padded = inputs[trim]
        if padded.ndim != 2:
            raise ShapeError(f"program input '{trim}': expected shape (N, L), got {padded.shape}")
        there = padded != 0
        length = np.where(there.any(axis=1), padded.shape[1] - there[:, ::-1].argmax(axis=1), 1)
        order = np.argsort(length, kind="stable")
        found: dict[str, list[Array]] = {}
        for rows in np.split(order, _cuts(length[order], batch, budget)):
            part = {k: v[rows] for k, v in inputs.items()}
            for name, values in once({**part, trim: part[trim][:, : length[rows[-1]]]}).items():
                whole = _ended(values, length[rows], padded.shape[1]) if name in along else values
                found.setdefault(name, []).append(whole)
        back = np.argsort(order, kind="stable")
        return {name: np.concatenate(parts)[back] for name, parts in found.items()}

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        n = len(next(iter(inputs.values())))
        if trim and n:
            return by_length(inputs)
        if n <= batch:
            return once(inputs)
        parts = [once({k: v[i : i + batch] for k, v in inputs.items()}) for i in range(0, n, batch)]
        return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}

    return run


def _cuts(length: Index, batch: int, budget: int) -> list[int]:
    """Where items in order of their length, (N,), are cut into runs: by number, and by places with a budget."""
    cuts, begin = [], 0
    for row, places in enumerate(length.tolist()):
        if row - begin == batch or (budget and row > begin and (row - begin + 1) * places > budget):
            cuts.append(row)
            begin = row
    return cuts


def _ended(values: Array, length: Index, width: int) -> Array:
    """Return values (N, K, l) as (N, K, width), 0 from the length of each item on."""
    filled = np.zeros((*values.shape[:2], width), dtype=values.dtype)
    filled[..., : values.shape[-1]] = values * (np.arange(values.shape[-1]) < length[:, None])[:, None]
    return filled
