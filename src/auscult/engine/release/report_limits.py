"""How far the results reach: subgroups, single subjects, leaks, device faults, further models and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from auscult.engine.release.report_parts import Section, Source, Table, Text
from auscult.engine.release.report_text import (
    count,
    digits_for,
    interval,
    is_number,
    shown,
    titled,
    unit_of,
    with_interval,
)

MAX_STUDY_COLUMNS = 4
MAX_SUBGROUP_COLUMNS = 3
TOO_FEW = "too few"
WITHIN_SUBJECT = frozenset(("time-within-subject", "per-user-holdout"))


def subgroups_section(source: Source) -> Section:
    """Give the primary metric in each subgroup."""
    table = subgroups_table(source)
    if table is None:
        none = "The records carry none of the group keys that the recipe asks for."
        return Section("subgroups", "Subgroups", (Text(none),))
    text = (
        f"Within each group, with {source.level} intervals and the number of {source.units}. Small "
        f"groups have wide intervals; below 2 {source.units} nothing is given. "
        "No group was tested against another."
    )
    return Section("subgroups", "Subgroups", (Text(text), table))


def subgroups_table(source: Source) -> Table | None:
    """Give the rows of the subgroups; None where there are none."""
    found = [(k, v, f) for k, group in source.metrics["subgroups"].items() for v, f in group.items()]
    if not found:
        return None
    names = _leading(source, MAX_SUBGROUP_COLUMNS)
    digits = {n: digits_for(n, source.spec, [source.metrics["metrics"][n]]) for n in names}
    rows = []
    for key, value, figures in found:
        counts = (shown(figures["n_units"], 0), shown(figures["n_answers"], 0))
        measured = figures.get("metrics", {})
        told = (with_interval(measured[n], digits[n]) if n in measured else TOO_FEW for n in names)
        rows.append((key.replace("_", " "), value or "not stated", *counts, *told))
    header = ("Group", "Value", source.units.title(), "Answers", *(titled(n, source.spec) for n in names))
    return Table(header, tuple(rows), frozenset(range(2, 4 + len(names))))


def _leading(source: Source, most: int) -> list[str]:
    """Name the first metrics of the task, the primary one before the others."""
    primary = source.metrics["primary"]
    return [primary, *(name for name in source.spec.metrics if name != primary)][:most]


def by_subject_section(source: Source) -> Section | None:
    """Give the primary metric of each subject alone; None where there are many subjects."""
    name = source.metrics["primary"]
    values = source.metrics["by_subject"].get(name, [])
    if not values:
        return None
    digits = digits_for(name, source.spec, [source.metrics["metrics"][name]])
    known = [v for v in values if is_number(v)]
    middle = f" Median {shown(float(np.median(known)), digits)}." if known else ""
    text = (
        f"{titled(name, source.spec)} of each of the {count(len(values), source.units[:-1])} alone, in order "
        f"of size, which names nobody.{middle}"
    )
    listed = "; ".join(shown(v, digits) for v in values)
    return Section("by-subject", f"Each {source.units[:-1]}", (Text(text), Text(listed)))


def leaks_section(source: Source) -> Section:
    """Say what the test split shares with training, and give the metrics without it."""
    leaks, spec = source.metrics["leaks"], source.spec
    if not leaks.get("n_records"):
        return Section("leaks", "Leaks", (Text(_no_leak(source)),))
    text = (
        f"{count(leaks['n_records'], 'test record')} known before the test: {leaks['same_subject']} of a "
        "subject that is also in training or validation, "
        f"{leaks['same_content']} with nearly the same content as a record there, "
        f"{leaks.get('seen_by_network', 0)} that the network had learned from which training started from."
    )
    rows = []
    for name, without in leaks["metrics_without"].items():
        figure = source.metrics["metrics"].get(name, {})
        digits = digits_for(name, spec, [figure, without])
        rows.append((name, with_interval(figure, digits), with_interval(without, digits), unit_of(name, spec) or "–"))
    header = ("Metric", "With the leaking records", "Without them", "Unit")
    hashes = f"Content hashes (first 16 digits): {', '.join(leaks['records'])}."
    table = Table(header, tuple(rows), frozenset((1, 2)), codes=frozenset((0,)))
    return Section("leaks", "Leaks", (Text(text), table, Text(hashes)))


def _no_leak(source: Source) -> str:
    """Say what was looked for and not found, as far as split and data allow to look."""
    if source.metrics["n_subjects"] is None:
        return (
            "No test record has nearly the same content as one in training or validation. Subjects are "
            "unknown: whether one person is on both sides cannot be said."
        )
    if source.metrics["split_policy"] in WITHIN_SUBJECT:
        return (
            "This split keeps each subject on both sides by its rule: the figures hold for subjects that "
            "were seen in training. No test record has nearly the same content as another record there."
        )
    return "No test record shares a subject or nearly the same content with training or validation."


def faults_section(source: Source) -> Section:
    """Give the primary metric when the test records are damaged as devices do it."""
    title = "Robustness to device faults"
    faults, name = source.metrics["faults"], source.metrics["primary"]
    if not faults:
        return Section("faults", title, (Text("No faults were simulated."),))
    clean = source.metrics["metrics"][name]
    damaged = {fault.replace("-", " "): figures[name] for fault, figures in faults.items()}
    digits = digits_for(name, source.spec, [clean, *damaged.values()])
    rows = [("none (as recorded)", shown(clean["value"], digits), interval(clean, digits), "–")]
    for fault, figure in damaged.items():
        change = shown(figure["value"] - clean["value"], digits)
        rows.append((fault, shown(figure["value"], digits), interval(figure, digits), change))
    header = ("Fault", titled(name, source.spec), f"{source.level} interval", "Change")
    text = "The same test records, damaged on purpose before they are answered; the input gate is not applied."
    return Section("faults", title, (Text(text), Table(header, tuple(rows), frozenset((1, 2, 3)))))


def study_section(source: Source) -> Section | None:
    """Give further models, shares of the training data and seeds; None where there are none."""
    blocks = [b for b in (_rows_table(source), _seeds_table(source)) if b is not None]
    return Section("study", "Study", tuple(blocks)) if blocks else None


def _rows_table(source: Source) -> Table | None:
    found: Sequence[Mapping[str, Any]] = source.metrics["rows"]
    if not found:
        return None
    names = _leading(source, MAX_STUDY_COLUMNS)
    shipped = {"model": f"{source.metrics['model']} (ships)", "metrics": source.metrics["metrics"]}
    rows = tuple(
        (row["model"], f"{100 * row['train_fraction']:g} %" if "train_fraction" in row else "100 %",
         *(with_interval(row["metrics"][n], digits_for(n, source.spec, [row["metrics"][n]])) for n in names))
        for row in (shipped, *found)
    )  # fmt: skip
    titles = (titled(n, source.spec) for n in names)
    return Table(("Model", "Training units", *titles), rows, frozenset(range(1, 2 + len(names))), codes=frozenset((0,)))


def _seeds_table(source: Source) -> Table | None:
    main, seeds = source.metrics["primary"], source.metrics["seeds"]
    values = source.metrics["metrics"][main].get("by_seed", [])
    if not values:
        return None
    digits = digits_for(main, source.spec, [source.metrics["metrics"][main]])
    rows = tuple((str(seed), shown(v, digits)) for seed, v in zip(seeds, values, strict=True))
    return Table(("Seed", titled(main, source.spec)), rows, frozenset((1,)))
