"""Make ``benchmarks/RESULTS.md`` from ``benchmarks/results/*.json``: ``python benchmarks/table.py``.

Every figure and every word of judgement on that page is computed here from the kept results and ``goals.toml``.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cells import NONE, Evidence, Figure, duration, figure, number, table, yes
from notes import recipe_notes

from auscult.base.files import read_json, write_bytes

HERE = Path(__file__).resolve().parent
PAGE = "RESULTS.md"
SPEED = "speed-"
Goals = Mapping[str, Mapping[str, Mapping[str, Any]]]

HEADER = (
    "recipe", "metric", "value [95 %]", "floor [95 %]", "difference from floor [95 %]", "published", "goal", "met",
    "aim", "met", "records", "subjects", "resampled by", "test openings", "time", "command",
)  # fmt: skip
SPEED_HEADER = (
    "what", "ours", "best-set peer", "its figure", "ratio", "default setting", "ratio", "goal", "met", "command",
)  # fmt: skip
PREFACE = """\
# Results

Made by `python benchmarks/table.py` from `benchmarks/results/` and `benchmarks/goals.toml`; nothing here is written
by hand.

Intervals are 95 % intervals of a bootstrap over what the column *resampled by* names. The *floor* is the simple model
that every model is compared with, on the same test items; the difference is model minus floor, resampled in pairs.
*Met* judges the value, not its interval. *Published* figures were read in their source or measured here by the same
protocol; figures that were only recalled are not printed. *Test openings* counts how often the test split of the recipe
was opened, and how often with exactly these settings. *Time* is the whole build, from raw files to release, with an
empty cache.
"""


def load(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Read the kept results of recipes and of speed comparisons, by name."""
    recipes: list[dict[str, Any]] = []
    speeds: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.json")):
        (speeds if path.name.startswith(SPEED) else recipes).append({**read_json(path), "file": path.stem})
    return recipes, speeds


def openings(ledger: Path) -> list[dict[str, Any]]:
    """Every opening of a test split."""
    lines = ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else []
    return [json.loads(line) for line in lines if line.strip()]


def page(folder: Path, ledger: Path, goals: Goals) -> str:
    """Return the whole page.

    Parameters
    ----------
    folder : Path
        The kept results.
    ledger : Path
        Openings of test splits, one JSON value a line; need not exist.
    goals : mapping
        Recipe to metric to ``goal``, ``aim``, ``beats_floor`` or ``beats_row``.
    """
    recipes, speeds = load(folder)
    opened = openings(ledger)
    lines = [PREFACE]
    for domain in sorted({r["domain"] for r in recipes}):
        mine = [r for r in recipes if r["domain"] == domain]
        rows = [row for r in mine for row in recipe_rows(r, goals.get(r["file"], {}), opened)]
        lines += [f"## {domain}", "", *table(HEADER, rows), ""]
    if speeds:
        lines += ["## Speed", "", *SPEED_PREFACE, "", *table(SPEED_HEADER, [speed_row(s) for s in speeds]), ""]
        lines += [line for s in speeds for line in speed_notes(s)] + [""]
    for path in sorted((folder / "refused").glob("*.json")):
        lines += refused_lines(read_json(path))
    if recipes:
        lines += ["## Notes", ""]
        lines += [line for r in recipes for line in recipe_notes(r, shown_metrics(r, goals.get(r["file"], {})))]
    return "\n".join(lines).rstrip() + "\n"


def refused_lines(result: Mapping[str, Any]) -> list[str]:
    """How much of what is another kind of input a release refuses, and how much of its own kind."""
    rows = [
        [name, str(r["refused"]), str(r["of"]), f"{100 * r['share']:.2f} %"] for name, r in result["refused"].items()
    ]
    heading = f"## What {result['name']} refuses"
    about = f"Goal: {result['goal']}. `{result['command']}`"
    return [heading, "", about, "", *table(("input", "refused", "of", "share"), rows), ""]


def shown_metrics(result: Evidence, goals: Mapping[str, Any]) -> list[str]:
    """Metrics of the main table: the primary one, those with a goal, those with a published figure."""
    published = [p["metric"] for p in printed(result)]
    return [m for m in dict.fromkeys([*goals, result["primary"], *published]) if m in result["metrics"]]


def printed(result: Evidence) -> list[dict[str, Any]]:
    """Published figures that were checked."""
    return [p for p in result["published"] if p["status"] != "recalled"]


def recipe_rows(
    result: Evidence, goals: Mapping[str, Mapping[str, Any]], opened: Sequence[Mapping[str, Any]]
) -> list[list[str]]:
    """Rows of one recipe; what belongs to the recipe as a whole stands in its first row."""
    mine = [o for o in opened if o["recipe"] == result["name"]]
    same = sum(o["recipe_hash"] == result["recipe_hash"] for o in mine)
    subjects = NONE if result["n_subjects"] is None else str(result["n_subjects"])
    time = NONE if result["resumed"] else duration(result["seconds"])
    whole = [
        str(result["n_records"]), subjects, result["resampled_by"], f"{len(mine)} ({same} with these settings)", time,
        f"`{result['command']}`",
    ]  # fmt: skip
    rows = []
    for metric in shown_metrics(result, goals):
        first = not rows
        head = [f"[{result['file']}](#{result['file']})" if first else "", metric]
        rows.append([*head, *_metric_cells(result, metric, goals.get(metric, {})), *(whole if first else [""] * 6)])
    return rows


def _metric_cells(result: Evidence, metric: str, goal: Mapping[str, Any]) -> list[str]:
    value: Figure = result["metrics"][metric]
    gap: Figure | None = result["difference_from_floor"].get(metric)
    known = [p for p in printed(result) if p["metric"] == metric]
    published = [f"{number(p['value'])} ({p['source']}; {p['status']})" for p in known]
    return [
        figure(value),
        figure(result["floor"].get(metric)),
        figure(gap, sign=True),
        "; ".join(published) or NONE,
        *judged(value, gap, goal, _gaps(result, metric)),
        *_against(value, goal.get("aim")),
    ]


def _gaps(result: Evidence, metric: str) -> dict[str, Figure]:
    """By how much what ships is better than each row of the study on all training units, in pairs, by its model."""
    whole = [r for r in result["rows"] if "train_fraction" not in r]
    return {r["model"]: r["ships_minus_row"][metric] for r in whole if metric in r.get("ships_minus_row", {})}


def judged(
    value: Figure, gap: Figure | None, goal: Mapping[str, Any], rows: Mapping[str, Figure] | None = None
) -> tuple[str, str]:
    """Goal and whether it is met; of several limits all must hold."""
    asked: list[tuple[str, str]] = []
    if "goal" in goal or not goal.keys() & {"beats_floor", "beats_row"}:
        asked.append(_against(value, goal.get("goal")))
    if goal.get("beats_floor"):
        asked.append(_beaten("the floor", gap))
    if "beats_row" in goal:
        asked.append(_beaten(f"`{goal['beats_row']}`", (rows or {}).get(goal["beats_row"])))
    words = [met for _, met in asked]
    met = words[0] if len(set(words)) == 1 else "not measured" if "not measured" in words else "no"
    return ", ".join(limit for limit, _ in asked), met


def _beaten(what: str, gap: Figure | None) -> tuple[str, str]:
    """Whether the interval of a difference lies on the better side."""
    if gap is None:
        return f"better than {what}", "not measured"
    return f"better than {what}", yes(gap["low"] > 0 if gap["higher_is_better"] else gap["high"] < 0)


def _against(value: Figure, limit: float | None) -> tuple[str, str]:
    if limit is None:
        return NONE, NONE
    up = value["higher_is_better"]
    return f"{'≥' if up else '≤'} {number(limit)}", yes(value["value"] >= limit if up else value["value"] <= limit)


SPEED_PREFACE = (
    "A ratio says how many times better we are than the peer; without a peer, than the goal. The best-set peer is the",
    "one that, of all settings that were tried, comes nearest to us. Both ran on one machine with the same input.",
)


def speed_row(result: Mapping[str, Any]) -> list[str]:
    """Row of one comparison."""
    unit = result["ours"]["unit"]
    best = min(result["peers"], key=lambda p: p["ratio"], default=None)
    default = next((p for p in result["peers"] if _setting(p).startswith("default")), None)
    known = f"{best['name']} {best.get('version', '')} ({_setting(best)})" if best else NONE
    peer = (known, _amount(best, unit) if best else NONE)
    sign = "≥" if result["higher_is_better"] else "≤"
    goal = (
        f"≥ {result['goal']:g} times"
        if result.get("goal_of", "ratio") == "ratio"
        else f"{sign} {result['goal']:g} {unit}"
    )
    return [
        result["name"],
        _amount(result["ours"], unit),
        *peer,
        f"{result['ratio']:.3g}" + ("" if best else " of the goal"),
        *((_amount(default, unit), f"{default['ratio']:.3g}") if default else (NONE, NONE)),
        goal,
        yes(result["met"]),
        f"`{result['command']}`",
    ]


def _setting(entry: Mapping[str, Any]) -> str:
    """A peer's setting as text."""
    setting = entry.get("setting") or "no setting"
    return ", ".join(f"{k} {v}" for k, v in setting.items()) if isinstance(setting, Mapping) else str(setting)


def _amount(entry: Mapping[str, Any], unit: str) -> str:
    return f"{entry['value']:.4g} {unit}"


def speed_notes(result: Mapping[str, Any]) -> list[str]:
    """What a comparison cannot be read without, as one bullet."""
    about = {**result.get("context", {}), **{f"machine {k}": v for k, v in result.get("machine", {}).items()}}
    facts = [f"{key.replace('_', ' ')} {_fact(value)}" for key, value in sorted(about.items())]
    return [f"- {result['name']}: {', '.join(facts)}."] if facts else []


def _fact(value: Any) -> str:
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{k.replace('_', ' ')} {_fact(v)}" for k, v in sorted(value.items())) + ")"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def read_goals(path: Path) -> Goals:
    """Read the table of goals."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def main() -> int:
    """Write the page."""
    text = page(HERE / "results", HERE / "test-openings.jsonl", read_goals(HERE / "goals.toml"))
    write_bytes(HERE / PAGE, text.encode())
    print(f"benchmarks/{PAGE}: {text.count(chr(10))} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
