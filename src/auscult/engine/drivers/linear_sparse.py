"""Driver ``linear-sparse``: a linear model over a few of very many features, given by their numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from auscult.base.arrays import Array
from auscult.base.contracts import Program, Run
from auscult.base.errors import ShapeError


def load(program: Program, threads: int) -> Run:
    """Open a program with arrays ``weight`` (V, K) and ``bias`` (K,) and the setting ``activation``.

    The run takes ``ids`` (N, L), whole numbers padded with -1, and ``counts`` (N, L) float; it gives
    ``settings["output"]`` (N, K): ``softmax``, ``sigmoid`` or nothing of the score. A program that does not list
    ``counts`` counts each feature once. With ``settings["axes"]`` 3 an item is a sequence: ``ids`` (N, T, L) give
    (N, T, K). ``settings["each"]`` names arrays that are given unchanged with every item, such as what a task needs to
    decode a sequence: (...) gives (N, ...).
    """
    weight, bias = program.arrays["weight"], program.arrays["bias"]
    activation, output = program.settings["activation"], program.settings["output"]
    axes, each = int(program.settings.get("axes", 2)), tuple(program.settings.get("each", ()))
    expected = "(N, L)" if axes == 2 else "(N, T, L)"

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        ids = inputs["ids"]
        counts = np.ones(1) if "counts" not in program.inputs else inputs["counts"]
        if ids.ndim != axes or (counts.shape != ids.shape and "counts" in program.inputs):
            got = " and ".join(str(inputs[name].shape) for name in program.inputs)
            raise ShapeError(f"program input 'ids' (and 'counts'): expected {expected}, got {got}")
        if ids.max(initial=-1) >= len(weight):
            raise ShapeError(f"program input 'ids': expected numbers below {len(weight)}, got {int(ids.max())}")
        flat = ids.reshape(-1, ids.shape[-1])
        there = flat >= 0
        offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
        values = np.asarray(np.broadcast_to(counts, ids.shape), dtype=np.float32).reshape(flat.shape)[there]
        matrix = sparse.csr_matrix((values, flat[there].astype(np.int64), offsets), shape=(len(flat), len(weight)))
        score = np.asarray(matrix @ weight, dtype=np.float64) + bias
        if activation == "softmax":
            score = np.exp(score - score.max(axis=1, keepdims=True))
            score = score / score.sum(axis=1, keepdims=True)
        elif activation == "sigmoid":
            score = 1.0 / (1.0 + np.exp(-score))
        given = {name: np.broadcast_to(program.arrays[name], (len(ids), *program.arrays[name].shape)) for name in each}
        return {output: score.astype(np.float32).reshape(*ids.shape[:-1], len(bias)), **given}

    return run
