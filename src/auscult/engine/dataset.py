"""The dataset of a run: immutable shards, one list of records, one memory-mapped set of items."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from auscult.base.contracts import Index, Items, RecordBatch, SetAside
from auscult.base.errors import DataError
from auscult.base.files import hash_of, new_folder, read_json, write_json
from auscult.base.recipe import DataTable
from auscult.engine.columns import NpyAppender, read_batch, read_names


@dataclass(frozen=True)
class Dataset:
    """Prepared records on disk. ``folder`` holds ``dataset.json``, ``shards/`` and ``items/``."""

    folder: Path

    @cached_property
    def _about(self) -> dict[str, Any]:
        about: dict[str, Any] = read_json(self.folder / "dataset.json")
        return about

    @cached_property
    def shards(self) -> list[Path]:
        """Folders of the shards that hold records, in order."""
        return [self.folder / "shards" / name for name in self._about["shards"]]

    def batches(self) -> Iterator[RecordBatch]:
        """Yield the records shard by shard; numbers are memory-mapped."""
        return (read_batch(shard) for shard in self.shards)

    @cached_property
    def names(self) -> npt.NDArray[np.str_]:
        """Names of all records, (R,)."""
        return self._column("record")

    @cached_property
    def hashes(self) -> npt.NDArray[np.str_]:
        """Content hash of each record, (R,)."""
        return self._column("hash")

    @cached_property
    def subjects(self) -> npt.NDArray[np.str_] | None:
        """Pseudonym of each record's subject, (R,), or nothing where the source names none."""
        return self._batch_column("subject")

    @cached_property
    def subject_order(self) -> npt.NDArray[np.str_] | None:
        """Number of each record's subject, (R,), as text that sorts; see ``in_order``.

        Draws are made over these: over pseudonyms, another key would draw another split from the same seed.
        """
        return None if self.subjects is None else np.char.mod("%09d", in_order(self.subjects, self.names))

    @cached_property
    def groups(self) -> dict[str, npt.NDArray[np.str_]]:
        """Group keys that every record has, each (R,)."""
        keys = [set(b.groups) for b in self.batches()]
        found = {k: self._batch_column(f"group:{k}") for k in sorted(set.intersection(*keys))}
        stated = {key: self._stated(values) for key, values in self._about["groups"].items()}
        return {**{k: v for k, v in found.items() if v is not None}, **stated}

    def _stated(self, values: Mapping[str, Sequence[str]]) -> npt.NDArray[np.str_]:
        """Value of a group key that the recipe states by record names."""
        by_name = {name: value for value, names in values.items() for name in names}
        return np.array([by_name.get(n, by_name.get(n.rpartition("/")[2], "other")) for n in self.names.tolist()])

    def _column(self, key: str) -> npt.NDArray[np.str_]:
        return np.array([n for s in self.shards for n in read_names(s, key)], dtype=np.str_)

    def _batch_column(self, key: str) -> npt.NDArray[np.str_] | None:
        try:
            return self._column(key)
        except KeyError:
            return None

    @property
    def hash(self) -> str:
        """SHA-256 over the records' hashes: the same records in the same order, however they were stored."""
        return hash_of(self.hashes)

    @property
    def set_aside(self) -> list[SetAside]:
        """What could not be used, and why."""
        return [SetAside(**entry) for entry in self._about["set_aside"]]

    @cached_property
    def starts(self) -> Index:
        """Number of the first record of each shard, and the number of records at the end, (S + 1,)."""
        counts = [read_json(s / "shard.json")["n_records"] for s in self.shards]
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    @cached_property
    def items(self) -> Items:
        """All items, memory-mapped; ``record`` counts over the whole dataset."""
        folder = self.folder / "items"
        inputs = {
            p.name.removeprefix("input.").removesuffix(".npy"): np.load(p, mmap_mode="r")
            for p in sorted(folder.glob("input.*.npy"))
        }
        target = folder / "target.npy"
        return Items(
            inputs,
            np.load(folder / "record.npy"),
            np.load(folder / "position.npy"),
            np.load(target, mmap_mode="r") if target.exists() else None,
        )

    def __len__(self) -> int:
        return int(self.starts[-1])


def in_order(keys: npt.NDArray[np.str_], names: npt.NDArray[np.str_]) -> Index:
    """Number subjects, (R,), by the natural order of their records' names, so that a pseudonym decides nothing.

    Subjects whose records have equal names in different folders keep the order of the records.
    """
    first: dict[str, tuple[int, str]] = {}
    for key, name in zip(keys.tolist(), names.tolist(), strict=True):
        place = natural(name.rpartition("/")[2].partition("#")[0])
        first[key] = min(first.get(key, place), place)
    order = {key: n for n, key in enumerate(sorted(first, key=lambda k: first[k]))}
    return np.array([order[k] for k in keys.tolist()], dtype=np.int64)


def natural(name: str) -> tuple[int, str]:
    """Return what names are sorted by in their natural order: a number by its value, a text by its letters."""
    return (int(name), "") if name.isdecimal() else (0, name)


def assemble(shards: Sequence[Path], folder: Path, *, data: DataTable, extra_aside: Sequence[SetAside]) -> Dataset:
    """Put shards together into the dataset of a run.

    Parameters
    ----------
    shards : sequence of Path
        Folders made by ``prepare``, in order.
    folder : Path
        Where the dataset goes; it appears whole or not at all.
    data : DataTable
        Which records are left out (their items are dropped) and which group keys the recipe states.
    extra_aside : sequence of SetAside
        What was set aside before preparation, such as files that no reader knows.

    Raises
    ------
    DataError
        If no record is left; lists the first reasons.
    """
    full = [s for s in shards if read_json(s / "shard.json")["n_records"]]
    aside = [SetAside(**a) for s in shards for a in read_json(s / "shard.json")["set_aside"]] + list(extra_aside)
    if not full:
        reasons = "; ".join(a.reason for a in aside[:3])
        raise DataError(
            f"dataset: expected at least one usable record, got none of {len(aside)}. First reasons: {reasons}"
        )
    _require_known(data, {part for shard in full for name in read_names(shard, "record") for part in _names_of(name)})
    with new_folder(folder) as draft:
        for shard in full:
            _link_tree(shard, draft / "shards" / shard.name)
        about = {
            "shards": [s.name for s in full],
            "set_aside": [asdict(a) for a in aside],
            "left_out": list(data.leave_out),
            "groups": {key: {v: list(n) for v, n in values.items()} for key, values in data.groups.items()},
        }
        write_json(draft / "dataset.json", about)
        _merge_items(full, draft / "items", frozenset(data.leave_out))
    return Dataset(folder)


def _names_of(record: str) -> tuple[str, str, str]:
    """The names by which a recipe may mean a record: whole, without its folder, without the number of its part."""
    short = record.rpartition("/")[2]
    return record, short, short.partition("#")[0]


def _require_known(data: DataTable, known: set[str]) -> None:
    """Refuse record names of the recipe that no record has: a slip of the pen would leave a leak or a bad record in."""
    in_groups = [n for values in data.groups.values() for names in values.values() for n in names]
    stated = {"leave_out": data.leave_out, "groups": in_groups, "same_subject": list(data.same_subject)}
    for key, names in stated.items():
        missing = [name for name in names if name not in known]
        if missing:
            raise DataError(
                f"[data] {key}: expected names of records that are in use, got '{missing[0]}', which is none of them; "
                "'auscult inspect' says what is there, and what was set aside needs no mention"
            )


def _link_tree(source: Path, target: Path) -> None:
    """Hard-link a folder that is never written again; copy where links are not possible."""
    target.mkdir(parents=True)
    for path in source.iterdir():
        if path.is_file():
            try:
                os.link(path, target / path.name)
            except OSError:
                shutil.copy2(path, target / path.name)


def _merge_items(shards: Sequence[Path], folder: Path, leave_out: frozenset[str]) -> None:
    """Append the items of all shards, so that training reads one array."""
    folder.mkdir()
    files: dict[str, NpyAppender] = {}
    start = 0
    for shard in shards:
        names = list(read_names(shard, "record"))
        record = np.load(shard / "items" / "record.npy")
        dropped = np.array([not leave_out.isdisjoint(_names_of(n)) for n in names])
        keep = np.flatnonzero(~dropped[record])
        for path in sorted((shard / "items").glob("*.npy")):
            values = np.load(path, mmap_mode="r")
            values = values if len(keep) == len(record) else values[keep]
            values = values + start if path.stem == "record" else values
            files.setdefault(path.name, NpyAppender(folder / path.name)).append(values)
        start += len(names)
    for appender in files.values():
        appender.close()
