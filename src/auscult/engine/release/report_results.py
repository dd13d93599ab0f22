"""The measured part of a report: results, gates, choice, pictures, subgroups, leaks, faults, study."""

from __future__ import annotations

from collections.abc import Mapping

from auscult.base.registry import resolve
from auscult.engine.answers import kind_of
from auscult.engine.release.figures_base import Figure
from auscult.engine.release.report_parts import Block, Picture, Section, Source, Table, Text
from auscult.engine.release.report_summary import printed_figures, status_of
from auscult.engine.release.report_text import (
    digits_for,
    interval,
    meaning_of,
    short,
    shown,
    told,
    unit_of,
    with_interval,
)


def results_section(source: Source) -> Section:
    """Every metric with interval, floor and published figure; what the metrics mean."""
    m, spec = source.metrics, source.spec
    marks = {id(row): f"[{k}]" for k, row in enumerate(printed_figures(source), start=1)}
    rows, meanings = [], []
    for name, figure in m["metrics"].items():
        floor = m["floor"].get(name, {})
        digits = digits_for(name, spec, [figure, floor])
        cited = [f"{shown(r['value'], digits)} {marks[id(r)]}" for r in printed_figures(source) if r["metric"] == name]
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
    blocks += _cited(source, marks) + _apart(source) + _own_figures(source)
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
    return [Table(("", "Metric", "Value", "Published in", "Known how"), rows, frozenset((2,)), codes=frozenset((1,)))]


def _apart(source: Source) -> list[Block]:
    """Give the metrics on subjects that a split in time kept away whole."""
    found = source.metrics["apart"]
    if not found:
        return []
    rows = tuple((name, told(name, source.spec, figure)) for name, figure in found.items())
    table = Table(("Metric", f"Value ({source.level} interval)"), rows, frozenset((1,)), codes=frozenset((0,)))
    return [Text("On subjects that were kept away whole, of whom the model had seen nothing:"), table]


def _own_figures(source: Source) -> list[Block]:
    own = source.metrics["summary"]
    if not own:
        return []
    rows = tuple((name.replace("_", " "), short(float(value))) for name, value in own.items())
    return [Text("Further figures of this task:"), Table(("Figure", "Value"), rows, frozenset((1,)))]


def gates_section(source: Source) -> Section:
    """Give the limits of the recipe, and whether they hold."""
    gates, measured = source.evidence.gates, source.metrics["metrics"]
    if not gates:
        return Section("gates", "Gates", (Text("The recipe sets no limits."),))
    rows = tuple(
        (g.metric, g.limit, shown(g.judged, digits_for(g.metric, source.spec, [measured[g.metric]])),
         unit_of(g.metric, source.spec) or "–", "holds" if g.passed else "DOES NOT HOLD")
        for g in gates
    )  # fmt: skip
    failed = frozenset(k for k, g in enumerate(gates) if not g.passed)
    header = ("Metric", "Limit", "Judged value", "Unit", "Verdict")
    text = (
        "Limits of the recipe, on the test; a release is written only where all of them hold. 'By its low' "
        "judges the unfavourable end of the interval."
    )
    table = Table(header, rows, frozenset((2,)), failed, frozenset((0,)))
    return Section("gates", "Gates", (Text(text), table))


def choice_section(source: Source) -> Section:
    """Which model ships, and what decided it."""
    m, spec = source.metrics, source.spec
    name, choice = m["primary"], m["choice"]
    gap = choice["difference"]
    text = f"{choice['shipped']} ships: {choice['reason']}."
    measured = (
        f"Difference of the model from the floor in {name} on validation: {told(name, spec, gap)}."
        f"{'' if choice['forced'] else ' The test played no part in this choice.'}"
    )
    rows = tuple(
        (n, with_interval(f, digits_for(n, spec, [f])), unit_of(n, spec) or "–") for n, f in m["validation"].items()
    )
    header = ("Metric", f"On validation ({source.level} interval)", "Unit")
    table = Table(header, rows, frozenset((1,)), codes=frozenset((0,)))
    return Section("choice", "What ships and why", (Text(text), Text(measured), table))


def pictures_section(source: Source) -> Section:
    """Show the pictures of this task, on simulated records, and of this kind of answer, on the test."""
    drawn = draw(source)
    blocks: tuple[Block, ...] = tuple(Picture(figure) for figure in drawn)
    return Section("pictures", "Pictures", blocks or (Text("There is no picture for this kind of answer."),))


def draw(source: Source) -> list[Figure]:
    """Draw what the answer kind names, after what the task drew of golden records; empty where neither draws."""
    address = kind_of(source.spec).figures
    made: list[Figure] = list(source.evidence.figures)
    if not address:
        return made
    made += resolve(address)(source.spec, source.evidence.test)
    for probe in source.evidence.probes:
        if probe.spec.kind == source.spec.kind:
            made += resolve(address)(probe.spec, probe.outputs)
    return made
