"""Task ``r-peaks``: one ECG lead → the positions of its R peaks.

Items are candidate peaks with features; a model scores them; of two within the refractory time the better one stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array, Ragged
from auscult.base.contracts import Config, Items, Outputs, RecordBatch, TaskSpec
from auscult.domains.signals.fault_names import ECG_FAULTS
from auscult.domains.signals.preprocess.leads import prepare_ecg
from auscult.domains.signals.preprocess.qrs import pick_events
from auscult.domains.signals.preprocess.qrs_features import qrs_candidates

TOLERANCE_S = 0.15
"""A detection within 150 ms of an annotation is right (ANSI/AAMI EC57:2012, 4.3)."""
NEAR_S = 0.1
"""Candidates this near a beat but not the nearest are neither beat nor noise in training."""
LOWEST = 0.02


class RPeaksConfig(Config):
    """Settings of the task."""

    lead: Literal["first", "preferred"] = Setting(
        "preferred", description="The first channel of the record, or the best of the known leads."
    )
    rate_hz: float = Setting(360.0, ge=100, le=2000, description="Rate to which every record is resampled.")


class RPeaks:
    """R peaks of one ECG lead."""

    Config: ClassVar[type[Config]] = RPeaksConfig

    def __init__(self, config: RPeaksConfig) -> None:
        self._config = config
        self.spec = TaskSpec(
            name="r-peaks",
            kind="events",
            summary="positions of the R peaks of an ECG lead",
            labels=("R",),
            primary="event_f1",
            metrics=("sensitivity", "ppv", "event_f1"),
            floor="accepted-peaks",
            example="ecg",
            position_rate_hz=config.rate_hz,
            parameters={"tolerance_s": TOLERANCE_S},
            faults=ECG_FAULTS,
            tags=("ECG", "QRS", "heart rate", "MIT-BIH"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Choose the lead, resample, keep the beat positions where there are some (``prepare_ecg``)."""
        leads = None if self._config.lead == "first" else 1
        return prepare_ecg(batch, rate_hz=self._config.rate_hz, leads=leads, annotations=("beat_position",))

    def cut(self, batch: RecordBatch) -> Items:
        """Cut records into candidates: ``features`` (N, F); the target is 1 for the candidate that is a beat."""
        annotated = batch.has("beat_position")
        parts = []
        for row, signal in enumerate(batch.ragged("ecg")):
            positions, features = qrs_candidates(np.asarray(signal[:, 0], dtype=np.float64), self._config.rate_hz)
            target = np.full((len(positions), 1), -1, dtype=np.int64)
            if annotated:
                target[:, 0] = self._beats(positions, batch.ragged("beat_position")[row])
            parts.append((features, np.full(len(positions), row, dtype=np.int64), positions, target))
        features, record, position, target = (np.concatenate(p) for p in zip(*parts, strict=True))
        return Items({"features": features}, record, position, target if annotated else None)

    def _beats(self, positions: Array, reference: Array) -> Array:
        """1 for the candidate nearest to each beat, -1 for its near neighbours, else 0."""
        target = np.zeros(len(positions), dtype=np.int64)
        if not len(positions) or not len(reference):
            return target
        at = np.searchsorted(positions, reference)
        left, right = np.maximum(at - 1, 0), np.minimum(at, len(positions) - 1)
        nearer = np.abs(positions[left] - reference) <= np.abs(positions[right] - reference)
        nearest = np.where(nearer, left, right)
        found = np.abs(positions[nearest] - reference) <= TOLERANCE_S * self._config.rate_hz
        to_beat = np.abs(positions - reference[np.minimum(np.searchsorted(reference, positions), len(reference) - 1)])
        before = np.abs(positions - reference[np.maximum(np.searchsorted(reference, positions) - 1, 0)])
        target[np.minimum(to_beat, before) <= NEAR_S * self._config.rate_hz] = -1
        target[nearest[found]] = 1
        return target

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a record: the best candidates of which no two lie within the refractory time."""
        score = arrays["score"][:, 0].astype(np.float64)
        positions, scores = [], []
        for row in range(len(batch)):
            mine = np.flatnonzero(items.record == row)
            kept = mine[pick_events(items.position[mine], score[mine], rate_hz=self._config.rate_hz, threshold=LOWEST)]
            positions.append(items.position[kept])
            scores.append(score[kept])
        position, value = Ragged.of(positions), Ragged.of(scores)
        label = Ragged(np.zeros(len(position.values), dtype=np.int64), position.offsets)
        target = None
        if batch.has("beat_position"):
            reference = [np.unique(p) for p in batch.ragged("beat_position")]
            target = {"position": Ragged.of(reference)}
        arrays_out = {"position": position, "label": label, "score": value}
        return Outputs(arrays_out, np.arange(len(batch)), None, target)
