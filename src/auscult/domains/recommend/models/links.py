"""The graph of devices and their predicates, and what can be said of a pair of a known and a proposed one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from auscult.base.contracts import Index, ItemSet
from auscult.domains.recommend.preprocess.clearance import clearance_years, sequence_numbers
from auscult.domains.recommend.preprocess.names import Names

Floats = npt.NDArray[np.float32]
STEPS = 5
DAMPING = 0.7
DECAY_A_YEAR = 0.1
RECENT_YEARS = 3
ROWS = 512
FEATURES = 22


@dataclass(frozen=True, repr=False)
class Links:
    """Links of devices up to a year.

    Parameters
    ----------
    names : (V,) array of bytes
        Devices, in rising order.
    owner, item : (E,) int64
        Ends of each link, as places in ``names``.
    until : int
        The year.
    """

    names: Names
    owner: Index
    item: Index
    until: int

    @staticmethod
    def of(train: ItemSet) -> Links:
        """Number the devices of some links; the year is the last of an owner."""
        inputs = train.inputs()
        names = np.union1d(inputs["owner"], inputs["item"])
        owner, item = np.searchsorted(names, inputs["owner"]), np.searchsorted(names, inputs["item"])
        return Links(names, owner, item, int(clearance_years(inputs["owner"]).max()))

    def before(self, year: int) -> Links:
        """Links of owners up to a year; devices keep their places."""
        kept = self.years[self.owner] <= year
        return Links(self.names, self.owner[kept], self.item[kept], year)

    @cached_property
    def years(self) -> Index:
        """Year of each device, (V,)."""
        return clearance_years(self.names)

    @cached_property
    def sequence(self) -> Index:
        """Number of each device within its year, (V,)."""
        return sequence_numbers(self.names)

    @cached_property
    def forward(self) -> Any:
        """1 from a device to each that it names, (V, V) CSR."""
        size = len(self.names)
        ones = np.ones(len(self.owner), np.float32)
        return sparse.csr_matrix((ones, (self.owner, self.item)), shape=(size, size))

    @cached_property
    def backward(self) -> Any:
        """The reverse of ``forward``."""
        return self.forward.T.tocsr()

    @cached_property
    def walk(self) -> Any:
        """One step along a link in either direction, rows sum to 1, (V, V) CSR."""
        both = (self.forward + self.backward).tocsr()
        degree = np.maximum(np.asarray(both.sum(axis=1)).ravel(), 1)
        return (sparse.diags_array((1 / degree).astype(np.float32)) @ both).tocsr()

    @cached_property
    def counts(self) -> Floats:
        """How often each device is named, names others, and was named in the last years, (V, 3)."""
        size = len(self.names)
        late = self.years[self.owner] > self.until - RECENT_YEARS
        each = [np.bincount(v, minlength=size) for v in (self.item, self.owner, self.item[late])]
        return np.stack(each, axis=1).astype(np.float32)


def pairs_of(links: Links, known: Index, keep: int) -> tuple[Index, Index, Floats]:
    """Find what each known device may lead to, and describe the pairs.

    Parameters
    ----------
    links : Links
        The graph.
    known : (N,) int64
        Places of devices.
    keep : int
        Candidates of each, those with the highest score of a walk of five steps that favours late devices.

    Returns
    -------
    row : (P,) int64
        Which of ``known``, rising.
    column : (P,) int64
        Place of the candidate.
    features : (P, 22) float32
        The walk, each of its steps, six ways of two links or one, ages, counts of both, distance of their numbers.
    """
    parts = [_some(links, known[i : i + ROWS], keep, i) for i in range(0, len(known), ROWS)]
    row, column, features = (np.concatenate(p) for p in zip(*parts, strict=True))
    return row, column, features


def _some(links: Links, known: Index, keep: int, begin: int) -> tuple[Index, Index, Floats]:
    n, size = len(known), len(links.names)
    start = sparse.csr_matrix((np.ones(n, np.float32), (np.arange(n), known)), shape=(n, size))
    steps, reach, total = [], start, sparse.csr_matrix((n, size), dtype=np.float32)
    for k in range(STEPS):
        reach = (reach @ links.walk).tocsr()
        steps.append(reach)
        total = total + reach * np.float32(DAMPING**k)
    total = total.tocsr()
    row, column = np.repeat(np.arange(n), np.diff(total.indptr)), total.indices.astype(np.int64)
    order = np.lexsort((column, -walk_score(links, total.data, column), row))
    rank = np.arange(len(order)) - total.indptr[row[order]]
    order = order[(rank < keep) & (column[order] != known[row[order]])]
    row, column = row[order], column[order]
    g, b = links.forward, links.backward
    down, up = start @ g, start @ b
    ways = [total, *steps, down, up, up @ g, down @ b, down @ g, up @ b]
    of_pair = [np.asarray(w.tocsr()[row, column]).ravel() for w in ways]
    mine = known[row]
    age, own = links.until - links.years[column], links.until - links.years[mine]
    gap = np.log1p(np.abs(links.sequence[column] - links.sequence[mine]))
    rest = [age, own, age - own, *links.counts[column].T, *links.counts[mine].T, gap]
    return row + begin, column, np.stack([*of_pair, *rest], axis=1).astype(np.float32)


def walk_score(links: Links, walk: Floats, column: Index) -> Floats:
    """Score of a walk to some devices, (P,): a device counts less the older it is."""
    return np.asarray(walk * np.exp(-DECAY_A_YEAR * (links.until - links.years[column])), dtype=np.float32)
