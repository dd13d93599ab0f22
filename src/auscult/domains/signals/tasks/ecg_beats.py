"""Task ``ecg-beats``: each heartbeat of an ECG → one of the AAMI classes N, S, V, F.

Items are beats. In training they lie at the annotated positions; where a record has no annotation (serving) the
detector finds them. The features of a beat compare it with the whole record, so an answer about a record is complete
when the record is; within a record one beat after the current one is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array
from auscult.base.contracts import Config, Items, Outputs, RecordBatch, Run, TaskSpec
from auscult.base.errors import ReadError
from auscult.domains.signals.fault_names import ECG_FAULTS
from auscult.domains.signals.preprocess.beat_features import beat_feature_names, features_of_windows
from auscult.domains.signals.preprocess.beat_rhythm import RHYTHM
from auscult.domains.signals.preprocess.beats import aligned_windows, condition_ecg, scale_windows
from auscult.domains.signals.preprocess.leads import prepare_ecg
from auscult.domains.signals.preprocess.qrs import detect_qrs
from auscult.engine.metrics.events import end_to_end_classes

AAMI = {
    **dict.fromkeys("NLRej", 0),
    **dict.fromkeys("AaJS", 1),
    **dict.fromkeys("VE", 2),
    **dict.fromkeys("F", 3),
}
"""MIT-BIH symbol to AAMI class N, S, V, F (ANSI/AAMI EC57:2012, table 2; de Chazal 2004, IEEE TBME 51:1196).
Paced and unclassifiable beats (class Q) are in no class here, as in the published four-class protocol."""
NOT_LEARNED = [ord("a")]
"""Aberrated atrial premature beats are wide: a model that learns them takes ventricular beats for supraventricular."""
LABELS = ("N", "S", "V", "F")
ANNOTATIONS = ("beat_position", "beat_symbol")
MATCH_S = 0.15
EXPLAINED_BEATS = 5
END_TO_END = ("accuracy", "macro_f1", "jk_index", "veb_f1", "sveb_f1")


class EcgBeatsConfig(Config):
    """Settings of the task."""

    leads: int = Setting(2, ge=1, le=3, description="How many leads are used; a record with fewer is refused.")
    rate_hz: float = Setting(360.0, ge=180, le=1000, description="Rate to which every record is resampled.")


class EcgBeats:
    """Beats of an ECG and their AAMI class."""

    Config: ClassVar[type[Config]] = EcgBeatsConfig

    def __init__(self, config: EcgBeatsConfig) -> None:
        self._config = config
        self.spec = TaskSpec(
            name="ecg-beats",
            kind="class",
            summary="class of each heartbeat (AAMI N, S, V, F) of an ECG",
            labels=LABELS,
            primary="macro_f1",
            metrics=("accuracy", "macro_f1", "jk_index", "veb_f1", "sveb_f1", "ece", "brier"),
            floor="rhythm-trees",
            example="ecg",
            position_rate_hz=config.rate_hz,
            faults=ECG_FAULTS,
            tags=("ECG", "arrhythmia", "MIT-BIH", "AAMI"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Choose the leads, resample, and keep the beat annotations where there are some (``prepare_ecg``)."""
        return prepare_ecg(batch, rate_hz=self._config.rate_hz, leads=self._config.leads, annotations=ANNOTATIONS)

    def cut(self, batch: RecordBatch) -> Items:
        """Cut records into beats.

        Inputs: ``window`` (N, C, 180) at 180 Hz, ``features`` (N, F), ``rhythm`` (N, R), the first R of them, and
        ``weight`` (N,), 0 for beats that are judged but not learned from.
        """
        annotated = batch.has("beat_position")
        parts = [self._beats(batch, row) for row in range(len(batch))]
        window, features, weight, record, position, target = (np.concatenate(p) for p in zip(*parts, strict=True))
        inputs = {"window": window, "features": features, "rhythm": features[:, : len(RHYTHM)], "weight": weight}
        return Items(inputs, record, position, target if annotated else None)

    def cut_new(self, batch: RecordBatch) -> Items:
        """Cut a new record at the beats that the detector finds, whether or not a person marked some."""
        return self.cut(batch.with_columns({}, drop=ANNOTATIONS))

    def _beats(self, batch: RecordBatch, row: int) -> tuple[Array, ...]:
        """Windows, features, weights, record, positions and classes of one record's beats."""
        rate = self._config.rate_hz
        raw = batch.ragged("ecg")[row]
        signal = condition_ecg(raw, rate)
        if batch.has("beat_position"):
            peaks, target = self._annotated(batch, row)
            keep = np.flatnonzero(target >= 0)
        else:
            peaks = detect_qrs(np.asarray(raw[:, 0], dtype=np.float64), rate)
            target, keep = np.full(len(peaks), -1, dtype=np.int64), np.arange(len(peaks))
        if len(peaks) == 0:
            raise ReadError("ecg: expected at least one heartbeat, found none; check electrodes and gain")
        weight = np.ones(len(peaks), dtype=np.float32)
        if batch.has("beat_symbol"):
            weight[np.isin(self._symbols(batch, row), NOT_LEARNED)] = 0.0
        windows_mv = aligned_windows(signal, peaks, rate)
        return (
            scale_windows(windows_mv)[keep],
            features_of_windows(windows_mv, peaks, rate)[keep],
            weight[keep],
            np.full(len(keep), row, dtype=np.int64),
            peaks[keep].astype(np.int64),
            target[keep],
        )

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a beat."""
        target = None if items.target is None else {"label": items.target}
        return Outputs({"probability": arrays["probability"]}, items.record, items.position, target)

    def further(
        self, batch: RecordBatch, predict: Callable[[RecordBatch], Outputs]
    ) -> Mapping[str, tuple[TaskSpec, Outputs]]:
        """Judge end to end: beats found by the detector; a missed beat and a false one are errors of class ``none``."""
        n_classes = len(LABELS)
        found = predict(batch.with_columns({}, drop=ANNOTATIONS))
        rows = [self._end_to_end(batch, found, row) for row in range(len(batch))]
        target, label = (np.concatenate(part) for part in zip(*rows, strict=True))
        record = np.concatenate([np.full(len(t), row) for row, (t, _) in enumerate(rows)])
        spec = replace(self.spec, labels=(*LABELS, "none"), metrics=END_TO_END)
        arrays = {"probability": np.eye(n_classes + 1)[label], "label": label}
        return {"end_to_end": (spec, Outputs(arrays, record, None, {"label": target}))}

    def _end_to_end(self, batch: RecordBatch, found: Outputs, row: int) -> tuple[Array, Array]:
        """True and decided classes of one record, with missed and false beats; class Q is left out."""
        mine = found.record == row
        reference, truth = self._annotated(batch, row)
        target, decided = end_to_end_classes(
            (reference, np.where(truth < 0, len(LABELS) + 1, truth)),
            (_positions(found)[mine], found.array("label")[mine]),
            tolerance=MATCH_S * self._config.rate_hz,
            n_classes=len(LABELS),
        )
        known = target <= len(LABELS)
        return target[known], decided[known]

    def _annotated(self, batch: RecordBatch, row: int) -> tuple[Array, Array]:
        """Rising positions and classes of a record's annotated beats; -1 is no class of the protocol."""
        positions = np.unique(batch.ragged("beat_position")[row])
        return positions, np.array([AAMI.get(chr(s), -1) for s in self._symbols(batch, row)], dtype=np.int64)

    def _symbols(self, batch: RecordBatch, row: int) -> Array:
        """Symbols of a record's annotated beats, in the order of their positions."""
        first = np.unique(batch.ragged("beat_position")[row], return_index=True)[1]
        return batch.ragged("beat_symbol")[row][first]

    def explain(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[dict[str, Any]]:
        """For the beats least like N: how much each feature and each tenth of the window carried the class.

        A feature is set to the record's median, a part of the window to its mean; what is reported is how much the
        probability of the class falls (occlusion, Zeiler and Fergus 2014, ECCV).
        """
        items = self.cut_new(batch)
        explained = []
        for row in range(len(batch)):
            mine = np.flatnonzero(items.record == row)
            order = mine[np.argsort(outputs.array("probability")[mine, 0])][:EXPLAINED_BEATS]
            beats = [self._carried(items, int(beat), outputs, run) for beat in order]
            explained.append({"beats": beats})
        return explained

    def _carried(self, items: Items, beat: int, outputs: Outputs, run: Run) -> dict[str, Any]:
        names = beat_feature_names(self._config.leads)
        window, features = items.inputs["window"][beat], items.inputs["features"][beat]
        usual = np.median(items.inputs["features"], axis=0)
        by_feature = np.tile(features, (len(names), 1))
        np.fill_diagonal(by_feature, usual)
        parts = np.array_split(np.arange(window.shape[1]), 10)
        by_part = np.stack([_hidden(window, part) for part in parts])
        n = 1 + len(names) + len(parts)
        inputs = {name: np.repeat(values[beat : beat + 1], n, axis=0) for name, values in items.inputs.items()}
        inputs["window"][1 + len(names) :] = by_part
        inputs["features"][1 : 1 + len(names)] = by_feature
        inputs["rhythm"] = inputs["features"][:, : len(RHYTHM)]
        label = int(outputs.array("label")[beat])
        probability = run(inputs)["probability"][:, label]
        fall = probability[0] - probability[1:]
        best = np.argsort(-fall[: len(names)])[:5]
        return {
            "at_s": round(float(_positions(outputs)[beat]) / self._config.rate_hz, 4),
            "label": LABELS[label],
            "features": {names[k]: round(float(fall[k]), 4) for k in best if fall[k] > 0},
            "window_parts": [round(float(v), 4) for v in fall[len(names) :]],
        }


def _positions(outputs: Outputs) -> Array:
    """Beats' positions; this task always gives them."""
    return np.zeros(0) if outputs.position is None else outputs.position


def _hidden(window: Array, part: Array) -> Array:
    hidden = window.copy()
    hidden[:, part] = window.mean(axis=1, keepdims=True)
    return hidden
