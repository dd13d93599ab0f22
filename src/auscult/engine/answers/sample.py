"""Answer kind ``sample``: something new, such as an image or a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from auscult.base.contracts import KindName, Outputs, TaskSpec
from auscult.engine.answers.base import AnswerKind, all_rows, close, listed, number, record_of
from auscult.engine.metrics.drafts import (
    copied_share,
    copy_excess,
    field_faithfulness,
    field_precision,
    field_recall,
    masked_accuracy,
    perplexity,
)
from auscult.engine.metrics.generated import auc_gain, kid, membership_auc, share_of_real, trained_auc

_TRAININGS = {
    "tstr_auc": ("synthetic",),
    "trtr_auc": ("real",),
    "tstr_share": ("synthetic", "real"),
    "synthetic_gain": ("few_and_synthetic", "few"),
}
"""Which trainings a metric compares."""
_OF_TEXT: Mapping[str, tuple[Callable[..., Any], str, str]] = {
    "field_faithfulness": (field_faithfulness, "asked", "stated"),
    "field_recall": (field_recall, "asked", "stated"),
    "field_precision": (field_precision, "asked", "stated"),
    "copy_rate": (copied_share, "runs", "copied"),
    "copy_excess": (copy_excess, "runs", "copied"),
    "perplexity": (perplexity, "words", "log_probability"),
    "masked_accuracy": (masked_accuracy, "words", "right"),
}
"""Function, truth and output of the metrics of texts."""


class SampleKind(AnswerKind):
    """One answer a request: ``sample`` (M, ...) and its ``feature`` (M, F).

    The truth is ``real`` (M, F), features of real items. ``membership_auc`` takes the truth ``member`` (M,) and the
    output ``distance`` (M,). What samples are worth is told by the truth ``label`` (M,) of real items and by the
    probabilities (M, R, K) that R trainings on ``synthetic``, ``real``, ``few`` and ``few_and_synthetic`` items give.

    Where the task says so (``spec.parameters["text"]``) the sample is a text, as bytes (M, L) padded with -1, with the
    facts ``asked`` (M, K) and ``stated`` (M, K), which are the labels of the task; the truth is ``asked``. Copies are
    told by the truth ``runs`` and the output ``copied``, perplexity by ``words`` and ``log_probability``.

    With ``spec.parameters["gaps"]`` words of a text were hidden, as many as ``words``, and what is made stands in their
    place. An answer says how many are ``right`` and their ``log_probability``, (M,) each, and never shows the text.
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
            **{name: (function, {}) for name, (function, _, _) in _OF_TEXT.items()},
        }

    def judged(self, spec: TaskSpec, outputs: Outputs, metric: str) -> tuple[Any, Any, npt.NDArray[np.int64]]:
        """Return features of real and of generated items, or members and distances, or what ``table`` needs else."""
        if metric in _OF_TEXT:
            _, truth, output = _OF_TEXT[metric]
            return outputs.truth(truth), outputs.array(output), all_rows(outputs)
        if metric in _TRAININGS:
            each = [outputs.array(name) for name in _TRAININGS[metric]]
            return outputs.truth("label"), each[0] if len(each) == 1 else np.stack(each, axis=1), all_rows(outputs)
        if metric == "membership_auc":
            return outputs.truth("member"), outputs.array("distance"), all_rows(outputs)
        rows = all_rows(outputs)
        return outputs.truth("real"), outputs.array("feature"), np.concatenate([rows, rows])

    def present(self, spec: TaskSpec, outputs: Outputs, row: int) -> dict[str, Any]:
        """The sample's shape and that it is synthetic, as the sample itself is written as a file; or the draft.

        Beside a draft stand the facts that were asked for and are missing in it, and those that it made up.
        """
        if spec.parameters.get("gaps"):
            hidden, right = (int(outputs.array(name)[row]) for name in ("words", "right"))
            told = float(outputs.array("log_probability")[row])
            return {
                "synthetic": True,
                "hidden": hidden,
                "right": right,
                "perplexity": float(np.exp(-told / max(hidden, 1))),
            }
        if spec.parameters.get("text"):
            values = outputs.array("sample")[row]
            draft = values[values >= 0].astype(np.uint8).tobytes().decode("utf-8", errors="replace")
            asked, stated = (np.asarray(outputs.array(name)[row]) > 0 for name in ("asked", "stated"))
            missing, added = (
                [label for label, there in zip(spec.labels, facts, strict=True) if there]
                for facts in (asked & ~stated, stated & ~asked)
            )
            return {"synthetic": True, "draft": draft, "missing": missing, "made_up": added}
        return {"synthetic": True, "shape": list(outputs.array("sample")[row].shape)}

    def schema(self, spec: TaskSpec) -> dict[str, Any]:
        """A mark and a shape, or a mark and a draft with its faults, or how well gaps were filled."""
        if spec.parameters.get("gaps"):
            count = {"type": "integer"}
            return record_of(synthetic={"const": True}, hidden=count, right=count, perplexity=number())
        if spec.parameters.get("text"):
            words = listed({"type": "string"})
            return record_of(synthetic={"const": True}, draft={"type": "string"}, missing=words, made_up=words)
        return record_of(synthetic={"const": True}, shape=listed(number()))

    def guess(self, spec: TaskSpec, outputs: Outputs, rng: np.random.Generator) -> Outputs:
        """Return features drawn evenly from twice the range of the real ones; drafts of other records; any word."""
        if spec.parameters.get("gaps"):
            words, share = np.asarray(outputs.truth("words")), 1 / spec.parameters["vocabulary"]
            blind = {**outputs.arrays, "log_probability": words * np.log(share), "right": words * share}
            return Outputs(blind, outputs.record, outputs.position, outputs.target)
        if outputs.target is not None and "asked" in outputs.target:
            return super().guess(spec, outputs, rng)
        real = np.asarray(outputs.truth("real"), dtype=np.float64)
        low, high = real.min(axis=0), real.max(axis=0)
        reach = (high - low) / 2
        drawn = rng.uniform(low - reach, high + reach, size=outputs.array("feature").shape)
        return Outputs({**outputs.arrays, "feature": drawn}, outputs.record, outputs.position, outputs.target)

    def difference(self, spec: TaskSpec, first: Outputs, second: Outputs) -> str:
        """Values within 1e-4; of a sum over gaps, within 1e-3."""
        if spec.parameters.get("gaps"):
            return close("log_probability", first.array("log_probability"), second.array("log_probability"), 1e-3)
        return close("sample", first.array("sample"), second.array("sample"), 1e-4)
