"""What every registered task must do with its own example."""

from __future__ import annotations

import json

import numpy as np
import pytest

from auscult.base.arrays import Column, Ragged
from auscult.base.contracts import Field, Program, RecordBatch, Task
from auscult.base.errors import InputError
from auscult.engine.answers import kind_of
from auscult.engine.metrics.table import METRICS
from auscult.engine.program import read_program, save_program
from toys.battery import Once, Prepared, assert_close, domains, fit, fits_schema, parts, prepared, raw_batches, task_of

TASKS = parts("tasks")
every_task = pytest.mark.parametrize(("domain", "name"), TASKS, ids=["-".join(t) for t in TASKS])


@every_task
def test_declaration(domain: str, name: str) -> None:
    spec = task_of(domain, name).spec
    kind = kind_of(spec)
    assert spec.name == name
    assert spec.labels
    assert len(set(spec.labels)) == len(spec.labels)
    assert spec.summary
    assert spec.primary in spec.metrics
    assert spec.primary in METRICS
    assert set(spec.metrics) <= set(kind.table(spec))
    assert spec.floor in domains()[domain].models
    assert spec.example in domains()[domain].examples
    assert isinstance(task_of(domain, name), Task)


@every_task
def test_items_of_the_example(domain: str, name: str) -> None:
    made = prepared(domain, name)
    items, n = made.items, len(made.items)
    assert n > 0
    assert items.inputs
    assert all(len(v) == n for v in items.inputs.values())
    assert items.record.dtype == np.int64
    assert items.position.dtype == np.int64
    assert items.record.min() >= 0
    assert items.record.max() < len(made.batch)
    assert items.target is not None, "the example must carry targets, so that models can be tried on it"
    assert len(items.target) == n


@every_task
def test_cut_is_repeatable_and_writes_to_nothing(domain: str, name: str) -> None:
    made = prepared(domain, name)
    raw = next(raw_batches(domain, made.spec.example))
    for column in raw.columns.values():
        (column.values if isinstance(column, Ragged) else column).flags.writeable = False
    first, second = (made.task.cut(made.task.prepare(raw)) for _ in range(2))
    for key, values in first.inputs.items():
        np.testing.assert_array_equal(values, second.inputs[key])


@every_task
def test_a_record_alone_gives_the_same_items(domain: str, name: str) -> None:
    made = prepared(domain, name)
    row = len(made.batch) - 1
    alone = made.task.cut(made.batch.take(np.array([row])))
    mine = np.flatnonzero(made.items.record == row)
    for key, values in alone.inputs.items():
        assert_close(values, made.items.inputs[key][mine], key, tolerance=1e-6)
    np.testing.assert_array_equal(alone.position, made.items.position[mine])


@every_task
def test_answers_fit_their_schema(domain: str, name: str, once: Once) -> None:
    made = prepared(domain, name)
    kind = kind_of(made.spec)
    outputs = made.answers(_floor(once, domain, name, made))
    assert len(outputs) > 0
    assert outputs.record.max() < len(made.batch)
    schema = kind.schema(made.spec)
    for row in range(min(len(outputs), 20)):
        value = json.loads(json.dumps(kind.present(made.spec, outputs, row), allow_nan=False))
        assert not fits_schema(value, schema)
    assert not kind.difference(made.spec, outputs, outputs)


@every_task
def test_every_metric_can_be_measured(domain: str, name: str, once: Once) -> None:
    made = prepared(domain, name)
    outputs = made.answers(_floor(once, domain, name, made))
    for metric in made.spec.metrics:
        m = kind_of(made.spec).measure(made.spec, outputs, metric)
        value = m.function(m.target, m.output, **m.parameters)
        assert value.shape == (1,), metric


@every_task
def test_a_foreign_record_is_refused(domain: str, name: str) -> None:
    field = Field("unrelated", "array", "TC", unit="1", rate_hz=10.0, ragged=True, channels=("a",))
    batch = RecordBatch((field,), {"unrelated": Ragged.of([np.ones((50, 1), np.float32)])}, np.array(["r"]))
    with pytest.raises(InputError, match=r"expected .* got .*unrelated"):
        task_of(domain, name).prepare(batch)


@every_task
def test_nan_where_none_is_allowed_is_refused(domain: str, name: str) -> None:
    made = prepared(domain, name)
    raw = next(raw_batches(domain, made.spec.example)).take(np.array([0]))
    used = {f.name for f in made.batch.fields}
    for field in raw.fields:
        if field.kind != "array" or field.missing or field.name not in used:
            continue
        broken = raw.with_columns({field: _with_nan(raw.columns[field.name])})
        with pytest.raises(InputError, match=rf"(?i){field.name}.*expected"):
            made.task.cut(made.task.prepare(broken))


def _floor(once: Once, domain: str, name: str, made: Prepared) -> Program:
    folder = once(
        f"floor-{domain}-{name}",
        lambda f: save_program(fit(domain, made.spec.floor, name, f / "fit"), f / "program"),
    )
    return read_program(folder / "program")


def _with_nan(column: Column) -> Column:
    values = (column.values if isinstance(column, Ragged) else column).astype(np.float32)
    values.reshape(-1)[values.size // 2] = np.nan
    return Ragged(values, column.offsets, column.shapes) if isinstance(column, Ragged) else values
