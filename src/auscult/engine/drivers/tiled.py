"""Driver ``tiled``: an input larger than the graph is cut into overlapping tiles, whose outputs are blended."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Program, Run
from auscult.base.errors import ShapeError
from auscult.engine.drivers.session import Session


def load(program: Program, threads: int) -> Run:
    """Open a program whose settings give ``tile`` (lengths along the space axes) and ``overlap`` (share, 0 to 0.9).

    The graph takes (N, C, *tile) and gives (N, K, *tile); the run takes (N, C, *S) and gives (N, K, *S) for any S.
    A tile that reaches beyond the edge is padded with the edge value. Tiles are weighted by a triangular window.
    """
    session = Session(program.graphs["main"], threads)
    tile = tuple(int(t) for t in program.settings["tile"])
    overlap = float(program.settings.get("overlap", 0.5))
    batch = int(program.settings.get("batch", 8))
    name = program.inputs[0]
    window = tile_window(tile)

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        volume = np.asarray(inputs[name], dtype=np.float32)
        if volume.ndim != 2 + len(tile):
            raise ShapeError(
                f"program input '{name}': expected {len(tile)} space axes after (N, C), got shape {volume.shape}"
            )
        space = volume.shape[2:]
        short = [max(t - s, 0) for t, s in zip(tile, space, strict=True)]
        padded = np.pad(volume, [(0, 0), (0, 0), *((0, p) for p in short)], mode="edge")
        corners = list(product(*(tile_starts(s, t, overlap) for s, t in zip(padded.shape[2:], tile, strict=True))))
        jobs = [(n, corner) for n in range(len(volume)) for corner in corners]
        total: dict[str, Array] = {}
        weight = np.zeros(padded.shape[2:], dtype=np.float32)
        for corner in corners:
            weight[tile_box(corner, tile)] += window
        for i in range(0, len(jobs), batch):
            part = jobs[i : i + batch]
            tiles = np.stack([padded[n][(slice(None), *tile_box(c, tile))] for n, c in part])
            for key, values in session({name: tiles}).items():
                full = total.setdefault(key, np.zeros((len(volume), values.shape[1], *padded.shape[2:]), np.float32))
                for (n, c), value in zip(part, values, strict=True):
                    full[n][(slice(None), *tile_box(c, tile))] += value * window
        inside = tuple(slice(0, s) for s in space)
        return {key: (full / weight)[(slice(None), slice(None), *inside)] for key, full in total.items()}

    return run


def tile_window(tile: tuple[int, ...]) -> Array:
    """Triangular weights that are never 0, shape ``tile``."""
    window = np.ones(tile, dtype=np.float32)
    for axis, n in enumerate(tile):
        ramp = 1.0 - np.abs((np.arange(n) + 0.5) / n * 2 - 1) * 0.98
        window = window * ramp.reshape([-1 if a == axis else 1 for a in range(len(tile))]).astype(np.float32)
    return window


def tile_starts(length: int, tile: int, overlap: float) -> list[int]:
    """Where tiles begin along an axis of at least one tile: evenly, and one that ends at the edge."""
    step = max(1, round(tile * (1 - overlap)))
    return sorted({*range(0, length - tile, step), length - tile})


def tile_box(corner: tuple[int, ...], tile: tuple[int, ...]) -> tuple[slice, ...]:
    """Return the slices of a tile along the space axes."""
    return tuple(slice(c, c + t) for c, t in zip(corner, tile, strict=True))
