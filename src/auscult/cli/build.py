"""``auscult build``: from a recipe to a release."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auscult.cli.output import Json, as_json, figure, table

RecipeFile = Annotated[Path, typer.Argument(help="The recipe, a TOML file.")]
Out = Annotated[Path, typer.Option("--out", help="Run folder; the same command goes on where it stopped.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Change the recipe: table.key=value. May be repeated.")]
Until = Annotated[
    str, typer.Option("--until", help="Last stage: prepare, train (test stays closed), evaluate, release.")
]
Ship = Annotated[
    str, typer.Option("--model", help="Ship this model whatever validation says; the evidence says forced.")
]
Key = Annotated[Path | None, typer.Option("--key", help="Ed25519 private key (PEM) that signs the release.")]
Ledger = Annotated[
    Path | None, typer.Option("--ledger", help="File that gets a line for each opening of the test split.")
]


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("build")(build)


def build(
    recipe: RecipeFile,
    out: Out,
    set: Set = None,
    until: Until = "release",
    model: Ship = "",
    key: Key = None,
    ledger: Ledger = None,
    json: Json = False,
) -> None:
    """Prepare, check, split, train, calibrate, evaluate, release; goes on where it was stopped."""
    from auscult.base.errors import UsageError, unknown
    from auscult.base.log import Terminal
    from auscult.engine.build import STAGES, BuildOptions
    from auscult.service.verbs import build as verb

    if until not in STAGES:
        raise UsageError(unknown("stage", until, STAGES, where="--until"))
    options = BuildOptions(until=until, ship=model, signing_key=key, ledger=ledger)
    result = verb(recipe, out, overrides=set or (), options=options, report=Terminal())
    if json:
        print(as_json(result))
        return
    listed = f", listed in {result.folder / 'quality.json'}" if result.n_set_aside else ""
    print(f"{result.n_records} records, {result.n_set_aside} set aside{listed}")
    if result.metrics:
        floor = result.metrics["floor"]
        rows = [(n, figure(v), figure(floor[n]) if n in floor else "-") for n, v in result.metrics["metrics"].items()]
        table(f"Test ({result.shipped} ships)", ("metric", "value [95 % interval]", "floor"), rows)
    elif result.validation:
        rows = [(n, figure(v), figure(result.validation["floor"][n])) for n, v in result.validation["model"].items()]
        table("Validation (the test split is closed)", ("metric", "model", "floor"), rows)
    if result.release:
        print(f"release {result.release}  content {result.content_hash[:16]}")
        print(f"report  {result.release / 'evidence' / 'report.html'}")
