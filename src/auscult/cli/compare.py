"""``auscult compare``: a change-control plan, executed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auscult.cli.output import Json, as_json, table

Old = Annotated[Path, typer.Argument(help="The release that is in use.")]
New = Annotated[Path, typer.Argument(help="The release that would replace it.")]
PlanFile = Annotated[Path, typer.Option("--plan", help="Limits that were set before, a TOML file.")]


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("compare")(compare)


def compare(old: Old, new: New, plan: PlanFile, json: Json = False) -> None:
    """Pass or fail for each limit, by the paired interval of the change; exit status 3 where one fails."""
    from auscult.service.verbs import compare as verb

    result = verb(old, new, plan=plan)
    if json:
        print(as_json({"passed": result.passed, **vars(result)}))
    else:
        print(f"{result.old} → {result.new}, {result.n_answers} test answers")
        rows = [
            (c.metric, c.where, f"{c.old:.4g}", f"{c.new:.4g}", f"{c.difference:+.4g} [{c.low:+.4g}, {c.high:+.4g}]",
             c.limit, "pass" if c.passed else "FAIL")
            for c in result.changes
        ]  # fmt: skip
        table("Plan", ("metric", "where", "old", "new", "change [interval]", "limit", ""), rows)
    if not result.passed:
        raise typer.Exit(3)
