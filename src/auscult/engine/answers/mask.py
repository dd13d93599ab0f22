"""Answer kind ``mask``: a label for every pixel or voxel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Ragged
from auscult.base.contracts import KindName, Outputs, TaskSpec
from auscult.engine.answers.base import AnswerKind, all_rows, number, record_of
from auscult.engine.metrics.masks import dice

SAME_SHARE = 1e-3


class MaskKind(AnswerKind):
    """One answer a record: ``mask`` ragged uint8 in the geometry of the input; 0 is background.

    ``labels`` of the task name 1, 2, … in order; a network gives one channel more, for background.
    """

    name: ClassVar[KindName] = "mask"
    output: ClassVar[str] = "probability"
    activation: ClassVar[str] = "softmax"
    loss: ClassVar[str] = "auscult.engine.losses:dice_cross_entropy"
    why_not_calibrated: ClassVar[str] = (
        "the mask is the most probable label of each voxel; volumes carry no probability"
    )

    def n_outputs(self, spec: TaskSpec) -> int:
        """Background and each label."""
        return 1 + len(spec.labels)

    def table(self, spec: TaskSpec) -> Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]]:
        """Return Dice over all labels, and of each label by its name."""
        each = {f"dice_{name}": (dice, {"labels": (k + 1,)}) for k, name in enumerate(spec.labels)}
        return {"dice": (dice, {"labels": tuple(range(1, len(spec.labels) + 1))}), **each}

    def judged(self, spec: TaskSpec, outputs: Outputs, metric: str) -> tuple[Any, Any, npt.NDArray[np.int64]]:
        """Return reference and found masks of each record."""
        return list(outputs.truth("mask")), list(outputs.ragged("mask")), all_rows(outputs)

    def present(self, spec: TaskSpec, outputs: Outputs, row: int) -> dict[str, Any]:
        """Voxels of each label; the mask itself is written as a file."""
        counts = np.bincount(outputs.ragged("mask")[row].ravel(), minlength=1 + len(spec.labels))
        return {name: int(counts[k + 1]) for k, name in enumerate(spec.labels)}

    def schema(self, spec: TaskSpec) -> dict[str, Any]:
        """One count a label."""
        return record_of(**{name: number() for name in spec.labels})

    def guess(self, spec: TaskSpec, outputs: Outputs, rng: np.random.Generator) -> Outputs:
        """Return each mask with its voxels in random order: the right shares in the wrong places."""
        found = outputs.ragged("mask")
        rows = [rng.permutation(row.ravel()).reshape(row.shape) for row in found]
        shapes = found.shapes
        mixed = Ragged.of(rows, ragged_axes=1 if shapes is None else shapes.shape[1])
        return Outputs({**outputs.arrays, "mask": mixed}, outputs.record, outputs.position, outputs.target)

    def difference(self, spec: TaskSpec, first: Outputs, second: Outputs) -> str:
        """At most 0.1 % of the voxels of each record differ."""
        for row in range(len(first)):
            a, b = first.ragged("mask")[row], second.ragged("mask")[row]
            if a.shape != b.shape:
                return f"mask: expected shape {a.shape}, got {b.shape}"
            share = float(np.mean(a != b))
            if share > SAME_SHARE:
                return f"mask: expected at most 0.1 % of voxels to differ, got {100 * share:.2f} %"
        return ""
