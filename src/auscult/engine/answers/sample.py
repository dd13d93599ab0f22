"""Answer kind ``sample``: something new, such as an image or a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from auscult.base.contracts import KindName, Outputs, TaskSpec
from auscult.engine.answers.base import AnswerKind, all_rows, close, listed, number, record_of
from auscult.engine.metrics.generated import auc_gain, kid, membership_auc, share_of_real, trained_auc

_TRAININGS = {
    "tstr_auc": ("synthetic",),
    "trtr_auc": ("real",),
    "tstr_share": ("synthetic", "real"),
    "synthetic_gain": ("few_and_synthetic", "few"),
}
"""Which trainings a metric compares."""


class SampleKind(AnswerKind):
    """One answer a request: ``sample`` (M, ...) and its ``feature`` (M, F).

    The truth is ``real`` (M, F), features of real items. ``membership_auc`` takes the truth ``member`` (M,) and the
    output ``distance`` (M,). What samples are worth is told by the truth ``label`` (M,) of real items and by the
    probabilities (M, R, K) that R trainings on ``synthetic``, ``real``, ``few`` and ``few_and_synthetic`` items give.
    """

    name: ClassVar[KindName] = "sample"
    output: ClassVar[str] = "sample"
    figures: ClassVar[str] = "auscult.engine.release.figures:sample_figures"
    why_not_calibrated: ClassVar[str] = "a sample is not an answer that can be right or wrong"

    def table(self, spec: TaskSpec) -> Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]]:
        """Return the distance to real items, the memorisation check, and what samples are worth for training."""
        return {
            "kid": (kid, {}),
            "membership_auc": (membership_auc, {}),
            "tstr_auc": (trained_auc, {}),
            "trtr_auc": (trained_auc, {}),
            "tstr_share": (share_of_real, {}),
            "synthetic_gain": (auc_gain, {}),
        }

    def judged(self, spec: TaskSpec, outputs: Outputs, metric: str) -> tuple[Any, Any, npt.NDArray[np.int64]]:
        """Return features of real and of generated items, or members and distances, or classes and probabilities."""
        if metric in _TRAININGS:
            each = [outputs.array(name) for name in _TRAININGS[metric]]
            return outputs.truth("label"), each[0] if len(each) == 1 else np.stack(each, axis=1), all_rows(outputs)
        if metric == "membership_auc":
            return outputs.truth("member"), outputs.array("distance"), all_rows(outputs)
        rows = all_rows(outputs)
        return outputs.truth("real"), outputs.array("feature"), np.concatenate([rows, rows])

    def present(self, spec: TaskSpec, outputs: Outputs, row: int) -> dict[str, Any]:
        """The sample's shape and that it is synthetic; the sample itself is written as a file."""
        return {"synthetic": True, "shape": list(outputs.array("sample")[row].shape)}

    def schema(self, spec: TaskSpec) -> dict[str, Any]:
        """A mark and a shape."""
        return record_of(synthetic={"const": True}, shape=listed(number()))

    def guess(self, spec: TaskSpec, outputs: Outputs, rng: np.random.Generator) -> Outputs:
        """Return features drawn evenly from twice the range of the real ones."""
        real = np.asarray(outputs.truth("real"), dtype=np.float64)
        low, high = real.min(axis=0), real.max(axis=0)
        reach = (high - low) / 2
        drawn = rng.uniform(low - reach, high + reach, size=outputs.array("feature").shape)
        return Outputs({**outputs.arrays, "feature": drawn}, outputs.record, outputs.position, outputs.target)

    def difference(self, spec: TaskSpec, first: Outputs, second: Outputs) -> str:
        """Values within 1e-4."""
        return close("sample", first.array("sample"), second.array("sample"), 1e-4)
