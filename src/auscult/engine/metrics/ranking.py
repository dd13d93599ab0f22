"""Metrics of the answer kind *ranking*: how early the relevant things come in the list of a query.

``target`` is :class:`Relevant`; ``output`` is (N, k) ids, best first, -1 where a list is shorter. ``unit``
and ``weights`` are explained in :mod:`auscult.engine.metrics.weighting`. Queries without a relevant id are
left out of the mean; every answer is (B,) in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from auscult.base.errors import ShapeError
from auscult.engine.metrics.checks import Array, Bools, Floats, Ints, require_shape
from auscult.engine.metrics.weighting import ratio, resolve_units, weighted_means

DEFAULT_DEPTH = 20


@dataclass(frozen=True, eq=False)
class Relevant:
    """The relevant ids of N queries, one after the other.

    What was found of them in a ranking is kept, as a bootstrap asks about the same ranking again and again.

    Attributes
    ----------
    values : (R,) int
        Ids from 0, each once a query.
    offsets : (N + 1,) int
        Query n owns ``values[offsets[n]:offsets[n + 1]]``.
    """

    values: Array
    offsets: Array
    _found: list[tuple[Array, int, tuple[Bools, Ints]]] = field(default_factory=list, init=False, repr=False)

    def found(self, output: Array, k: int) -> tuple[Bools, Ints]:
        """`relevance` of a ranking; looked up again where it is another array, or to another depth, than before."""
        if not self._found or self._found[0][0] is not output or self._found[0][1] != k:
            self._found[:] = [(output, k, relevance(self, output, k=k))]
        return self._found[0][2]


def _keys(query: Ints, ids: Ints, n_ids: int, name: str) -> Ints:
    """Give one number for each pair of query and id, sorted; refuse a pair that comes twice."""
    keys = np.sort(query * n_ids + ids)
    if np.any(keys[1:] == keys[:-1]):
        raise ShapeError(f"{name}: expected each id once a query, got {np.count_nonzero(keys[1:] == keys[:-1])} again")
    return keys


def relevance(target: Relevant, output: Array, *, k: int = DEFAULT_DEPTH) -> tuple[Bools, Ints]:
    """Mark the relevant ids in the first k of each list.

    Parameters
    ----------
    target : Relevant
    output : (N, at least k) int
        Ids, best first; -1 is an empty place.
    k : int
        Depth.

    Returns
    -------
    hit : (N, k) bool
    n_relevant : (N,) int64

    Raises
    ------
    ShapeError
        Lists shorter than k, numbers of queries that differ, negative ids, or an id twice in a query.
    """
    lists = np.asarray(output)
    values, offsets = np.asarray(target.values, dtype=np.int64), np.asarray(target.offsets, dtype=np.int64)
    require_shape("offsets", offsets, (len(lists) + 1,))
    require_shape("output", lists, ("N", "k"))
    if not 1 <= k <= lists.shape[1] or lists.dtype.kind not in "iu":
        raise ShapeError(f"output: expected whole-number lists of at least {k} ids, got {lists.shape} {lists.dtype}")
    n_relevant = np.diff(offsets)
    if offsets[0] != 0 or offsets[-1] != len(values) or np.any(n_relevant < 0) or np.any(values < 0):
        raise ShapeError(
            f"target: expected ids from 0 and offsets that rise from 0 to {len(values)}, got others; "
            "offsets has one more number than there are queries"
        )
    ranked = lists[:, :k].astype(np.int64)
    n_ids = int(max(ranked.max(initial=0), values.max(initial=0))) + 1
    query = np.arange(len(lists))
    filled = ranked >= 0
    _keys(np.broadcast_to(query[:, None], ranked.shape)[filled], ranked[filled], n_ids, "output")
    wanted = _keys(np.repeat(query, n_relevant), values, n_ids, "target")
    hit = filled & np.isin(query[:, None] * n_ids + ranked, wanted)
    return hit, n_relevant


def _mean_of_queries(
    figure: Callable[[Bools, Ints], Floats],
    target: Relevant,
    output: Array,
    *,
    k: int,
    unit: Array | None,
    weights: Array | None,
) -> Floats:
    hit, n_relevant = target.found(output, k)
    values = np.where(n_relevant > 0, figure(hit, n_relevant), np.nan)
    index, drawn = resolve_units(len(values), unit, weights)
    return weighted_means(values[:, None], index, drawn)[:, 0]


def _recall(hit: Bools, n_relevant: Ints) -> Floats:
    return ratio(hit.sum(axis=1), n_relevant)


def _ndcg(hit: Bools, n_relevant: Ints) -> Floats:
    gain = 1.0 / np.log2(np.arange(2, hit.shape[1] + 2))
    best = np.concatenate([[0.0], np.cumsum(gain)])
    return ratio(hit @ gain, best[np.minimum(n_relevant, hit.shape[1])])


def _average_precision(hit: Bools, n_relevant: Ints) -> Floats:
    precision = np.cumsum(hit, axis=1) / np.arange(1, hit.shape[1] + 1)
    return ratio((hit * precision).sum(axis=1), np.minimum(n_relevant, hit.shape[1]))


def _reciprocal_rank(hit: Bools, _: Ints) -> Floats:
    return np.where(hit.any(axis=1), 1.0 / (hit.argmax(axis=1) + 1.0), 0.0)


def _any_hit(hit: Bools, _: Ints) -> Floats:
    return np.asarray(hit.any(axis=1), dtype=np.float64)


def recall_at_k(
    target: Relevant,
    output: Array,
    *,
    k: int = DEFAULT_DEPTH,
    unit: Array | None = None,
    weights: Array | None = None,
) -> Floats:
    """Mean share of the relevant ids that are in the first k."""
    return _mean_of_queries(_recall, target, output, k=k, unit=unit, weights=weights)


def ndcg_at_k(
    target: Relevant,
    output: Array,
    *,
    k: int = DEFAULT_DEPTH,
    unit: Array | None = None,
    weights: Array | None = None,
) -> Floats:
    """Mean discounted gain (1 / log2(rank + 1) a hit) of the first k over that of the best list."""
    return _mean_of_queries(_ndcg, target, output, k=k, unit=unit, weights=weights)


def map_at_k(
    target: Relevant,
    output: Array,
    *,
    k: int = DEFAULT_DEPTH,
    unit: Array | None = None,
    weights: Array | None = None,
) -> Floats:
    """Mean average precision in the first k, over the smaller of k and the number of relevant ids."""
    return _mean_of_queries(_average_precision, target, output, k=k, unit=unit, weights=weights)


def mrr(
    target: Relevant,
    output: Array,
    *,
    k: int = DEFAULT_DEPTH,
    unit: Array | None = None,
    weights: Array | None = None,
) -> Floats:
    """Mean of one over the rank of the first relevant id; 0 where it is not in the first k."""
    return _mean_of_queries(_reciprocal_rank, target, output, k=k, unit=unit, weights=weights)


def hit_rate_at_k(
    target: Relevant,
    output: Array,
    *,
    k: int = DEFAULT_DEPTH,
    unit: Array | None = None,
    weights: Array | None = None,
) -> Floats:
    """Share of the queries with at least one relevant id in the first k."""
    return _mean_of_queries(_any_hit, target, output, k=k, unit=unit, weights=weights)
