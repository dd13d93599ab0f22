"""The head of a report in plain words: what was found, what to keep in mind, what the release is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auscult.engine.evaluate import FEW_SUBJECTS
from auscult.engine.release.report_parts import Listing, Section, Source, Text, pairs
from auscult.engine.release.report_text import (
    NOT_DEFINED,
    count,
    digits_for,
    is_number,
    meaning_of,
    shown,
    told,
    unit_of,
)

MUCH_KEPT_BACK = 0.05
"""Share of the test records from which on the summary says that they would not be answered."""


def title_rows(source: Source) -> dict[str, str]:
    """Version, hash and signature of the release, by name."""
    manifest = source.manifest
    replaced = manifest.get("replaces")
    return {
        "Version": str(manifest.get("version", "not stated")),
        "Content hash": str(manifest.get("content_hash") or "not stated"),
        "Replaces": str(replaced) if replaced else "no earlier release is named",
        "Made": str(manifest.get("created", "not stated")),
        "Signature": signature(manifest),
    }


def signature(manifest: Mapping[str, Any]) -> str:
    """Say in plain words whether the release is signed, or where to look."""
    signed = manifest.get("signed")
    if signed is None:
        return (
            "A release is signed after this page is written. Whether this one is, and whether it is "
            "unchanged: see signature.json beside release.json, or run 'auscult verify'."
        )
    if signed:
        return "Signed (Ed25519). 'auscult verify' shows that nothing changed since; name the key to see whose."
    return "Unsigned: nobody vouches for this release."


def summary_section(source: Source) -> Section:
    """One paragraph of plain language, and what must be kept in mind."""
    sentences = [_result(source), _floor(source), *_published(source), _gates(source)]
    blocks: list[Text | Listing] = [Text(" ".join(s for s in sentences if s))]
    noted = caveats(source)
    if noted:
        blocks += [Text("Keep in mind:"), Listing(noted)]
    return Section("summary", "Summary", tuple(blocks))


def intent_section(source: Source) -> Section:
    """Say what the release is for."""
    return Section("intent", "Intended use", (pairs(intent_rows(source)),), boxed=True)


def intent_rows(source: Source) -> dict[str, str]:
    """Give the four statements of intent."""
    intent = source.evidence.recipe.intent
    return {
        "Use": intent.use,
        "Not for": intent.not_for,
        "Population": intent.population,
        "Device": intent.device,
    }


def judged_on(source: Source) -> str:
    """Say what the answers are that were judged."""
    m = source.metrics
    who = "from an unknown number of subjects" if m["n_subjects"] is None else f"of {count(m['n_subjects'], 'subject')}"
    where = "the test split"
    if str(m["split"]).startswith("cv"):
        folds = f"{str(m['split'])[2:]}-fold cross-validation"
        where = f"{folds} (each record answered by a model that had not seen it)"
    seeds = f", mean over {len(m['seeds'])} seeds" if len(m["seeds"]) > 1 else ""
    return f"{where}: {count(m['n_answers'], 'answer')} for {count(m['n_records'], 'record')} {who}{seeds}"


def _primary(source: Source) -> tuple[str, Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]:
    m = source.metrics
    name = m["primary"]
    return name, m["metrics"][name], m["floor"][name], m["difference_from_floor"][name]


def _result(source: Source) -> str:
    name, figure, floor, _ = _primary(source)
    definition, _ = meaning_of(name, source.spec)
    better = "Higher" if figure["higher_is_better"] else "Lower"
    return (
        f"Judged on {judged_on(source)}. The model that ships, {source.metrics['model']}, reaches "
        f"{told(name, source.spec, figure, floor)} in {name}; in brackets the {source.level} interval by "
        f"resampling {source.units}. {name}: {definition} {better} is better."
    )


def _floor(source: Source) -> str:
    m = source.metrics
    name, figure, floor, gap = _primary(source)
    if m["model"] == m["floor_model"]:
        return "What ships is the floor, the simple model that every model is compared with."
    stated = (
        f"The floor, the simple model {m['floor_model']}, reaches "
        f"{told(name, source.spec, floor, figure)} on the same answers; "
        f"the difference is {told(name, source.spec, gap)}."
    )
    return f"{stated} {_verdict(gap)}"


def _verdict(gap: Mapping[str, Any]) -> str:
    low, high = gap["low"], gap["high"]
    if not (is_number(low) and is_number(high)):
        return "Whether they differ cannot be said."
    if low <= 0 <= high:
        return "The interval of the difference holds 0: a real advantage is not shown."
    won = (low > 0) == bool(gap["higher_is_better"])
    side = "better" if won else "worse"
    return f"The interval of the difference leaves out 0: the model is {side} than the floor."


def _published(source: Source) -> list[str]:
    name, figure, floor, _ = _primary(source)
    digits, unit = digits_for(name, source.spec, [figure, floor]), unit_of(name, source.spec)
    sentences = []
    for row in printed_figures(source):
        if row["metric"] != name:
            continue
        value = f"{shown(row['value'], digits)} {unit}".rstrip()
        where = _against(row["value"], figure)
        sentences.append(f"Published: {value} ({row['source']}; {status_of(row)}){where}.")
    return sentences


def _against(value: float, figure: Mapping[str, Any]) -> str:
    low, high = figure["low"], figure["high"]
    if not (is_number(low) and is_number(high)):
        return ""
    if low <= value <= high:
        return ", inside the interval of this release: no difference is shown"
    won = (value < low) == bool(figure["higher_is_better"])
    return f", outside the interval of this release, which is {'better' if won else 'worse'}"


def printed_figures(source: Source) -> list[Mapping[str, Any]]:
    """Give the published figures that were checked; a recalled one is not printed."""
    return [row for row in source.metrics["published"] if row["status"] != "recalled"]


def status_of(row: Mapping[str, Any]) -> str:
    """Say in words how a published figure is known."""
    return {"read": "read in the source", "measured-here": "measured here"}[row["status"]]


def _gates(source: Source) -> str:
    gates = source.evidence.gates
    if not gates:
        return ""
    failed = [g.metric for g in gates if not g.passed]
    if not failed:
        return f"Every limit of the recipe holds ({len(gates)})."
    return f"Limits of the recipe that do not hold: {', '.join(failed)}."


def caveats(source: Source) -> tuple[str, ...]:
    """Say what limits the figures; empty where nothing does."""
    m, recipe = source.metrics, source.evidence.recipe
    leaks = m["leaks"].get("n_records", 0)
    kept_back = sum((m.get("kept_back") or {}).get(key, 0) for key in ("n_refused", "n_outside"))
    recalled = sum(row["status"] == "recalled" for row in m["published"])
    undefined = sum(f.get("undefined_resamples", 0) > 0 for f in m["metrics"].values())
    serious = [f.check for f in source.evidence.findings if f.severity == "error"]
    noted = (
        (
            bool(recipe.data.example),
            "The records are simulated. The figures say nothing about patients or real devices.",
        ),
        (
            m["n_subjects"] is None,
            "Subjects unknown: intervals are by record; where records are of persons, one may be in several roles.",
        ),
        (
            kept_back > MUCH_KEPT_BACK * m["n_records"],
            f"The release would not answer {count(kept_back, 'record')} of the test (see Calibration and abstention); "
            "figures with and without.",
        ),
        (
            None in (source.calibration.get("sets") or {}).get("limits", ()),
            "Too few validation answers for sets of classes: each set holds every class.",
        ),
        (
            m["n_subjects"] is not None and m["n_subjects"] < FEW_SUBJECTS,
            f"Fewer than {FEW_SUBJECTS} subjects: intervals are rough; see the figure of each subject.",
        ),
        (
            leaks > 0,
            f"Known before the test (see Leaks): {count(leaks, 'test record')}; figures with and without.",
        ),
        (m["choice"]["forced"], "The model that ships was named by the user, not chosen on validation."),
        (
            m["shipped_refit_untested"],
            "The model that ships was fitted again on all records; that refit itself is untested.",
        ),
        (
            len(m["seeds"]) > 1,
            "Figures and both ends of their intervals are means over the seeds; subgroups, leaks, faults and "
            "pictures are of the first seed.",
        ),
        (undefined > 0, f"{count(undefined, 'metric')} could not be computed in every resample."),
        (
            recalled > 0,
            f"Not printed until checked: {count(recalled, 'published figure')} known from memory only.",
        ),
        (bool(serious), f"Findings of severity error in the data: {', '.join(serious)}."),
        (_primary_undefined(source), f"The primary metric is {NOT_DEFINED} on this test."),
    )
    return tuple(text for holds, text in noted if holds)


def _primary_undefined(source: Source) -> bool:
    return not is_number(source.metrics["metrics"][source.metrics["primary"]].get("value"))
