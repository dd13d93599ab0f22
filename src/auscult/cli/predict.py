"""``auscult predict``: raw device files in, answers out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auscult.cli.output import Json, as_json

Folder = Annotated[Path, typer.Argument(help="The release folder.")]
Paths = Annotated[list[Path], typer.Argument(help="Raw device files or folders.")]
Explain = Annotated[bool, typer.Option("--explain", help="Also say what carried each answer.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder for files of the answers: masks, pictures.")]
LINES = 8


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("predict")(predict)


def predict(release: Folder, paths: Paths, explain: Explain = False, out: Out = None, json: Json = False) -> None:
    """Answer every record: a calibrated answer, an abstention, or a refusal with its reason.

    With --json one line a record (JSON Lines). Exit status 2 where no record could be answered.
    """
    from auscult.base.registry import load_domain
    from auscult.engine.runtime import open_release
    from auscult.service.verbs import predict as verb

    opened = open_release(release, load_domain)
    answered = 0
    for answer in verb(opened, *paths, explain=explain, out=out):
        answered += answer.status == "answered"
        if json:
            print(as_json({**vars(answer), "release": opened.provenance}))
            continue
        print(f"{answer.record}: {answer.status}{': ' + answer.reason if answer.reason else ''}")
        for one in answer.answers[:LINES]:
            print(f"    {as_json(one)}")
        if len(answer.answers) > LINES:
            print(f"    … {len(answer.answers)} answers in all (--json gives every one)")
        if answer.explanation:
            print(f"    because {as_json(answer.explanation)}")
        for name in answer.files:
            print(f"    written: {name}")
    if not json:
        about = opened.manifest
        print(f"release {about['name']} {about['version']}; not for: {about['intent']['not_for']}")
    if not answered:
        raise typer.Exit(2)
