"""One arm of a build: a model trained on one split, exported, calibrated; kept so that a stopped build goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from auscult.base.contracts import Domain, FitContext, Index, ItemSet, Model, Outputs, Program, RecordBatch, Task
from auscult.base.files import hash_of, new_folder, read_json, write_json
from auscult.base.log import Report
from auscult.base.recipe import Recipe, part_of, validated
from auscult.base.registry import load_part
from auscult.engine.answers import kind_of
from auscult.engine.answers.base import Calibration
from auscult.engine.curve import read_curve
from auscult.engine.dataset import Dataset
from auscult.engine.drivers import load_program
from auscult.engine.networks import network_hashes, network_settings, seen_by, seen_records
from auscult.engine.outputs import concat, predict_items, questions, read_outputs, save_outputs
from auscult.engine.program import read_program, save_program
from auscult.engine.quality.duplicates import duplicate_pairs
from auscult.engine.splits import Split
from auscult.engine.task_files import file_hashes, located_folder

KNOWN = {"train": (), "valid": ("train",), "test": ("train", "valid"), "apart": ()}
"""What a task that asks may see of the records whose items of a role are asked for."""


@dataclass(frozen=True)
class Arm:
    """Which model, with which settings, on which seed, fold and share of the training units."""

    model: str
    settings: Mapping[str, Any]
    seed: int
    fold: int | None = None
    fraction: float = 1.0
    final: bool = False


@dataclass(frozen=True, repr=False)
class Fit:
    """A fitted arm: its program, its calibration and its calibrated validation answers."""

    arm: Arm
    program: Program
    calibration: Calibration
    valid: Outputs


@dataclass(frozen=True)
class Bench:
    """What all arms of a build share."""

    recipe: Recipe
    domain: Domain
    task: Task
    dataset: Dataset
    folder: Path
    report: Report

    @cached_property
    def duplicates(self) -> list[tuple[int, int, str]]:
        """Pairs of records with the same or nearly the same content, looked for once."""
        return duplicate_pairs(self.dataset, self.task)

    @cached_property
    def seen(self) -> Index:
        """Records that a network which the recipe starts from has learned from."""
        main, _ = part_of(self.recipe.model, where="[model]")
        folders: set[str] = set()
        for name in (main, self.task.spec.floor, *self.recipe.study.models):
            settings = model_settings(self.recipe, self.task, name)
            model = self.recipe.study.model_of(name)
            marked = network_settings(load_part(self.domain, "models", model).Config)
            folders |= {str(settings[n]) for n in marked if settings.get(n)}
        known = seen_by(located_folder("[model]", f) for f in sorted(folders))
        return seen_records(self.dataset, self.task, self.recipe.split, known)


def model_settings(recipe: Recipe, task: Task, name: str) -> Mapping[str, Any]:
    """Settings of a model in this recipe: of ``[model]``, of ``[floor]``, or of ``[study.settings]`` by its name."""
    main, settings = part_of(recipe.model, where="[model]")
    if name == main:
        return settings
    if name == task.spec.floor:
        return dict(recipe.floor)
    return {key: value for key, value in recipe.study.settings.get(name, {}).items() if key != "model"}


def make_model(domain: Domain, name: str, settings: Mapping[str, Any]) -> Model:
    """Return a model of a domain with its settings checked.

    Raises
    ------
    RecipeError
        If a setting is unknown or out of range.
    UsageError
        If the domain has no such model.
    """
    cls = load_part(domain, "models", name)
    model: Model = cls(validated(cls.Config, settings, where=f"[model] {name}"))
    return model


def arm_key(bench: Bench, arm: Arm, split: Split) -> str:
    """Name of an arm's folder: the hash of everything that decides what is learned."""
    recipe = bench.recipe
    rows = [v.tolist() for v in (split.record, split.role, split.begin, split.end, split.step, split.fold)]
    stated = [asdict(arm), recipe.train.model_dump(), recipe.calibrate.model_dump(), dict(recipe.task), rows]
    name, settings = part_of(recipe.task, where="[task]")
    stated.append(file_hashes(bench.domain, name, settings))
    networks = network_hashes(bench.domain, arm.model, arm.settings)
    stated += [networks] if networks else []
    return f"{arm.model}-{hash_of([stated, bench.dataset.hash])[:12]}"


def fit_arm(bench: Bench, arm: Arm, split: Split) -> Fit:
    """Train, export and calibrate one arm, or read it where that was done already."""
    folder = bench.folder / "arms" / arm_key(bench, arm, split)
    if not (folder / "calibration.json").exists():
        _fit(bench, arm, split, folder)
    valid = read_outputs(folder / "valid.safetensors")
    return Fit(arm, read_program(folder / "program"), read_json(folder / "calibration.json"), valid)


def _fit(bench: Bench, arm: Arm, split: Split, folder: Path) -> None:
    spec, recipe = bench.task.spec, bench.recipe
    if split.n_folds:
        parts = [_learn(bench, arm, split.cross_fit(k), f"{folder.name}-{k}") for k in range(split.n_folds)]
        raw = concat([_answers(bench, program, split.cross_fit(k), "valid") for k, program in enumerate(parts)])
        program = _learn(bench, arm, split, folder.name)
    else:
        program = _learn(bench, arm, split, folder.name)
        raw = _answers(bench, program, split, "valid")
    kind = kind_of(spec)
    calibration = kind.calibrate(spec, raw, recipe.calibrate)
    with new_folder(folder) as draft:
        save_program(program, draft / "program")
        save_outputs(kind.apply(spec, raw, calibration), draft / "valid.safetensors")
        write_json(draft / "calibration.json", calibration)


def _learn(bench: Bench, arm: Arm, split: Split, name: str) -> Program:
    """Fit the model of an arm on the training items of a split; with no validation items it runs to its end."""
    items = bench.dataset.items
    train, valid = split.select(items, "train"), split.select(items, "valid")
    if arm.fraction < 1:
        train = _share(train, arm.fraction, arm.seed)
    model = make_model(bench.domain, arm.model, arm.settings)
    context = FitContext(
        bench.task.spec, arm.seed, bench.recipe.train, bench.folder / "checkpoints" / name, bench.report
    )
    return model.fit(train, valid if len(valid) else train, context).export()


def _answers(bench: Bench, program: Program, split: Split, role: str, *, every: bool = False) -> Outputs:
    """Raw answers of a program for the items of a role."""
    run = load_program(program, threads=bench.recipe.train.threads)
    chosen = split.select(bench.dataset.items, role, every=every)
    known = split.select(bench.dataset.items, *KNOWN[role])
    return predict_items(bench.task, bench.dataset, chosen, run=run, inputs=program.inputs, known=known)


def _share(train: ItemSet, fraction: float, seed: int) -> ItemSet:
    """Keep a share of the training records."""
    records = np.unique(train.items.record[train.rows])
    rng = np.random.default_rng([seed, 7])
    kept = rng.permutation(records)[: max(1, round(fraction * len(records)))]
    return ItemSet(train.items, train.rows[np.isin(train.items.record[train.rows], kept)])


def curve_of(bench: Bench, fit: Fit, split: Split) -> dict[str, Any]:
    """Validation loss after each epoch of a fitted arm, and the epoch that was kept; empty where nothing trains so."""
    return read_curve(bench.folder / "checkpoints" / arm_key(bench, fit.arm, split))


def answer_role(bench: Bench, fit: Fit, split: Split, role: str, *, every: bool = False) -> Outputs:
    """Calibrated answers of a fitted arm for the items of a role; ``every`` leaves out the stride of the split."""
    raw = _answers(bench, fit.program, split, role, every=every)
    return kind_of(bench.task.spec).apply(bench.task.spec, raw, fit.calibration)


def answerer(bench: Bench, fit: Fit) -> Callable[[RecordBatch], Outputs]:
    """Return a function that cuts prepared records anew and answers them with a fitted arm."""
    run = load_program(fit.program, threads=bench.recipe.train.threads)
    kind = kind_of(bench.task.spec)

    def answer(batch: RecordBatch) -> Outputs:
        items = questions(bench.task, batch, bench.task.cut(batch))
        joined = bench.task.join(batch, items, run({name: items.inputs[name] for name in fit.program.inputs}))
        return kind.apply(bench.task.spec, joined, fit.calibration)

    return answer
