"""The items that can be asked about: their names, and what a knowledge graph says of them, as whole numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from auscult.base.errors import RecipeError
from auscult.domains.recommend.preprocess.names import NAME_BYTES, Index, Names, as_names

BUCKETS = 1 << 15
"""Numbers that hashed names and attributes fall into, from 1; 0 is nothing, or unknown."""


def hashed(texts: Names) -> Index:
    """Numbers of names by their hash, (N,), from 1 to before ``BUCKETS``; 0 for an empty one."""
    distinct, inverse = np.unique(texts, return_inverse=True)
    numbers = np.array([1 + crc32(bytes(t)) % (BUCKETS - 1) if t else 0 for t in distinct], dtype=np.int64)
    return np.asarray(numbers[inverse.ravel()]).reshape(np.shape(texts))


@dataclass(frozen=True, repr=False)
class Catalogue:
    """Items in rising order of their names.

    Parameters
    ----------
    names : (V,) array of bytes
        Without a list of items it is empty, and names become numbers by their hash.
    attributes : (V + 1, M) int64
        Hashed attributes of each item, padded with 0; the first row is that of an unknown item.
    """

    names: Names
    attributes: Index

    def numbers(self, names: Names) -> Index:
        """Number of each name, (N,): from 1 in the order of the catalogue, 0 where it is unknown or empty."""
        if not len(self.names):
            return hashed(names)
        at = np.minimum(np.searchsorted(self.names, names), len(self.names) - 1)
        return np.asarray(np.where(self.names[at] == names, at + 1, 0), dtype=np.int64)

    def attributes_of(self, numbers: Index) -> Index:
        """Attributes of some items, (N,) -> (N, M)."""
        return np.asarray(self.attributes[numbers if len(self.names) else np.zeros_like(numbers)])


def read_catalogue(items: str, graph: str, width: int) -> Catalogue:
    """Read a list of items and the triples of a knowledge graph.

    Parameters
    ----------
    items : str
        Path of a text file with a line ``name <tab> entity`` an item (the layout of RippleNet and MKR); empty for none.
    graph : str
        Path of a text file with a line ``head <tab> relation <tab> tail``; empty for none.
    width : int
        Attributes kept of an item, those that fewest items share first.

    Raises
    ------
    RecipeError
        If a line has another number of parts, a name is too long or comes twice.
    """
    if not items:
        if graph:
            raise RecipeError("[task] graph: expected a list of items beside it, got none; set 'catalogue' too")
        return Catalogue(as_names([]), np.zeros((1, width), np.int64))
    rows = list(_rows(items, 2))
    texts = [row[0] for row in rows]
    long = next((k for k, t in enumerate(texts) if len(t.encode()) > NAME_BYTES), None)
    if long is not None or len(set(texts)) != len(texts):
        what = "a name of more than that" if long is not None else "a name twice"
        raise RecipeError(f"[task] catalogue: expected names of at most {NAME_BYTES} bytes, each once, got {what}")
    order = np.argsort(as_names(texts), kind="stable")
    entity = [rows[k][1] for k in order]
    told = _attributes(entity, _rows(graph, 3) if graph else [])
    share: dict[str, int] = defaultdict(int)
    for values in told:
        for value in values:
            share[value] += 1
    table = np.zeros((len(rows) + 1, width), np.int64)
    for k, values in enumerate(told, 1):
        kept = sorted(values, key=lambda v: (share[v], v))[:width]
        table[k, : len(kept)] = hashed(np.array([v.encode() for v in kept], dtype=np.bytes_)) if kept else 0
    return Catalogue(as_names(texts)[order], table)


def _attributes(entity: list[str], triples: Iterable[list[str]]) -> list[set[str]]:
    """What the graph says of each entity: relation and what it leads to, in both directions."""
    told: dict[str, set[str]] = {e: set() for e in entity}
    for head, relation, tail in triples:
        if head in told:
            told[head].add(f"{relation}={tail}")
        if tail in told:
            told[tail].add(f"{relation}-of={head}")
    return [told[e] for e in entity]


def _rows(path: str, parts: int) -> Iterator[list[str]]:
    """Lines in parts, one after the other: a graph may be larger than memory."""
    where = f"[task] {Path(path).name}: expected lines of {parts} parts with tabs between"
    empty = True
    with Path(path).open(encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            row = line.rstrip("\r\n").split("\t")
            if len(row) != parts:
                raise RecipeError(f"{where}, got another in line {number}")
            empty = False
            yield row
    if empty:
        raise RecipeError(f"{where}, got none")
