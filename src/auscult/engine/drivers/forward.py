"""Driver ``forward``: items in, outputs out, through one graph or the mean of several."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Program, Run
from auscult.engine.drivers.session import Session

BATCH = 2048


def load(program: Program, threads: int) -> Run:
    """Open every graph of the program; their outputs are averaged, weighted by ``settings["weights"]`` where given."""
    sessions = [Session(program.graphs[name], threads) for name in sorted(program.graphs)]
    weights = np.asarray(program.settings.get("weights", [1.0] * len(sessions)), dtype=np.float64)
    weights = weights / weights.sum()
    batch = int(program.settings.get("batch", BATCH))

    def once(inputs: Mapping[str, Array]) -> dict[str, Array]:
        if len(sessions) == 1:
            return sessions[0](inputs)
        parts = [session(inputs) for session in sessions]
        return {
            name: np.sum([w * p[name] for w, p in zip(weights, parts, strict=True)], axis=0).astype(np.float32)
            for name in parts[0]
        }

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        n = len(next(iter(inputs.values())))
        if n <= batch:
            return once(inputs)
        parts = [once({k: v[i : i + batch] for k, v in inputs.items()}) for i in range(0, n, batch)]
        return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}

    return run
