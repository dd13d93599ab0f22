"""Task ``compound-value``: a molecule → a number, such as a solubility, with an interval."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from pydantic import Field as Setting

from auscult.base.contracts import Config, Items, RecordBatch, TaskSpec
from auscult.domains.molecules.preprocess.compounds import CompoundConfig, compound_items, measured_items
from auscult.domains.molecules.tasks.common import CompoundTask


class CompoundValueConfig(CompoundConfig):
    """Settings of the task."""

    column: str = Setting("lipophilicity", min_length=1, description="Column with the measured number.")
    unit: str = Setting("1", min_length=1, description="Unit of the number as answers show it; 1 is none.")


class CompoundValue(CompoundTask):
    """One measured property of a compound."""

    Config: ClassVar[type[Config]] = CompoundValueConfig
    output: ClassVar[str] = "value"
    truth: ClassVar[str] = "value"

    def __init__(self, config: CompoundValueConfig) -> None:
        super().__init__(config, (config.column,))
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

    def cut(self, batch: RecordBatch) -> Items:
        """One item a compound that was measured; the target is (N, 1)."""
        items, measured = measured_items(batch, self._config)
        return items if measured is None else replace(items, target=measured[:, None])

    def cut_new(self, batch: RecordBatch) -> Items:
        """One item a compound, whether or not something was measured."""
        return compound_items(batch, self._config, None)
