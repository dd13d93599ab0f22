"""Driver ``decode``: tokens one after the other, from a graph that scores the next one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Program, Run
from auscult.base.errors import ShapeError
from auscult.engine.drivers.session import Session


def load(program: Program, threads: int) -> Run:
    """Open a program whose graph takes tokens (N, L) int64 and gives ``logits`` (N, L, V).

    Settings: ``end`` (token that ends a text), ``max_length``, ``context`` (tokens that the graph can see),
    ``temperature``, ``top_p``. The run takes ``prompt`` (N, L) int64, padded on the right with -1, and ``seed``
    (N,) int64; it gives ``tokens`` (N, max_length) int64, padded with -1. Sampling is nucleus sampling
    (Holtzman et al. 2020, arXiv:1904.09751); temperature 0 takes the most probable token.
    """
    session = Session(program.graphs["main"], threads)
    name = session.inputs[0]
    settings = program.settings
    end, limit, context = int(settings["end"]), int(settings["max_length"]), int(settings["context"])
    temperature, top_p = float(settings.get("temperature", 1.0)), float(settings.get("top_p", 1.0))

    def one(prompt: Array, seed: int) -> Array:
        rng = np.random.default_rng(seed)
        tokens = [int(t) for t in prompt if t >= 0]
        while len(tokens) < limit:
            seen = np.array([tokens[-context:]], dtype=np.int64)
            logits = session({name: seen})["logits"][0, -1].astype(np.float64)
            tokens.append(_choose(logits, temperature, top_p, rng))
            if tokens[-1] == end:
                break
        return np.pad(np.array(tokens[:limit], dtype=np.int64), (0, max(0, limit - len(tokens))), constant_values=-1)

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        if inputs["prompt"].ndim != 2 or inputs["seed"].ndim != 1:
            got = f"{inputs['prompt'].shape} and {inputs['seed'].shape}"
            raise ShapeError(f"program inputs 'prompt' and 'seed': expected shapes (N, L) and (N,), got {got}")
        rows = zip(inputs["prompt"], inputs["seed"], strict=True)
        return {"tokens": np.stack([one(prompt, int(seed)) for prompt, seed in rows])}

    return run


def _choose(logits: Array, temperature: float, top_p: float, rng: np.random.Generator) -> int:
    if temperature == 0:
        return int(logits.argmax())
    scaled = (logits - logits.max()) / temperature
    probability = np.exp(scaled) / np.exp(scaled).sum()
    order = np.argsort(-probability, kind="stable")
    keep = np.searchsorted(np.cumsum(probability[order]), top_p) + 1
    nucleus = order[:keep]
    return int(rng.choice(nucleus, p=probability[nucleus] / probability[nucleus].sum()))
