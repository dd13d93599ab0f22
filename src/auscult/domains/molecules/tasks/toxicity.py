"""Task ``toxicity``: a molecule → how probable each of several effects is; not every effect was measured for each.

The same task answers any set of yes-or-no endpoints of compounds: assays of toxicity, side effects, permeability.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.contracts import Config, Items, RecordBatch, TaskSpec
from auscult.base.errors import ReadError, RecipeError
from auscult.domains.molecules.preprocess.compounds import CompoundConfig, compound_items
from auscult.domains.molecules.tasks.common import CompoundTask

SIMULATED = ("reactive", "narcotic", "receptor")


class ToxicityConfig(CompoundConfig):
    """Settings of the task."""

    targets: tuple[str, ...] = Setting(SIMULATED, min_length=1, description="Names of the effects.")
    columns: tuple[str, ...] = Setting((), description="Columns that hold them, in order; the names when empty.")


class Toxicity(CompoundTask):
    """Effects of a compound, each with a probability of its own."""

    Config: ClassVar[type[Config]] = ToxicityConfig

    def __init__(self, config: ToxicityConfig) -> None:
        super().__init__(config, config.columns or config.targets)
        if len(self._columns) != len(config.targets):
            raise RecipeError(
                f"[task] toxicity: expected a column for each of {len(config.targets)} targets, "
                f"got {len(config.columns)}"
            )
        self.spec = TaskSpec(
            name="toxicity",
            kind="labels",
            summary="effects of a compound, such as assays of toxicity, each with its probability",
            labels=config.targets,
            primary="mean_roc_auc",
            metrics=("mean_roc_auc", "pr_auc", "micro_f1", "macro_f1"),
            floor="fingerprint-forest",
            example="assays",
            resample="record",
            tags=("toxicity", "Tox21", "ADMET", "QSAR", "compound", "SMILES"),
        )

    def cut(self, batch: RecordBatch) -> Items:
        """One item a compound; the target (N, K) is 1, 0, or -1 where it was not measured.

        Raises
        ------
        ReadError
            If a measured value is something other than 0, 1 or a negative number for missing.
        """
        target = None
        if batch.has("measured"):
            measured = np.asarray(batch.dense("measured"), dtype=np.float64)
            known = np.where(np.isnan(measured) | (measured < 0), -1.0, measured)
            odd = int(np.count_nonzero((known != -1) & (known != 0) & (known != 1)))
            if odd:
                raise ReadError(f"effects: expected 1, 0 or nothing in each column, got {odd} other values")
            target = known.astype(np.int64)
        return compound_items(batch, self._config, target)
