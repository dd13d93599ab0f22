"""Task ``compound-class``: a molecule → one of two classes, such as mutagenic or not."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.contracts import Config, Items, RecordBatch, TaskSpec
from auscult.base.errors import ReadError
from auscult.domains.molecules.preprocess.compounds import CompoundConfig, compound_items, measured_items
from auscult.domains.molecules.tasks.common import CompoundTask


class CompoundClassConfig(CompoundConfig):
    """Settings of the task."""

    column: str = Setting("receptor", min_length=1, description="Column with 0 or 1.")
    classes: tuple[str, str] = Setting(("no", "yes"), description="Names of 0 and 1.")


class CompoundClass(CompoundTask):
    """One yes or no of a compound, with calibrated probability, prediction set and abstention."""

    Config: ClassVar[type[Config]] = CompoundClassConfig
    first: ClassVar[int] = 1

    def __init__(self, config: CompoundClassConfig) -> None:
        super().__init__(config, (config.column,))
        self._column = config.column
        self.spec = TaskSpec(
            name="compound-class",
            kind="class",
            summary="one of two classes of a compound, such as active or not, with its probability",
            labels=config.classes,
            primary="roc_auc",
            metrics=("roc_auc", "pr_auc", "accuracy", "sensitivity", "specificity", "bedroc20", "ef1", "brier"),
            floor="fingerprint-forest",
            example="assays",
            resample="record",
            tags=("ADMET", "QSAR", "virtual screening", "mutagenicity", "compound", "SMILES"),
        )

    def cut(self, batch: RecordBatch) -> Items:
        """One item a compound whose class is known; the target (N,) is 0 or 1.

        Raises
        ------
        ReadError
            If the column holds something other than 0 and 1.
        """
        items, measured = measured_items(batch, self._config)
        if measured is None:
            return items
        odd = int(np.count_nonzero((measured != 0) & (measured != 1)))
        if odd:
            raise ReadError(f"column '{self._column}': expected 0 or 1, got {odd} other values")
        return replace(items, target=measured.astype(np.int64))

    def cut_new(self, batch: RecordBatch) -> Items:
        """One item a compound, whether or not something was measured."""
        return compound_items(batch, self._config, None)
