"""The best of a library: ranked, each thing once, and near relatives of a better one left out where that is asked for.

A pool keeps ``SPARE`` times as many of the best as are listed; where more near relatives than that stand above the next
different thing, fewer are listed than were asked for, and that is said. Picking
takes the best that is left and far enough from all that were taken (sphere exclusion in the order of rank; Gobbi and
Lee 2003, J Chem Inf Comput Sci 43:317).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array
from auscult.base.files import write_bytes

SPARE = 20
"""The pool holds so many times what is listed, so that relatives can be passed over."""


@dataclass(frozen=True, repr=False)
class Picks:
    """One candidate.

    Parameters
    ----------
    score : float
        What ranks.
    record : str
        Name of the record.
    texts : mapping of str to str
        What the input says of it in words: structure, name.
    bits : bytes
        Packed bits, for likeness.
    """

    score: float
    record: str
    texts: Mapping[str, str]
    bits: bytes

    @staticmethod
    def wanted(top: int) -> int:
        """How many candidates a pool holds."""
        return SPARE * top


@dataclass(frozen=True, repr=False)
class Described:
    """Some records as a list of the best shows them.

    Parameters
    ----------
    record : (N,) array of str
        Their names.
    texts : mapping of str to (N,) array of str
        What the input says of them in words.
    identity : (N,) array of str
        The same for the same thing.
    bits : (N, W) uint8
        Packed bits.
    """

    record: Array
    texts: Mapping[str, Array]
    identity: Array
    bits: Array


class Pool:
    """The best candidates so far, each thing once.

    Parameters
    ----------
    size : int
        How many are kept.
    lowest : bool
        Whether the lowest score is the best.
    """

    def __init__(self, size: int, lowest: bool) -> None:
        self.size, self._sign = size, 1.0 if lowest else -1.0
        self._held: dict[str, Picks] = {}
        self._limit = np.inf

    def may_enter(self, score: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Rows of scores (N,) that may still be among the best, the best first."""
        rows = np.flatnonzero(self._sign * score <= self._limit)
        return rows[np.argsort(self._sign * score[rows], kind="stable")]

    def write(self, path: Path, score: npt.NDArray[np.float64], described: Described) -> None:
        """Write candidates to a file, and hold them."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.table(
            {
                "score": score,
                "record": described.record.tolist(),
                "identity": described.identity.tolist(),
                "bits": [row.tobytes() for row in described.bits],
                **{f"text {name}": values.tolist() for name, values in described.texts.items()},
            }
        )
        stream = io.BytesIO()
        pq.write_table(table, stream)
        write_bytes(path, stream.getvalue())
        self._add(table.to_pylist())

    def read(self, path: Path) -> None:
        """Hold the candidates of a file."""
        import pyarrow.parquet as pq

        self._add(pq.read_table(path).to_pylist())

    def _add(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            held = self._held.get(row["identity"])
            if held is None or self._sign * row["score"] < self._sign * held.score:
                texts = {k.removeprefix("text "): v for k, v in row.items() if k.startswith("text ")}
                self._held[row["identity"]] = Picks(row["score"], row["record"], texts, row["bits"])
        if len(self._held) > 2 * self.size:
            self._trim()

    def _trim(self) -> None:
        best = sorted(self._held.items(), key=lambda item: self._sign * item[1].score)[: self.size]
        self._held = dict(best)
        if len(best) == self.size:
            self._limit = self._sign * best[-1][1].score

    def ranked(self) -> list[Picks]:
        """The best, in order; of equal ones the first that came."""
        self._trim()
        return list(self._held.values())


def pick(ranked: list[Picks], *, count: int, distance: float) -> list[tuple[Picks, float]]:
    """Take the best one after the other, and pass over what is nearer than ``distance`` to one that was taken.

    Returns
    -------
    list of (Picks, float)
        Each with its likeness to the most alike one above it.
    """
    if not ranked:
        return []
    bits = np.unpackbits(np.frombuffer(b"".join(p.bits for p in ranked), np.uint8).reshape(len(ranked), -1), axis=1)
    floats = bits.astype(np.float32)
    total = floats.sum(axis=1)
    nearest = np.zeros(len(ranked))
    taken: list[tuple[Picks, float]] = []
    for row, one in enumerate(ranked):
        if len(taken) == count:
            break
        if taken and 1 - nearest[row] < distance:
            continue
        taken.append((one, float(nearest[row])))
        shared = floats @ floats[row]
        nearest = np.maximum(nearest, shared / np.maximum(total + total[row] - shared, 1))
    return taken


def write_picks(pool: Pool, path: Path, *, count: int, distance: float) -> int:
    """Write the best as CSV and return how many they are."""
    taken = pick(pool.ranked(), count=count, distance=distance)
    names = list(taken[0][0].texts) if taken else []
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["rank", "score", "record", *names, "likeness_to_better"])
    for rank, (one, likeness) in enumerate(taken, 1):
        writer.writerow([rank, one.score, one.record, *(one.texts[n] for n in names), round(likeness, 4)])
    write_bytes(path, stream.getvalue().encode())
    return len(taken)
