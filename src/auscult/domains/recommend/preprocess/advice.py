"""From scores of devices to a list under rules, and what can be said about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Items, Run
from auscult.domains.recommend.preprocess.attributes import FULL, Schema
from auscult.domains.recommend.preprocess.names import Names, item_text
from auscult.domains.recommend.preprocess.rules import DOWN, KEEP, REMOVE, Ints, Rules

LENGTH = 20
NOTE_BYTES = 1024
REASONS = 3
Advised = dict[str, Array]


@dataclass(frozen=True, repr=False)
class Advice:
    """One question.

    Parameters
    ----------
    row : int
        Its number among the questions.
    names : (C,) array of bytes
        Devices that can be proposed: the catalogue, then new ones.
    n_known : int
        How many of them the catalogue has.
    marks : (C, G) uint8
        Their attributes.
    effects : (rules, C) int8
        What each rule does to each.
    history : (L,) array of bytes
        What was given; it is not proposed again.
    n_foreign : int
        How many more were given that the catalogue does not know.
    rules : Rules
        The rules.
    """

    row: int
    names: Names
    n_known: int
    marks: Array
    effects: Ints
    history: Names
    n_foreign: int
    rules: Rules

    @property
    def effect(self) -> Ints:
        """The strongest effect on each device, (C,)."""
        return np.asarray(self.effects.max(axis=0, initial=KEEP), dtype=np.int8)


def list_of(advice: Advice, made: Advised) -> Advised:
    """Rank the devices of one question.

    Parameters
    ----------
    advice : Advice
        The question.
    made : dict
        What the program gave it: ``score`` (C,), or names ``item`` (K,) with their ``score`` (K,).

    Returns
    -------
    dict
        ``item`` and ``score`` (20,), padded; ``note`` of what the rules did; how many of a list without rules would
        break one, and the mean distance of the listed devices' attributes.
    """
    score = _scores(advice, made)
    free = np.isfinite(score)
    effect = advice.effect
    order = np.lexsort((np.arange(len(score)), -np.where(free, score, 0.0)))
    order = order[free[order]]
    kept = order[effect[order] < REMOVE]
    kept = kept[np.argsort(effect[kept], kind="stable")][:LENGTH]
    item, shown = np.zeros(LENGTH, dtype=advice.names.dtype), np.zeros(LENGTH, dtype=np.float32)
    item[: len(kept)], shown[: len(kept)] = advice.names[kept], score[kept]
    return {
        "item": item,
        "score": shown,
        "note": np.array(_cut(_note(advice, len(kept))), dtype=f"S{NOTE_BYTES}"),
        "forbidden": np.array((effect[order[:LENGTH]] == REMOVE).sum()),
        "diversity": np.array(_diversity(advice.marks[kept]), dtype=np.float32),
    }


def _scores(advice: Advice, made: Advised) -> Array:
    """Score of each device of a question, (C,); -inf where it cannot be listed."""
    if "item" not in made:
        score = np.array(made["score"][: len(advice.names)], dtype=np.float64)
    else:
        score = np.full(len(advice.names), -np.inf)
        place = {bytes(name): k for k, name in enumerate(advice.names)}
        for name, value in zip(made["item"], made["score"], strict=True):
            if bytes(name) in place:
                score[place[bytes(name)]] = value
    score[np.isin(advice.names, advice.history[advice.history != b""])] = -np.inf
    return score


def _note(advice: Advice, n_listed: int) -> str:
    """What the rules did, and what was not looked at; empty where there is nothing of either and a device is left."""
    parts = []
    if advice.n_foreign:
        parts.append(f"{advice.n_foreign} devices given before are none of the catalogue and were not looked at")
    for effect, verb in ((REMOVE, "removed"), (DOWN, "ranked below the others")):
        by = {r.name: int((row == effect).sum()) for r, row in zip(advice.rules.rules, advice.effects, strict=True)}
        total = int((advice.effect == effect).sum())
        if total:
            named = ", ".join(f"{name} {count}" for name, count in sorted(by.items(), key=lambda x: -x[1]) if count)
            parts.append(f"{total} of {len(advice.names)} devices {verb} by rules ({named})")
    if not n_listed:
        given = np.isin(advice.names, advice.history[advice.history != b""])
        some = bool(((advice.effect < REMOVE) & ~given).any())
        parts.insert(
            0, "none of the devices that the model names is allowed" if some else "no device is left to propose"
        )
    return "; ".join(parts)


def _cut(note: str) -> bytes:
    """A note as bytes; one that is too long ends at a word and says so."""
    text = note.encode()
    if len(text) <= NOTE_BYTES:
        return text
    end = " … and more"
    return text[: NOTE_BYTES - len(end.encode())].rsplit(b" ", 1)[0] + end.encode()


def _diversity(marks: Array) -> float:
    """Mean distance of pairs of devices, as the share of marks that differ, (K, G)."""
    if len(marks) < 2:
        return 0.0
    x = marks.astype(np.float64) / FULL
    apart = np.abs(x[:, None] - x[None]).mean(axis=2)
    return float(apart.sum() / (len(x) * (len(x) - 1)))


def told_of(advice: Advice, listed: Names, items: Items, run: Run) -> dict[str, Any]:
    """Why each device of a list is in it, and what the rules took away.

    A reason is what the score of a device loses without it: without a device of the history, or without an attribute
    of the patient. A rule that ranked a device down, or removed one, says so.
    """
    place = {bytes(name): k for k, name in enumerate(advice.names)}
    at = np.array([place[bytes(name)] for name in listed], dtype=np.int64)
    told, falls = _falls(advice, at, items, run)
    devices = []
    for k, column in enumerate(at):
        order = [i for i in np.argsort(-falls[:, k])[:REASONS] if falls[i, k] > 1e-6]
        one: dict[str, Any] = {
            "item": item_text(advice.names[column]),
            "because": [{**told[i], "adds": round(float(falls[i, k]), 4)} for i in order],
        }
        down = [r.says for r, row in zip(advice.rules.rules, advice.effects, strict=True) if row[column] == DOWN]
        one |= {"ranked_down": down} if down else {}
        one |= {"new": True} if column >= advice.n_known else {}
        devices.append(one)
    removed = [
        {
            "rule": rule.name,
            "kind": rule.kind,
            "says": rule.says,
            "items": [item_text(n) for n in advice.names[row == REMOVE]],
        }
        for rule, row in zip(advice.rules.rules, advice.effects, strict=True)
        if (row == REMOVE).any()
    ]
    variety = {"diversity": round(_diversity(advice.marks[at]), 3), "coverage": round(len(at) / len(advice.names), 3)}
    return {"items": devices, "removed": removed, **variety}


def _falls(advice: Advice, at: Array, items: Items, run: Run) -> tuple[list[dict[str, Any]], Array]:
    """What could be a reason, and by how much the score of each listed device falls without it, (reasons, K)."""
    one = {name: values[advice.row : advice.row + 1] for name, values in items.inputs.items()}
    told: list[dict[str, Any]] = []
    variants = [one]
    for place in np.flatnonzero(one["history"][0] != b""):
        history, name = one["history"].copy(), one["history"][0, place]
        history[0, place] = b""
        number = int(np.searchsorted(advice.names[: advice.n_known], name)) + 1
        taken = np.where(one["taken"] == number, 0, one["taken"])
        variants.append({**one, "history": history, "taken": taken})
        told.append({"device": item_text(name)})
    for name in _known_attributes(advice.rules.patients, one["patient"][0]):
        patient = one["patient"].copy()
        patient[0, advice.rules.patients.columns(name)] = 0
        variants.append({**one, "patient": patient})
        told.append({"attribute": name})
    whole = run({name: np.concatenate([v[name] for v in variants]) for name in one})
    scores = np.stack([_scores(advice, {k: v[r] for k, v in whole.items()})[at] for r in range(len(variants))])
    scores = np.where(np.isfinite(scores), scores, 0.0)
    return told, scores[0] - scores[1:]


def _known_attributes(schema: Schema, marks: Array) -> list[str]:
    return [name for name in schema.specs if marks[schema.columns(name)].any()]
