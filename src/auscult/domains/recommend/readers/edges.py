"""Tables of links: which device names which earlier one, as its predicate, its part or its successor; CSV.

Each device that names others is a record; the names are in the order of the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.recommend.readers.common import batches, judged, left_out
from auscult.domains.recommend.readers.interactions import header_of, separator_of

NAME = "edges"
HEAD_BYTES = 4096
PAIRS = (("device", "predicate"), ("source", "target"), ("from", "to"))


class EdgesReader:
    """Reads a table of links; a device is no person, so that there is no subject."""

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
        with path.open("rb") as stream:
            separator = separator_of(stream.readline(HEAD_BYTES).decode("utf-8-sig", errors="replace"))
        try:
            table = pl.read_csv(path, separator=separator, infer_schema=False)
        except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
            raise ReadError(f"{path.name}: expected two columns in each row, got a broken table") from error
        table = table.rename({c: c.strip().lower() for c in table.columns}).with_row_index("line", offset=2)
        ends = [pl.col(c).str.strip_chars().alias(role) for c, role in zip(pair, ("user", "item"), strict=True)]
        rows = judged(table.select(pl.col("line").cast(pl.Int64), *ends))
        itself = pl.col("reason").is_null() & (pl.col("user") == pl.col("item"))
        rows = rows.with_columns(pl.when(itself).then(pl.lit("itself")).otherwise("reason").alias("reason"))
        kept = rows.filter(pl.col("reason").is_null())
        if kept.is_empty():
            raise ReadError(f"{path.name}: expected links between devices, got none that can be used")
        yield from (replace(batch, subject=None, named_by_subject=False) for batch in batches(kept))
        yield from left_out(rows, source.name, path.name)


def _pair_of(path: Path) -> tuple[str, str] | None:
    columns = [c.lower() for c in header_of(path)]
    return next((pair for pair in PAIRS if columns == list(pair)), None)
