"""Compares two releases by a plan that was set before: a change-control plan, executed.

The plan is a TOML file: ``[limits]`` with one table a metric, such as ``macro_f1 = {worse_by_at_most = 0.01}`` or
``veb_f1 = {better_by_at_least = 0.0}``. Both releases must have been judged on the same test records.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from pydantic import Field

from auscult.base.contracts import Config, Outputs
from auscult.base.errors import DataError, RecipeError, VerifyError
from auscult.base.recipe import load_recipe, validated
from auscult.engine.evaluate import Judge
from auscult.engine.packed import unpacked_rows
from auscult.engine.runtime import Release


class Limit(Config):
    """How much a metric may change. The unfavourable end of the paired interval is judged."""

    worse_by_at_most: float | None = Field(None, ge=0, description="Largest loss that is accepted.")
    better_by_at_least: float | None = Field(None, ge=0, description="Smallest gain that is required.")


class Plan(Config):
    """A change-control plan."""

    limits: Mapping[str, Limit] = Field(min_length=1, description="One limit a metric.")
    subgroups: tuple[str, ...] = Field((), description="Group keys in whose every value the limits hold too.")


@dataclass(frozen=True)
class Change:
    """One limit, and whether the change keeps it."""

    metric: str
    where: str
    old: float
    new: float
    difference: float
    low: float
    high: float
    limit: str
    passed: bool


@dataclass(frozen=True)
class Comparison:
    """The outcome of a plan."""

    old: str
    new: str
    n_answers: int
    changes: tuple[Change, ...]

    @property
    def passed(self) -> bool:
        """Whether every limit holds."""
        return all(c.passed for c in self.changes)


def read_plan(path: Path) -> Plan:
    """Read a plan.

    Raises
    ------
    RecipeError
        If the file is missing, no TOML, or has a key that nobody reads.
    """
    try:
        return validated(Plan, tomllib.loads(path.read_text(encoding="utf-8")), where=f"plan {path.name}")
    except OSError as error:
        raise RecipeError(f"plan {path.name}: expected a readable TOML file, got: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"plan {path.name}: expected TOML, got a syntax error: {error}") from error


def compare_releases(old: Release, new: Release, plan: Plan) -> Comparison:
    """Judge the change from one release to another on the same test answers.

    Parameters
    ----------
    old, new : Release
        Opened releases of the same task.
    plan : Plan
        Limits that were set before.

    Raises
    ------
    VerifyError
        If the releases answer different tasks.
    DataError
        If they were not judged on the same test records.
    """
    if old.spec.name != new.spec.name or old.spec.labels != new.spec.labels:
        raise VerifyError(f"compare: expected two releases of one task, got '{old.spec.name}' and '{new.spec.name}'")
    first, first_keys, groups = _answers(old)
    second, second_keys, _ = _answers(new)
    if first_keys != second_keys:
        shared = len(set(first_keys) & set(second_keys))
        raise DataError(
            f"compare: expected the same test records in both releases, got {len(first_keys)} and {len(second_keys)} "
            f"answers, {shared} in common; build both on the same split"
        )
    table = load_recipe(new.folder / "recipe.resolved.toml").evaluate
    judge = Judge(new.spec, np.array(groups["unit"]), table)
    parts: dict[str, np.ndarray[Any, np.dtype[np.int64]]] = {"all": np.arange(len(first))}
    for key in plan.subgroups:
        if key not in groups:
            raise DataError(f"compare: the plan names the subgroup '{key}', got {', '.join(sorted(groups))}")
        column = np.array(groups[key])
        parts |= {f"{key}={value}": np.flatnonzero(column == value) for value in np.unique(column)}
    changes = [
        _change(judge, metric, limit, where=where, answers=(first.take(rows), second.take(rows)))
        for where, rows in parts.items()
        for metric, limit in plan.limits.items()
    ]
    names = [f"{r.manifest['name']} {r.manifest['version']} ({r.manifest['content_hash'][:12]})" for r in (old, new)]
    return Comparison(names[0], names[1], len(first), tuple(changes))


def _change(judge: Judge, metric: str, limit: Limit, *, where: str, answers: tuple[Outputs, Outputs]) -> Change:
    old, new = answers
    gap = judge.difference(new, old, metric)
    sign = 1.0 if gap["higher_is_better"] else -1.0
    unfavourable = min(sign * gap["low"], sign * gap["high"])
    passed, words = True, []
    if limit.worse_by_at_most is not None:
        passed = passed and unfavourable >= -limit.worse_by_at_most
        words.append(f"worse by at most {limit.worse_by_at_most:g}")
    if limit.better_by_at_least is not None:
        passed = passed and unfavourable >= limit.better_by_at_least
        words.append(f"better by at least {limit.better_by_at_least:g}")
    values = [judge.figure(o, metric)["value"] for o in (old, new)]
    text = " and ".join(words)
    return Change(metric, where, values[0], values[1], gap["value"], gap["low"], gap["high"], text, bool(passed))


def _answers(release: Release) -> tuple[Outputs, list[tuple[str, int]], dict[str, list[str]]]:
    """Read the test answers of a release, what they are about, and the keys of each answer's record."""
    path = release.folder / "evidence" / "predictions.parquet"
    table = pq.read_table(path).to_pydict()
    record = [str(r) for r in table["record"]]
    position = table.get("position", [0] * len(record))
    order = sorted(range(len(record)), key=lambda i: (record[i], position[i]))
    ordered = {name: [values[i] for i in order] for name, values in table.items()}
    arrays = {n.removeprefix("answer_"): unpacked_rows(v) for n, v in ordered.items() if n.startswith("answer_")}
    target = {n.removeprefix("target_"): unpacked_rows(v) for n, v in ordered.items() if n.startswith("target_")}
    outputs = Outputs(arrays, np.arange(len(record)), None, target)
    keys = {n: [str(x) for x in v] for n, v in ordered.items() if not n.startswith(("answer_", "target_"))}
    keys["unit"] = keys.get("subject", keys["record"])
    return outputs, [(ordered["record"][i], int(position[order[i]])) for i in range(len(order))], keys
