"""What the evidence of a recipe says besides the main table: further metrics, leaks, faults, subgroups, study rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cells import Evidence, duration, figure, figures, number, signed, table

BY_TYPE = ("n", "precision", "recall", "f1")
STUDY = ("model", "share of training", "metrics", "what ships minus it, in pairs")


def recipe_notes(result: Evidence, shown: Sequence[str]) -> list[str]:
    """Return the section of one recipe as Markdown lines.

    Parameters
    ----------
    result : mapping
        Kept evidence.
    shown : sequence of str
        Metrics of the main table, which are not repeated.
    """
    primary = result["primary"]
    # A subgroup, a fault or a held-out group is told by the metrics of the main table.
    asked = list(dict.fromkeys([primary, *shown]))
    parts = [_about(result), *_warnings(result), *_further(result, asked), *_leaks(result), *_apart(result, asked)]
    parts += _by_subject(result) + _curve(result) + _summary(result)
    lines = [f"### {result['file']}", "", *(f"- {part}" for part in parts), ""]
    lines += _section("By type", ("type", *BY_TYPE), _by_type(result))
    lines += _section("Device faults", ("fault", "metrics"), _faults(result))
    lines += _section("Subgroups", ("group", "value", "units", "answers", "metrics"), _subgroups(result, asked))
    return lines + _section("Study", STUDY, _study(result, asked))


def _about(result: Evidence) -> str:
    floor, model = result["floor_model"], result["model"]
    validation = result["validation"].get(result["primary"])
    said = f"Ships `{model}` (floor `{floor}`): {result['choice']['reason']}"
    split = f"Split {result['split']} by {result['split_policy']}, seeds {', '.join(str(s) for s in result['seeds'])}"
    cost = f"peak memory {result['peak_memory_gib']:.2f} GiB, {result['machine']['cores']} cores"
    counted = f"{result['n_answers']} answers"
    return f"{said}. {split}; validation {result['primary']} {figure(validation)}; {counted}; {cost}."


def _warnings(result: Evidence) -> list[str]:
    found = []
    if result["resumed"]:
        time = duration(result["seconds"])
        found.append(f"The run went on from an earlier one, so its time ({time}) is not that of a build.")
    if not result["recipe_committed"]:
        found.append("The recipe differed from the last commit when this was measured.")
    if not result["gates_passed"]:
        found.append("A gate of the recipe did not hold: there is no release.")
    if result["shipped_refit_untested"]:
        found.append("The figures are out of fold; what ships was fitted again on all records and is itself untested.")
    recalled = sum(p["status"] == "recalled" for p in result["published"])
    if recalled:
        found.append(f"Published figures that were only recalled and are not printed: {recalled}.")
    return found


def _further(result: Evidence, shown: Sequence[str]) -> list[str]:
    """Metrics that are not in the main table, with the floor's where it has them."""
    metrics: Mapping[str, Any] = result["metrics"]
    rest = [name for name in sorted(metrics) if name not in shown]
    floor = result["floor"]
    said = [f"{n} {figure(metrics[n])}" + (f" (floor {figure(floor[n])})" if n in floor else "") for n in rest]
    return [f"Further metrics: {', '.join(said)}."] if said else []


def _leaks(result: Evidence) -> list[str]:
    leaks = result["leaks"]
    if not leaks.get("n_records"):
        return ["No leak between training and test was found."]
    found = f"{leaks['same_subject']} by subject, {leaks['same_content']} by content"
    without = figures(leaks["metrics_without"])
    return [f"The split leaks: {leaks['n_records']} test records ({found}). Without them: {without}."]


def _apart(result: Evidence, shown: Sequence[str]) -> list[str]:
    apart = result["apart"]
    return [f"On subjects that were kept away whole: {figures(apart, shown)}."] if apart else []


def _by_subject(result: Evidence) -> list[str]:
    each = sorted(result["by_subject"].items())
    return [f"By subject, in rising order: {name} {', '.join(number(v) for v in values)}." for name, values in each]


def _curve(result: Evidence) -> list[str]:
    """Validation loss along the training, at about ten epochs from the first to the last."""
    losses = result.get("training", {}).get("validation_loss", [])
    if not losses:
        return []
    step = -(-len(losses) // 10)
    epochs = dict.fromkeys([1, *range(step, len(losses) + 1, step), len(losses)])
    shown = ", ".join(f"{k}: {losses[k - 1]:.4g}" for k in epochs)
    return [f"Validation loss by epoch: {shown}; best at {result['training']['best_epoch']}."]


def _summary(result: Evidence) -> list[str]:
    types = _types(result)
    rest = {k: v for k, v in sorted(result["summary"].items()) if k.rpartition(" ")[0] not in types}
    said = ", ".join(f"{name} {number(value)}" for name, value in rest.items())
    return [f"Of this task alone: {said}."] if said else []


def _types(result: Evidence) -> list[str]:
    """Return the types that the summary counts, such as kinds of span: of each it says ``TYPE n``."""
    return [name.removesuffix(" n") for name in sorted(result["summary"]) if name.endswith(" n")]


def _by_type(result: Evidence) -> list[list[str]]:
    summary = result["summary"]
    cells = [[summary.get(f"{name} {column}") for column in BY_TYPE] for name in _types(result)]
    rows = zip(_types(result), cells, strict=True)
    return [[name, f"{n:.0f}", *("–" if v is None else number(v) for v in rest)] for name, (n, *rest) in rows]


def _faults(result: Evidence) -> list[list[str]]:
    return [[name, figures(values)] for name, values in sorted(result["faults"].items())]


def _subgroups(result: Evidence, shown: Sequence[str]) -> list[list[str]]:
    rows = []
    for key, groups in sorted(result["subgroups"].items()):
        for value, group in sorted(groups.items()):
            said = figures(group["metrics"], shown) if "metrics" in group else "too few units"
            rows.append([key, value, str(group["n_units"]), str(group["n_answers"]), said])
    return rows


def _study(result: Evidence, shown: Sequence[str]) -> list[list[str]]:
    return [
        [
            f"`{r['model']}`",
            number(r.get("train_fraction", 1.0)),
            figures(r["metrics"], shown),
            signed(r.get("ships_minus_row", {})),
        ]
        for r in result["rows"]
    ]


def _section(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    return [f"{title}:", "", *table(header, rows), ""] if rows else []
