"""How answers are judged: metrics with intervals by subject bootstrap, differences in pairs, subgroups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from auscult.base.contracts import Outputs, TaskSpec
from auscult.base.errors import UsageError
from auscult.base.recipe import EvaluateTable, GateTable
from auscult.engine.answers import kind_of
from auscult.engine.answers.base import Measure
from auscult.engine.dataset import Dataset
from auscult.engine.metrics.bootstrap import estimate, paired_difference, value_by_unit
from auscult.engine.metrics.table import METRICS

FEW_SUBJECTS = 20
Figures = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Judge:
    """Judges answers about the records of one dataset.

    Parameters
    ----------
    spec : TaskSpec
        The task.
    keys : (R,) array of str
        Resampling unit of each record: its subject, or itself.
    table : EvaluateTable
        Resamples and level.
    """

    spec: TaskSpec
    keys: npt.NDArray[np.str_]
    table: EvaluateTable

    def unit(self, outputs: Outputs, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Number of the resampling unit of each chosen answer, without gaps."""
        return np.unique(self.keys[outputs.record[rows]], return_inverse=True)[1].astype(np.int64)

    def figures(
        self, outputs: Outputs, names: Sequence[str], *, suffix: str = "", spec: TaskSpec | None = None
    ) -> Figures:
        """Value and interval of each metric; a metric that needs what the answers lack is left out by its kind."""
        spec = spec or self.spec
        ready = kind_of(spec).measures(spec, outputs, names)
        return {f"{name}{suffix}": self._figure(outputs, name, m) for name, m in zip(names, ready, strict=True)}

    def figure(self, outputs: Outputs, name: str, *, spec: TaskSpec | None = None) -> dict[str, Any]:
        """Value and interval of one metric."""
        return self.figures(outputs, [name], spec=spec)[name]

    def _figure(self, outputs: Outputs, name: str, m: Measure) -> dict[str, Any]:
        rng = np.random.default_rng(0)
        e = estimate(
            m.function, m.target, m.output, unit=self.unit(outputs, m.rows), rng=rng,
            n_resamples=self.table.resamples, level=self.table.level, **m.parameters,
        )  # fmt: skip
        undefined = {"undefined_resamples": e.n_undefined} if e.n_undefined else {}
        return {"value": e.value, "low": e.low, "high": e.high, "higher_is_better": higher_is_better(name), **undefined}

    def difference(self, first: Outputs, second: Outputs, name: str) -> dict[str, Any]:
        """First minus second on the same answers, with the interval of the difference."""
        kind = kind_of(self.spec)
        a, b = kind.measure(self.spec, first, name), kind.measure(self.spec, second, name)
        e = paired_difference(
            a.function, (a.target, a.output), (b.target, b.output), unit=self.unit(first, a.rows),
            rng=np.random.default_rng(0), n_resamples=self.table.resamples, level=self.table.level, **a.parameters,
        )  # fmt: skip
        return {"value": e.value, "low": e.low, "high": e.high, "higher_is_better": higher_is_better(name)}

    def by_unit(self, outputs: Outputs, name: str) -> list[float]:
        """The metric of each subject alone, in an order that names nobody."""
        m = kind_of(self.spec).measure(self.spec, outputs, name)
        values = value_by_unit(m.function, m.target, m.output, unit=self.unit(outputs, m.rows), **m.parameters)
        return sorted(float(v) for v in values)

    def n_units(self, outputs: Outputs) -> int:
        """How many resampling units the answers come from."""
        return len(np.unique(self.keys[outputs.record]))

    def subgroups(self, outputs: Outputs, groups: Mapping[str, npt.NDArray[np.str_]]) -> dict[str, Any]:
        """The metrics in each value of each group key, with the number of units; below 2 units none are given."""
        result: dict[str, Any] = {}
        for key in self.table.subgroups:
            if key not in groups:
                continue
            column = groups[key][outputs.record]
            result[key] = {str(v): self.subgroup(outputs.take(np.flatnonzero(column == v))) for v in np.unique(column)}
        return result

    def subgroup(self, outputs: Outputs) -> dict[str, Any]:
        """The metrics of some answers with the number of units; below 2 units no metrics."""
        n_units = self.n_units(outputs)
        about = {"n_units": n_units, "n_answers": len(outputs)}
        return about if n_units < 2 else {**about, "metrics": self.figures(outputs, self.spec.metrics)}

    def better(self, model: Outputs, floor: Outputs) -> tuple[bool, dict[str, Any]]:
        """Whether the model beats the floor beyond the interval of their difference, by the primary metric."""
        gap = self.difference(model, floor, self.spec.primary)
        return (gap["low"] > 0 if gap["higher_is_better"] else gap["high"] < 0), gap


def higher_is_better(name: str) -> bool:
    """Direction of a registered metric; a suffix such as ``_end_to_end`` does not change it.

    Raises
    ------
    UsageError
        If the name is not registered.
    """
    for known in sorted(METRICS, key=len, reverse=True):
        if name == known or name.startswith(f"{known}_"):
            return METRICS[known].higher_is_better
    if name.startswith("dice_"):
        return True
    if name.startswith("mae_"):
        return False
    raise UsageError(f"metric '{name}' is not registered in engine/metrics/table.py")


def judge_for(dataset: Dataset, spec: TaskSpec, table: EvaluateTable) -> Judge:
    """Judge whose units are subjects where the records name them, else records."""
    keys = dataset.subject_order if spec.resample == "subject" else None
    return Judge(spec, np.arange(len(dataset)).astype(np.str_) if keys is None else keys, table)


def mean_figures(each: Sequence[Figures]) -> Figures:
    """Mean over seeds of value, low and high; one seed stays as it is."""
    if len(each) == 1:
        return each[0]
    merged: Figures = {}
    for name, first in each[0].items():
        parts = [e[name] for e in each]
        ends = {k: float(np.mean([p[k] for p in parts])) for k in ("value", "low", "high")}
        merged[name] = {**ends, "higher_is_better": first["higher_is_better"], "by_seed": [p["value"] for p in parts]}
    return merged


@dataclass(frozen=True)
class GateResult:
    """Whether one limit holds."""

    metric: str
    limit: str
    judged: float
    passed: bool


def check_gates(gates: Mapping[str, GateTable], figures: Figures) -> list[GateResult]:
    """Hold figures against their limits.

    Raises
    ------
    UsageError
        If a gate names a metric that was not measured.
    """
    results = []
    for name, gate in gates.items():
        if name not in figures:
            raise UsageError(f"[gates]: expected a measured metric ({', '.join(figures)}), got '{name}'")
        figure = figures[name]
        unfavourable = "low" if figure["higher_is_better"] else "high"
        judged = float(figure["value" if gate.on == "value" else unfavourable])
        passed = (gate.min is None or judged >= gate.min) and (gate.max is None or judged <= gate.max)
        limits = [f"at least {gate.min:g}"] if gate.min is not None else []
        limits += [f"at most {gate.max:g}"] if gate.max is not None else []
        results.append(GateResult(name, f"{' and '.join(limits)}, by its {gate.on}", judged, bool(passed)))
    return results
