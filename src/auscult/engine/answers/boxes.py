"""Answer kind ``boxes``: rectangles with a class and a score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Ragged
from auscult.base.contracts import KindName, Outputs, TaskSpec
from auscult.engine.answers.base import AnswerKind, all_rows, close, listed, number, record_of
from auscult.engine.metrics.boxes import Boxes, map50, map50_95


class BoxesKind(AnswerKind):
    """One answer a record: ``box`` ragged (n, 4) as x0, y0, x1, y1 in pixels, ``label`` and ``score`` ragged."""

    name: ClassVar[KindName] = "boxes"
    output: ClassVar[str] = "box"
    why_not_calibrated: ClassVar[str] = "scores order the boxes of an image; average precision uses the order alone"

    def table(self, spec: TaskSpec) -> Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]]:
        """Return average precision."""
        classes = {"n_classes": len(spec.labels)}
        return {"map50": (map50, classes), "map50_95": (map50_95, classes)}

    def judged(self, spec: TaskSpec, outputs: Outputs, metric: str) -> tuple[Any, Any, npt.NDArray[np.int64]]:
        """Return reference and found boxes of each image."""
        truth = _boxes(outputs.ragged_truth("box"), outputs.ragged_truth("label"), None)
        return truth, _boxes(outputs.ragged("box"), outputs.ragged("label"), outputs.ragged("score")), all_rows(outputs)

    def present(self, spec: TaskSpec, outputs: Outputs, row: int) -> dict[str, Any]:
        """Boxes in pixels."""
        return {
            "box": [[round(float(v), 1) for v in box] for box in outputs.ragged("box")[row]],
            "label": [spec.labels[int(k)] for k in outputs.ragged("label")[row]],
            "score": [round(float(s), 4) for s in outputs.ragged("score")[row]],
        }

    def schema(self, spec: TaskSpec) -> dict[str, Any]:
        """Three lists of the same length."""
        return record_of(
            box=listed(listed(number())), label=listed({"enum": list(spec.labels)}), score=listed(number())
        )

    def difference(self, spec: TaskSpec, first: Outputs, second: Outputs) -> str:
        """Same classes, corners within 0.5 pixels, scores within 1e-4."""
        if not np.array_equal(first.ragged("label").offsets, second.ragged("label").offsets):
            return "boxes: the number of boxes of an image differs"
        if not np.array_equal(first.ragged("label").values, second.ragged("label").values):
            return "boxes: the classes differ"
        corners = close("box", first.ragged("box").values, second.ragged("box").values, 0.5)
        return corners or close("score", first.ragged("score").values, second.ragged("score").values, 1e-4)


def _boxes(boxes: Ragged, labels: Ragged, scores: Ragged | None) -> list[Boxes]:
    return [
        Boxes(
            np.asarray(boxes[row], dtype=np.float64),
            np.asarray(labels[row], dtype=np.int64),
            np.ones(len(labels[row])) if scores is None else np.asarray(scores[row], dtype=np.float64),
        )
        for row in range(len(boxes))
    ]
