"""Between the roles of a split: what training knows of the test's future, what is cold, and which items are popular."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array, Ragged
from auscult.base.contracts import Finding, Index, ItemSet, Outputs

POPULAR = 0.2
"""Share of the items of training that count as popular: those that most users took."""
KNOWN = 5
"""Items that a user must have taken to be known by them."""
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, repr=False)
class Uses:
    """Who took what, and when.

    Parameters
    ----------
    item : (N,) array
        Names or numbers.
    user : (N,) int64
        Record of each.
    time : (N,) float64
        Seconds since 1970; NaN where nothing says when.
    """

    item: Array
    user: Index
    time: npt.NDArray[np.float64]

    @staticmethod
    def of(some: ItemSet, *, taken_only: bool = False) -> Uses:
        """Look at items as the tasks cut them; ``taken_only`` leaves out what was shown and not taken."""
        inputs = some.inputs()
        time = inputs["time"].astype(np.float64) if "time" in inputs else np.full(len(some), np.nan)
        rows = np.flatnonzero(some.target() == 1) if taken_only else np.arange(len(some))
        return Uses(inputs["item"][rows], some.items.record[some.rows][rows], time[rows])


def findings_between(roles: Mapping[str, Uses]) -> list[Finding]:
    """Look for leaks in time and for what only one side of a split has.

    Parameters
    ----------
    roles : mapping
        ``train`` (what the model learns from), ``valid`` and ``test``. A question of the test shows what the user took
        in the first two.
    """
    train, valid, test = (roles[r] for r in ("train", "valid", "test"))
    if not len(train.user) or not len(test.user):
        return []
    found = [*_future(train, valid, test), *_cold(train, valid, test), *_one_side(train, valid, test)]
    return [f for f in found if f.count]


def _future(train: Uses, valid: Uses, test: Uses) -> Iterator[Finding]:
    """Histories that hold the future, and training that is later than the test begins."""
    n = 1 + int(max(u.user.max(initial=0) for u in (train, valid, test)))
    last = np.full(n, -np.inf)
    for known in (train, valid):
        told = ~np.isnan(known.time)
        np.maximum.at(last, known.user[told], known.time[told])
    timed = ~np.isnan(test.time)
    late = int((last[test.user[timed]] > test.time[timed]).sum())
    text = (
        f"of {timed.sum()} interactions of the test are earlier than something that the history of their user shows "
        "(a history that holds the future); [split] hold_out = 'last' holds out what came last"
    )
    yield Finding("time-leak", "warning", f"{late} {text}", late)
    if timed.any():
        border = test.time[timed].min()
        after = int((train.time > border).sum())
        text = (
            f"of {len(train.time)} interactions that are learned from are later than the first of the test: popularity "
            "and neighbours know its future; a given split with one date for all users does not let them"
        )
        yield Finding("later-than-border", "info", f"{after} {text}", after)


def _cold(train: Uses, valid: Uses, test: Uses) -> Iterator[Finding]:
    """Items and users of the test that training does not hold."""
    cold = ~np.isin(test.item, train.item)
    items, share = len(np.unique(test.item[cold])), cold.mean()
    text = (
        f"of {len(np.unique(test.item))} items of the test are in no interaction of training; they are "
        f"{100 * share:.1f} % of the test and no model that knows items by their use alone can list them"
    )
    yield Finding("cold-items", "warning" if share > 0.1 else "info", f"{items} {text}", items)
    users = np.unique(test.user)
    new = int((~np.isin(users, np.concatenate([train.user, valid.user]))).sum())
    text = f"of {len(users)} users of the test have no history ({100 * new / len(users):.1f} %)"
    yield Finding("cold-users", "info", f"{new} {text}; they are answered by attributes or by popularity", new)


def _one_side(train: Uses, valid: Uses, test: Uses) -> Iterator[Finding]:
    """Users and items of training that the test has nothing of."""
    known = np.concatenate([train.user, valid.user])
    users = len(np.setdiff1d(known, test.user))
    items = len(np.setdiff1d(np.concatenate([train.item, valid.item]), test.item))
    text = f"users and {items} items are in training and validation only; no figure says how they are answered"
    yield Finding("training-only", "info", f"{users} {text}", users + items)


def popular_items(train: Uses) -> tuple[Array, Mask]:
    """Items of training in rising order, (V,), and which of them are popular, (V,); of equals the first."""
    items, counts = np.unique(train.item, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    popular = np.zeros(len(items), dtype=bool)
    popular[order[: max(1, round(POPULAR * len(items)))]] = True
    return items, popular


def item_groups(item: Array, train: Uses) -> dict[str, Mask]:
    """Which of some items, (N,), are popular, of the tail, or unknown to training; groups without any are left out."""
    names, popular = popular_items(train)
    at = np.minimum(np.searchsorted(names, item), len(names) - 1)
    known = names[at] == item
    groups = {"popular": known & popular[at], "tail": known & ~popular[at], "new": ~known}
    return {k: v for k, v in groups.items() if v.any()}


def user_groups(user: Index, train: Uses, valid: Uses) -> dict[str, Mask]:
    """Which of some users, (N,), are known by what they took before, and which are not."""
    n = 1 + int(max(u.max(initial=0) for u in (user, train.user, valid.user)))
    known = np.bincount(np.concatenate([train.user, valid.user]), minlength=n)[user] >= KNOWN
    groups = {f"warm, {KNOWN} items or more": known, f"cold, fewer than {KNOWN} items": ~known}
    return {k: v for k, v in groups.items() if v.any()}


def divided_lists(outputs: Outputs, train: Uses, valid: Uses) -> dict[str, dict[str, Outputs]]:
    """Divide ranked lists by their users, and what is relevant in them by its popularity.

    A list is judged for popular items, or for those of the tail, as if nothing else were relevant; users to whom no
    item of the group is relevant are left out.
    """
    relevant = outputs.ragged_truth("relevant")
    of_items = {k: _only(outputs, relevant, mask) for k, mask in item_groups(relevant.values, train).items()}
    users = user_groups(outputs.record, train, valid)
    return {"items": of_items, "users": {k: outputs.take(np.flatnonzero(mask)) for k, mask in users.items()}}


def _only(outputs: Outputs, relevant: Ragged, mask: Mask) -> Outputs:
    row = np.repeat(np.arange(len(outputs)), relevant.lengths)
    counts = np.bincount(row[mask], minlength=len(outputs))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    some = replace(outputs, target={"relevant": Ragged(np.asarray(relevant.values)[mask], offsets)})
    return some.take(np.flatnonzero(counts > 0))
