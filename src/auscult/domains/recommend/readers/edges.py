"""Tables of links: which device names which earlier one, as its predicate, its part or its successor; CSV or Parquet.

Each device that names others is a record; the names are in the order of the table. A table larger than memory is read
in passes, each over a share of the devices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import polars as pl

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.recommend.readers.common import batches, judged, left_out
from auscult.domains.recommend.readers.interactions import header_of, passes, scanned

NAME = "edges"
PAIRS = (("device", "predicate"), ("source", "target"), ("from", "to"))


class EdgesReader:
    """Reads a table of links; a device is no person, so that there is no subject."""

    wants: ClassVar[str] = f"a table with the columns {' or '.join(map(','.join, PAIRS))}"

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield text tables whose header is a pair of columns that link one thing to another."""
        for path in files:
            if _pair_of(path) is not None:
                yield Source(NAME, path.stem, (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield devices in batches, then what was left out and why.

        Raises
        ------
        ReadError
            If the table is broken, or no link can be used.
        """
        path = source.files[0]
        pair = _pair_of(path)
        if pair is None:
            raise ReadError(f"{path.name}: expected a header such as 'device,predicate', got another")
        usable = False
        for some in passes(path, _links(path, pair)):
            rows = judged(some)
            itself = pl.col("reason").is_null() & (pl.col("user") == pl.col("item"))
            rows = rows.with_columns(pl.when(itself).then(pl.lit("itself")).otherwise("reason").alias("reason"))
            kept = rows.filter(pl.col("reason").is_null())
            usable |= len(kept) > 0
            yield from (replace(batch, subject=None, named_by_subject=False) for batch in batches(kept))
            yield from left_out(rows, source.name, path.name)
        if not usable:
            raise ReadError(f"{path.name}: expected links between devices, got none that can be used")


def _links(path: Path, pair: tuple[str, str]) -> pl.LazyFrame:
    """Links as ``judged`` takes them, not read yet."""
    table, first = scanned(path)
    lower = {c.strip().lower(): c for c in table.collect_schema().names()}
    ends = [
        pl.col(lower[c]).cast(pl.String).str.strip_chars().alias(role)
        for c, role in zip(pair, ("user", "item"), strict=True)
    ]
    return table.with_row_index("line").select((pl.col("line") + first).cast(pl.Int64), *ends)


def _pair_of(path: Path) -> tuple[str, str] | None:
    columns = [c.lower() for c in header_of(path)]
    return next((pair for pair in PAIRS if columns == list(pair)), None)
