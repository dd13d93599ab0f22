"""Task ``compound-class``: a molecule → one of two classes, such as mutagenic or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field as Setting

from auscult.base.arrays import Array
from auscult.base.contracts import Config, Items, Outputs, RecordBatch, Run, TaskSpec, WriteContext
from auscult.base.errors import ReadError
from auscult.domains.molecules.preprocess.compounds import (
    CompoundConfig,
    compound_bits,
    compound_identity,
    compound_items,
    measured_items,
    prepare_compounds,
    sift_compounds,
)
from auscult.domains.molecules.preprocess.explain import explain_compounds, write_drawings


class CompoundClassConfig(CompoundConfig):
    """Settings of the task."""

    column: str = Setting("receptor", min_length=1, description="Column with 0 or 1.")
    classes: tuple[str, str] = Setting(("no", "yes"), description="Names of 0 and 1.")


class CompoundClass:
    """One yes or no of a compound, with calibrated probability, prediction set and abstention."""

    Config: ClassVar[type[Config]] = CompoundClassConfig

    def __init__(self, config: CompoundClassConfig) -> None:
        self._config = config
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

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Standardise every compound and make its features.

        Raises
        ------
        ReadError
            If a structure cannot be used.
        """
        return prepare_compounds(batch, self._config, (self._config.column,))

    def sift(self, batch: RecordBatch) -> tuple[RecordBatch | None, Mapping[int, str]]:
        """Prepare what can be used, and name the rows that cannot."""
        return sift_compounds(batch, self._config, (self._config.column,))

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
            raise ReadError(f"column '{self._config.column}': expected 0 or 1, got {odd} other values")
        return replace(items, target=measured.astype(np.int64))

    def cut_new(self, batch: RecordBatch) -> Items:
        """One item a compound, whether or not something was measured."""
        return compound_items(batch, self._config, None)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a compound."""
        target = None if items.target is None else {"label": items.target}
        return Outputs({"probability": arrays["probability"]}, items.record, None, target)

    def bits(self, items: Items) -> Array:
        """Return the fingerprint by which compounds are alike, (N, F) of 0 and 1."""
        return compound_bits(items, self._config)

    def identity(self, batch: RecordBatch) -> npt.NDArray[np.str_]:
        """Return the canonical structure of each compound."""
        return compound_identity(batch)

    def explain(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[dict[str, Any]]:
        """Return which atoms carry the score, structural alerts, and what standardisation changed."""
        return explain_compounds(batch, run, self._config, output="probability", labels=self.spec.labels[1:])

    def write(
        self, batch: RecordBatch, outputs: Outputs, out: Path, *, context: WriteContext
    ) -> list[tuple[Path, ...]]:
        """Draw each compound with the atoms that carry its score.

        Raises
        ------
        UsageError
            If it was not asked what carried the answers.
        """
        return write_drawings(
            batch, outputs.array("probability")[:, 1:], out, labels=self.spec.labels[1:], context=context
        )
