"""Answer kind ``labels``: any number of labels, some of which may be unknown in the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from auscult.base.contracts import KindName, Outputs, TaskSpec
from auscult.base.recipe import CalibrateTable
from auscult.engine.answers.base import AnswerKind, Calibration, all_rows, close, listed, number, record_of
from auscult.engine.calibration.isotonic import fit_isotonic_labels
from auscult.engine.calibration.platt import fit_platt_labels
from auscult.engine.calibration.rates import fit_label_rates
from auscult.engine.calibration.table import read_calibrator
from auscult.engine.calibration.threshold import LabelThresholds, fit_label_thresholds, fit_threshold
from auscult.engine.metrics import labels as metrics

TOGETHER = "micro_f1"


class LabelsKind(AnswerKind):
    """One answer an item or a record: ``probability`` (M, K).

    Calibration adds ``label`` (M, K) bool and ``interval`` (M, K, 2), the ends of the rate at which the label holds
    among answers that are as sure. The truth is ``label`` (M, K): 1, 0, or -1 where it is not known.
    """

    name: ClassVar[KindName] = "labels"
    output: ClassVar[str] = "probability"
    activation: ClassVar[str] = "sigmoid"
    loss: ClassVar[str] = "auscult.engine.losses:masked_binary"
    figures: ClassVar[str] = "auscult.engine.release.figures:label_figures"
    thresholds: ClassVar[bool] = True

    def table(self, spec: TaskSpec) -> Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]]:
        """Return the metrics of several labels."""
        return {
            "micro_f1": (_masked(metrics.micro_f1), {}),
            "macro_f1": (_masked(metrics.macro_f1), {}),
            "mean_roc_auc": (_masked(metrics.mean_roc_auc), {}),
            "pr_auc": (_masked(metrics.mean_pr_auc), {}),
            "mean_bedroc20": (_masked(metrics.mean_bedroc20), {}),
            "mean_ef1": (_masked(metrics.mean_ef1), {}),
        }

    def judged(self, spec: TaskSpec, outputs: Outputs, metric: str) -> tuple[Any, Any, npt.NDArray[np.int64]]:
        """Return truth with -1 for unknown, and probabilities or decisions."""
        decided = outputs.arrays.get("label")
        output = outputs.array("probability")
        if metric.endswith("_f1") and decided is not None:
            output = np.asarray(decided).astype(np.float64)
        return np.asarray(outputs.truth("label")), output, all_rows(outputs)

    def calibrate(self, spec: TaskSpec, valid: Outputs, table: CalibrateTable) -> Calibration:
        """Fit probabilities, if asked for, and a threshold for each label; what is not known is left out.

        The rule ``micro_f1`` gives all labels one threshold, the best for all of their decisions together: where most
        labels are rare, a threshold of its own for each is chosen on too few positives.
        """
        truth = np.asarray(valid.truth("label"))
        missing, known = truth < 0, np.maximum(truth, 0)
        score = valid.array("probability").astype(np.float64)
        made: dict[str, Any] = {"probability": None}
        if table.method == "isotonic":
            made["probability"] = fit_isotonic_labels(score, known, missing=missing).to_dict()
        elif table.method == "platt":
            made["probability"] = fit_platt_labels(score, known, missing=missing).to_dict()
        if made["probability"] is not None:
            score = read_calibrator(made["probability"]).apply(score)
        made["interval"] = fit_label_rates(score, known, coverage=table.coverage, missing=missing).to_dict()
        rule, _, level = (table.threshold or "f1").partition(":")
        fit = _together if rule == TOGETHER else fit_label_thresholds
        made["threshold"] = fit(
            known,
            score,
            rule="f1" if rule == TOGETHER else rule,  # type: ignore[arg-type]
            level=float(level) if level else None,
            missing=missing,
        ).to_dict()
        return made

    def apply(self, spec: TaskSpec, outputs: Outputs, calibration: Calibration) -> Outputs:
        """Add decisions and intervals."""
        probability = outputs.array("probability").astype(np.float64)
        if calibration["probability"] is not None:
            probability = read_calibrator(calibration["probability"]).apply(probability)
        label = read_calibrator(calibration["threshold"]).apply(probability)
        arrays = {**outputs.arrays, "probability": probability, "label": label}
        if "interval" in calibration:  # releases of before had none
            arrays["interval"] = read_calibrator(calibration["interval"]).apply(probability)
        return Outputs(arrays, outputs.record, outputs.position, outputs.target)

    def present(self, spec: TaskSpec, outputs: Outputs, row: int) -> dict[str, Any]:
        """Labels that hold, and the probability of each with its interval."""
        probability, label = outputs.array("probability")[row], outputs.array("label")[row]
        made: dict[str, Any] = {
            "label": [name for name, holds in zip(spec.labels, label, strict=True) if holds],
            "probability": {name: round(float(p), 4) for name, p in zip(spec.labels, probability, strict=True)},
        }
        if "interval" in outputs.arrays:
            ends = zip(spec.labels, outputs.array("interval")[row], strict=True)
            made["interval"] = {name: [round(float(a), 4), round(float(b), 4)] for name, (a, b) in ends}
        return made

    def columns(self, spec: TaskSpec, outputs: Outputs) -> dict[str, npt.NDArray[Any]]:
        """Return the probability of each label."""
        probability = np.round(outputs.array("probability"), 4)
        return {name: probability[:, k] for k, name in enumerate(spec.labels)}

    def schema(self, spec: TaskSpec) -> dict[str, Any]:
        """A list, and one number and one pair a label."""
        pair = {"type": "array", "items": number(), "minItems": 2, "maxItems": 2}
        return record_of(
            label=listed({"enum": list(spec.labels)}),
            probability=record_of(**{name: number() for name in spec.labels}),
            interval=record_of(**dict.fromkeys(spec.labels, pair)),
        )

    def difference(self, spec: TaskSpec, first: Outputs, second: Outputs) -> str:
        """Same labels, probabilities within 1e-4."""
        if not np.array_equal(first.array("label"), second.array("label")):
            return "labels: the decided labels differ"
        return close("probability", first.array("probability"), second.array("probability"), 1e-4)


def _together(known: Any, score: Any, *, rule: Any, level: float | None, missing: Any) -> LabelThresholds:
    """One threshold for all labels, by the rule over all of their decisions."""
    kept = ~missing
    one = fit_threshold(known[kept] == 1, score[kept], rule=rule, level=level)
    return LabelThresholds(labels=(one,) * known.shape[1])


def _masked(metric: Callable[..., npt.NDArray[np.float64]]) -> Callable[..., npt.NDArray[np.float64]]:
    """Let a metric with a mask take -1 for what is not known."""

    def masked(target: Any, output: Any, **rest: Any) -> npt.NDArray[np.float64]:
        return metric(np.maximum(target, 0), output, missing=target < 0, **rest)

    return masked
