"""The input gate: refuses items that do not look like those the model was trained on.

There are two. Where a task has signs of its own (``Recognises``), ``gate_signs`` compares them with centres of the
training items. Elsewhere each input is summarised by a few numbers an item (level, spread, extremes, roughness, tails;
a short feature vector stands for itself). The Mahalanobis distance to the training items is compared with a limit that
validation items almost never pass (Lee et al. 2018, arXiv:1807.03888, on raw summaries in place of deep features).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array
from auscult.base.contracts import Items, ItemSet
from auscult.base.errors import ShapeError

MAX_FIT_ITEMS = 20_000
SHORT_VECTOR = 64
RIDGE = 1e-3
EXTREME = 12.0
UNLIKE = "does not look like the training data"


@dataclass(frozen=True, repr=False)
class Gate:
    """A fitted gate.

    Parameters
    ----------
    inputs : tuple of str
        Which inputs are looked at.
    center, scale : (F,) float64
        Median and spread of the summaries in training.
    precision : (F, F) float64
        Inverse covariance of the scaled summaries.
    limit : float
        Largest distance that passes.
    """

    inputs: tuple[str, ...]
    center: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]
    precision: npt.NDArray[np.float64]
    limit: float

    def distances(self, items: Items) -> npt.NDArray[np.float64]:
        """Distance of each item to the training items, (N,); infinite where an item holds NaN or infinity.

        Raises
        ------
        ShapeError
            If the items have other axes than in training.
        """
        summaries = _summaries(items.inputs, self.inputs)
        if summaries.shape[1] != len(self.center):
            raise ShapeError(
                f"input gate: expected {len(self.center)} summaries of {', '.join(self.inputs)}, "
                f"got {summaries.shape[1]}; the items have other axes than in training"
            )
        z = (summaries - self.center) / self.scale
        whole: npt.NDArray[np.bool_] = np.asarray(np.isfinite(z).all(axis=1))
        z = np.clip(np.where(whole[:, None], z, 0.0), -EXTREME, EXTREME)
        return np.where(whole, np.sqrt(((z @ self.precision) * z).sum(axis=1) / z.shape[1]), np.inf)

    def refusals(self, items: Items, n_records: int) -> list[str]:
        """Say for each record why it is refused; empty where it passes. See ``refusals_of``."""
        return refusals_of(self.distances(items) if len(items) else np.zeros(0), self.limit, items, n_records)

    def to_dict(self) -> dict[str, Any]:
        """JSON value."""
        return {
            "inputs": list(self.inputs),
            "center": self.center.tolist(),
            "scale": self.scale.tolist(),
            "precision": self.precision.tolist(),
            "limit": self.limit,
        }

    @staticmethod
    def from_dict(value: Mapping[str, Any]) -> Gate:
        """Read what ``to_dict`` gave."""
        center, scale, precision = (np.asarray(value[k], dtype=np.float64) for k in ("center", "scale", "precision"))
        return Gate(tuple(value["inputs"]), center, scale, precision, float(value["limit"]))


def refusals_of(distance: Array, limit: float, items: Items, n_records: int) -> list[str]:
    """Say for each record why it is refused by the distances of its items, (N,); empty where it passes.

    A record is refused when more than half of its items are beyond the limit, when one is not finite, or when it has
    no item.
    """
    total = np.bincount(items.record, minlength=n_records)
    bad = np.bincount(items.record, weights=distance > limit, minlength=n_records)
    broken = np.bincount(items.record, weights=np.isinf(distance), minlength=n_records)
    return [
        "nothing in the record that the model could answer"
        if n == 0
        else f"expected finite numbers, got NaN or infinity in {int(x)} of {int(n)} items"
        if x
        else f"{UNLIKE}: {int(b)} of {int(n)} items are out of distribution"
        if 2 * b > n
        else ""
        for n, b, x in zip(total, bad, broken, strict=True)
    ]


def fit_gate(train: ItemSet, valid: ItemSet, *, refusal: float, seed: int) -> Gate | None:
    """Fit a gate; nothing where no input holds numbers that can be summarised.

    Parameters
    ----------
    train, valid : ItemSet
        Items that define what is usual, and items that set the limit.
    refusal : float
        Share of validation items beyond the limit.
    seed : int
        Chooses the items to look at where there are very many.
    """
    names = tuple(n for n, v in train.items.inputs.items() if v.dtype.kind == "f" and v.ndim >= 2)
    if not names:
        return None
    rng = np.random.default_rng(seed)
    summaries = []
    for items in (train, valid):
        rows = np.sort(rng.permutation(len(items))[:MAX_FIT_ITEMS])
        summaries.append(_summaries(items.inputs(rows), names))
    low, center, high = np.percentile(summaries[0], [16, 50, 84], axis=0)
    spread = (high - low) / 2
    scale = np.where(spread > 1e-9, spread, np.maximum(summaries[0].std(axis=0), 1e-6))
    z = np.clip((summaries[0] - center) / scale, -EXTREME, EXTREME)
    precision: npt.NDArray[np.float64] = np.linalg.inv(
        np.cov(z, rowvar=False).reshape(z.shape[1], -1) + RIDGE * np.eye(z.shape[1])
    ).astype(np.float64)
    gate = Gate(names, center, scale, precision, np.inf)
    own = np.clip((summaries[1] - center) / scale, -EXTREME, EXTREME)
    distance = np.sqrt(((own @ gate.precision) * own).sum(axis=1) / own.shape[1])
    return Gate(names, center, scale, precision, float(np.quantile(distance, 1 - refusal)))


def _summaries(inputs: Mapping[str, Array], names: tuple[str, ...]) -> npt.NDArray[np.float64]:
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is refused by its summary
        return np.concatenate([_summary(np.asarray(inputs[n], dtype=np.float64)) for n in names], axis=1)


def _summary(values: Array) -> npt.NDArray[np.float64]:
    """Summarise one input: (N, ...) -> (N, F)."""
    if values.ndim == 2 and values.shape[1] <= SHORT_VECTOR:
        return values
    flat = values.reshape(len(values), -1, values.shape[-1])  # (N, ..., T) -> (N, C, T)
    mean, std = flat.mean(axis=2), flat.std(axis=2)
    rough = np.abs(np.diff(flat, axis=2)).mean(axis=2) / (std + 1e-6)
    square = np.square((flat - mean[..., None]) / (std[..., None] + 1e-6))
    tails = np.square(square, out=square).mean(axis=2)
    parts = [mean, np.log(std + 1e-6), flat.min(axis=2), flat.max(axis=2), rough, np.log(tails + 1e-6)]
    parts = [p if p.shape[1] <= SHORT_VECTOR else np.stack([p.mean(axis=1), p.std(axis=1)], axis=1) for p in parts]
    return np.concatenate(parts, axis=1)
