"""Checks that hold for every domain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from auscult.base.arrays import Ragged
from auscult.base.contracts import Finding, TaskSpec
from auscult.engine.dataset import Dataset

SHOWN = 20
FEW = 20


def generic_findings(dataset: Dataset, spec: TaskSpec, duplicates: Sequence[tuple[int, int, str]]) -> list[Finding]:
    """Look at a prepared dataset: what was set aside, duplicates, missing values, balance, subjects.

    Parameters
    ----------
    dataset : Dataset
        The prepared records.
    spec : TaskSpec
        Names of the classes.
    duplicates : sequence of (int, int, str)
        Pairs as ``duplicate_pairs`` gives them.

    Returns
    -------
    list of Finding
        Only what was found; an empty list is a clean set.
    """
    found = [
        _set_aside(dataset),
        _no_subjects(dataset),
        *_duplicates(dataset, duplicates),
        *_missing(dataset),
        *_balance(dataset, spec),
    ]
    return [f for f in found if f is not None]


def _set_aside(dataset: Dataset) -> Finding | None:
    aside = dataset.set_aside
    if not aside:
        return None
    return Finding(
        "set-aside",
        "warning",
        "files or records that could not be used; each is listed with its reason in quality.json",
        len(aside),
        tuple(a.source for a in aside[:SHOWN]),
    )


def _no_subjects(dataset: Dataset) -> Finding | None:
    if dataset.subjects is not None:
        return None
    return Finding(
        "no-subjects",
        "warning",
        "the source names no subject: splits and intervals are by record; where records are of persons, one may be in "
        "several roles",
        len(dataset),
    )


def _duplicates(dataset: Dataset, pairs: Sequence[tuple[int, int, str]]) -> list[Finding]:
    found = []
    for how, text in (("exact", "records with the same content"), ("near", "records with nearly the same content")):
        rows = sorted({r for a, b, h in pairs if h == how for r in (a, b)})
        if rows:
            names = tuple(str(dataset.names[r]) for r in rows[:SHOWN])
            found.append(Finding(f"{how}-duplicates", "warning", text, len(rows), names))
    return found


def _missing(dataset: Dataset) -> list[Finding]:
    counts: dict[str, list[str]] = {}
    for batch in dataset.batches():
        for f in batch.fields:
            column = batch.columns[f.name]
            values = column.values if isinstance(column, Ragged) else column
            if values.dtype.kind != "f" or not np.isnan(values).any():
                continue
            rows = [r for r in range(len(batch)) if np.isnan(column[r]).any()]
            counts.setdefault(f.name, []).extend(str(batch.record[r]) for r in rows)
    return [
        Finding("missing-values", "info", f"records with missing values in '{name}'", len(rows), tuple(rows[:SHOWN]))
        for name, rows in counts.items()
    ]


def _balance(dataset: Dataset, spec: TaskSpec) -> list[Finding]:
    target = dataset.items.target
    if spec.kind != "class" or target is None:
        return []
    counts = np.bincount(np.asarray(target)[np.asarray(target) >= 0], minlength=len(spec.labels))
    rare = [f"{name}: {int(n)}" for name, n in zip(spec.labels, counts, strict=True) if n < FEW]
    found = [Finding("rare-classes", "warning", f"classes with fewer than {FEW} items ({', '.join(rare)})", len(rare))]
    share = float(counts.max() / max(counts.sum(), 1))
    if share > 0.9:
        text = f"the largest class holds {100 * share:.1f} % of the items; read macro figures beside accuracy"
        found.append(Finding("imbalance", "info", text, 1))
    return found if rare else found[1:]
