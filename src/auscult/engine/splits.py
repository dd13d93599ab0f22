"""Who is trained on and who is tested on, by a stated rule, frozen in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from auscult.base.contracts import Index, Items, ItemSet
from auscult.base.errors import DataError, UsageError, unknown
from auscult.base.recipe import SplitTable
from auscult.engine.dataset import Dataset

ROLES = ("train", "valid", "test")


@dataclass(frozen=True)
class Split:
    """Roles of stretches of records.

    Parameters
    ----------
    policy, unit : str
        The rule, and what it keeps together.
    record : (P,) int64
        Record of each stretch.
    role : (P,) array of str
        ``train``, ``valid``, ``test``, or ``apart`` for what is held out beside the test.
    begin, end : (P,) int64
        First position and the one after the last, for items whose positions lie inside; ``-1`` is the whole record.
    """

    policy: str
    unit: str
    record: Index
    role: npt.NDArray[np.str_]
    begin: Index
    end: Index

    def select(self, items: Items, role: str) -> ItemSet:
        """Return the items that a role may see."""
        whole = self.begin < 0
        chosen = np.zeros(len(items), dtype=bool)
        mine = self.role == role
        chosen |= np.isin(items.record, self.record[mine & whole])
        for p in np.flatnonzero(mine & ~whole):
            chosen |= (
                (items.record == self.record[p]) & (items.position >= self.begin[p]) & (items.position < self.end[p])
            )
        return ItemSet(items, np.flatnonzero(chosen))

    def records(self, role: str) -> Index:
        """Records that a role sees at least a part of."""
        return np.unique(self.record[self.role == role])

    def to_dict(self, dataset: Dataset) -> dict[str, Any]:
        """JSON value that names records by their content hash."""
        rows = [
            [dataset.hashes[r], str(role), int(b), int(e)]
            for r, role, b, e in zip(self.record, self.role, self.begin, self.end, strict=True)
        ]
        counts = {role: len(self.records(role)) for role in (*ROLES, "apart")}
        return {"policy": self.policy, "unit": self.unit, "counts": counts, "rows": rows}


def make_split(dataset: Dataset, table: SplitTable, *, seed: int, fold: tuple[int, int] | None = None) -> Split:
    """Split a dataset by the rule of the recipe.

    Parameters
    ----------
    dataset : Dataset
        The prepared records.
    table : SplitTable
        The ``[split]`` table.
    seed : int
        Added to the seed of the table; the seeds of a study go here.
    fold : (int, int), optional
        Which fold of how many is the test, in cross-validation.

    Raises
    ------
    DataError
        If a role would be empty, or a subject key is needed and the records have none.
    UsageError
        If a record name or a group key is unknown.
    """
    rng = np.random.default_rng([table.seed, seed])
    if table.policy == "given":
        split = _given(dataset, table, rng)
    elif table.policy == "time-within-subject":
        split = _in_time(dataset, table, rng)
    elif table.policy == "per-user-holdout":
        split = _per_user(dataset, table, rng)
    else:
        split = _by_units(dataset, table, rng, fold)
    for role in ROLES:
        if not len(split.records(role)):
            raise DataError(f"split '{table.policy}': expected records in '{role}', got none of {len(dataset)}")
    return split


def _whole(policy: str, unit: str, roles: Mapping[str, Index]) -> Split:
    record = np.concatenate(list(roles.values())).astype(np.int64)
    role = np.concatenate([np.full(len(v), k) for k, v in roles.items()])
    none = np.full(len(record), -1, dtype=np.int64)
    return Split(policy, unit, record, role, none, none)


def units_of(dataset: Dataset, table: SplitTable) -> tuple[npt.NDArray[np.str_], str]:
    """Return the key that a split keeps together for each record, (R,), and its name."""
    if table.policy in ("group", "scaffold"):
        key = table.key or table.policy
        if key not in dataset.groups:
            raise UsageError(unknown("group key", key, dataset.groups, where="[split] key"))
        return dataset.groups[key], key
    if dataset.subjects is not None:
        return dataset.subjects, "subject"
    return dataset.hashes, "record"


def _by_units(dataset: Dataset, table: SplitTable, rng: np.random.Generator, fold: tuple[int, int] | None) -> Split:
    keys, unit = units_of(dataset, table)
    live = _live(dataset)
    names, inverse, counts = np.unique(keys[live], return_inverse=True, return_counts=True)
    if table.policy == "scaffold":
        order = np.argsort(counts, kind="stable")
    else:
        order = rng.permutation(len(names))
    if len(names) < 3:
        raise DataError(f"split '{table.policy}': expected at least 3 different values of '{unit}', got {len(names)}")
    if fold is not None:
        test = order[fold[0] :: fold[1]]
        rest = np.setdiff1d(order, test, assume_unique=True)
        rest = rest[rng.permutation(len(rest))]
    else:
        n_test = _reach(counts[order], table.test)
        test, rest = order[:n_test], order[n_test:]
    n_valid = min(_reach(counts[rest], table.valid), len(rest) - 1)
    chosen = {"test": test, "valid": rest[:n_valid], "train": rest[n_valid:]}
    return _whole(table.policy, unit, {role: live[np.isin(inverse, u)] for role, u in chosen.items()})


def _live(dataset: Dataset) -> Index:
    """Records that still have items."""
    return np.unique(dataset.items.record)


def _reach(counts: Index, share: float) -> int:
    """How many leading units hold ``share`` of all records; at least one where the share is not 0."""
    if share == 0:
        return 0
    return int(np.searchsorted(np.cumsum(counts), share * counts.sum())) + 1


def _given(dataset: Dataset, table: SplitTable, rng: np.random.Generator) -> Split:
    if table.key:
        if table.key not in dataset.groups:
            raise UsageError(unknown("group key", table.key, dataset.groups, where="[split] key"))
        named = {role: np.flatnonzero(dataset.groups[table.key] == role) for role in ROLES}
    else:
        named = {role: _by_name(dataset, getattr(table, f"{role}_records"), role) for role in ROLES}
    if not len(named["valid"]):
        keys, _ = units_of(dataset, SplitTable(policy="subject"))
        subjects, inverse = np.unique(keys[named["train"]], return_inverse=True)
        n_valid = max(1, round(table.valid * len(subjects)))
        valid = np.isin(inverse, rng.permutation(len(subjects))[:n_valid])
        named["valid"], named["train"] = named["train"][valid], named["train"][~valid]
    return _whole("given", "record", named)


def _by_name(dataset: Dataset, names: tuple[str, ...], role: str) -> Index:
    short = np.array([n.rpartition("/")[2] for n in dataset.names])
    missing = [n for n in names if n not in short and n not in dataset.names]
    if missing:
        raise UsageError(unknown("record", missing[0], short, where=f"[split] {role}_records"))
    return np.flatnonzero(np.isin(short, names) | np.isin(dataset.names, names))


def _in_time(dataset: Dataset, table: SplitTable, rng: np.random.Generator) -> Split:
    """Each record's last stretch is the test and the one before it validation; some subjects are kept apart whole."""
    live = _live(dataset)
    keys, _ = units_of(dataset, SplitTable(policy="subject"))
    subjects = np.unique(keys[live])
    n_apart = int(np.ceil(table.held_out_subjects * len(subjects))) if table.held_out_subjects else 0
    apart = np.isin(keys[live], subjects[rng.permutation(len(subjects))[:n_apart]])
    rows: list[tuple[int, str, int, int]] = []
    for record, away in zip(live, apart, strict=True):
        positions = dataset.items.position[dataset.items.record == record]
        low, high = int(positions.min()), int(positions.max()) + 1
        length = table.segment or max(1, round((high - low) * table.test))
        if away:
            rows.append((int(record), "apart", low, high))
            continue
        rows.append((int(record), "test", max(low, high - length), high))
        rows.append((int(record), "valid", max(low, high - 2 * length), max(low, high - length)))
        rows.append((int(record), "train", low, max(low, high - 2 * length)))
    kept = [r for r in rows if r[3] > r[2]]
    record, role, begin, end = (np.array(c) for c in zip(*kept, strict=True))
    return Split("time-within-subject", "stretch of time", record, role, begin, end)


def _per_user(dataset: Dataset, table: SplitTable, rng: np.random.Generator) -> Split:
    """Each record (a user) gives some of its positions to validation and test, drawn at random."""
    rows: list[tuple[int, str, int, int]] = []
    for record in _live(dataset):
        positions = np.unique(dataset.items.position[dataset.items.record == record])
        order = rng.permutation(positions)
        n_test = max(1, round(table.test * len(order))) if len(order) > 2 else 0
        n_valid = max(1, round(table.valid * (len(order) - n_test))) if len(order) > 2 else 0
        roles = ["test"] * n_test + ["valid"] * n_valid + ["train"] * (len(order) - n_test - n_valid)
        rows += [(int(record), role, int(p), int(p) + 1) for role, p in zip(roles, order, strict=True)]
    record, role, begin, end = (np.array(c) for c in zip(*rows, strict=True))
    return Split("per-user-holdout", "interaction", record, role, begin, end)
