"""Task ``blood-pressure``: a fingertip photoplethysmogram with age, body mass index and heart rate → SBP and DBP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Config, Field, Items, Outputs, RecordBatch, TaskSpec
from auscult.base.errors import ReadError, UnitError
from auscult.domains.signals.preprocess.ppg import PPG_FEATURE_NAMES, PPG_SHAPE_NAMES, ppg_features
from auscult.domains.signals.preprocess.pressure import bhs_percentages, iso_81060_arithmetic

PERSON = ("age", "bmi", "heart_rate")
PRESSURES = ("sbp", "dbp")
SHAPE = [PPG_FEATURE_NAMES.index(name) for name in PPG_SHAPE_NAMES]


class BloodPressureConfig(Config):
    """No settings."""


class BloodPressure:
    """Systolic and diastolic pressure of a person from a few short pulse recordings."""

    Config: ClassVar[type[Config]] = BloodPressureConfig

    def __init__(self, config: BloodPressureConfig) -> None:
        self.spec = TaskSpec(
            name="blood-pressure",
            kind="value",
            summary="systolic and diastolic pressure from the shape of the pulse, age, BMI and heart rate",
            labels=PRESSURES,
            primary="mae_sbp",
            metrics=("mae_sbp", "mae_dbp", "coverage", "interval_width"),
            floor="ridge-person",
            example="ppg-bp",
            unit="mmHg",
            tags=("PPG", "blood pressure", "cuffless"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Check that the pulse has a rate and that age, BMI and heart rate are there.

        Raises
        ------
        ReadError
            If there is no photoplethysmogram, or something about the person is missing.
        UnitError
            If the rate is absent.
        """
        if not batch.has("ppg"):
            raise ReadError(f"expected a photoplethysmogram, got {', '.join(batch.columns) or 'nothing'}")
        if batch.field("ppg").rate_hz is None:
            raise UnitError("ppg: expected a sampling rate, got none")
        for name in PERSON:
            if not batch.has(name) or np.isnan(batch.dense(name)).any():
                raise ReadError(
                    f"{name}: expected a value beside the pulse, got none; give the sheet with the recordings"
                )
        drop = [f.name for f in batch.fields if f.name not in ("ppg", *PERSON, *PRESSURES)]
        known = [n for n in PRESSURES if batch.has(n)]
        if known and any(np.isnan(batch.dense(n)).any() for n in known):
            drop += known
        scalars: dict[Field, Any] = {
            replace(batch.field(n), missing=False): batch.dense(n).astype(np.float64)
            for n in (*PERSON, *(k for k in known if k not in drop))
        }
        return batch.with_columns(scalars, drop=drop)

    def cut(self, batch: RecordBatch) -> Items:
        """Cut persons into segments with a beat: ``shape`` (N, 56) of the pulse and ``person`` (N, 3)."""
        rate = batch.field("ppg").rate_hz or 0.0
        person = np.stack([batch.dense(n) for n in PERSON], axis=1).astype(np.float32)
        shapes, record, position = [], [], []
        for row, segments in enumerate(batch.ragged("ppg")):
            features = ppg_features(np.asarray(segments, dtype=np.float64), rate)
            beating = np.flatnonzero(features[:, PPG_FEATURE_NAMES.index("n_beats")] > 0)
            shapes.append(features[beating][:, SHAPE])
            record.append(np.full(len(beating), row, dtype=np.int64))
            position.append(beating)
        rows = np.concatenate(record)
        target = None
        if all(batch.has(n) for n in PRESSURES):
            target = np.stack([batch.dense(n) for n in PRESSURES], axis=1)[rows]
        return Items({"shape": np.concatenate(shapes), "person": person[rows]}, rows, np.concatenate(position), target)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a person: the mean over the segments."""
        records, index = np.unique(items.record, return_inverse=True)
        count = np.bincount(index)[:, None]

        def mean(values: Array) -> Array:
            columns = [np.bincount(index, values[:, h]) for h in range(values.shape[1])]
            return np.asarray(np.stack(columns, axis=1) / count)

        target = None if items.target is None else {"value": mean(items.target)}
        return Outputs({"value": mean(arrays["value"].astype(np.float64))}, records, None, target)

    def summary(self, outputs: Outputs) -> Mapping[str, float]:
        """Return the arithmetic of the BHS and ISO 81060-2 figures; arithmetic alone is no validation of a device."""
        error = outputs.array("value") - np.asarray(outputs.truth("value"))
        figures: dict[str, float] = {}
        for column, name in enumerate(PRESSURES):
            for source in (bhs_percentages(error[:, column]), iso_81060_arithmetic(error[:, column], outputs.record)):
                numbers = {
                    k: v for k, v in vars(source).items() if isinstance(v, (int, float)) and not isinstance(v, bool)
                }
                figures |= {f"{name}_{key}": float(value) for key, value in numbers.items()}
        return figures
