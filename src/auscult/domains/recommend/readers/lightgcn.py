"""The text layout of LightGCN and its kin: each line is a user and the user's items, all of them whole numbers.

Files ``train.txt``, ``valid.txt`` and ``test.txt`` of one folder are one source, and each interaction carries its part
(He et al. 2020, SIGIR; the layout of the authors' repository). Another file of this form is a source without parts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.recommend.readers.common import batches, judged, left_out

NAME = "lightgcn"
HEAD_BYTES = 4096
PARTS = ("train", "valid", "test")
_LINE = re.compile(rb"\d+( \d+)+ *\r?")
_WHOLE = re.compile(r"[\d \r\n]*")


class LightGcnReader:
    """Reads users with their items; one record a user."""

    wants: ClassVar[str] = "lines of whole numbers, a user and its items"

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield folders with a ``train.txt`` of numbers, and single files of numbers."""
        by_folder: dict[Path, list[Path]] = defaultdict(list)
        for path in files:
            if _is_of_numbers(path):
                by_folder[path.parent].append(path)
        for folder, found in by_folder.items():
            named = {p.stem: p for p in found if p.stem in PARTS}
            if "train" in named:
                yield Source(NAME, folder.name, tuple(named[s] for s in PARTS if s in named))
            for path in found:
                if "train" not in named or path.stem not in PARTS:
                    yield Source(NAME, path.stem, (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield users in batches, then what was left out and why.

        Raises
        ------
        ReadError
            If a line holds anything but whole numbers, or no user has an item.
        """
        tables = [_table(path, with_part=len(source.files) > 1) for path in source.files]
        rows = judged(pl.concat(tables))
        kept = rows.filter(pl.col("reason").is_null())
        if kept.is_empty():
            raise ReadError(f"{source.files[0].name}: expected a user and items in a line, got no line with an item")
        yield from batches(kept.sort(pl.col("user").cast(pl.UInt64), maintain_order=True))
        yield from left_out(rows, source.name, source.files[0].name)


def _is_of_numbers(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    line = head.split(b"\n", 1)[0]
    whole = len(line) < len(head)
    return _LINE.fullmatch(line if whole else line.rpartition(b" ")[0]) is not None


def _table(path: Path, *, with_part: bool) -> pl.DataFrame:
    text = path.read_bytes().decode("ascii", errors="replace")
    if not _WHOLE.fullmatch(text):
        raise ReadError(f"{path.name}: expected whole numbers and blanks, got something else; export it again")
    lines = [line.split() for line in text.split("\n")]
    counts = np.array([max(len(line) - 1, 0) for line in lines], dtype=np.int64)
    columns = {
        "line": np.repeat(np.arange(1, len(lines) + 1), counts).astype(np.int64),
        "user": [line[0] for line in lines for _ in line[1:]],
        "item": [item for line in lines for item in line[1:]],
    }
    table = pl.DataFrame(columns)
    part = PARTS.index(path.stem) if with_part else None
    return table if part is None else table.with_columns(pl.lit(part, pl.Int8).alias("part"))
