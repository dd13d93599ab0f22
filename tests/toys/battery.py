"""What the contract tests need of any domain: its parts by declaration, a task's example, and fitted models.

Nothing here knows a name: a domain that is added to the table, or a model to a domain, is tested without a change.
"""

from __future__ import annotations

import atexit
import math
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import (
    Asks,
    Domain,
    FitContext,
    Items,
    ItemSet,
    Outputs,
    Program,
    RecordBatch,
    SetAside,
    Task,
    TaskSpec,
)
from auscult.base.errors import InputError
from auscult.base.files import read_json, write_json
from auscult.base.log import Silent
from auscult.base.recipe import CalibrateTable, TrainTable
from auscult.base.registry import domain_table, load_domain, load_part
from auscult.engine.answers import kind_of
from auscult.engine.drivers import load_program
from auscult.engine.outputs import take_items
from auscult.engine.program import program_hash, read_program, save_program
from auscult.engine.sources import find_sources, read_source
from toys import DOMAIN

SEED = 3
RECIPES = Path(__file__).parents[2] / "recipes"
FEW_RECORDS, ENOUGH_ITEMS = 8, 240
STEPS, BATCH = 96, 32
Once = Callable[[str, Callable[[Path], object]], Path]


@cache
def domains() -> dict[str, Domain]:
    """Every domain of the table, and the toys."""
    return {**{name: load_domain(name) for name in domain_table()}, DOMAIN.name: DOMAIN}


def parts(table: str) -> list[tuple[str, str]]:
    """Pairs of domain and name of every reader, task, model or example."""
    return [(name, part) for name, domain in domains().items() for part in getattr(domain, table)]


def task_of(domain: str, name: str) -> Task:
    """A task with its default settings."""
    cls = load_part(domains()[domain], "tasks", name)
    task: Task = cls(cls.Config())
    return task


@cache
def example_folder(domain: str, name: str, small: bool) -> Path:
    """A simulated example of a domain, written once a process and removed when it ends."""
    folder = Path(tempfile.mkdtemp(prefix="auscult-example-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    load_part(domains()[domain], "examples", name)(folder, SEED, small=small)
    return folder


def raw_batches(domain: str, example: str, *, small: bool = False) -> Iterator[RecordBatch]:
    """Batches of an example as their readers give them."""
    declared = domains()[domain]
    for source in find_sources(example_folder(domain, example, small), declared).sources:
        for part in read_source(source, declared):
            if not isinstance(part, SetAside):
                yield part


@dataclass(frozen=True, repr=False)
class Prepared:
    """Some records of a task's example, ready for models."""

    task: Task
    batch: RecordBatch
    items: Items
    questions: Items

    @property
    def spec(self) -> TaskSpec:
        """What is predicted."""
        return self.task.spec

    def answers(self, program: Program) -> Outputs:
        """Calibrated answers of a program to these records."""
        arrays = load_program(program)(self.inputs(program))
        raw = self.task.join(self.batch, self.questions, arrays)
        kind = kind_of(self.spec)
        return kind.apply(self.spec, raw, kind.calibrate(self.spec, raw, CalibrateTable()))

    def inputs(self, program: Program) -> dict[str, Array]:
        """What the program takes of the items, or of the questions that are made of them."""
        return {name: np.asarray(self.questions.inputs[name]) for name in program.inputs}


@cache
def prepared(domain: str, task_name: str) -> Prepared:
    """The first records of a task's example: enough to learn from, few enough to be quick."""
    task = task_of(domain, task_name)
    batches: list[RecordBatch] = []
    n_items = 0
    for raw in raw_batches(domain, task.spec.example):
        try:
            batch = task.prepare(raw)
        except InputError:
            continue
        batches.append(batch)
        n_items += len(task.cut(batch))
        if sum(map(len, batches)) >= FEW_RECORDS and n_items >= ENOUGH_ITEMS:
            break
    whole = RecordBatch.concat(batches)
    items = task.cut(whole)
    return Prepared(task, whole, items, _questions(task, whole, items))


def _questions(task: Task, batch: RecordBatch, items: Items) -> Items:
    """Ask for the last item of each record and let the others be known."""
    if not isinstance(task, Asks):
        return items
    last = np.isin(np.arange(len(items)), np.append(np.flatnonzero(np.diff(items.record)), len(items) - 1))
    known, asked = (
        take_items(items, rows, items.record[rows]) for rows in (np.flatnonzero(~last), np.flatnonzero(last))
    )
    return task.ask(batch, known, asked)


def suited(domain: str, model: str) -> list[str]:
    """Tasks that a model can learn: by its declared kinds and inputs, else those whose floor or recipe names it."""
    cls = load_part(domains()[domain], "models", model)
    names = domains()[domain].tasks
    if not hasattr(cls, "kinds"):
        return [n for n in names if task_of(domain, n).spec.floor == model or (n, model) in _recipe_pairs(domain)]
    return [
        name
        for name in names
        if task_of(domain, name).spec.kind in cls.kinds and set(cls.inputs) <= set(prepared(domain, name).items.inputs)
    ]


@cache
def _recipe_pairs(domain: str) -> frozenset[tuple[str, str]]:
    """Task and model of every recipe of a domain."""
    tables = [tomllib.loads(p.read_text(encoding="utf-8")) for p in RECIPES.rglob("*.toml")]
    return frozenset(
        (t["task"]["name"], m)
        for t in tables
        if t["domain"] == domain
        for m in (t["model"]["name"], *t.get("study", {}).get("models", ()))
    )


def fit(domain: str, model: str, task_name: str, folder: Path) -> Program:
    """Fit a model with its default settings to a task's example and export it."""
    made = prepared(domain, task_name)
    items = ItemSet(made.items, np.arange(len(made.items)))
    cls = load_part(domains()[domain], "models", model)
    epochs = math.ceil(STEPS * BATCH / len(items))
    table = TrainTable(epochs=epochs, batch_size=BATCH, learning_rate=0.005, patience=epochs, threads=1)
    context = FitContext(made.spec, SEED, table, folder, Silent())
    program: Program = cls(cls.Config()).fit(items, items, context).export()
    return program


@dataclass(frozen=True, repr=False)
class Case:
    """A model that was fitted twice to a task, with what its program said before it was saved."""

    task: str
    made: Prepared
    program: Program
    before: dict[str, Array]
    hashes: tuple[str, str]


def cases(once: Once, domain: str, model: str) -> list[Case]:
    """Every task that a model suits, each fitted; the fits are shared by all test processes."""
    return [_case(once, domain, model, task) for task in suited(domain, model)]


def _case(once: Once, domain: str, model: str, task: str) -> Case:
    def make(folder: Path) -> None:
        programs = [fit(domain, model, task, folder / f"fit-{k}") for k in (1, 2)]
        save_program(programs[0], folder / "program")
        made = prepared(domain, task)
        np.savez(folder / "before.npz", **load_program(programs[0])(made.inputs(programs[0])))
        write_json(folder / "hashes.json", [program_hash(p) for p in programs])

    folder = once(f"{domain}-{model}-{task}", make)
    before = dict(np.load(folder / "before.npz"))
    first, second = read_json(folder / "hashes.json")
    return Case(task, prepared(domain, task), read_program(folder / "program"), before, (first, second))


def assert_close(values: Array, expected: Array, what: str, *, tolerance: float = 1e-4) -> None:
    """Hold numbers against numbers within a tolerance, and names against names."""
    if expected.dtype.kind == "S":
        np.testing.assert_array_equal(values, expected, err_msg=what)
    else:
        np.testing.assert_allclose(values, expected, rtol=tolerance, atol=tolerance / 10, err_msg=what)


def fits_schema(value: Any, schema: dict[str, Any], where: str = "answer") -> str:
    """Say where a JSON value does not fit a schema of the few words that answer kinds use; empty where it fits."""
    if "const" in schema:
        return "" if value == schema["const"] else f"{where}: expected {schema['const']!r}"
    if "enum" in schema:
        return "" if value in schema["enum"] else f"{where}: expected one of {schema['enum']}"
    kinds = {"object": dict, "array": list, "number": (int, float), "integer": int, "string": str, "boolean": bool}
    if not isinstance(value, kinds[schema["type"]]) or (isinstance(value, bool) and schema["type"] != "boolean"):
        return f"{where}: expected {schema['type']}, got {type(value).__name__}"
    if schema["type"] == "array":
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            return f"{where}: expected {schema['minItems']} entries, got {len(value)}"
        return next(filter(None, (fits_schema(v, schema["items"], f"{where}[]") for v in value)), "")
    if schema["type"] == "object":
        odd = set(schema["required"]) - set(value) or set(value) - set(schema["properties"])
        if odd:
            return f"{where}: missing or unexpected {sorted(odd)}"
        return next(
            filter(None, (fits_schema(v, schema["properties"][k], f"{where}.{k}") for k, v in value.items())), ""
        )
    return ""
