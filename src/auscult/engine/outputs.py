"""Answers over a whole dataset: made shard by shard, put together, kept in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from auscult.base.arrays import Array, Column, Ragged, join
from auscult.base.contracts import Asks, Index, Items, ItemSet, Outputs, RecordBatch, Run, Task
from auscult.base.files import write_bytes
from auscult.engine.dataset import Dataset

QUESTIONS = 2048
"""Records whose questions are put together at a time: what users took is padded to the longest of them."""


def predict_items(
    task: Task,
    dataset: Dataset,
    chosen: ItemSet,
    *,
    run: Run,
    inputs: Sequence[str],
    known: ItemSet | None = None,
) -> Outputs:
    """Run a program on some items of a dataset and join them to answers.

    Parameters
    ----------
    task : Task
        Joins the items' outputs; one that asks makes questions of the items first.
    dataset : Dataset
        Where the records are.
    chosen : ItemSet
        The items, for example of the validation role.
    run : Run
        The program.
    inputs : sequence of str
        Inputs that the program takes.
    known : ItemSet, optional
        What may be seen of the same records, for a task that asks; nothing by default.

    Returns
    -------
    Outputs
        ``record`` counts over the whole dataset.
    """
    parts = []
    step = QUESTIONS if isinstance(task, Asks) else max(len(dataset), 1)
    for shard, batch in enumerate(dataset.batches()):
        for begin in range(int(dataset.starts[shard]), int(dataset.starts[shard + 1]), step):
            end = min(begin + step, int(dataset.starts[shard + 1]))
            inside = _between(chosen, begin, end)
            if not len(inside):
                continue
            records, local = np.unique(chosen.items.record[inside], return_inverse=True)
            items = take_items(chosen.items, inside, local)
            some = batch.take(records - dataset.starts[shard])
            if isinstance(task, Asks):
                items = task.ask(some, _known(known, chosen, records), items)
            arrays = run({name: items.inputs[name] for name in inputs})
            parts.append(renumber(task.join(some, items, arrays), records))
    return concat(parts)


def questions(task: Task, batch: RecordBatch, items: Items) -> Items:
    """Give what the program is run on when everything in the records may be seen and nothing is asked for."""
    return task.ask(batch, items, None) if isinstance(task, Asks) else items


def _between(chosen: ItemSet, begin: int, end: int) -> Index:
    """Rows of the chosen items whose record is from ``begin`` to before ``end``."""
    record = chosen.items.record[chosen.rows]
    return chosen.rows[(record >= begin) & (record < end)]


def _known(known: ItemSet | None, chosen: ItemSet, records: Index) -> Items:
    """Items of the records that may be seen, numbered as the records are."""
    if known is None:
        return take_items(chosen.items, chosen.rows[:0], chosen.rows[:0])
    rows = _between(known, int(records[0]), int(records[-1]) + 1)
    rows = rows[np.isin(known.items.record[rows], records)]
    return take_items(known.items, rows, np.searchsorted(records, known.items.record[rows]))


def take_items(items: Items, rows: Index, record: Index) -> Items:
    """Copy some items, with new numbers of their records."""
    return Items(
        {name: np.asarray(values[rows]) for name, values in items.inputs.items()},
        record.astype(np.int64),
        items.position[rows],
        None if items.target is None else np.asarray(items.target[rows]),
    )


def renumber(outputs: Outputs, records: Index) -> Outputs:
    """Replace the number of each record by ``records[number]``."""
    return Outputs(outputs.arrays, records[outputs.record], outputs.position, outputs.target)


def concat(parts: Sequence[Outputs]) -> Outputs:
    """Put answers one after the other."""
    first = parts[0]
    position = [p.position for p in parts if p.position is not None]
    targets = [p.target for p in parts if p.target is not None]
    return Outputs(
        {name: join([p.arrays[name] for p in parts]) for name in first.arrays},
        np.concatenate([p.record for p in parts]),
        np.concatenate(position) if len(position) == len(parts) else None,
        {n: join([t[n] for t in targets]) for n in targets[0]} if len(targets) == len(parts) else None,
    )


def save_outputs(outputs: Outputs, path: Path) -> None:
    """Write answers as one safetensors file, atomically; the same answers give the same bytes."""
    flat: dict[str, Array] = {"record": outputs.record}
    if outputs.position is not None:
        flat["position"] = outputs.position
    for prefix, columns in (("array", outputs.arrays), ("target", outputs.target or {})):
        for name, column in columns.items():
            flat |= _flat(f"{prefix}/{name}", column)
    write_bytes(path, save({name: np.ascontiguousarray(values) for name, values in sorted(flat.items())}))


def _flat(key: str, column: Column) -> dict[str, Array]:
    if not isinstance(column, Ragged):
        return {f"{key}/names": as_bytes(column)} if column.dtype.kind == "S" else {f"{key}/dense": column}
    if column.values.dtype.kind == "S":
        return {f"{key}/texts": as_bytes(column.values), f"{key}/offsets": column.offsets}
    parts = {f"{key}/values": column.values, f"{key}/offsets": column.offsets}
    return parts if column.shapes is None else {**parts, f"{key}/shapes": column.shapes}


def read_outputs(path: Path) -> Outputs:
    """Read answers that ``save_outputs`` wrote."""
    flat = load_file(path)
    target = _columns(flat, "target/")
    return Outputs(_columns(flat, "array/"), flat["record"], flat.get("position"), target or None)


def _columns(flat: Mapping[str, Any], prefix: str) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for key, value in flat.items():
        if not key.startswith(prefix):
            continue
        name, _, part = key.removeprefix(prefix).rpartition("/")
        if part == "dense":
            columns[name] = value
        elif part == "names":
            columns[name] = from_bytes(value)
        elif part == "texts":
            columns[name] = Ragged(from_bytes(value), flat[f"{prefix}{name}/offsets"])
        elif part == "values":
            columns[name] = Ragged(value, flat[f"{prefix}{name}/offsets"], flat.get(f"{prefix}{name}/shapes"))
    return columns


def as_bytes(names: Array) -> Array:
    """Names as numbers that safetensors can hold: (N, ...) of W bytes -> (N, ..., W) uint8."""
    return np.ascontiguousarray(names).view(np.uint8).reshape(*names.shape, names.dtype.itemsize)


def from_bytes(numbers: Array) -> Array:
    """Names as ``as_bytes`` took them: (N, ..., W) uint8 -> (N, ...)."""
    return np.ascontiguousarray(numbers).view(f"S{numbers.shape[-1]}").reshape(numbers.shape[:-1])
