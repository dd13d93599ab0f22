"""What a task finds in a split, and how its test divides into groups that only the training items tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from auscult.base.contracts import Audits, Divides, Finding, ItemSet, Outputs
from auscult.engine.arms import Bench
from auscult.engine.evaluate import Judge
from auscult.engine.outputs import concat
from auscult.engine.splits import ROLES, Split


def split_findings(bench: Bench, splits: Sequence[Split]) -> list[Finding]:
    """Ask a task that audits for what is wrong between the roles; of several folds, those of the first."""
    if not isinstance(bench.task, Audits):
        return []
    bench.report.step("check the split")
    return list(bench.task.audit(_roles(bench, splits[0])))


def divided_figures(bench: Bench, judge: Judge, splits: Sequence[Split], test: Outputs) -> dict[str, Any]:
    """Figures of test answers by groups of the task, in the form of subgroups."""
    if not isinstance(bench.task, Divides):
        return {}
    found: dict[str, dict[str, list[Outputs]]] = {}
    for split in splits:
        mine = test.take(np.flatnonzero(np.isin(test.record, split.records("test"))))
        for key, values in bench.task.divide(mine, _roles(bench, split)).items():
            for value, outputs in values.items():
                found.setdefault(key, {}).setdefault(value, []).append(outputs)
    return {
        key: {value: judge.subgroup(concat(parts)) for value, parts in values.items()} for key, values in found.items()
    }


def _roles(bench: Bench, split: Split) -> dict[str, ItemSet]:
    return {role: split.select(bench.dataset.items, role) for role in ROLES}
