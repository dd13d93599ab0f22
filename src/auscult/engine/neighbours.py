"""The applicability domain of a release: how alike a record is to the nearest records that were trained on.

Likeness is the Tanimoto coefficient of the task's bits: what two records share of what either has (Willett et al. 1998,
J Chem Inf Comput Sci 38:983). Nearly every validation record has a training record above the limit; a record that has
none is far from everything that was learned (Sheridan et al. 2004, J Chem Inf Comput Sci 44:1912). A few leaders that
cover the training records are asked first: they settle most records, and the others are compared with all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from auscult.base.arrays import Array
from auscult.base.errors import VerifyError
from auscult.base.files import hash_of, read_json, sha256, write_bytes, write_json
from auscult.engine.drivers.session import Session

MAX_KNOWN = 50_000
"""Training records that are kept at the most, drawn at random beyond."""
MAX_COVERED = 4000
MAX_LEADERS = 256
BLOCK = 1024
"""Known records that are compared with at a time."""
HELD_BYTES = 1 << 26
"""Bytes of unpacked records that are kept between calls at the most; larger sets are unpacked each time."""
NAME = 16
"""Letters of a record's hash by which it is named."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Neighbours:
    """Training records as bits.

    Parameters
    ----------
    packed : (R, W) uint8
        Bits of the training records, eight a byte.
    n_bits : int
        How many bits a record has.
    names : (R,) array of str
        Beginning of each record's content hash: a name that shows nothing of the record.
    leaders : (L,) int64
        Rows of a few records that cover most of the others.
    limit : float
        Likeness below which a record is outside the domain.
    graph : bytes
        ONNX graph that counts shared bits.
    """

    packed: npt.NDArray[np.uint8]
    n_bits: int
    names: npt.NDArray[np.str_]
    leaders: npt.NDArray[np.int64]
    limit: float
    graph: bytes

    @cached_property
    def _shared(self) -> Session:
        return Session(self.graph, 1)

    @cached_property
    def _count(self) -> npt.NDArray[np.int64]:
        return np.asarray(np.bitwise_count(self.packed).sum(axis=1, dtype=np.int64))

    @cached_property
    def _first(self) -> npt.NDArray[np.uint8]:
        return self._columns(self.leaders)

    def _columns(self, rows: Any) -> npt.NDArray[np.uint8]:
        """Known records as columns, (F, r)."""
        return np.ascontiguousarray(np.unpackbits(self.packed[rows], axis=1, count=self.n_bits).T)

    @cached_property
    def _blocks(self) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8] | None]]:
        """Rows of each block of known records, with their columns where all of them fit into a little memory."""
        every = np.arange(len(self.packed), dtype=np.int64)
        blocks = [every[begin : begin + BLOCK] for begin in range(0, len(every), BLOCK)]
        held = len(every) * self.n_bits <= HELD_BYTES
        return [(rows, self._columns(rows) if held else None) for rows in blocks]

    def _likeness(self, bits: Array, columns: Array, count: Array) -> Floats:
        """Tanimoto coefficients, (N, r); two records without any bit are unlike."""
        shared = self._shared({"bits": bits, "known": columns})["shared"].astype(np.int32)
        either = bits.sum(axis=1, dtype=np.int32)[:, None] + count[None].astype(np.int32) - shared
        return np.asarray(shared / np.maximum(either, 1), dtype=np.float64)

    def strangers(self, bits: Array) -> Floats:
        """Likeness of the nearest known record where it is below the limit, NaN where a record is in the domain, (N,).

        Parameters
        ----------
        bits : (N, F) uint8
            0 and 1, as the task gives them.
        """
        found = np.full(len(bits), np.nan)
        if not len(bits):
            return found
        best = self._likeness(bits, self._first, self._count[self.leaders]).max(axis=1)
        left = np.flatnonzero(best < self.limit)
        for rows, held in self._blocks:  # a record that is near to one of a block is not compared with the next
            if len(left):
                columns = self._columns(rows) if held is None else held
                likeness = self._likeness(bits[left], columns, self._count[rows]).max(axis=1)
                best[left] = np.maximum(best[left], likeness)
                left = left[best[left] < self.limit]
        found[left] = best[left]
        return found

    def nearest(self, bits: Array, k: int) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Likeness and row of the ``k`` most alike known records, best first, (N, k) each."""
        k = min(k, len(self.packed))
        likeness, row = np.zeros((len(bits), 0)), np.zeros((len(bits), 0), dtype=np.int64)
        for rows, held in self._blocks:
            columns = self._columns(rows) if held is None else held
            likeness = np.concatenate([likeness, self._likeness(bits, columns, self._count[rows])], axis=1)
            row = np.concatenate([row, np.broadcast_to(rows, (len(bits), len(rows)))], axis=1)
            order = _first(likeness, k)
            likeness, row = np.take_along_axis(likeness, order, 1), np.take_along_axis(row, order, 1)
        return likeness, row

    @property
    def hash(self) -> str:
        """SHA-256 of everything that decides."""
        parts = [sha256(np.ascontiguousarray(a).tobytes()) for a in (self.packed, self.leaders)]
        return hash_of([*parts, self.names.tolist(), self.n_bits, self.limit])

    def save(self, folder: Path) -> None:
        """Write a folder of a release."""
        arrays = {"packed": self.packed, "leaders": self.leaders}
        write_bytes(folder / "known.safetensors", save({k: np.ascontiguousarray(v) for k, v in arrays.items()}))
        write_bytes(folder / "overlap.onnx", self.graph)
        write_json(
            folder / "neighbours.json", {"n_bits": self.n_bits, "limit": self.limit, "names": self.names.tolist()}
        )


def _first(likeness: Floats, k: int) -> npt.NDArray[np.intp]:
    """Return where the ``k`` largest of each row stand, the first of equal ones first; one is found without a sort."""
    if k == 1:
        return np.asarray(likeness.argmax(axis=1))[:, None]
    return np.argsort(-likeness, axis=1, kind="stable")[:, :k]


def fit_neighbours(train: Array, valid: Array, names: Sequence[str], *, refusal: float, seed: int) -> Neighbours | None:
    """Keep the training records as bits, and set the limit by validation.

    Parameters
    ----------
    train, valid : (N, F) uint8
        0 and 1.
    names : sequence of str
        Content hashes of the training records.
    refusal : float
        Share of validation records that may be outside.
    seed : int
        Chooses the records to keep where there are very many.

    Returns
    -------
    Neighbours or None
        Nothing where no training record has a bit.
    """
    from auscult.engine.blocks.overlap import overlap_graph

    if not len(train) or not train.any():
        return None
    rng = np.random.default_rng([seed, 13])
    rows = np.sort(rng.permutation(len(train))[:MAX_KNOWN])
    packed = np.packbits(train[rows], axis=1)
    short = np.array([names[r][:NAME] for r in rows], dtype=np.str_)
    made = Neighbours(packed, train.shape[1], short, np.zeros(1, dtype=np.int64), 0.0, overlap_graph())
    nearest = made.nearest(np.ascontiguousarray(valid), 1)[0][:, 0]
    limit = float(np.quantile(nearest, refusal))
    return Neighbours(packed, made.n_bits, short, _leaders(made, limit, rng), limit, made.graph)


def _leaders(known: Neighbours, limit: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Choose rows one after the other so that each covers the most records that none covers yet."""
    rows = np.sort(rng.permutation(len(known.packed))[:MAX_COVERED])
    bits = np.unpackbits(known.packed[rows], axis=1, count=known.n_bits)
    covers = known._likeness(bits, np.ascontiguousarray(bits.T), known._count[rows]) >= limit
    gain = covers.sum(axis=1)
    chosen: list[int] = []
    open_rows = np.ones(len(rows), dtype=bool)
    while len(chosen) < MAX_LEADERS and open_rows.any() and gain.max() > 0:
        best = int(gain.argmax())
        chosen.append(best)
        newly = covers[best] & open_rows
        gain = gain - covers[:, newly].sum(axis=1)
        open_rows &= ~newly
    return np.asarray(rows[chosen or [0]], dtype=np.int64)


def read_neighbours(folder: Path) -> Neighbours | None:
    """Read what ``save`` wrote; nothing where a release has none.

    Raises
    ------
    VerifyError
        If the folder does not hold what it should.
    """
    if not folder.exists():
        return None
    try:
        stated, arrays = read_json(folder / "neighbours.json"), load_file(folder / "known.safetensors")
        names = np.array(stated["names"], dtype=np.str_)
        graph = (folder / "overlap.onnx").read_bytes()
        return Neighbours(
            arrays["packed"], int(stated["n_bits"]), names, arrays["leaders"], float(stated["limit"]), graph
        )
    except (OSError, KeyError, ValueError, TypeError, SafetensorError) as error:
        raise VerifyError(f"{folder.name}: expected the training records as bits, got something else") from error
