"""Ridge regression whose penalty is chosen inside the training items, by folds that keep a record together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array
from auscult.base.contracts import FitContext, ItemSet
from auscult.engine.blocks.linear import LinearFitted

Floats = npt.NDArray[np.float64]
FOLDS = 5


def fit_ridge(
    train: ItemSet, context: FitContext, *, inputs: Sequence[str], alphas: Sequence[float], clip: float
) -> LinearFitted:
    """Fit a ridge to values (Hoerl and Kennard 1970), one penalty a column of the target.

    Parameters
    ----------
    train : ItemSet
        Items with the inputs (N, F) and targets (N, H).
    context : FitContext
        The seed deals records to folds.
    inputs : sequence of str
        Which inputs, side by side.
    alphas : sequence of float
        Penalties to choose from, by the squared error of the records' mean answers.
    clip : float
        Standardised columns are cut at plus and minus this.
    """
    arrays = train.inputs()
    x = np.concatenate([arrays[name].astype(np.float64) for name in inputs], axis=1)
    y = train.target().astype(np.float64)
    mean, spread = x.mean(axis=0), x.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1.0)
    z = np.clip((x - mean) / scale, -clip, clip)
    records, index = np.unique(train.items.record[train.rows], return_inverse=True)
    fold = np.random.default_rng([context.seed, 5]).permutation(len(records)) % FOLDS
    errors = np.stack([_errors(z, y, index=index, fold=fold, alpha=alpha) for alpha in alphas])  # (A, H)
    best = [alphas[k] for k in errors.argmin(axis=0)]
    fitted = [_solve(z, y[:, h], alpha) for h, alpha in enumerate(best)]
    weight, bias = np.stack([w for w, _ in fitted], axis=1), np.array([b for _, b in fitted])
    widths = {name: arrays[name].shape[1] for name in inputs}
    return LinearFitted(widths, mean, scale, weight, bias, "value", clip)


def _errors(z: Floats, y: Floats, *, index: Array, fold: Array, alpha: float) -> Floats:
    """Squared error of the records' mean answers for each column, out of fold, (H,)."""
    answers = np.zeros_like(y)
    for k in range(FOLDS):
        inside = fold[index] == k
        for h in range(y.shape[1]):
            weight, bias = _solve(z[~inside], y[~inside, h], alpha)
            answers[inside, h] = z[inside] @ weight + bias
    count = np.bincount(index)[:, None]
    means = [np.stack([np.bincount(index, v[:, h]) for h in range(y.shape[1])], axis=1) / count for v in (answers, y)]
    return np.asarray(((means[0] - means[1]) ** 2).mean(axis=0))


def _solve(z: Floats, y: Floats, alpha: float) -> tuple[Floats, float]:
    """Weights and bias of a ridge; the bias is not penalised."""
    centre, level = z.mean(axis=0), float(y.mean())
    c = z - centre
    weight = np.linalg.solve(c.T @ c + alpha * np.eye(c.shape[1]), c.T @ (y - level))
    return weight, level - float(centre @ weight)
