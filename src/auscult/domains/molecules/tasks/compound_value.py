"""Task ``compound-value``: a molecule → a number, such as a solubility, with an interval."""

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


class CompoundValueConfig(CompoundConfig):
    """Settings of the task."""

    column: str = Setting("lipophilicity", min_length=1, description="Column with the measured number.")
    unit: str = Setting("1", min_length=1, description="Unit of the number as answers show it; 1 is none.")


class CompoundValue:
    """One measured property of a compound."""

    Config: ClassVar[type[Config]] = CompoundValueConfig

    def __init__(self, config: CompoundValueConfig) -> None:
        self._config = config
        self.spec = TaskSpec(
            name="compound-value",
            kind="value",
            summary="a measured property of a compound, such as its solubility, with an interval",
            labels=(config.column,),
            primary="mae",
            metrics=("mae", "rmse", "coverage", "interval_width"),
            floor="fingerprint-forest",
            example="properties",
            unit=config.unit,
            resample="record",
            tags=("ADMET", "QSPR", "solubility", "lipophilicity", "LD50", "compound", "SMILES"),
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
        """One item a compound that was measured; the target is (N, 1)."""
        items, measured = measured_items(batch, self._config)
        return items if measured is None else replace(items, target=measured[:, None])

    def cut_new(self, batch: RecordBatch) -> Items:
        """One item a compound, whether or not something was measured."""
        return compound_items(batch, self._config, None)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a compound."""
        target = None if items.target is None else {"value": items.target}
        return Outputs({"value": arrays["value"]}, items.record, None, target)

    def bits(self, items: Items) -> Array:
        """Return the fingerprint by which compounds are alike, (N, F) of 0 and 1."""
        return compound_bits(items, self._config)

    def identity(self, batch: RecordBatch) -> npt.NDArray[np.str_]:
        """Return the canonical structure of each compound."""
        return compound_identity(batch)

    def explain(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[dict[str, Any]]:
        """Return which atoms carry the score, structural alerts, and what standardisation changed."""
        return explain_compounds(batch, run, self._config, output="value", labels=self.spec.labels)

    def write(
        self, batch: RecordBatch, outputs: Outputs, out: Path, *, context: WriteContext
    ) -> list[tuple[Path, ...]]:
        """Draw each compound with the atoms that carry its score.

        Raises
        ------
        UsageError
            If it was not asked what carried the answers.
        """
        return write_drawings(batch, outputs.array("value"), out, labels=self.spec.labels, context=context)
