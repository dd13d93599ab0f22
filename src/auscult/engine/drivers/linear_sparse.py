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
    ``settings["output"]`` (N, K): ``softmax``, ``sigmoid`` or nothing of the score.
    """
    weight, bias = program.arrays["weight"], program.arrays["bias"]
    activation, output = program.settings["activation"], program.settings["output"]

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        ids = inputs["ids"]
        if ids.ndim != 2 or ids.shape != inputs["counts"].shape:
            raise ShapeError(
                f"program inputs 'ids' and 'counts': expected both (N, L), got {ids.shape} and {inputs['counts'].shape}"
            )
        if ids.max(initial=-1) >= len(weight):
            raise ShapeError(f"program input 'ids': expected numbers below {len(weight)}, got {int(ids.max())}")
        there = ids >= 0
        offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
        counts = np.asarray(inputs["counts"], dtype=np.float32)[there]
        matrix = sparse.csr_matrix((counts, ids[there].astype(np.int64), offsets), shape=(len(ids), len(weight)))
        score = np.asarray(matrix @ weight, dtype=np.float64) + bias
        if activation == "softmax":
            score = np.exp(score - score.max(axis=1, keepdims=True))
            score = score / score.sum(axis=1, keepdims=True)
        elif activation == "sigmoid":
            score = 1.0 / (1.0 + np.exp(-score))
        return {output: score.astype(np.float32)}

    return run
