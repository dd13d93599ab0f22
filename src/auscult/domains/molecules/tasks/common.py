"""What every task about compounds does alike, whatever was measured of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array
from auscult.base.contracts import Items, Outputs, RecordBatch, Run, TaskSpec, WriteContext
from auscult.domains.molecules.preprocess.compounds import (
    CompoundConfig,
    compound_bits,
    compound_identity,
    prepare_compounds,
    sift_compounds,
)
from auscult.domains.molecules.preprocess.explain import explain_compounds, write_drawings


class CompoundTask:
    """Features, answers, likeness and drawings of compounds; a task adds its spec and how it cuts.

    ``output`` names what the program gives (N, K), ``truth`` what it is judged by. The scores that are explained are
    those of the labels from ``first`` on: of two classes only the second has one of its own.
    """

    output: ClassVar[str] = "probability"
    truth: ClassVar[str] = "label"
    first: ClassVar[int] = 0
    spec: TaskSpec

    def __init__(self, config: CompoundConfig, columns: tuple[str, ...]) -> None:
        self._config = config
        self._columns = columns

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Standardise every compound and make its features.

        Raises
        ------
        ReadError
            If a structure cannot be used, or the columns of what was measured are only there in part.
        """
        return prepare_compounds(batch, self._config, self._columns)

    def sift(self, batch: RecordBatch) -> tuple[RecordBatch | None, Mapping[int, str]]:
        """Prepare what can be used, and name the rows that cannot."""
        return sift_compounds(batch, self._config, self._columns)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a compound."""
        target = None if items.target is None else {self.truth: items.target}
        return Outputs({self.output: arrays[self.output]}, items.record, None, target)

    def bits(self, items: Items) -> Array:
        """Return the fingerprint by which compounds are alike, (N, F) of 0 and 1."""
        return compound_bits(items, self._config)

    def identity(self, batch: RecordBatch) -> npt.NDArray[np.str_]:
        """Return the canonical structure of each compound."""
        return compound_identity(batch)

    def explain(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[dict[str, Any]]:
        """Return which atoms carry the score, structural alerts, and what standardisation changed."""
        return explain_compounds(batch, run, self._config, output=self.output, labels=self.spec.labels[self.first :])

    def write(
        self, batch: RecordBatch, outputs: Outputs, out: Path, *, context: WriteContext
    ) -> list[tuple[Path, ...]]:
        """Draw each compound with the atoms that carry its score.

        Raises
        ------
        UsageError
            If it was not asked what carried the answers.
        """
        scores = outputs.array(self.output)[:, self.first :]
        return write_drawings(batch, scores, out, labels=self.spec.labels[self.first :], context=context)
