"""Driver ``neighbours``: the answer is the mean of the nearest training items' targets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Program, Run
from auscult.base.errors import ShapeError

ROWS = 1024


def load(program: Program, threads: int) -> Run:
    """Open a program with arrays ``bank`` (M, F) and ``target`` (M, K) and the setting ``k``.

    The run takes the item input (N, F) that ``program.inputs`` names, scaled by the arrays ``center`` and ``scale``
    (F,), and gives ``settings["output"]`` (N, K) and ``distance`` (N,) to the nearest.
    """
    bank, target = program.arrays["bank"], program.arrays["target"]
    center, scale = program.arrays["center"], program.arrays["scale"]
    name, k, output = program.inputs[0], int(program.settings["k"]), program.settings["output"]
    squares = (bank**2).sum(axis=1)

    def some(values: Array) -> tuple[Array, Array]:
        x = (values - center) / scale
        distance = np.maximum((x**2).sum(axis=1)[:, None] - 2 * x @ bank.T + squares, 0)
        near = np.argpartition(distance, k - 1, axis=1)[:, :k]
        return target[near].mean(axis=1), np.sqrt(distance.min(axis=1))

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        values = inputs[name]
        if values.shape[1:] != center.shape:
            raise ShapeError(f"program input '{name}': expected shape (N, {len(center)}), got {values.shape}")
        parts = [some(values[i : i + ROWS]) for i in range(0, len(values), ROWS)]
        answers, distances = (np.concatenate(p).astype(np.float32) for p in zip(*parts, strict=True))
        return {output: answers, "distance": distances}

    return run
