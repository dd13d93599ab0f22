"""Answer kind ``value``: numbers with a unit; a forecast is one number a step ahead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from auscult.base.contracts import KindName, Outputs, TaskSpec
from auscult.base.recipe import CalibrateTable
from auscult.engine.answers.base import AnswerKind, Calibration, all_rows, close, number, record_of
from auscult.engine.calibration.conformal import fit_conformal_intervals
from auscult.engine.calibration.table import read_calibrator
from auscult.engine.metrics import regression

SAME_SHARE = 1e-4


class ValueKind(AnswerKind):
    """One answer an item or a record: ``value`` (M, H); calibration adds ``interval`` (M, H, 2), low and high.

    The truth is ``value`` (M, H). Values carry no probability, so the interval is what is calibrated (split
    conformal); a model does not abstain from a value, the gate refuses the record instead.
    """

    name: ClassVar[KindName] = "value"
    output: ClassVar[str] = "value"
    loss: ClassVar[str] = "auscult.engine.losses:huber"
    figures: ClassVar[str] = "auscult.engine.release.figures:value_figures"

    def table(self, spec: TaskSpec) -> Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]]:
        """Return errors over all columns and of each column by its name, and what the intervals hold."""
        table: dict[str, tuple[Callable[..., Any], Mapping[str, Any]]] = {
            "mae": (regression.mae, {}),
            "rmse": (regression.rmse, {}),
            "median_rmse": (regression.median_rmse, {}),
            "median_mae": (regression.median_mae, {}),
            "coverage": (regression.coverage, {}),
            "interval_width": (regression.interval_width, {}),
        }
        each = {f"mae_{name}": (regression.mae, {"column": k}) for k, name in enumerate(spec.labels)}
        return {**table, **each}

    def judged(self, spec: TaskSpec, outputs: Outputs, metric: str) -> tuple[Any, Any, npt.NDArray[np.int64]]:
        """Return true and found values, or intervals."""
        output = "interval" if metric in ("coverage", "interval_width") else "value"
        return np.asarray(outputs.truth("value")), outputs.array(output), all_rows(outputs)

    def calibrate(self, spec: TaskSpec, valid: Outputs, table: CalibrateTable) -> Calibration:
        """Fit an interval for each column."""
        fitted = fit_conformal_intervals(
            np.asarray(valid.truth("value")), valid.array("value"), coverage=table.coverage
        )
        return {"interval": fitted.to_dict()}

    def apply(self, spec: TaskSpec, outputs: Outputs, calibration: Calibration) -> Outputs:
        """Add intervals."""
        value = outputs.array("value").astype(np.float64)
        interval = read_calibrator(calibration["interval"]).apply(value)
        return Outputs(
            {**outputs.arrays, "value": value, "interval": interval}, outputs.record, outputs.position, outputs.target
        )

    def present(self, spec: TaskSpec, outputs: Outputs, row: int) -> dict[str, Any]:
        """Values and intervals by name, with the unit."""
        value, interval = outputs.array("value")[row], outputs.array("interval")[row]
        return {
            "unit": spec.unit,
            "value": {name: round(float(v), 2) for name, v in zip(spec.labels, value, strict=True)},
            "interval": {
                name: [round(float(a), 2), round(float(b), 2)]
                for name, (a, b) in zip(spec.labels, interval, strict=True)
            },
        }

    def columns(self, spec: TaskSpec, outputs: Outputs) -> dict[str, npt.NDArray[Any]]:
        """Return each value with the ends of its interval."""
        value, interval = np.round(outputs.array("value"), 4), np.round(outputs.array("interval"), 4)
        columns = {name: value[:, k] for k, name in enumerate(spec.labels)}
        for k, name in enumerate(spec.labels):
            columns |= {f"{name}_low": interval[:, k, 0], f"{name}_high": interval[:, k, 1]}
        return columns

    def schema(self, spec: TaskSpec) -> dict[str, Any]:
        """One number and one pair a column."""
        pair = {"type": "array", "items": number(), "minItems": 2, "maxItems": 2}
        return record_of(
            unit={"const": spec.unit},
            value=record_of(**{name: number() for name in spec.labels}),
            interval=record_of(**dict.fromkeys(spec.labels, pair)),
        )

    def difference(self, spec: TaskSpec, first: Outputs, second: Outputs) -> str:
        """Values within 1e-4 of the largest."""
        scale = max(1.0, float(np.abs(first.array("value")).max(initial=0.0)))
        return close("value", first.array("value"), second.array("value"), SAME_SHARE * scale)
