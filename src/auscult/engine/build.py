"""The main job: recipe → prepared dataset → split → floor and model → calibration → evaluation → release.

Each stage leaves its result in the run folder, whole or not at all, so the same command goes on where it stopped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from auscult.base.contracts import Domain, Finding, Outputs, SetAside, Wants
from auscult.base.errors import GateError, RecipeError, UsageError, unknown
from auscult.base.files import hash_of, read_json, sweep, writable, write_json
from auscult.base.log import Report, Silent
from auscult.base.recipe import Recipe, expand, part_of, save_resolved
from auscult.base.registry import load_part
from auscult.engine.answers import kind_of
from auscult.engine.arms import Bench, Fit, curve_of, make_model, model_settings
from auscult.engine.dataset import Dataset, assemble
from auscult.engine.doors import kept_back
from auscult.engine.evaluate import GateResult, Judge, check_gates, judge_for, mean_figures
from auscult.engine.outputs import concat
from auscult.engine.prepare import PrepareJob, make_task, prepare, require_names
from auscult.engine.pseudonym import pseudonym_key
from auscult.engine.quality.generic import generic_findings
from auscult.engine.release.evidence import Evidence
from auscult.engine.release.sign import read_private_key
from auscult.engine.release.write import write_release
from auscult.engine.runtime import MANIFEST
from auscult.engine.sources import find_sources, why_unclaimed
from auscult.engine.split_checks import divided_figures, split_findings
from auscult.engine.study import (
    Round,
    apart_figures,
    fault_figures,
    fit_final,
    fit_round,
    further_figures,
    leak_figures,
    probe_figures,
    probes_of,
    row_figures,
    study_rows,
    task_summary,
)

Stage = Literal["prepare", "train", "evaluate", "release"]
STAGES: tuple[Stage, ...] = ("prepare", "train", "evaluate", "release")


@dataclass(frozen=True)
class BuildOptions:
    """How a build is carried out; none of it changes what is learned.

    Parameters
    ----------
    until : str
        The last stage: ``prepare``, ``train`` (prints validation figures and leaves the test closed), ``evaluate``
        or ``release``.
    ship : str
        Name of the model that ships whatever validation says; the evidence then says forced.
    signing_key : Path, optional
        Ed25519 private key (PEM).
    cache : Path, optional
        Where prepared shards are kept; ``AUSCULT_CACHE`` or the user's cache folder by default.
    ledger : Path, optional
        File that gets one line for each opening of the test split.
    workers : int
        Processes for preparation.
    """

    until: Stage = "release"
    ship: str = ""
    signing_key: Path | None = None
    cache: Path | None = None
    ledger: Path | None = None
    workers: int = 0


@dataclass(frozen=True)
class BuildResult:
    """What a build made.

    Parameters
    ----------
    folder : Path
        The run folder.
    release : Path, optional
        The release, where the build went that far.
    n_records, n_set_aside : int
        Records used, and files or records that could not be.
    validation, metrics : mapping
        Figures on validation, and on the test where it was opened.
    shipped : str
        Name of the model that ships.
    content_hash : str
        Hash of the release.
    """

    folder: Path
    release: Path | None
    n_records: int
    n_set_aside: int
    validation: Mapping[str, Any]
    metrics: Mapping[str, Any]
    shipped: str = ""
    content_hash: str = ""


def build(
    recipe: Recipe, out: Path, domain: Domain, *, options: BuildOptions | None = None, report: Report | None = None
) -> BuildResult:
    """Carry out a recipe.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    out : Path
        The run folder; a run that was stopped goes on.
    domain : Domain
        The domain that the recipe names.
    options : BuildOptions, optional
        How far to go, what to sign with, where to keep shards.
    report : Report, optional
        Where progress goes.

    Raises
    ------
    RecipeError, DataError, LimitError
        If the recipe, the data or the disk do not allow it.
    GateError
        If a limit of ``[gates]`` does not hold: the run stays, no release is written.
    """
    options = options or BuildOptions()
    report = report or Silent()
    task_name, task_settings = part_of(recipe.task, where="[task]")
    task = make_task(domain, task_name, task_settings)
    main, main_settings = part_of(recipe.model, where="[model]")
    if recipe.calibrate.threshold and not kind_of(task.spec).thresholds:
        raise UsageError(
            f"[calibrate] threshold: expected none for a task that answers with {task.spec.kind}, got "
            f"'{recipe.calibrate.threshold}'; leave it out"
        )
    if options.ship and options.ship not in (main, task.spec.floor):
        raise UsageError(unknown("model to ship", options.ship, (main, task.spec.floor), where="--model"))
    for name in dict.fromkeys((main, task.spec.floor, *recipe.study.models)):
        settings = main_settings if name == main else model_settings(recipe, task, name)
        make_model(domain, recipe.study.model_of(name), settings)
    if options.signing_key is not None:
        read_private_key(options.signing_key)
    with writable(out):
        out.mkdir(parents=True, exist_ok=True)
        for folder in (out, out / "arms", *(out / "checkpoints").glob("*")):
            sweep(folder)
    save_resolved(recipe, out / "recipe.resolved.toml")
    dataset = _dataset(recipe, out, domain, options=options, report=report)
    bench = Bench(recipe, domain, task, dataset, out, report)
    findings = _findings(bench)
    made = BuildResult(out, None, len(dataset), len(dataset.set_aside), {}, {})
    if options.until == "prepare":
        return made
    judge = judge_for(dataset, task.spec, recipe.evaluate)
    rounds = [fit_round(bench, seed) for seed in recipe.study.seeds or (0,)]
    between = split_findings(bench, rounds[0].splits)
    write_json(out / "split-findings.json", [asdict(f) for f in between])
    findings += between
    choice = _choose(bench, judge, rounds, options.ship)
    write_json(out / "validation.json", choice)
    made = BuildResult(out, None, made.n_records, made.n_set_aside, choice, {}, choice["shipped"])
    if options.until == "train":
        return made
    evidence = _evaluate(bench, judge, rounds, choice=choice, findings=findings)
    _open_ledger(options.ledger or out / "test-openings.jsonl", bench, evidence.metrics)
    write_json(out / "metrics.json", evidence.metrics)
    _require_gates(evidence.gates, out)
    if options.until == "evaluate":
        return BuildResult(out, None, made.n_records, made.n_set_aside, choice, evidence.metrics, choice["shipped"])
    fit = _shipped_fit(bench, rounds, choice["shipped"])
    report.step("write the release")
    manifest = write_release(bench, fit, rounds[0].splits[0], evidence, key=options.signing_key)
    return BuildResult(
        out, out / "release", made.n_records, made.n_set_aside, choice,
        read_json(out / "release" / "evidence" / "metrics.json"), choice["shipped"], manifest["content_hash"],
    )  # fmt: skip


def cache_folder(options: BuildOptions) -> Path:
    """Where shards are kept."""
    return options.cache or Path(os.environ.get("AUSCULT_CACHE") or Path.home() / ".cache" / "auscult")


def _dataset(recipe: Recipe, out: Path, domain: Domain, *, options: BuildOptions, report: Report) -> Dataset:
    data = recipe.data
    if data.example:
        root = out / "example"
        if not (root / ".whole").exists():
            with writable(root):
                load_part(domain, "examples", data.example)(root, data.seed, small=False)
                (root / ".whole").touch()
    else:
        root = expand(data.path)
    found = find_sources(root, domain, readers=data.readers, include=data.include)
    if not found.sources:
        readers = {name: load_part(domain, "readers", name) for name in data.readers or domain.readers}
        wanted = "".join(f"; {name}: {r.wants}" for name, r in readers.items() if isinstance(r, Wants))
        raise RecipeError(f"[data]: expected files of {', '.join(readers)}, got none in {root.name}{wanted}")
    report.step(f"prepare {len(found.sources)} sources")
    name, settings = part_of(recipe.task, where="[task]")
    job = PrepareJob(domain, name, settings, dict(data.same_subject), pseudonym_key())
    workers = options.workers or os.cpu_count() or 1
    shards = prepare(found.sources, job, cache=cache_folder(options), workers=workers, report=report)
    key = hash_of([[s.name for s in shards], data.model_dump(mode="json"), [p.name for p in found.unclaimed]])
    folder = out / "dataset"
    marker = out / "dataset.key"
    if not (folder.exists() and marker.exists() and marker.read_text() == key):
        aside = [SetAside(p.name, why_unclaimed(p, domain)) for p in found.unclaimed]
        assemble(shards, folder, data=data, extra_aside=aside)
        marker.write_text(key)
    dataset = Dataset(folder)
    require_names(dataset, found.sources, job)
    return dataset


def _findings(bench: Bench) -> list[Finding]:
    """Generic and domain checks, kept in the run folder."""
    path = bench.folder / "quality.json"
    key = hash_of([bench.dataset.hash, len(bench.dataset.set_aside), sorted(bench.domain.checks)])
    if path.exists() and read_json(path).get("key") == key:
        return [Finding(**{**f, "records": tuple(f["records"])}) for f in read_json(path)["findings"]]
    bench.report.step("check")
    found = generic_findings(bench.dataset, bench.task.spec, bench.duplicates)
    for name in bench.domain.checks:
        found += load_part(bench.domain, "checks", name)(bench.dataset.batches())
    aside = [asdict(a) for a in bench.dataset.set_aside]
    write_json(path, {"key": key, "findings": [asdict(f) for f in found], "set_aside": aside})
    return found


def _choose(bench: Bench, judge: Judge, rounds: Sequence[Round], forced: str) -> dict[str, Any]:
    """Decide on validation which model ships: the floor, unless the model is better beyond the interval."""
    main, _ = part_of(bench.recipe.model, where="[model]")
    spec = bench.task.spec
    model = mean_figures([judge.figures(r.valid(r.models), spec.metrics) for r in rounds])
    floor = mean_figures([judge.figures(r.valid(r.floors), spec.metrics) for r in rounds])
    better, gap = judge.better(concat([r.valid(r.models) for r in rounds]), concat([r.valid(r.floors) for r in rounds]))
    shipped = forced or (main if better or main == spec.floor else spec.floor)
    reason = (
        "forced by the user"
        if forced
        else f"{main} is better than {spec.floor} on validation beyond the interval of the difference"
        if better
        else f"{main} is not better than {spec.floor} on validation beyond the interval; the simpler one ships"
    )
    return {
        "shipped": shipped,
        "reason": reason,
        "forced": bool(forced),
        "model": model,
        "floor": floor,
        "difference": gap,
    }


def _evaluate(
    bench: Bench, judge: Judge, rounds: Sequence[Round], *, choice: Mapping[str, Any], findings: Sequence[Finding]
) -> Evidence:
    """Open the test split and judge."""
    bench.report.step("evaluate on the test split")
    recipe, spec = bench.recipe, bench.task.spec
    main, _ = part_of(recipe.model, where="[model]")
    pick = _shipped_of(choice["shipped"] == main)
    tests = [(r.test(bench, pick(r)), r.test(bench, r.floors)) for r in rounds]
    first, (test, floor_test) = rounds[0], tests[0]
    probes = [probes_of(bench, r, pick(r)) for r in rounds]
    floor_probes = probes if choice["shipped"] == spec.floor else [probes_of(bench, r, r.floors) for r in rounds]
    figures = mean_figures(
        [
            {
                **judge.figures(t, spec.metrics),
                **further_figures(bench, judge, r, pick(r)),
                **probe_figures(judge, p),
            }
            for r, (t, _), p in zip(rounds, tests, probes, strict=True)
        ]
    )
    n_units = judge.n_units(test)
    subjects = bench.dataset.subjects
    metrics = {
        "name": recipe.name,
        "domain": bench.domain.name,
        "task": spec.name,
        "kind": spec.kind,
        "model": choice["shipped"],
        "choice": {k: choice[k] for k in ("shipped", "reason", "forced", "difference")},
        "split": f"cv{recipe.study.folds}" if recipe.study.folds else "test",
        "split_policy": recipe.split.policy,
        "primary": spec.primary,
        "unit": spec.unit,
        "n_records": len(set(test.record.tolist())),
        "n_answers": len(test),
        "n_subjects": None if subjects is None else len(np.unique(subjects[test.record])),
        "resampled_by": "subject" if bench.dataset.subjects is not None and spec.resample == "subject" else "record",
        "metrics": figures,
        "floor_model": spec.floor,
        "floor": mean_figures(
            [
                {**judge.figures(f, spec.metrics), **probe_figures(judge, p)}
                for (_, f), p in zip(tests, floor_probes, strict=True)
            ]
        ),
        "difference_from_floor": mean_figures([{spec.primary: judge.difference(t, f, spec.primary)} for t, f in tests]),
        "validation": choice["model"] if choice["shipped"] == main else choice["floor"],
        "by_subject": {spec.primary: judge.by_unit(test, spec.primary)} if n_units < 20 else {},
        "published": [p.model_dump() for p in recipe.evaluate.published],
        "subgroups": {
            **judge.subgroups(test, bench.dataset.groups),
            **divided_figures(bench, judge, first.splits, test),
        },
        "leaks": leak_figures(bench, judge, first, test),
        "kept_back": kept_back(bench, judge, first.splits, test),
        "faults": fault_figures(bench, judge, first, pick(first)),
        "summary": task_summary(bench, first, pick(first)),
        "apart": mean_figures([apart_figures(bench, judge, r, pick(r)) for r in rounds]),
        "rows": _rows(judge, bench, rounds, ships=[t for t, _ in tests], shipped=choice["shipped"]),
        "training": curve_of(bench, first.models[0], first.splits[0]),
        "seeds": [r.seed for r in rounds],
        "recipe_hash": recipe.hash,
        "intent": recipe.intent.model_dump(),
        "shipped_refit_untested": bool(recipe.study.folds),
    }
    gates = check_gates(recipe.gates, figures)
    split = {"seeds": [[s.to_dict(bench.dataset) for s in r.splits] for r in rounds]}
    return Evidence(
        recipe, spec, metrics, findings, bench.dataset.set_aside, split, test, floor_test, gates, {}, tuple(probes[0])
    )


def _rows(
    judge: Judge, bench: Bench, rounds: Sequence[Round], *, ships: Sequence[Outputs], shipped: str
) -> list[dict[str, Any]]:
    """Return the test figures of what the study lists, and of the model where the floor ships in its place."""
    main, _ = part_of(bench.recipe.model, where="[model]")
    listed = study_rows(bench, judge, rounds, ships)
    if shipped == main:
        return listed
    return [{"model": main, **row_figures(judge, [r.test(bench, r.models) for r in rounds], ships)}, *listed]


def _shipped_of(is_model: bool) -> Callable[[Round], tuple[Fit, ...]]:
    """Which fits of a round are judged: those of the model or of the floor."""
    return lambda made: made.models if is_model else made.floors


def _shipped_fit(bench: Bench, rounds: Sequence[Round], name: str) -> Fit:
    """The fitted arm that goes into the release."""
    if bench.recipe.study.folds:
        return fit_final(bench, name)
    return rounds[0].floors[0] if name == bench.task.spec.floor else rounds[0].models[0]


def _require_gates(gates: Sequence[GateResult], out: Path) -> None:
    """Refuse where a limit does not hold; a release of an earlier recipe then stands aside under its own hash."""
    failed = [f"{g.metric} = {g.judged:.4g}, expected {g.limit}" for g in gates if not g.passed]
    if failed:
        older = out / "release"
        if older.exists():
            older.rename(out / f"release-{read_json(older / MANIFEST)['content_hash'][:12]}")
        raise GateError(f"gates that do not hold: {'; '.join(failed)}. The run is kept; no release was written.")


def _open_ledger(path: Path, bench: Bench, metrics: Mapping[str, Any]) -> None:
    """Append one line for this opening of the test split."""
    primary = bench.task.spec.primary
    line = {
        "recipe": bench.recipe.name,
        "recipe_hash": bench.recipe.hash,
        "date": datetime.now(UTC).date().isoformat(),
        "metric": primary,
        "value": metrics["metrics"][primary]["value"],
    }
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
