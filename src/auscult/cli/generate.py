"""``auscult generate``: new samples from a generative release, marked as synthetic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auscult.cli.output import Json, as_json

Folder = Annotated[Path, typer.Argument(help="A release whose answer kind is sample.")]
Out = Annotated[Path, typer.Option("--out", help="Where the samples are written.")]
Count = Annotated[int, typer.Option("--count", min=1, help="How many.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same samples.")]


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("generate")(generate)


def generate(release: Folder, out: Out, count: Count = 1, seed: Seed = 0, json: Json = False) -> None:
    """Write new samples; each is marked as synthetic in its own metadata."""
    from auscult.service.verbs import generate as verb

    written = verb(release, out, count=count, seed=seed)
    print(as_json(written) if json else "\n".join(str(path) for path in written))
