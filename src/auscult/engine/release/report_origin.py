"""Where the figures come from: data, split, calibration, latency, provenance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from auscult.engine.release.report_parts import Block, Section, Source, Table, Text, pairs
from auscult.engine.release.report_text import count, digits_for, percent, short, shown, with_interval

POLICIES = {
    "subject": "all records of a subject have one role",
    "group": "all records of a group have one role",
    "given": "the roles are given by the recipe or the source",
    "time-within-subject": "the last stretch of each record is the test, the one before it validation",
    "per-user-holdout": "of each user some interactions are held out",
    "scaffold": "all molecules with one scaffold have one role",
}
MOST_REASONS = 40


def data_section(source: Source) -> Section:
    """How many records, what was set aside and why, and what the checks found."""
    m, aside = source.metrics, source.evidence.set_aside
    recipe = source.evidence.recipe
    origin = (
        f"simulated, example '{recipe.data.example}'" if recipe.data.example else "exports of the recipe's data folder"
    )
    rows = {
        "Origin": origin,
        "Records in the split": _n_records(source),
        "Records judged": shown(m["n_records"], 0),
        "Answers judged": shown(m["n_answers"], 0),
        "Subjects judged": "subjects unknown" if m["n_subjects"] is None else shown(m["n_subjects"], 0),
        "Left out by the recipe": short(", ".join(recipe.data.leave_out)),
        "Set aside, whole or in part": count(len(aside), "file or record", "files or records"),
    }
    blocks: list[Block] = [pairs(rows), *_aside(source), *_findings(source)]
    return Section("data", "Data", tuple(blocks))


def _n_records(source: Source) -> str:
    """Count the records that have a role in the frozen split, each once."""
    seeds = source.evidence.split.get("seeds", [])
    return shown(seeds[0][0]["n_records"], 0) if seeds else "not stated"


def _aside(source: Source) -> list[Block]:
    if not source.evidence.set_aside:
        return []
    reasons = Counter(a.nameless for a in source.evidence.set_aside)
    rows = tuple((reason, shown(n, 0)) for reason, n in sorted(reasons.items(), key=lambda r: (-r[1], r[0])))
    more = len(rows) - MOST_REASONS
    blocks: list[Block] = [
        Text("Set aside, by reason:"),
        Table(("Reason", "Number"), rows[:MOST_REASONS], frozenset((1,))),
    ]
    if more > 0:
        blocks.append(Text(f"{count(more, 'further reason')} in quality.json."))
    return blocks


def _findings(source: Source) -> list[Block]:
    findings = source.evidence.findings
    if not findings:
        return [Text("The checks found nothing to report.")]
    order = {"error": 0, "warning": 1, "info": 2}
    ranked = sorted(findings, key=lambda f: order[f.severity])
    rows = tuple((f.check, f.severity, shown(f.count, 0), f.message) for f in ranked)
    failed = frozenset(k for k, f in enumerate(ranked) if f.severity == "error")
    table = Table(("Check", "Severity", "Number", "What was found"), rows, frozenset((2,)), failed, frozenset((0,)))
    return [Text("What the checks found:"), table]


def split_section(source: Source) -> Section:
    """Who was trained on and who was tested on."""
    table, resamples = source.evidence.recipe.split, source.evidence.recipe.evaluate.resamples
    leak = {
        "fail": "the build stops",
        "report": "it is listed, and the metrics are given with and without",
    }
    rows = {
        "Policy": f"{table.policy}: {POLICIES[table.policy]}",
        "Judged on": _judged_by(source),
        "Intervals": f"{source.level}, bootstrap over {source.units}, {resamples} resamples",
        "If a test record is known": leak[table.on_leak],
        "Seed of the draw": str(table.seed),
        **_fitted_again(source),
    }
    if source.metrics["n_subjects"] is None:
        rows["Subjects"] = "subjects unknown: intervals are by record"
    blocks: list[Block] = [pairs(rows)]
    return Section("split", "Split", (*blocks, *_roles(source)))


def _judged_by(source: Source) -> str:
    split = str(source.metrics["split"])
    return f"{split[2:]}-fold cross-validation, out of fold" if split.startswith("cv") else "a test split"


def _fitted_again(source: Source) -> dict[str, str]:
    """Say why no record is in validation, where that is so."""
    table = source.evidence.recipe.split
    if table.cross_fit:
        return {"Validation": f"{table.cross_fit} folds of the training records, each answered by a fit on the others"}
    if table.refit:
        return {"Validation": "drawn from training for the choice; what ships was then fitted on both"}
    return {}


def _roles(source: Source) -> list[Block]:
    seeds: list[list[Mapping[str, Any]]] = source.evidence.split.get("seeds", [])
    names = source.metrics["seeds"]
    rows = []
    for seed, folds in zip(names, seeds, strict=False):
        for number, fold in enumerate(folds, start=1):
            counts = fold["counts"]
            roles = (shown(counts.get(role, 0), 0) for role in ("train", "valid", "test", "apart", "none"))
            rows.append((str(seed), str(number), *roles))
    if not rows:
        return []
    header = ("Seed", "Fold", "Training", "Validation", "Test", "Kept apart", "In no role")
    text = Text("Records of each role (one record may have several roles where the split is in time):")
    return [text, Table(header, tuple(rows), frozenset(range(7)))]


def calibration_section(source: Source) -> Section:
    """Say what was asked for, what was fitted on validation, and what it gave on the test."""
    table = source.evidence.recipe.calibrate
    asked = {
        "Method": table.method,
        "Coverage of sets or intervals": percent(table.coverage),
        "Threshold rule": table.threshold or "that of the answer kind",
        "Answers it may abstain from on validation": percent(table.abstain_share),
        "Validation items that the input gate may refuse": percent(table.gate_refusal),
    }
    blocks: list[Block] = [Text("Asked for:"), pairs(asked)]
    fitted = [(part, *row) for part, value in source.calibration.items() for row in _fitted(value)]
    if fitted:
        blocks += [
            Text("Fitted on validation, never on the test:"),
            Table(("Part", "What", "Value"), tuple(fitted)),
        ]
    measured = _measured(source)
    if measured:
        blocks += [Text("Measured on the test:"), pairs(measured)]
    blocks += _kept_back(source)
    return Section("calibration", "Calibration and abstention", tuple(blocks))


def _kept_back(source: Source) -> list[Block]:
    """Give the metrics of the test records that the release would answer, where it keeps some back."""
    found = source.metrics.get("kept_back") or {}
    if "metrics_answered" not in found:
        return []
    refused, outside = found["n_refused"], found["n_outside"]
    text = (
        f"The release that ships would not answer {count(refused + outside, 'record')} of the test: the input gate "
        f"refuses {refused}, and {outside} are outside the domain of applicability. The figures of this report count "
        "them; without them they are:"
    )
    rows = []
    for name, answered in found["metrics_answered"].items():
        every = source.metrics["metrics"][name]
        digits = digits_for(name, source.spec, [every, answered])
        rows.append((name, with_interval(every, digits), with_interval(answered, digits)))
    header = ("Metric", "All of the test", "What would be answered")
    return [Text(text), Table(header, tuple(rows), frozenset((1, 2)), codes=frozenset((0,)))]


def _fitted(value: Any) -> list[tuple[str, str]]:
    """Scalars of one fitted part; a list is told by its length."""
    if not isinstance(value, Mapping):
        return [("", "not used" if value is None else short(value))]
    return [(str(k), _told(v)) for k, v in value.items() if v is not None]


def _told(value: Any) -> str:
    if isinstance(value, Mapping) or (isinstance(value, (list, tuple)) and len(value) > 0):
        return f"{count(len(value), 'entry', 'entries')}, see calibration.json"
    return short(value)


def _measured(source: Source) -> dict[str, str]:
    test, spec, rows = source.evidence.test, source.spec, {}
    if spec.kind == "class" and test.target is not None:
        truth = np.asarray(test.target["label"])
        known = np.flatnonzero(truth >= 0)
        if "answered" in test.arrays and len(known):
            answered = np.asarray(test.array("answered"))[known]
            right = (np.asarray(test.array("label")) == truth)[known]
            rows["Answered"] = percent(float(answered.mean()))
            rows["Right among those answered"] = percent(_mean(right[answered]))
            rows["Right among all"] = percent(_mean(right))
        if "set" in test.arrays and len(known):
            sets = np.asarray(test.array("set"))[known]
            rows["Sets that hold the true class"] = percent(_mean(sets[np.arange(len(known)), truth[known]]))
            rows["Mean number of classes in a set"] = shown(_mean(sets.sum(axis=1)), 2)
    if spec.kind == "value" and test.target is not None and "interval" in test.arrays:
        truth, ends = np.asarray(test.target["value"]), test.array("interval")
        inside = (truth >= ends[..., 0]) & (truth <= ends[..., 1])
        rows["Values inside their interval"] = percent(_mean(inside))
    return rows


def _mean(values: Any) -> float:
    return float(np.mean(values)) if np.size(values) else math.nan


def latency_section(source: Source) -> Section:
    """How long an answer takes."""
    latency = source.evidence.latency
    if not latency.get("n"):
        return Section("latency", "Latency", (Text("Not measured."),))
    names = {
        "median_ms": "Record in memory to answer, median",
        "p99_ms": "Record in memory to answer, 99th percentile",
        "program_median_ms": "Of it the model's program, median",
    }
    rows = tuple((text, shown(latency.get(key), 2), "ms") for key, text in names.items())
    text = (
        f"Over {count(latency['n'], 'pass', 'passes')} of simulated records on the machine that made the "
        "release; another machine will differ. Latency is no part of the content hash."
    )
    return Section("latency", "Latency", (Text(text), Table(("What", "Time", "Unit"), rows, frozenset((1,)))))


def provenance_section(source: Source) -> Section:
    """Say what made this release, by name and hash."""
    m, manifest = source.metrics, source.manifest
    about = {
        "Recipe": source.evidence.recipe.name,
        "Recipe hash": str(m["recipe_hash"]),
        "Domain": str(m["domain"]),
        "Task": f"{m['task']} (answers: {m['kind']})",
        "Model": str(m["model"]),
        "Floor": str(m["floor_model"]),
        "Seeds": ", ".join(str(s) for s in m["seeds"]),
        "Auscult": str(manifest.get("auscult", "not stated")),
        "Content hash": str(manifest.get("content_hash") or "not stated"),
    }
    blocks: list[Block] = [pairs(about, codes=True)]
    if manifest.get("parts"):
        text = "The content hash is the hash of these; times, latency and this page are no part of it:"
        hashes = tuple((str(k), str(v)) for k, v in manifest["parts"].items())
        blocks += [Text(text), Table(("Part", "SHA-256"), hashes, codes=frozenset((1,)))]
    blocks.append(Text(
        "The recipe with every default is recipe.resolved.toml, every package with its version is "
        "sbom.cdx.json, every file with its hash is release.json. 'auscult verify' checks them and answers "
        "the golden inputs again."
    ))  # fmt: skip
    return Section("provenance", "Provenance", tuple(blocks))
