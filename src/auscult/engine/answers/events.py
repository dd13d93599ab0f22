"""Answer kind ``events``: positions in a record, each with a label and a score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Ragged
from auscult.base.contracts import KindName, Outputs, TaskSpec
from auscult.base.recipe import CalibrateTable
from auscult.engine.answers.base import AnswerKind, Calibration, all_rows, close, listed, number, record_of
from auscult.engine.metrics.events import event_counts, event_f1, event_ppv, event_sensitivity

THRESHOLDS = np.linspace(0.05, 0.95, 37)


class EventsKind(AnswerKind):
    """One answer a record: ``position`` (in samples, ascending), ``label`` and ``score``, all ragged.

    A task gives every candidate; the threshold that is chosen on validation decides which are events. Judged one to
    one within ``tolerance_s``.
    """

    name: ClassVar[KindName] = "events"
    output: ClassVar[str] = "score"
    activation: ClassVar[str] = "sigmoid"
    loss: ClassVar[str] = "auscult.engine.losses:masked_binary"
    figures: ClassVar[str] = "auscult.engine.release.figures:event_figures"

    def table(self, spec: TaskSpec) -> Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]]:
        """Return the metrics of events."""
        tolerance = {"tolerance": spec.parameters["tolerance_s"] * (spec.position_rate_hz or 1.0)}
        return {
            "sensitivity": (event_sensitivity, tolerance),
            "ppv": (event_ppv, tolerance),
            "event_f1": (event_f1, tolerance),
        }

    def judged(self, spec: TaskSpec, outputs: Outputs, metric: str) -> tuple[Any, Any, npt.NDArray[np.int64]]:
        """Return reference and detected positions of each record."""
        return list(outputs.truth("position")), list(outputs.ragged("position")), all_rows(outputs)

    def calibrate(self, spec: TaskSpec, valid: Outputs, table: CalibrateTable) -> Calibration:
        """Choose the threshold with the best F1 on validation; the middle of the best stretch."""
        tolerance = self.table(spec)["event_f1"][1]["tolerance"]
        scores = []
        for threshold in THRESHOLDS:
            kept = _at_least(valid, float(threshold))
            found, false, missed = event_counts(
                list(valid.truth("position")), list(kept.ragged("position")), tolerance=tolerance
            ).sum(axis=0)
            scores.append(2 * found / max(2 * found + false + missed, 1))
        best = np.flatnonzero(np.asarray(scores) >= max(scores) - 1e-12)
        return {"method": "threshold", "rule": "f1", "threshold": float(THRESHOLDS[best[len(best) // 2]])}

    def apply(self, spec: TaskSpec, outputs: Outputs, calibration: Calibration) -> Outputs:
        """Keep the events at or above the threshold."""
        return _at_least(outputs, calibration["threshold"]) if "threshold" in calibration else outputs

    def present(self, spec: TaskSpec, outputs: Outputs, row: int) -> dict[str, Any]:
        """Positions in seconds, labels and scores."""
        rate = spec.position_rate_hz or 1.0
        return {
            "position_s": [round(float(p) / rate, 4) for p in outputs.ragged("position")[row]],
            "label": [spec.labels[int(k)] for k in outputs.ragged("label")[row]],
            "score": [round(float(s), 4) for s in outputs.ragged("score")[row]],
        }

    def schema(self, spec: TaskSpec) -> dict[str, Any]:
        """Three lists of the same length."""
        return record_of(position_s=listed(number()), label=listed({"enum": list(spec.labels)}), score=listed(number()))

    def difference(self, spec: TaskSpec, first: Outputs, second: Outputs) -> str:
        """Same positions and labels, scores within 1e-4."""
        for name in ("position", "label"):
            if not np.array_equal(first.ragged(name).offsets, second.ragged(name).offsets):
                return f"events: expected {len(first.ragged(name).values)}, got {len(second.ragged(name).values)}"
            if not np.array_equal(first.ragged(name).values, second.ragged(name).values):
                return f"events: the values of '{name}' differ"
        return close("score", first.ragged("score").values, second.ragged("score").values, 1e-4)


def _at_least(outputs: Outputs, threshold: float) -> Outputs:
    score = outputs.ragged("score")
    keep = score.values >= threshold
    counts = np.concatenate([[0], np.cumsum(keep)])[score.offsets]
    arrays = {
        name: Ragged(column.values[keep], counts) if isinstance(column, Ragged) else column
        for name, column in outputs.arrays.items()
    }
    return Outputs(arrays, outputs.record, outputs.position, outputs.target)
