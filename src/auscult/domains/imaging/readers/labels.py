"""Labels that lie beside images: ``labels.csv`` with the columns ``file`` and ``label``."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

from auscult.base.contracts import Source
from auscult.base.errors import ReadError

LABELS = "labels.csv"
MAX_BYTES = 1 << 28


def label_of(source: Source) -> str | None:
    """Return the label of the first file of a source, empty where its table has none, None where there is no table.

    Raises
    ------
    ReadError
        If the table has not the two columns, or names a file twice with different labels.
    """
    table = next((p for p in source.files if p.name == LABELS), None)
    return None if table is None else _table(table, table.stat().st_mtime_ns).get(source.files[0].name, "")


@lru_cache(maxsize=4)
def _table(path: Path, changed: int) -> dict[str, str]:
    """Labels by the name of the file; ``changed`` makes a new table a new entry of the cache."""
    if path.stat().st_size > MAX_BYTES:
        raise ReadError(f"{path.name}: expected at most {MAX_BYTES >> 20} MiB, got a larger table; split the folder")
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReadError(f"{path.name}: expected a table in UTF-8 with commas, got something else") from error
    if not rows or not {"file", "label"} <= set(rows[0]):
        raise ReadError(f"{path.name}: expected the columns 'file' and 'label' with at least one row, got others")
    found: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        name, label = (row["file"] or "").strip(), (row["label"] or "").strip()
        if found.setdefault(name, label) != label:
            raise ReadError(f"{path.name}, row {number}: expected one label a file, got two that differ")
    return found
