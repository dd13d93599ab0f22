"""Task ``glucose-forecast``: the last hour of a glucose sensor and the time of day → the next hour.

A person's readings are cut at long gaps into segments on a regular grid; each segment is a record. In training every
stretch of a segment is an item; a new record is answered once a segment, for the hour after its last reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field as Setting

from auscult.base.arrays import Array, Ragged
from auscult.base.contracts import Config, Field, Items, Outputs, RecordBatch, TaskSpec
from auscult.base.errors import InputError, ReadError
from auscult.domains.signals.preprocess.cgm import cgm_segments, forecast_windows, hypo_alarms, time_in_range

DAY_S = 86_400.0
MIN_SHOWN = 24
"""Windows that a test stretch needs to say something about alarms: two hours at 5 min."""


class GlucoseForecastConfig(Config):
    """Settings of the task."""

    interval_min: float = Setting(5.0, gt=0, le=30, description="Step of the grid, in minutes.")
    n_input: int = Setting(12, ge=2, description="Readings that the model sees.")
    n_horizon: int = Setting(12, ge=1, description="Readings that are forecast.")
    gap_min: float = Setting(45.0, gt=0, description="A longer step between readings begins a new segment, in minutes.")
    min_points: int = Setting(24, ge=2, description="Segments with fewer readings are left out.")


class GlucoseForecast:
    """Glucose one horizon ahead."""

    Config: ClassVar[type[Config]] = GlucoseForecastConfig

    def __init__(self, config: GlucoseForecastConfig) -> None:
        self._config = config
        minutes = [round(config.interval_min * (k + 1)) for k in range(config.n_horizon)]
        self.spec = TaskSpec(
            name="glucose-forecast",
            kind="value",
            summary=f"glucose for the next {minutes[-1]} minutes from the last readings of a sensor",
            labels=tuple(f"in_{m}_min" for m in minutes),
            primary="median_rmse",
            metrics=("median_rmse", "median_mae", "rmse", "mae", "coverage", "interval_width"),
            floor="persistence",
            example="cgm",
            unit="mg/dL",
            position_rate_hz=1 / (60 * config.interval_min),
            tags=("CGM", "glucose", "diabetes", "forecast", "hypoglycaemia"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Cut persons into regular segments; each becomes a record, named ``<person>#<number>``.

        Raises
        ------
        ReadError
            If there are no glucose readings, or no stretch of them is long enough.
        """
        made, told = self.sift(batch)
        if made is None:
            raise ReadError(next(iter(told.values())))
        return made

    def sift(self, batch: RecordBatch) -> tuple[RecordBatch | None, Mapping[int, str]]:
        """Cut persons into segments, and say who has none that is long enough."""
        if not batch.has("glucose"):
            raise ReadError(f"expected glucose readings, got {', '.join(batch.columns) or 'nothing'}")
        c = self._config
        told: dict[int, str] = {}
        rows: list[int] = []
        names: list[str] = []
        starts: list[float] = []
        values: list[npt.NDArray[np.float32]] = []
        start_of_day = batch.dense("start_of_day")
        for row in range(len(batch)):
            time_s = batch.ragged("time")[row] + start_of_day[row]
            try:
                segments = cgm_segments(
                    time_s, batch.ragged("glucose")[row], interval_s=60 * c.interval_min,
                    gap_threshold_s=60 * c.gap_min, min_points=c.min_points,
                )  # fmt: skip
            except InputError as error:
                told[row] = str(error)
                continue
            if not segments:
                told[row] = (
                    f"glucose: expected {c.min_points} readings without a gap above {c.gap_min:g} min, "
                    "got no such stretch"
                )
            for number, (begin_s, glucose) in enumerate(segments):
                rows.append(row)
                names.append(f"{batch.record[row]}#{number}")
                starts.append(begin_s % DAY_S)
                values.append(glucose.astype(np.float32))
        if not rows:
            return None, told
        taken = np.array(rows)
        rate = 1 / (60 * c.interval_min)
        fields: dict[Field, Any] = {
            Field("glucose", "array", "T", unit="mg/dL", rate_hz=rate, ragged=True): Ragged.of(values),
            Field("start_of_day", "scalar", unit="s"): np.array(starts),
        }
        made = RecordBatch(
            tuple(fields),
            {f.name: v for f, v in fields.items()},
            np.array(names),
            None if batch.subject is None else batch.subject[taken],
            {k: v[taken] for k, v in batch.groups.items()},
        )
        return made, told

    def cut(self, batch: RecordBatch) -> Items:
        """Cut segments into ``history`` (N, n_input), mg/dL, and ``day`` (N, 1), the time of the first target."""
        c = self._config
        parts = []
        for row, values in enumerate(batch.ragged("glucose")):
            history, target, position = forecast_windows(values, n_input=c.n_input, n_horizon=c.n_horizon, stride=1)
            parts.append((history, self._day(batch, row, position), np.full(len(position), row), position, target))
        history, day, record, position, target = (np.concatenate(p) for p in zip(*parts, strict=True))
        inputs = {"history": history.astype(np.float32), "day": day}
        return Items(inputs, record.astype(np.int64), position, target.astype(np.float64))

    def cut_new(self, batch: RecordBatch) -> Items:
        """Cut from each segment the stretch that ends with its last reading."""
        n = self._config.n_input
        rows = [row for row, values in enumerate(batch.ragged("glucose")) if len(values) >= n]
        history = [batch.ragged("glucose")[row][-n:] for row in rows]
        position = np.array([len(batch.ragged("glucose")[row]) for row in rows], dtype=np.int64)
        day = [self._day(batch, row, position[k : k + 1]) for k, row in enumerate(rows)]
        inputs = {"history": np.stack(history).astype(np.float32), "day": np.concatenate(day)}
        return Items(inputs, np.array(rows, dtype=np.int64), position)

    def _day(self, batch: RecordBatch, row: int, position: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        second = batch.dense("start_of_day")[row] + 60 * self._config.interval_min * position
        day: npt.NDArray[np.float32] = ((second % DAY_S) / DAY_S).astype(np.float32)
        return day[:, None]

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a stretch."""
        target = None if items.target is None else {"value": items.target}
        return Outputs({"value": arrays["value"]}, items.record, items.position, target)

    def summary(self, outputs: Outputs) -> Mapping[str, float]:
        """Time below, in and above range in the test, and what an alarm for low glucose would have been worth."""
        truth = np.asarray(outputs.truth("value"))
        below, inside, above = time_in_range(truth[:, 0])
        figures = {"time_below_range": below, "time_in_range": inside, "time_above_range": above}
        alarms = []
        for record in np.unique(outputs.record):
            rows = np.flatnonzero(outputs.record == record)
            if len(rows) < MIN_SHOWN or outputs.position is None:
                continue
            glucose = np.concatenate([truth[rows, 0], truth[rows[-1], 1:]])
            forecasts = outputs.array("value")[rows[1:]]
            where = outputs.position[rows[1:]] - outputs.position[rows[0]]
            alarms.append(
                (hypo_alarms(glucose, forecasts, where, interval_s=60 * self._config.interval_min), len(where))
            )
        events = sum(len(a.onsets) for a, _ in alarms)
        lead = np.concatenate([a.lead_min for a, _ in alarms]) if alarms else np.zeros(0)
        days = sum(n for _, n in alarms) * 60 * self._config.interval_min / DAY_S
        false = sum(int(a.false_alarm.sum()) for a, _ in alarms)
        caught = np.isfinite(lead)
        return {
            **figures,
            "low_glucose_events": float(events),
            "alarm_detected_share": float(caught.mean()) if events else float("nan"),
            "alarm_median_lead_min": float(np.median(lead[caught])) if caught.any() else float("nan"),
            "false_alarms_per_day": false / days if days else float("nan"),
        }
