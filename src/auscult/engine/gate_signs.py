"""The input gate of tasks with signs of their own: the distance to the nearest of a few centres of the training items.

Centres are means of at least ``MEMBERS`` items (k-means, Lloyd 1982, IEEE Trans Inf Theory 28:129), so that a release
holds no item. The limit is the distance that validation items almost never pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from auscult.base.contracts import Items, ItemSet, Recognises, Task
from auscult.base.errors import ShapeError
from auscult.engine.gate import MAX_FIT_ITEMS, Gate, fit_gate, refusals_of

CENTRES = 32
MEMBERS = 10
"""Items that a centre is the mean of at the least."""
ROUNDS = 20
EXTREME = 8.0
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class SignsGate:
    """A fitted gate.

    Parameters
    ----------
    task : Recognises
        Gives the signs of an item.
    middle, scale : (F,) float64
        Mean and spread of the signs in training.
    centres : (K, F) float64
        Centres of the scaled signs.
    limit : float
        Largest distance that passes.
    """

    task: Recognises
    middle: Floats
    scale: Floats
    centres: Floats
    limit: float

    def distances(self, items: Items) -> Floats:
        """Distance of each item to the nearest centre, (N,); infinite where a sign is not finite.

        Raises
        ------
        ShapeError
            If the items have other signs than in training.
        """
        signs = np.asarray(self.task.signs(items), dtype=np.float64)
        if signs.shape[1:] != self.middle.shape:
            raise ShapeError(f"input gate: expected {len(self.middle)} signs, got {signs.shape[1:]}")
        whole: npt.NDArray[np.bool_] = np.asarray(np.isfinite(signs).all(axis=1))
        z = scaled(np.where(whole[:, None], signs, 0.0), self.middle, self.scale)
        return np.where(whole, np.sqrt(_squares(z, self.centres).min(axis=1)), np.inf)

    def refusals(self, items: Items, n_records: int) -> list[str]:
        """Say for each record why it is refused; empty where it passes."""
        return refusals_of(self.distances(items) if len(items) else np.zeros(0), self.limit, items, n_records)

    def to_dict(self) -> dict[str, Any]:
        """JSON value."""
        return {
            "signs": True,
            "middle": _short(self.middle),
            "scale": _short(self.scale),
            "centres": _short(self.centres),
            "limit": self.limit,
        }


def _short(values: Floats) -> Any:
    """Numbers of seven digits as JSON has them."""
    return np.asarray(values, dtype=np.float32).astype(np.float64).round(7).tolist()


def scaled(signs: Floats, middle: Floats, scale: Floats) -> Floats:
    """Signs (N, F) in spreads from their mean, cut at ``EXTREME``."""
    return np.asarray(np.clip((signs - middle) / scale, -EXTREME, EXTREME))


def _squares(z: Floats, centres: Floats) -> Floats:
    """Mean square difference by sign, (N, K)."""
    square = (z**2).sum(axis=1)[:, None] - 2.0 * z @ centres.T + (centres**2).sum(axis=1)[None]
    return np.asarray(np.maximum(square, 0.0) / z.shape[1])


def fit_signs_gate(task: Recognises, train: ItemSet, valid: ItemSet, *, refusal: float, seed: int) -> SignsGate:
    """Fit a gate on the signs of the training items; ``refusal`` is the share of validation items beyond its limit."""
    rng = np.random.default_rng(seed)
    signs = [
        np.asarray(task.signs(_chosen(items, np.sort(rng.permutation(len(items))[:MAX_FIT_ITEMS]))), dtype=np.float64)
        for items in (train, valid)
    ]
    middle, spread = signs[0].mean(axis=0), signs[0].std(axis=0)
    scale = np.maximum(spread, 1e-3)
    centres = _centres(scaled(signs[0], middle, scale), rng)
    gate = SignsGate(task, middle, scale, centres, np.inf)
    own = np.sqrt(_squares(scaled(signs[1], middle, scale), centres).min(axis=1))
    return SignsGate(task, gate.middle, gate.scale, gate.centres, float(np.quantile(own, 1 - refusal)))


def _chosen(items: ItemSet, rows: npt.NDArray[np.int64]) -> Items:
    return Items(items.inputs(rows), np.arange(len(rows)), np.zeros(len(rows), dtype=np.int64))


def _centres(z: Floats, rng: np.random.Generator) -> Floats:
    """Means of the groups of k-means; those of few items are left out."""
    count = max(1, min(CENTRES, len(z) // MEMBERS))
    centres = z[np.sort(rng.choice(len(z), count, replace=False))]
    for _ in range(ROUNDS):
        group = _squares(z, centres).argmin(axis=1)
        size = np.bincount(group, minlength=len(centres))
        centres = np.stack([z[group == k].mean(axis=0) for k in np.flatnonzero(size)])
    group = _squares(z, centres).argmin(axis=1)
    size = np.bincount(group, minlength=len(centres))
    kept = np.flatnonzero(size >= min(MEMBERS, int(size.max())))
    return np.stack([z[group == k].mean(axis=0) for k in kept])


def gate_for(task: Task, train: ItemSet, valid: ItemSet, *, refusal: float, seed: int) -> Gate | SignsGate | None:
    """Fit the gate that suits a task."""
    if isinstance(task, Recognises):
        return fit_signs_gate(task, train, valid, refusal=refusal, seed=seed)
    return fit_gate(train, valid, refusal=refusal, seed=seed)


def read_gate(value: Mapping[str, Any] | None, task: Task) -> Gate | SignsGate | None:
    """Read what ``to_dict`` of either gate gave."""
    if value is None:
        return None
    if not value.get("signs"):
        return Gate.from_dict(value)
    middle, scale, centres = (np.asarray(value[k], dtype=np.float64) for k in ("middle", "scale", "centres"))
    if not isinstance(task, Recognises):
        raise ShapeError("input gate: expected a task with signs, as the gate of this release needs, got one without")
    return SignsGate(task, middle, scale, centres, float(value["limit"]))
