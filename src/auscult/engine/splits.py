"""Who is trained on and who is tested on, by a stated rule, frozen in a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from auscult.base.contracts import Index, Items, ItemSet
from auscult.base.errors import DataError, UsageError, unknown
from auscult.base.recipe import SplitTable
from auscult.engine.dataset import Dataset, in_order
from auscult.engine.split_in_time import SplitProtocol, split_ranges

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
    step : (P,) int64
        Only every so many positions from ``begin`` on; 1 is all.
    fold : (P,) int64
        Cross-fitting fold of a training stretch; ``-1`` where it is in none and always trained on. With one fold, that
        fold is the validation, and what ships is fitted on it too.
    """

    policy: str
    unit: str
    record: Index
    role: npt.NDArray[np.str_]
    begin: Index
    end: Index
    step: Index
    fold: Index

    @property
    def n_folds(self) -> int:
        """How many cross-fitting folds there are; 0 is none."""
        return int(self.fold.max(initial=-1)) + 1

    def cross_fit(self, k: int) -> Split:
        """Return the split whose validation is fold ``k`` of the training stretches."""
        return replace(self, role=np.where(self.fold == k, "valid", self.role))

    def select(self, items: Items, *roles: str, every: bool = False) -> ItemSet:
        """Return the items that one of the roles may see; ``every`` leaves the step out.

        The stretches of one role do not overlap in a record.
        """
        chosen = np.zeros(len(items), dtype=bool)
        for role in roles:
            mine = self.role == role
            chosen |= np.isin(items.record, self.record[mine & (self.begin < 0)])
            chosen |= self._inside(items, np.flatnonzero(mine & (self.begin >= 0)), every)
        return ItemSet(items, np.flatnonzero(chosen))

    def _inside(self, items: Items, stretches: Index, every: bool) -> npt.NDArray[np.bool_]:
        """Which items lie in one of the stretches, and on its step."""
        if not len(stretches):
            return np.zeros(len(items), dtype=bool)
        span = int(max(items.position.max(initial=0), self.end[stretches].max())) + 1
        start = self.record[stretches] * span + self.begin[stretches]
        order = np.argsort(start)
        at = np.searchsorted(start[order], items.record * span + items.position, side="right") - 1
        p = stretches[order[np.maximum(at, 0)]]
        inside = (at >= 0) & (items.record == self.record[p]) & (items.position < self.end[p])
        on_step = every | ((items.position - self.begin[p]) % self.step[p] == 0)
        return np.asarray(inside & on_step)

    def records(self, role: str) -> Index:
        """Records that a role sees at least a part of."""
        return np.unique(self.record[self.role == role])

    def to_dict(self, dataset: Dataset) -> dict[str, Any]:
        """JSON value that names records by their content hash."""
        rows = [
            [dataset.hashes[r], str(role), *(int(v) for v in rest)]
            for r, role, *rest in zip(self.record, self.role, self.begin, self.end, self.step, self.fold, strict=True)
        ]
        counts = {role: len(self.records(role)) for role in (*ROLES, "apart")}
        in_some = len(np.unique(self.record))
        counts["none"] = len(dataset) - in_some
        return {"policy": self.policy, "unit": self.unit, "n_records": in_some, "counts": counts, "rows": rows}


def make_split(
    dataset: Dataset,
    table: SplitTable,
    *,
    seed: int,
    fold: tuple[int, int] | None = None,
    duplicates: Sequence[tuple[int, int, str]] = (),
) -> Split:
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
    duplicates : sequence of (int, int, str)
        Pairs of records with nearly the same content, for ``duplicates_whole``.

    Raises
    ------
    DataError
        If a role would be empty, or a subject key is needed and the records have none.
    UsageError
        If a record name or a group key is unknown, or near-duplicates cannot be kept whole by this policy.
    """
    rng = np.random.default_rng([table.seed, seed])
    if table.duplicates_whole and table.policy not in ("subject", "group", "given"):
        raise UsageError(
            f"[split] duplicates_whole: expected policy 'subject', 'group' or 'given', got '{table.policy}'; "
            "leave it out and look at the leaks that the evidence lists"
        )
    if table.policy == "given":
        split = _given(dataset, table, rng, duplicates=duplicates)
    elif table.policy == "time-within-subject":
        split = _in_time(dataset, table, table.seed + seed)
    elif table.policy == "per-user-holdout":
        split = _per_user(dataset, table, rng)
    else:
        split = _by_units(dataset, table, rng, duplicates=duplicates, fold=fold)
    if table.cross_fit:
        split = _with_folds(split, _fold_keys(dataset, table, duplicates), table, rng)
    elif table.refit:
        given_back = split.role == "valid"
        split = replace(split, role=np.where(given_back, "train", split.role), fold=np.where(given_back, 0, split.fold))
    for role in ROLES:
        if not len(split.records(role)) and not (role == "valid" and (table.cross_fit or table.refit)):
            told = f"expected records in '{role}', got none of {len(dataset)}{_aside(dataset)}"
            raise DataError(f"split '{table.policy}': {told}")
    return split


def _aside(dataset: Dataset) -> str:
    """The most frequent reason why something was set aside: where little is left to split, it may be the cause."""
    reasons = Counter(aside.nameless for aside in dataset.set_aside)
    return "".join(f"; most often set aside: {reason}" for reason, _ in reasons.most_common(1))


def _with_folds(split: Split, keys: npt.NDArray[np.str_], table: SplitTable, rng: np.random.Generator) -> Split:
    """Give validation back to training, and deal the training units to folds."""
    known = np.isin(split.role, ("train", "valid"))
    units, index = np.unique(keys[split.record[known]], return_inverse=True)
    if len(units) < table.cross_fit:
        raise DataError(f"split.cross_fit: expected at least {table.cross_fit} training units, got {len(units)}")
    dealt = rng.permutation(len(units)) % table.cross_fit
    fold = split.fold.copy()
    fold[known] = dealt[index]
    return replace(split, role=np.where(known, "train", split.role), fold=fold)


def _fold_keys(dataset: Dataset, table: SplitTable, duplicates: Sequence[tuple[int, int, str]]) -> npt.NDArray[np.str_]:
    """What stays whole in cross-fitting, for each record."""
    if table.fold_key and table.fold_key not in dataset.groups:
        raise UsageError(unknown("group key", table.fold_key, dataset.groups, where="[split] fold_key"))
    if table.fold_key:
        keys = dataset.groups[table.fold_key]
    else:
        keys, _ = units_of(dataset, table if table.policy in ("group", "scaffold") else SplitTable(policy="subject"))
    return _joined(keys, duplicates) if table.duplicates_whole else keys


def _whole(policy: str, unit: str, roles: Mapping[str, Index]) -> Split:
    record = np.concatenate(list(roles.values())).astype(np.int64)
    role = np.concatenate([np.full(len(v), k) for k, v in roles.items()])
    none = np.full(len(record), -1, dtype=np.int64)
    return Split(policy, unit, record, role, none, none, np.ones(len(record), dtype=np.int64), none)


def units_of(dataset: Dataset, table: SplitTable) -> tuple[npt.NDArray[np.str_], str]:
    """Return the key that a split keeps together for each record, (R,), and its name."""
    if table.policy in ("group", "scaffold"):
        key = table.key or table.policy
        if key not in dataset.groups:
            raise UsageError(unknown("group key", key, dataset.groups, where="[split] key"))
        return dataset.groups[key], key
    if dataset.subject_order is not None:
        return dataset.subject_order, "subject"
    return dataset.hashes, "record"


def _joined(keys: npt.NDArray[np.str_], pairs: Sequence[tuple[int, int, str]]) -> npt.NDArray[np.str_]:
    """Give units that a pair of records links one key, the first of theirs; through others too."""
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    names, unit = np.unique(keys, return_inverse=True)
    first, second = (unit[np.array([p[k] for p in pairs], dtype=np.int64)] for k in (0, 1))
    links = sparse.coo_array((np.ones(len(pairs)), (first, second)), shape=(len(names), len(names)))
    _, part = connected_components(links, directed=False)
    _, at = np.unique(part, return_index=True)
    return np.asarray(names[at][part][unit])


def _by_units(
    dataset: Dataset,
    table: SplitTable,
    rng: np.random.Generator,
    *,
    duplicates: Sequence[tuple[int, int, str]],
    fold: tuple[int, int] | None,
) -> Split:
    own, unit = units_of(dataset, table)
    keys = _joined(own, duplicates) if table.duplicates_whole else own
    live = _live(dataset)
    names, inverse, counts = np.unique(keys[live], return_inverse=True, return_counts=True)
    by_size = table.policy == "scaffold"
    order = np.argsort(counts, kind="stable") if by_size else rng.permutation(len(names))
    if len(names) < 3:
        n_own = len(np.unique(own[live]))
        joined = f", into which near-duplicates join {n_own} (split.duplicates_whole)" if n_own > len(names) else ""
        told = f"expected at least 3 different values of '{unit}', got {len(names)}{joined}{_aside(dataset)}"
        raise DataError(f"split '{table.policy}': {told}")
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


def _given(
    dataset: Dataset, table: SplitTable, rng: np.random.Generator, *, duplicates: Sequence[tuple[int, int, str]]
) -> Split:
    if table.key in dataset.items.inputs and table.key not in dataset.groups:
        if table.duplicates_whole:
            raise UsageError(
                f"[split] duplicates_whole: expected roles of whole records, got '{table.key}', which gives single "
                "items theirs; leave it out"
            )
        return _given_items(dataset, table, rng)
    if table.key:
        if table.key not in dataset.groups:
            raise UsageError(unknown("group key", table.key, dataset.groups, where="[split] key"))
        named = {role: np.flatnonzero(dataset.groups[table.key] == role) for role in ROLES}
    else:
        named = {role: _by_name(dataset, getattr(table, f"{role}_records"), role) for role in ROLES}
    if table.duplicates_whole:
        named = _without_later(named, duplicates)
    if not len(named["valid"]):
        keys, _ = units_of(dataset, SplitTable(policy="subject"))
        keys = _joined(keys, duplicates) if table.duplicates_whole else keys
        subjects, inverse = np.unique(keys[named["train"]], return_inverse=True)
        n_valid = max(1, round(table.valid * len(subjects)))
        valid = np.isin(inverse, rng.permutation(len(subjects))[:n_valid])
        named["valid"], named["train"] = named["train"][valid], named["train"][~valid]
    return _whole("given", "record", named)


def _without_later(named: Mapping[str, Index], pairs: Sequence[tuple[int, int, str]]) -> dict[str, Index]:
    """Leave out what is nearly the same as a record of a later role: the test stays as it was given."""
    links = np.array([p[:2] for p in pairs], dtype=np.int64).reshape(-1, 2)
    links = np.concatenate([links, links[:, ::-1]])
    kept: dict[str, Index] = {}
    later = np.zeros(0, dtype=np.int64)
    for role in reversed(ROLES):
        kept[role] = np.setdiff1d(named[role], links[np.isin(links[:, 0], later), 1])
        later = np.concatenate([later, kept[role]])
    return {role: kept[role] for role in ROLES}


def _by_name(dataset: Dataset, names: tuple[str, ...], role: str) -> Index:
    short = np.array([n.rpartition("/")[2] for n in dataset.names])
    missing = [n for n in names if n not in short and n not in dataset.names]
    if missing:
        raise UsageError(
            f"[split] {role}_records: expected names of records that are in use, got '{missing[0]}', "
            "which is none of them"
        )
    return np.flatnonzero(np.isin(short, names) | np.isin(dataset.names, names))


def _in_time(dataset: Dataset, table: SplitTable, seed: int) -> Split:
    """Each subject's last stretches are validation and test; some subjects are kept apart whole."""
    if not table.segment:
        raise UsageError("[split] segment: expected the readings that are held out at a subject's end, got none")
    live = _live(dataset)
    keys, _ = units_of(dataset, SplitTable(policy="subject"))
    subject = in_order(keys[live], dataset.names[live])
    length = np.array([dataset.items.position[dataset.items.record == r].max() + table.horizon for r in live])
    protocol = SplitProtocol(table.history, table.segment, table.held_out_subjects)
    ranges = split_ranges(subject, length, protocol=protocol, seed=seed)
    rows: list[tuple[int, str, int, int, int]] = []
    for role, part in (("train", ranges.train), ("valid", ranges.valid), ("test", ranges.test), ("apart", ranges.ood)):
        history, step = (0, 1) if role == "train" else (table.history, table.stride)
        rows += [(int(live[s]), role, int(b) + history, int(e) - table.horizon + 1, step) for s, b, e in part]
    record, role_of, begin, end, step_of = (np.array(c) for c in zip(*[r for r in rows if r[3] > r[2]], strict=True))
    none = np.full(len(record), -1, dtype=np.int64)
    return Split("time-within-subject", "stretch of time", record, role_of, begin, end, step_of, none)


def _per_user(dataset: Dataset, table: SplitTable, rng: np.random.Generator) -> Split:
    """Each record (a user) gives some of its positions to test and validation."""
    items = dataset.items
    role = np.zeros(len(items), dtype=np.int64)
    for number, share in ((2, table.test), (1, table.valid)):
        left = np.flatnonzero(role == 0)
        role[left[_held_out(items, left, rng, share=share, which=table.hold_out)]] = number
    return _by_position("per-user-holdout", items, role)


def _given_items(dataset: Dataset, table: SplitTable, rng: np.random.Generator) -> Split:
    """Roles as an input of the items says, -1 for none; validation is held out of training where none is given."""
    items = dataset.items
    role = np.array(items.inputs[table.key]).astype(np.int64).reshape(-1)
    if len(role) != len(items) or not np.isin(role, range(-1, len(ROLES))).all():
        raise DataError(f"[split] key: expected '{table.key}' to hold 0, 1, 2 or -1 once an item, got something else")
    if not (role == 1).any():
        left = np.flatnonzero(role == 0)
        role[left[_held_out(items, left, rng, share=table.valid, which=table.hold_out)]] = 1
    return _by_position("given", items, role)


def _held_out(
    items: Items, rows: Index, rng: np.random.Generator, *, share: float, which: str
) -> npt.NDArray[np.bool_]:
    """Mark a share of the rows of each record, at least one where a record has three rows or more."""
    record = items.record[rows]
    late = items.position[rows] if which == "last" else rng.random(len(rows))
    order = np.lexsort((-late, record))
    _, start, inverse, count = np.unique(record[order], return_index=True, return_inverse=True, return_counts=True)
    held = np.where(count > 2, np.maximum(1, np.round(share * count)), 0) if share else np.zeros(len(count))
    mark = np.zeros(len(rows), dtype=bool)
    mark[order] = np.arange(len(rows)) - start[inverse] < held[inverse]
    return mark


def _by_position(policy: str, items: Items, role: Index) -> Split:
    """Roles of single items as stretches: neighbours of one role are one stretch."""
    order = np.lexsort((items.position, items.record))
    record, position, role = items.record[order], items.position[order], role[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(record) != 0) | (np.diff(role) != 0)
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(order)) - 1
    mine = role[first] >= 0  # what is in no role still parts the stretches beside it
    first, last = first[mine], last[mine]
    one = np.ones(len(first), dtype=np.int64)
    names = np.array(ROLES)[role[first]]
    return Split(policy, "interaction", record[first], names, position[first], position[last] + 1, one, -one)
