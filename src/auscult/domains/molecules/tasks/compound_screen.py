"""Task ``compound-screen``: a library → how probable each compound is active at each of several targets.

Learned from lists: for a target ``ace`` a file whose name ends in ``ace_actives`` and one in ``ace_decoys``. Whether a
compound is active at a target in whose lists it does not stand is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from auscult.base.contracts import Config, Field, RecordBatch
from auscult.base.errors import ReadError
from auscult.domains.molecules.tasks.toxicity import Toxicity, ToxicityConfig

LISTS = {"_actives": 1.0, "_decoys": 0.0}


class CompoundScreen(Toxicity):
    """Activity of a compound at each target."""

    Config: ClassVar[type[Config]] = ToxicityConfig

    def __init__(self, config: ToxicityConfig) -> None:
        super().__init__(config)
        self.spec = replace(
            self.spec,
            name="compound-screen",
            summary="activity of compounds at several targets, learned from lists of actives and decoys",
            primary="mean_bedroc20",
            metrics=("mean_bedroc20", "mean_ef1", "mean_roc_auc", "pr_auc"),
            floor="fingerprint-similarity",
            example="screening-lists",
            tags=("virtual screening", "similarity search", "MUV", "DUD", "actives", "decoys", "compound", "SMILES"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Standardise every compound and make its features; the list it stands in says what is known.

        Raises
        ------
        ReadError
            If a structure cannot be used, or a list is of no target.
        """
        return super().prepare(_listed(batch, self._columns))

    def sift(self, batch: RecordBatch) -> tuple[RecordBatch | None, Mapping[int, str]]:
        """Prepare what can be used, and name the rows that cannot."""
        return super().sift(_listed(batch, self._columns))


def _listed(batch: RecordBatch, targets: tuple[str, ...]) -> RecordBatch:
    """Add what the lists say as ``values`` (K,), NaN at other targets; a library that is no list stays as it is."""
    files = batch.groups.get("file")
    if files is None:
        return batch
    names, index = np.unique(files, return_inverse=True)
    known = [_of_list(str(name), targets) for name in names]
    if not any(known):
        return batch
    rows = np.full((len(names), len(targets)), np.nan)
    for row, told in zip(rows, known, strict=True):
        if told is not None:
            row[told[0]] = told[1]
    made = Field("values", "array", "K", channels=targets, missing=True)
    kept = tuple(f for f in batch.fields if f.name != "values")
    columns = {**{f.name: batch.columns[f.name] for f in kept}, "values": rows[index]}
    return replace(batch, fields=(*kept, made), columns=columns)


def _of_list(name: str, targets: tuple[str, ...]) -> tuple[int, float] | None:
    """Target and activity of a list by its name; nothing where it is no list."""
    for ending, active in LISTS.items():
        if name.endswith(ending):
            stem = name.removesuffix(ending)
            fitting = [k for k, t in enumerate(targets) if stem == t or stem.endswith(f"_{t}")]
            if not fitting:
                raise ReadError(
                    f"{name}: expected the list of a target of [task] targets, {', '.join(targets[:5])} …, "
                    f"got '{stem}'; name the target there, or leave the file out"
                )
            return max(fitting, key=lambda k: len(targets[k])), active
    return None
