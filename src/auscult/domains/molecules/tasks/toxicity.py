"""Task ``toxicity``: a molecule → how probable each of several effects is; not every effect was measured for each.

The same task answers any set of yes-or-no endpoints of compounds: assays of toxicity, side effects, permeability.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field as Setting

from auscult.base.arrays import Array
from auscult.base.contracts import Config, Items, Outputs, RecordBatch, Run, TaskSpec, WriteContext
from auscult.base.errors import ReadError, RecipeError
from auscult.domains.molecules.preprocess.compounds import (
    CompoundConfig,
    compound_bits,
    compound_identity,
    compound_items,
    prepare_compounds,
    sift_compounds,
)
from auscult.domains.molecules.preprocess.explain import explain_compounds, write_drawings

SIMULATED = ("reactive", "narcotic", "receptor")


class ToxicityConfig(CompoundConfig):
    """Settings of the task."""

    targets: tuple[str, ...] = Setting(SIMULATED, min_length=1, description="Names of the effects.")
    columns: tuple[str, ...] = Setting((), description="Columns that hold them, in order; the names when empty.")


class Toxicity:
    """Effects of a compound, each with a probability of its own."""

    Config: ClassVar[type[Config]] = ToxicityConfig

    def __init__(self, config: ToxicityConfig) -> None:
        self._config = config
        self._columns = config.columns or config.targets
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

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Standardise every compound and make its features.

        Raises
        ------
        ReadError
            If a structure cannot be used, or the columns of the targets are only there in part.
        """
        return prepare_compounds(batch, self._config, self._columns)

    def sift(self, batch: RecordBatch) -> tuple[RecordBatch | None, Mapping[int, str]]:
        """Prepare what can be used, and name the rows that cannot."""
        return sift_compounds(batch, self._config, self._columns)

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
        return explain_compounds(batch, run, self._config, output="probability", labels=self.spec.labels)

    def write(
        self, batch: RecordBatch, outputs: Outputs, out: Path, *, context: WriteContext
    ) -> list[tuple[Path, ...]]:
        """Draw each compound with the atoms that carry its score.

        Raises
        ------
        UsageError
            If it was not asked what carried the answers.
        """
        return write_drawings(batch, outputs.array("probability"), out, labels=self.spec.labels, context=context)
