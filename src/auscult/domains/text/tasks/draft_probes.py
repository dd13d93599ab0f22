"""What drafts copy from the narratives that a model learned from, and how probable it finds held-out ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import FitContext, Index, ItemSet, Outputs, Probe, Run

RUN = 8
"""Words in a row that count as copied."""
PROBED = 200
"""Test records that are judged at the most, drawn at random: each draft is written once more."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, repr=False)
class Drafts:
    """One draft a record.

    Parameters
    ----------
    texts : list of M str
        The drafts.
    asked, stated : (M, K) uint8
        Facts of the request, and of the draft.
    record : (M,) int64
        Which record each is for.
    """

    texts: list[str]
    asked: Array
    stated: Array
    record: Index


def probes(
    roles: Mapping[str, ItemSet], run: Run, context: FitContext, chosen: Callable[[Index, Array], Drafts]
) -> list[Probe]:
    """Judge a model that writes drafts.

    Parameters
    ----------
    roles : mapping of str to ItemSet
        Items of train, valid and test.
    run : Run
        The model.
    context : FitContext
        The task, and the seed that draws the records.
    chosen : callable
        ``(record, tokens) -> Drafts``: takes one of the drafts of each record.

    Returns
    -------
    list of Probe
        Share of runs of eight words that stand in a training narrative: of drafts, of the real narratives of the same
        records, and the difference; perplexity a word of the real narratives, where they have places enough.
    """
    test = _some(roles["test"], context.seed)
    record = np.asarray(test.items.record[test.rows])
    inputs, real = test.inputs(), test.target()
    drafts = chosen(record, run(inputs)["tokens"])
    first = np.unique(record, return_index=True)[1]
    known = {piece for row in _once(roles["train"]) for piece in runs_of(text_of(row))}
    counts = np.array(
        [[_counted(d, known), _counted(text_of(real[k]), known)] for d, k in zip(drafts.texts, first, strict=True)]
    )
    found, spec = [], context.spec
    for metric, suffix, runs, copied in (
        ("copy_rate", "", counts[:, 0, 0], counts[:, 0, 1]),
        ("copy_rate", "of_held_out_text", counts[:, 1, 0], counts[:, 1, 1]),
        ("copy_excess", "", counts[:, :, 0], counts[:, :, 1]),
    ):
        outputs = Outputs({"copied": copied}, drafts.record, None, {"runs": runs})
        found.append(Probe(replace(spec, metrics=(metric,)), outputs, suffix))
    told = run({**{name: values[first] for name, values in inputs.items()}, "given": real[first]})["log_probability"]
    whole = np.flatnonzero(np.isfinite(told))
    words = np.array([max(len(_WORD.findall(text_of(real[k]))), 1) for k in first])
    outputs = Outputs({"log_probability": told[whole]}, drafts.record[whole], None, {"words": words[whole]})
    if len(whole):
        found.append(Probe(replace(spec, metrics=("perplexity",)), outputs))
    return found


def _some(items: ItemSet, seed: int) -> ItemSet:
    """Keep the items of some records."""
    record = items.items.record[items.rows]
    kept = np.random.default_rng([seed, 1]).permutation(np.unique(record))[:PROBED]
    return ItemSet(items.items, items.rows[np.isin(record, kept)])


def runs_of(text: str) -> list[tuple[str, ...]]:
    """Return every run of eight words of a text, in small letters."""
    words: Sequence[str] = _WORD.findall(text.lower())
    return [tuple(words[k : k + RUN]) for k in range(len(words) - RUN + 1)]


def _counted(text: str, known: set[tuple[str, ...]]) -> tuple[int, int]:
    runs = runs_of(text)
    return len(runs), sum(run in known for run in runs)


def _once(items: ItemSet) -> Iterable[Array]:
    """The narrative of each record, once."""
    return items.target(np.unique(items.items.record[items.rows], return_index=True)[1])


def text_of(row: Array) -> str:
    """Return the text of bytes that are padded with -1."""
    return np.asarray(row)[np.asarray(row) >= 0].astype(np.uint8).tobytes().decode("utf-8", errors="replace")
