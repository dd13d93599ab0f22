"""The arms of a recipe: seeds, folds, floor, model and what else its study lists; and what the test says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from auscult.base.contracts import FitContext, Further, Outputs, Probe, Probes, RecordBatch, Summarises
from auscult.base.recipe import part_of
from auscult.base.registry import load_part
from auscult.engine.arms import Arm, Bench, Fit, answer_role, answerer, arm_key, fit_arm, model_settings
from auscult.engine.drivers import load_program
from auscult.engine.evaluate import Figures, Judge, mean_figures
from auscult.engine.outputs import concat, renumber
from auscult.engine.quality.leaks import find_leaks, require_no_leak
from auscult.engine.splits import ROLES, Split, make_split


@dataclass(frozen=True, repr=False)
class Round:
    """One seed: its split or folds, with a fitted model and a fitted floor for each."""

    seed: int
    splits: tuple[Split, ...]
    models: tuple[Fit, ...]
    floors: tuple[Fit, ...]

    def test(self, bench: Bench, fits: Sequence[Fit]) -> Outputs:
        """Test answers, pooled over the folds."""
        return concat([answer_role(bench, f, s, "test") for f, s in zip(fits, self.splits, strict=True)])

    def valid(self, fits: Sequence[Fit]) -> Outputs:
        """Validation answers, pooled over the folds."""
        return concat([f.valid for f in fits])


def make_splits(bench: Bench, seed: int) -> tuple[Split, ...]:
    """Return the split of a seed, or its folds, after looking for leaks.

    Raises
    ------
    DataError
        If a split leaks and the recipe does not ask to report it.
    """
    recipe = bench.recipe
    folds = recipe.study.folds
    chosen = [(k, folds) for k in range(folds)] if folds else [None]
    pairs = bench.duplicates if recipe.split.duplicates_whole else ()
    splits = tuple(make_split(bench.dataset, recipe.split, seed=seed, fold=fold, duplicates=pairs) for fold in chosen)
    for split in splits:
        leak = find_leaks(bench.dataset, split, bench.duplicates, bench.seen)
        require_no_leak(leak, bench.dataset, on_leak=recipe.split.on_leak)
    return splits


def fit_round(bench: Bench, seed: int) -> Round:
    """Train floor and model for one seed, over all its folds."""
    splits = make_splits(bench, seed)
    main, _ = part_of(bench.recipe.model, where="[model]")
    return Round(
        seed,
        splits,
        tuple(fit_named(bench, main, split, seed=seed, fold=fold) for fold, split in enumerate(splits)),
        tuple(
            fit_named(bench, bench.task.spec.floor, split, seed=seed, fold=fold) for fold, split in enumerate(splits)
        ),
    )


def fit_named(bench: Bench, name: str, split: Split, *, seed: int, fold: int, fraction: float = 1.0) -> Fit:
    """Fit one model of the recipe on one split."""
    bench.report.step(f"train {name}, seed {seed}" + (f", fold {fold + 1}" if bench.recipe.study.folds else ""))
    settings = model_settings(bench.recipe, bench.task, name)
    model = bench.recipe.study.model_of(name)
    return fit_arm(bench, Arm(model, settings, bench.recipe.seed + seed, fold, fraction), split)


def fit_final(bench: Bench, name: str) -> Fit:
    """Fit the model that ships after cross-validation: on all records but those that calibrate it."""
    table = bench.recipe.split.model_copy(update={"test": 0.0})
    split = make_split_without_test(bench, table)
    settings = model_settings(bench.recipe, bench.task, name)
    return fit_arm(bench, Arm(name, settings, bench.recipe.seed, final=True), split)


def make_split_without_test(bench: Bench, table: Any) -> Split:
    """Fold 0's test becomes training: every record is in training or validation."""
    pairs = bench.duplicates if table.duplicates_whole else ()
    split = make_split(bench.dataset, table, seed=0, fold=(0, bench.recipe.study.folds), duplicates=pairs)
    role = np.where(split.role == "test", "train", split.role)
    return replace(split, role=role)


def study_rows(bench: Bench, judge: Judge, rounds: Sequence[Round], ships: Sequence[Outputs]) -> list[dict[str, Any]]:
    """Evidence rows of the further models and of the shares of the training units.

    ``ships`` are the test answers of what ships, round by round: each row says by how much these are better, in pairs.
    """
    main, _ = part_of(bench.recipe.model, where="[model]")
    study = bench.recipe.study
    asked = [(name, 1.0) for name in study.models]
    for name in dict.fromkeys((main, *study.models, bench.task.spec.floor) if study.fractions_of_all else (main,)):
        asked += [(name, fraction) for fraction in study.train_fraction]
    rows: list[dict[str, Any]] = []
    for name, fraction in asked:
        share = {} if fraction == 1 else {"train_fraction": fraction}
        fits = [_fits(bench, name, r, fraction) for r in rounds]
        each = [r.test(bench, f) for r, f in zip(rounds, fits, strict=True)]
        valid = [judge.figures(r.valid(f), (judge.spec.primary,)) for r, f in zip(rounds, fits, strict=True)]
        rows.append({"model": name, **share, **row_figures(judge, each, ships), "validation": mean_figures(valid)})
    return rows


def row_figures(judge: Judge, each: Sequence[Outputs], ships: Sequence[Outputs]) -> dict[str, Any]:
    """Metrics of a row, and by how much what ships is better by the primary metric."""
    primary = judge.spec.primary
    gaps = [{primary: judge.difference(s, o, primary)} for s, o in zip(ships, each, strict=True)]
    figures = mean_figures([judge.figures(o, judge.spec.metrics) for o in each])
    return {"metrics": figures, "ships_minus_row": mean_figures(gaps)}


def _fits(bench: Bench, name: str, made: Round, fraction: float) -> list[Fit]:
    return [fit_named(bench, name, s, seed=made.seed, fold=k, fraction=fraction) for k, s in enumerate(made.splits)]


def further_figures(bench: Bench, judge: Judge, made: Round, fits: Sequence[Fit]) -> Figures:
    """Metrics of the task's second way of judging, each with its suffix."""
    if not isinstance(bench.task, Further):
        return {}
    parts: dict[str, list[Outputs]] = {}
    specs = {}
    for fit, split in zip(fits, made.splits, strict=True):
        answer = answerer(bench, fit)
        for batch, records in test_batches(bench, split):
            for name, (spec, outputs) in bench.task.further(batch, answer).items():
                specs[name] = spec
                parts.setdefault(name, []).append(renumber(outputs, records))
    figures: Figures = {}
    for name, part in parts.items():
        figures |= judge.figures(concat(part), specs[name].metrics, suffix=f"_{name}", spec=specs[name])
    return figures


def test_batches(bench: Bench, split: Split) -> list[tuple[RecordBatch, np.ndarray[Any, np.dtype[np.int64]]]]:
    """Prepared test records, shard by shard, with their numbers in the dataset."""
    test = split.records("test")
    found = []
    for shard, batch in enumerate(bench.dataset.batches()):
        begin, end = bench.dataset.starts[shard], bench.dataset.starts[shard + 1]
        records = test[(test >= begin) & (test < end)]
        if len(records):
            found.append((batch.take(records - begin), records))
    return found


def fault_figures(bench: Bench, judge: Judge, made: Round, fits: Sequence[Fit]) -> dict[str, Any]:
    """The primary metric when the test records are damaged as real devices do it."""
    if not bench.recipe.evaluate.faults:
        return {}
    result = {}
    for name in judge.spec.faults:
        damage = load_part(bench.domain, "faults", name)
        rng = np.random.default_rng([bench.recipe.seed, 11])
        parts = []
        for fit, split in zip(fits, made.splits, strict=True):
            answer = answerer(bench, fit)
            parts += [renumber(answer(damage(batch, rng)), rows) for batch, rows in test_batches(bench, split)]
        result[name] = {judge.spec.primary: judge.figure(concat(parts), judge.spec.primary)}
    return result


def leak_figures(bench: Bench, judge: Judge, made: Round, test: Outputs) -> dict[str, Any]:
    """What leaks in the split, and the metrics without the leaking records."""
    leaks = [find_leaks(bench.dataset, split, bench.duplicates, bench.seen) for split in made.splits]
    records = np.unique(np.concatenate([leak.records for leak in leaks]))
    if not len(records):
        return {"n_records": 0}
    kept = test.take(np.flatnonzero(~np.isin(test.record, records)))
    return {
        "n_records": len(records),
        "same_subject": int(sum(len(leak.subject) for leak in leaks)),
        "same_content": int(sum(len(leak.content) for leak in leaks)),
        "seen_by_network": int(sum(len(leak.seen) for leak in leaks)),
        "records": [bench.dataset.hashes[r][:16] for r in records],
        "metrics_without": judge.figures(kept, judge.spec.metrics),
    }


def task_summary(bench: Bench, made: Round, fits: Sequence[Fit]) -> dict[str, float]:
    """Figures that only this task has, over every test item of the first seed."""
    if not isinstance(bench.task, Summarises):
        return {}
    pairs = zip(fits, made.splits, strict=True)
    return dict(bench.task.summary(concat([answer_role(bench, f, s, "test", every=True) for f, s in pairs])))


def probes_of(bench: Bench, made: Round, fits: Sequence[Fit]) -> list[Probe]:
    """What the task judges with the records at hand that a model learned from, pooled over the folds."""
    if not isinstance(bench.task, Probes):
        return []
    recipe, found = bench.recipe, []
    for fit, split in zip(fits, made.splits, strict=True):
        bench.report.step(f"probe {fit.arm.model}, seed {made.seed}")
        roles = {role: split.select(bench.dataset.items, role) for role in ROLES}
        folder = bench.folder / "checkpoints" / f"probe-{arm_key(bench, fit.arm, split)}"
        context = FitContext(bench.task.spec, fit.arm.seed, recipe.train, folder, bench.report)
        found.append(bench.task.probe(roles, load_program(fit.program, threads=recipe.train.threads), context))
    return [replace(parts[0], outputs=concat([p.outputs for p in parts])) for parts in zip(*found, strict=True)]


def probe_figures(judge: Judge, probes: Sequence[Probe]) -> Figures:
    """Metrics of probes, each with its suffix."""
    figures: Figures = {}
    for probe in probes:
        suffix = f"_{probe.suffix}" if probe.suffix else ""
        figures |= judge.figures(probe.outputs, probe.spec.metrics, suffix=suffix, spec=probe.spec)
    return figures


def apart_figures(bench: Bench, judge: Judge, made: Round, fits: Sequence[Fit]) -> Figures:
    """Metrics on subjects that a split in time kept away whole."""
    pairs = [(f, s) for f, s in zip(fits, made.splits, strict=True) if len(s.records("apart"))]
    if not pairs:
        return {}
    return judge.figures(concat([answer_role(bench, f, s, "apart") for f, s in pairs]), judge.spec.metrics)
