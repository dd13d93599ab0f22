"""Answer kind ``class``: one of several classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array
from auscult.base.contracts import KindName, Outputs, TaskSpec
from auscult.base.errors import UsageError
from auscult.base.recipe import CalibrateTable
from auscult.engine.answers.base import AnswerKind, Calibration, close, listed, number, record_of
from auscult.engine.calibration.abstain import fit_abstention
from auscult.engine.calibration.conformal import fit_conformal_sets
from auscult.engine.calibration.isotonic import fit_isotonic
from auscult.engine.calibration.table import read_calibrator
from auscult.engine.calibration.temperature import fit_temperature
from auscult.engine.calibration.threshold import fit_threshold
from auscult.engine.metrics import classification, curves, probabilities, screening

_NEEDS_PROBABILITY = frozenset(("roc_auc", "pr_auc", "log_loss", "brier", "ece", "bedroc20", "ef1"))


class ClassKind(AnswerKind):
    """One answer an item or a record: ``probability`` (M, K).

    Calibration adds ``label`` (M,), ``answered`` (M,) bool and ``set`` (M, K) bool, the conformal prediction set.
    The truth is ``label`` (M,), -1 where unknown.
    """

    name: ClassVar[KindName] = "class"
    output: ClassVar[str] = "probability"
    activation: ClassVar[str] = "softmax"
    loss: ClassVar[str] = "auscult.engine.losses:cross_entropy"
    figures: ClassVar[str] = "auscult.engine.release.figures:class_figures"
    thresholds: ClassVar[bool] = True

    def table(self, spec: TaskSpec) -> Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]]:
        """Return the metrics of one class out of several."""
        binary = len(spec.labels) == 2
        table: dict[str, tuple[Callable[..., Any], Mapping[str, Any]]] = {
            "accuracy": (classification.accuracy, {}),
            "macro_f1": (classification.macro_f1, {}),
            "cohen_kappa": (classification.cohen_kappa, {}),
            "roc_auc": (curves.roc_auc, {}),
            "pr_auc": (curves.pr_auc, {}),
            "log_loss": (probabilities.log_loss, {}),
            "brier": (probabilities.brier, {}),
            "ece": (probabilities.ece, {}),
        }
        if binary:
            table["sensitivity"] = (classification.sensitivity, {})
            table["specificity"] = (classification.specificity, {})
            table["ppv"] = (classification.ppv, {})
            table["bedroc20"] = (screening.bedroc, {})
            table["ef1"] = (screening.enrichment_factor, {})
        if {"S", "V"} <= set(spec.labels):
            s, v = spec.labels.index("S"), spec.labels.index("V")
            table["jk_index"] = (classification.jk_index, {"supraventricular": s, "ventricular": v})
            table["sveb_f1"] = (classification.class_f1, {"positive": s})
            table["veb_f1"] = (classification.class_f1, {"positive": v})
        return table

    def judged(self, spec: TaskSpec, outputs: Outputs, metric: str) -> tuple[Any, Any, npt.NDArray[np.int64]]:
        """Return true classes and probabilities, or decided classes, of the answers whose truth is known."""
        truth = np.asarray(outputs.truth("label"))
        rows = np.flatnonzero(truth >= 0)
        if metric in ("bedroc20", "ef1"):
            return truth[rows] == 1, outputs.array("probability")[rows, 1], rows
        if metric in _NEEDS_PROBABILITY:
            return truth[rows], outputs.array("probability")[rows], rows
        return truth[rows], self.decided(spec, outputs)[rows], rows

    def decided(self, spec: TaskSpec, outputs: Outputs) -> Array:
        """One-hot decisions (M, K): the calibrated ``label`` where there is one, else the most probable class."""
        label = outputs.arrays.get("label")
        chosen = outputs.array("probability").argmax(axis=1) if label is None else np.asarray(label)
        return np.asarray(np.eye(len(spec.labels))[chosen])

    def calibrate(self, spec: TaskSpec, valid: Outputs, table: CalibrateTable) -> Calibration:
        """Fit probabilities, then threshold, prediction sets and abstention on the calibrated probabilities."""
        truth = np.asarray(valid.truth("label"))
        rows = np.flatnonzero(truth >= 0)
        raw, known = valid.array("probability")[rows].astype(np.float64), truth[rows]
        made: dict[str, Any] = {"probability": self._probabilities(raw, known, table.method)}
        calibrated = _calibrated(raw, made["probability"])
        made["sets"] = fit_conformal_sets(calibrated, known, coverage=table.coverage).to_dict()
        if len(spec.labels) == 2:
            rule, _, level = (table.threshold or "youden").partition(":")
            fit: Any = partial(fit_threshold, known == 1, calibrated[:, 1], rule=rule)  # type: ignore[arg-type]
            made["threshold"] = fit(level=float(level) if level else None).to_dict()
        elif table.threshold:
            raise UsageError(f"calibrate.threshold: expected two classes, got {len(spec.labels)}; leave it out")
        if table.abstain_share:
            made["abstention"] = fit_abstention(known, calibrated, level=table.abstain_share).to_dict()
        return made

    def _probabilities(self, raw: Array, known: Array, method: str) -> dict[str, Any] | None:
        if method == "isotonic":
            if raw.shape[1] != 2:
                raise UsageError(
                    f"calibrate.method: 'isotonic' expects two classes, got {raw.shape[1]}; use 'temperature'"
                )
            return fit_isotonic(raw[:, 1], known == 1).to_dict()
        if method == "platt":
            raise UsageError("calibrate.method: 'platt' is for labels; use 'temperature' or 'isotonic' for classes")
        return None if method == "none" else fit_temperature(raw, known).to_dict()

    def apply(self, spec: TaskSpec, outputs: Outputs, calibration: Calibration) -> Outputs:
        """Add decisions, prediction sets and abstention."""
        probability = _calibrated(outputs.array("probability").astype(np.float64), calibration["probability"])
        label = probability.argmax(axis=1)
        if calibration.get("threshold"):
            label = read_calibrator(calibration["threshold"]).apply(probability[:, 1]).astype(np.int64)
        answered = np.ones(len(outputs), dtype=bool)
        if calibration.get("abstention"):
            answered = ~read_calibrator(calibration["abstention"]).apply(probability)
        arrays = {
            **outputs.arrays,
            "probability": probability,
            "label": label,
            "answered": answered,
            "set": read_calibrator(calibration["sets"]).apply(probability),
        }
        return Outputs(arrays, outputs.record, outputs.position, outputs.target)

    def present(self, spec: TaskSpec, outputs: Outputs, row: int) -> dict[str, Any]:
        """Label (null where the model abstains), probabilities by class, prediction set."""
        probability = outputs.array("probability")[row]
        answered = bool(outputs.array("answered")[row])
        return {
            "label": spec.labels[int(outputs.array("label")[row])] if answered else None,
            "probability": {name: round(float(p), 4) for name, p in zip(spec.labels, probability, strict=True)},
            "set": [name for name, inside in zip(spec.labels, outputs.array("set")[row], strict=True) if inside],
        }

    def silent(self, outputs: Outputs) -> npt.NDArray[np.bool_]:
        """Which calibrated answers are abstentions, (M,)."""
        return ~outputs.array("answered").astype(np.bool_)

    def columns(self, spec: TaskSpec, outputs: Outputs) -> dict[str, npt.NDArray[Any]]:
        """Return the probability of each class, the last one first, and the decision, empty where it abstains."""
        probability, answered = np.round(outputs.array("probability"), 4), outputs.array("answered").astype(bool)
        decided = np.where(answered, np.array(spec.labels)[outputs.array("label")], "")
        shares = {name: probability[:, k] for k, name in reversed(list(enumerate(spec.labels)))}
        return {**shares, "label": decided}

    def schema(self, spec: TaskSpec) -> dict[str, Any]:
        """Label, probabilities, set."""
        names = {"enum": list(spec.labels)}
        return record_of(
            label={"enum": [*spec.labels, None]},
            probability=record_of(**{name: number() for name in spec.labels}),
            set=listed(names),
        )

    def difference(self, spec: TaskSpec, first: Outputs, second: Outputs) -> str:
        """Same classes, probabilities within 1e-4."""
        if not np.array_equal(first.array("label"), second.array("label")):
            return "class: the decided classes differ"
        return close("probability", first.array("probability"), second.array("probability"), 1e-4)


def _calibrated(raw: Array, fitted: Mapping[str, Any] | None) -> Array:
    if fitted is None:
        return raw
    calibrator: Any = read_calibrator(fitted)
    if fitted["method"] == "isotonic":
        positive = calibrator.apply(raw[:, 1])
        return np.stack([1 - positive, positive], axis=1)
    return np.asarray(calibrator.apply(raw))
