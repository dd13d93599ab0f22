"""The measured part of a report: results, gates, choice, pictures, subgroups, leaks, faults, study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from auscult.base.registry import resolve
from auscult.engine.answers import kind_of
from auscult.engine.release.figures_base import Figure
from auscult.engine.release.report_parts import Block, Picture, Section, Source, Table, Text
from auscult.engine.release.report_summary import printed_figures, status_of
from auscult.engine.release.report_text import (
    count,
    digits_for,
    interval,
    is_number,
    meaning_of,
    short,
    shown,
    unit_of,
    with_interval,
)

MAX_STUDY_COLUMNS = 4


def results_section(source: Source) -> Section:
    """Every metric with interval, floor and published figure; what the metrics mean."""
    m, spec = source.metrics, source.spec
    marks = {id(row): f"[{k}]" for k, row in enumerate(printed_figures(source), start=1)}
    rows, meanings = [], []
    for name, figure in m["metrics"].items():
        floor = m["floor"].get(name, {})
        digits = digits_for(name, spec, [figure, floor])
        cited = [
            f"{shown(r['value'], digits)} {marks[id(r)]}"
            for r in printed_figures(source)
            if r["metric"] == name
        ]
        rows.append((
            name + (" (primary)" if name == m["primary"] else ""),
            shown(figure["value"], digits),
            unit_of(name, spec) or "–",
            interval(figure, digits),
            with_interval(floor, digits) if floor else "–",
            "; ".join(cited) or "–",
        ))  # fmt: skip
        definition, origin = meaning_of(name, spec)
        better = "Higher is better." if figure["higher_is_better"] else "Lower is better."
        meanings.append((name, f"{definition} {better}", origin or "–"))
    header = (
        "Metric",
        "Value",
        "Unit",
        f"{source.level} interval",
        f"Floor: {m['floor_model']}",
        "Published",
    )
    numbers = frozenset((1, 3, 4, 5))
    blocks: list[Block] = [Table(header, tuple(rows), numbers, codes=frozenset((0,)))]
    blocks += _cited(source, marks) + _own_figures(source)
    blocks += [
        Text("What the metrics mean:"),
        Table(("Metric", "Meaning", "Source"), tuple(meanings), codes=frozenset((0,))),
    ]
    return Section("results", "Results", tuple(blocks))


def _cited(source: Source, marks: Mapping[int, str]) -> list[Block]:
    printed = printed_figures(source)
    if not printed:
        return [Text("No published figure stands beside these.")]
    rows = tuple(
        (
            marks[id(r)],
            r["metric"],
            shown(r["value"], digits_for(r["metric"], source.spec, [])),
            r["source"],
            status_of(r),
        )
        for r in printed
    )
    return [
        Table(
            ("", "Metric", "Value", "Published in", "Known how"), rows, frozenset((2,)), codes=frozenset((1,))
        )
    ]


def _own_figures(source: Source) -> list[Block]:
    own = source.metrics["summary"]
    if not own:
        return []
    rows = tuple((name.replace("_", " "), short(float(value))) for name, value in own.items())
    return [Text("Further figures of this task:"), Table(("Figure", "Value"), rows, frozenset((1,)))]


def gates_section(source: Source) -> Section:
    """Limits that were set before, and whether they hold."""
    gates = source.evidence.gates
    if not gates:
        return Section("gates", "Gates", (Text("The recipe sets no limits."),))
    rows = tuple(
        (g.metric, g.limit, shown(g.judged, digits_for(g.metric, source.spec, [source.metrics["metrics"].get(g.metric, {})])),
         unit_of(g.metric, source.spec) or "–", "holds" if g.passed else "DOES NOT HOLD")
        for g in gates
    )  # fmt: skip
    failed = frozenset(k for k, g in enumerate(gates) if not g.passed)
    header = ("Metric", "Limit", "Judged value", "Unit", "Verdict")
    return Section("gates", "Gates", (
        Text("Limits that were set before the test was opened; a release is written only where all of them hold."),
        Table(header, rows, frozenset((2,)), failed, frozenset((0,))),
    ))  # fmt: skip


def choice_section(source: Source) -> Section:
    """Which model ships, and what decided it."""
    m, spec = source.metrics, source.spec
    name, choice = m["primary"], m["choice"]
    gap = choice["difference"]
    unit = unit_of(name, spec)
    text = f"{choice['shipped']} ships: {choice['reason']}."
    measured = (
        f"Difference of the model from the floor in {name} on validation: {with_interval(gap, digits_for(name, spec, [gap]), unit)}. "
        "The test split played no part in this choice."
    )
    rows = tuple(
        (n, with_interval(f, digits_for(n, spec, [f])), unit_of(n, spec) or "–")
        for n, f in m["validation"].items()
    )
    header = ("Metric", f"On validation ({source.level} interval)", "Unit")
    table = Table(header, rows, frozenset((1,)), codes=frozenset((0,)))
    return Section("choice", "What ships and why", (Text(text), Text(measured), table))


def pictures_section(source: Source) -> Section:
    """The pictures of this kind of answer, on the test."""
    drawn = draw(source)
    blocks: tuple[Block, ...] = tuple(Picture(figure) for figure in drawn)
    return Section("pictures", "Pictures", blocks or (Text("There is no picture for this kind of answer."),))


def draw(source: Source) -> list[Figure]:
    """Draw what the answer kind names; empty where it names nothing."""
    address = kind_of(source.spec).figures
    if not address:
        return []
    made: list[Figure] = resolve(address)(source.spec, source.evidence.test)
    return made


def subgroups_section(source: Source) -> Section:
    """The primary metric in each subgroup."""
    table = subgroups_table(source)
    if table is None:
        return Section(
            "subgroups",
            "Subgroups",
            (Text("The records carry none of the group keys that the recipe asks for."),),
        )
    text = (
        f"The primary metric within each group, with the number of {source.units}. Small groups have wide intervals; below "
        f"2 {source.units} none is given. Groups were not tested against each other."
    )
    return Section("subgroups", "Subgroups", (Text(text), table))


def subgroups_table(source: Source) -> Table | None:
    """Rows of the subgroups; None where there are none."""
    name = source.metrics["primary"]
    found = [(k, v, f) for k, group in source.metrics["subgroups"].items() for v, f in group.items()]
    if not found:
        return None
    digits = digits_for(name, source.spec, [source.metrics["metrics"][name]])
    rows = tuple(
        (key.replace("_", " "), value or "not stated", shown(f["n_units"], 0), shown(f["n_answers"], 0),
         with_interval(f[name], digits) if name in f else "too few to judge")
        for key, value, f in found
    )  # fmt: skip
    unit = unit_of(name, source.spec)
    measured = f"{name}{f', {unit}' if unit else ''} ({source.level} interval)"
    return Table(("Group", "Value", source.units.title(), "Answers", measured), rows, frozenset((2, 3, 4)))


def by_subject_section(source: Source) -> Section | None:
    """The primary metric of each subject alone; None where there are enough subjects for an interval to say it."""
    name = source.metrics["primary"]
    values = source.metrics["by_subject"].get(name, [])
    if not values:
        return None
    digits, unit = digits_for(name, source.spec, []), unit_of(name, source.spec)
    known = [v for v in values if is_number(v)]
    middle = f" Median {shown(float(np.median(known)), digits)}{f' {unit}' if unit else ''}." if known else ""
    text = f"{name} of each of the {count(len(values), source.units[:-1])} alone, in order of size, which names nobody.{middle}"
    listed = "; ".join(shown(v, digits) for v in values)
    return Section("by-subject", f"Each {source.units[:-1]}", (Text(text), Text(listed)))


def leaks_section(source: Source) -> Section:
    """What the test split shares with training, and the metrics without it."""
    leaks, spec = source.metrics["leaks"], source.spec
    if not leaks.get("n_records"):
        return Section("leaks", "Leaks", (
            Text("No test record shares a subject or nearly the same content with a training or validation record."),
        ))  # fmt: skip
    text = (
        f"{count(leaks['n_records'], 'test record')} known before the test: {leaks['same_subject']} of a subject that is also "
        f"in training or validation, {leaks['same_content']} with nearly the same content as a record there."
    )
    rows = []
    for name, without in leaks["metrics_without"].items():
        figure = source.metrics["metrics"].get(name, {})
        digits = digits_for(name, spec, [figure, without])
        rows.append(
            (name, with_interval(figure, digits), with_interval(without, digits), unit_of(name, spec) or "–")
        )
    header = ("Metric", "With the leaking records", "Without them", "Unit")
    hashes = f"Content hashes (first 16 digits): {', '.join(leaks['records'])}."
    table = Table(header, tuple(rows), frozenset((1, 2)), codes=frozenset((0,)))
    return Section("leaks", "Leaks", (Text(text), table, Text(hashes)))


def faults_section(source: Source) -> Section:
    """The primary metric when the test records are damaged as devices do it."""
    faults, name = source.metrics["faults"], source.metrics["primary"]
    if not faults:
        return Section("faults", "Robustness to device faults", (Text("No faults were simulated."),))
    clean, unit = source.metrics["metrics"][name], unit_of(name, source.spec)
    rows = [
        ("none (as recorded)", clean, 0.0),
        *((n.replace("-", " "), f[name], f[name]["value"]) for n, f in faults.items()),
    ]
    digits = digits_for(name, source.spec, [f for _, f, _ in rows])
    texts = tuple(
        (
            n,
            shown(f["value"], digits),
            interval(f, digits),
            shown(f["value"] - clean["value"], digits) if f is not clean else "–",
        )
        for n, f, _ in rows
    )
    header = ("Fault", f"{name}{f' ({unit})' if unit else ''}", f"{source.level} interval", "Change")
    text = (
        "The same test records, damaged on purpose before they are answered; the input gate is not applied."
    )
    return Section(
        "faults", "Robustness to device faults", (Text(text), Table(header, texts, frozenset((1, 2, 3))))
    )


def study_section(source: Source) -> Section | None:
    """Further models, shares of the training data and seeds; None where the recipe asks for none."""
    blocks = [b for b in (_rows_table(source), _seeds_table(source)) if b is not None]
    return Section("study", "Study", tuple(blocks)) if blocks else None


def _rows_table(source: Source) -> Table | None:
    found: Sequence[Mapping[str, Any]] = source.metrics["rows"]
    if not found:
        return None
    main = source.metrics["primary"]
    names = [main, *(n for n in found[0]["metrics"] if n != main)][:MAX_STUDY_COLUMNS]
    shipped = {"model": f"{source.metrics['model']} (ships)", "metrics": source.metrics["metrics"]}
    rows = tuple(
        (row["model"], f"{100 * row['train_fraction']:g} %" if "train_fraction" in row else "100 %",
         *(with_interval(row["metrics"][n], digits_for(n, source.spec, [row["metrics"][n]])) for n in names))
        for row in (shipped, *found)
    )  # fmt: skip
    titles = (f"{n} ({unit_of(n, source.spec)})" if unit_of(n, source.spec) else n for n in names)
    return Table(
        ("Model", "Training units", *titles), rows, frozenset(range(1, 2 + len(names))), codes=frozenset((0,))
    )


def _seeds_table(source: Source) -> Table | None:
    main, seeds = source.metrics["primary"], source.metrics["seeds"]
    values = source.metrics["metrics"][main].get("by_seed", [])
    if not values:
        return None
    digits = digits_for(main, source.spec, [])
    rows = tuple((str(seed), shown(v, digits)) for seed, v in zip(seeds, values, strict=True))
    unit = unit_of(main, source.spec)
    return Table(("Seed", f"{main}{f' ({unit})' if unit else ''}"), rows, frozenset((1,)))
