"""What an answer kind owns: metrics, calibration, abstention, JSON form, and when two answers are the same."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from auscult.base.contracts import KindName, Outputs, TaskSpec
from auscult.base.errors import UsageError, unknown
from auscult.base.recipe import CalibrateTable
from auscult.engine.metrics.table import METRICS

Calibration = Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Measure:
    """A metric made ready: ``function(target, output, unit=…, weights=…, **parameters)``.

    ``rows`` are the answers that it is over, for the resampling units.
    """

    function: Callable[..., npt.NDArray[np.float64]]
    target: Any
    output: Any
    parameters: Mapping[str, Any]
    rows: npt.NDArray[np.int64]


class AnswerKind(ABC):
    """One entry of the closed list of answer kinds.

    ``output`` is the array that a network of this kind gives, ``activation`` what follows it, and ``loss`` and
    ``figures`` are addresses, because they need packages that serving does not.
    """

    name: ClassVar[KindName]
    output: ClassVar[str]
    activation: ClassVar[str] = "none"
    loss: ClassVar[str] = "auscult.engine.losses:own"
    figures: ClassVar[str] = ""
    why_not_calibrated: ClassVar[str] = ""
    thresholds: ClassVar[bool] = False
    """Whether ``[calibrate] threshold`` names the rule of this kind's threshold."""

    def n_outputs(self, spec: TaskSpec) -> int:
        """How many numbers a network gives an item."""
        return len(spec.labels)

    @abstractmethod
    def table(self, spec: TaskSpec) -> Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]]:
        """Functions and parameters of the metrics that this kind has, by registered name."""

    @abstractmethod
    def judged(self, spec: TaskSpec, outputs: Outputs, metric: str) -> tuple[Any, Any, npt.NDArray[np.int64]]:
        """Return target, output and rows as the metric takes them."""

    def measure(self, spec: TaskSpec, outputs: Outputs, metric: str) -> Measure:
        """Make a metric ready.

        Raises
        ------
        UsageError
            If this kind has no such metric.
        """
        table = self.table(spec)
        if metric not in table:
            raise UsageError(unknown("metric", metric, table, where=f"answer kind '{self.name}'"))
        function, parameters = table[metric]
        target, output, rows = self.judged(spec, outputs, metric)
        return Measure(function, target, output, parameters, rows)

    def measures(self, spec: TaskSpec, outputs: Outputs, metrics: Sequence[str]) -> list[Measure]:
        """Make several metrics ready; a kind whose metrics look at the answers in the same way looks once."""
        return [self.measure(spec, outputs, metric) for metric in metrics]

    def calibrate(self, spec: TaskSpec, valid: Outputs, table: CalibrateTable) -> Calibration:
        """Fit on validation answers what turns raw outputs into calibrated answers; JSON values."""
        return {"method": "none", "why": self.why_not_calibrated}

    def apply(self, spec: TaskSpec, outputs: Outputs, calibration: Calibration) -> Outputs:
        """Return calibrated answers with their decisions."""
        return outputs

    @abstractmethod
    def present(self, spec: TaskSpec, outputs: Outputs, row: int) -> dict[str, Any]:
        """One answer as a JSON value."""

    def silent(self, outputs: Outputs) -> npt.NDArray[np.bool_]:
        """Which calibrated answers are abstentions, (M,)."""
        return np.zeros(len(outputs), dtype=np.bool_)

    def columns(self, spec: TaskSpec, outputs: Outputs) -> dict[str, npt.NDArray[Any]]:
        """Return calibrated answers as columns of a table, (M,) each, the number that ranks records first.

        Raises
        ------
        UsageError
            If an answer of this kind is no row of a table.
        """
        raise UsageError(
            f"--table: expected answers of one row a record, got the kind '{self.name}'; leave --table out"
        )

    @abstractmethod
    def schema(self, spec: TaskSpec) -> dict[str, Any]:
        """JSON schema of what ``present`` gives."""

    def guess(self, spec: TaskSpec, outputs: Outputs, rng: np.random.Generator) -> Outputs:
        """Return the answers of somebody who has not looked: those of other records, at random.

        They keep every marginal of the answers, so beating them shows that an answer fits its own record. A kind
        whose answers cannot change places overrides this.
        """
        mixed = outputs.take(rng.permutation(len(outputs)))
        return Outputs(mixed.arrays, outputs.record, outputs.position, outputs.target)

    def learned(self, spec: TaskSpec, outputs: Outputs, rng: np.random.Generator) -> bool:
        """Whether answers are better than guesses by the task's primary metric: what "it learned" means."""
        better = METRICS[spec.primary].higher_is_better
        value, by_guess = (
            float(m.function(m.target, m.output, **m.parameters)[0])
            for m in (self.measure(spec, o, spec.primary) for o in (outputs, self.guess(spec, outputs, rng)))
        )
        return value > by_guess if better else value < by_guess

    @abstractmethod
    def difference(self, spec: TaskSpec, first: Outputs, second: Outputs) -> str:
        """Say how two sets of answers differ beyond the tolerance; empty where they are the same answer."""


def close(name: str, first: Any, second: Any, tolerance: float) -> str:
    """Compare two arrays by the largest difference.

    Returns
    -------
    str
        Empty where equal within the tolerance, else what differs and by how much.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape:
        return f"{name}: expected shape {a.shape}, got {b.shape}"
    gap = float(np.max(np.abs(a - b))) if a.size else 0.0
    return "" if gap <= tolerance else f"{name}: expected within {tolerance:g}, got a difference of {gap:.3g}"


def all_rows(outputs: Outputs) -> npt.NDArray[np.int64]:
    """Every answer."""
    return np.arange(len(outputs))


def number() -> dict[str, Any]:
    """JSON schema of a number."""
    return {"type": "number"}


def listed(inner: dict[str, Any]) -> dict[str, Any]:
    """JSON schema of a list."""
    return {"type": "array", "items": inner}


def record_of(**properties: dict[str, Any]) -> dict[str, Any]:
    """JSON schema of an object whose properties are all there."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
