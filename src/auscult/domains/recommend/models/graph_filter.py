"""Model ``graph-filter``: a closed-form filter on the graph of users and items; nothing is trained step by step.

The items that a user took are a signal on the graph in which two items are near when the same users take them. A linear
filter passes the signal on to neighbours; an ideal low-pass keeps its smooth part, the largest singular vectors of the
normalised matrix (Shen et al. 2021, GF-CF, CIKM). The exponents of the degrees decide how much popular items and busy
users count (Park et al. 2024, Turbo-CF, SIGIR). The item-to-item matrix is never held whole: it is made by blocks, and
each row keeps its largest entries. Sharpening, the reverse of diffusion, takes weight from the smoothest part again: a
singular value s then passes s^2 exp(-t s^2) (Choi et al. 2023, BSPM, SIGIR). It is exact for the singular vectors that
are kept; for all others the exponential is one constant, its value at ``REST``.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field as Setting
from pydantic import model_validator

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.base.log import progress
from auscult.domains.recommend.models.taken import (
    Floats,
    RankingFitted,
    Taken,
    pruned_product,
    ranking_program,
    small_prior,
)

OVERSAMPLING = 16
REST = 0.05
"""Square of a singular value that stands for those that are not kept."""
SCALED_ON = 2048
"""Users whose scores say how large the two filters are beside each other."""


class GraphFilterConfig(Config):
    """Settings of the filter."""

    @model_validator(mode="after")
    def _powers_of_sharpening(self) -> GraphFilterConfig:
        if self.sharpen and not (self.user_power == self.from_power == 0.5 and self.rank):
            raise ValueError("sharpen: expected user_power 0.5, from_power 0.5 and a rank of at least 1")
        return self

    user_power: float = Setting(0.5, ge=0, le=1, description="A user counts by its number of items to this power less.")
    from_power: float = Setting(0.5, ge=0, le=1, description="The same for the popularity of items that were taken.")
    to_power: float = Setting(0.5, ge=-1, le=1, description="The same for the popularity of items that are scored.")
    keep: int = Setting(400, ge=1, description="Entries of each row of the linear filter that are kept.")
    rank: int = Setting(64, ge=0, description="Singular vectors of the low-pass filter; 0 leaves it out.")
    low_pass: float = Setting(0.3, ge=0, description="Weight of the low-pass filter beside the linear one.")
    low_pass_power: float = Setting(0.0, ge=0, description="Singular values weigh their vectors by this power.")
    low_pass_to_power: float = Setting(
        -0.5, ge=-1, le=1, description="Power of the popularity of scored items in the low-pass filter."
    )
    sharpen: float = Setting(
        0.0,
        ge=0,
        description="Time of sharpening; with it ``low_pass`` is the gain of the kept singular vectors beside their "
        "own squared singular values, and the other powers are 0.5.",
    )
    iterations: int = Setting(3, ge=0, description="Power iterations of the singular value decomposition.")


class GraphFilter:
    """A linear filter plus an ideal low-pass."""

    Config: ClassVar[type[Config]] = GraphFilterConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("ranking",)
    inputs: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(self, config: GraphFilterConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Compute both filters."""
        c, taken = self._config, Taken.of(train)
        activity, popularity = taken.activity, taken.popularity
        with progress(context.report, "graph filter", len(taken.names) + 1) as bar:
            left = _scaled(taken.matrix, activity**-c.user_power, popularity**-c.from_power).T.tocsr()
            right = _scaled(taken.matrix, activity**-c.user_power, popularity**-c.to_power)
            linear = pruned_product(left, right, c.keep, advance=bar.advance)
            low = None
            if c.sharpen:
                rest = np.float32(np.exp(-c.sharpen * REST))
                linear.data *= rest
                low = self._sharpened(taken, float(rest), context.seed)
            elif c.rank and c.low_pass:
                low = self._low_pass(taken, linear, context.seed)
            bar.advance(1)
        prior = small_prior(popularity, float(np.median(linear.data)) if linear.nnz else 1.0)
        return RankingFitted(ranking_program(taken.names, linear, prior, low))

    def _sharpened(self, taken: Taken, rest: float, seed: int) -> tuple[Floats, Floats]:
        """What sharpening changes in the kept singular vectors, and the low-pass on them; (V, R) and (R, V).

        The linear part holds them as ``s^2 rest``, so that only the difference is added.
        """
        c, popularity = self._config, taken.popularity
        normal = _scaled(taken.matrix, taken.activity**-0.5, popularity**-0.5)
        value, vector = singular_vectors(normal, min(c.rank, *normal.shape), c.iterations, seed)
        square = value**2
        gain = square * (np.exp(-c.sharpen * square) - rest) + c.low_pass
        return (vector.T * gain).astype(np.float32), (vector * popularity ** (0.5 - c.to_power)).astype(np.float32)

    def _low_pass(self, taken: Taken, linear: Any, seed: int) -> tuple[Floats, Floats]:
        """Both halves of the low-pass filter, (V, R) and (R, V), as large beside the linear one as the weight says."""
        c = self._config
        popularity = taken.popularity
        normal = _scaled(taken.matrix, taken.activity**-0.5, popularity**-0.5)
        value, vector = singular_vectors(normal, min(c.rank, *normal.shape), c.iterations, seed)
        weight = (value / value[0]) ** c.low_pass_power
        left = popularity[:, None] ** -0.5 * vector.T * weight
        right = vector * popularity**-c.low_pass_to_power
        rows = np.sort(np.random.default_rng(seed).permutation(taken.matrix.shape[0])[:SCALED_ON])
        some = taken.matrix[rows]
        size = np.sqrt(np.mean((some @ linear).power(2).sum(axis=1)))
        inner = some @ left  # (B, R); the norm of inner @ right needs only the product of right with itself
        own = np.sqrt(np.mean(np.einsum("br,rs,bs->b", inner, right @ right.T, inner, optimize=True)))
        return (left * (c.low_pass * size / max(float(own), 1e-12))).astype(np.float32), right.astype(np.float32)


def _scaled(matrix: Any, rows: Floats, columns: Floats) -> Any:
    """Scale the rows and columns of a sparse matrix."""
    scaled = matrix.copy()
    scaled.data = scaled.data * np.repeat(rows, np.diff(matrix.indptr)) * columns[matrix.indices]
    return scaled.astype(np.float32)


def singular_vectors(matrix: Any, rank: int, iterations: int, seed: int) -> tuple[Floats, Floats]:
    """Largest singular values (R,) and right vectors (R, V) of a sparse matrix (U, V), by random projection.

    Halko, Martinsson and Tropp 2011, SIAM Review 53:2, algorithm 4.4.
    """
    rng = np.random.default_rng([seed, 13])
    width = min(rank + OVERSAMPLING, *matrix.shape)
    transposed = matrix.T.tocsr()
    basis = matrix @ rng.standard_normal((matrix.shape[1], width), dtype=np.float32)
    for _ in range(iterations):
        basis, _ = np.linalg.qr(basis)
        basis, _ = np.linalg.qr(transposed @ basis)
        basis = matrix @ basis
    basis, _ = np.linalg.qr(basis)
    _, value, vector = np.linalg.svd((transposed @ basis).T, full_matrices=False)
    largest = np.argmax(np.abs(vector), axis=1)
    sign = np.sign(vector[np.arange(len(vector)), largest])  # a vector and its negative are the same answer
    return value[:rank].astype(np.float32), (vector * sign[:, None])[:rank].astype(np.float32)
