"""``auscult predict``: raw device files in, answers out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from auscult.cli.output import Json, as_json

Folder = Annotated[Path, typer.Argument(help="The release folder.")]
Paths = Annotated[list[Path], typer.Argument(help="Raw device files or folders.")]
Explain = Annotated[bool, typer.Option("--explain", help="Also say what carried each answer.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder for files of the answers: masks, pictures.")]
Table = Annotated[
    Path | None,
    typer.Option("--table", help="Answer a whole library into a table in this folder; goes on where it was stopped."),
]
Pages = Annotated[
    Path | None, typer.Option("--report", help="Write a page and a JSON file for each record into this folder.")
]
Also = Annotated[
    list[Path] | None,
    typer.Option("--with", help="With --report: a further release that answers too; may be repeated."),
]
Top = Annotated[int, typer.Option("--top", min=0, help="With --table: list so many of the best, each thing once.")]
By = Annotated[str, typer.Option("--by", help="With --top: column of the answers that ranks; the first by default.")]
Lowest = Annotated[bool, typer.Option("--lowest", help="With --top: the lowest value is the best.")]
Distance = Annotated[
    float, typer.Option("--distance", min=0, max=1, help="With --top: smallest Tanimoto distance between two listed.")
]
Workers = Annotated[int, typer.Option("--workers", min=0, help="With --table: processes; as many as cores by default.")]
LINES = 8
FEWER = "no more were answered, or the best held no more that are far enough apart"


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("predict")(predict)


def predict(
    release: Folder,
    paths: Paths,
    explain: Explain = False,
    out: Out = None,
    table: Table = None,
    report: Pages = None,
    also: Also = None,
    top: Top = 0,
    by: By = "",
    lowest: Lowest = False,
    distance: Distance = 0.0,
    workers: Workers = 0,
    json: Json = False,
) -> None:
    """Answer every record: a calibrated answer, an abstention, or a refusal with its reason.

    With --json one line a record (JSON Lines). Exit status 2 where no record could be answered. With --table the
    answers go to a folder as a table with a row for each record, in parts and over the cores. With --report each record
    gets a page: what this release and those of --with say, and what carried it.
    """
    from auscult.base.errors import UsageError

    if sum(chosen is not None for chosen in (table, report, out)) > 1 or (table is not None and explain):
        raise UsageError("--table, --report, --out: expected one of them, and no --explain beside --table")
    if also and report is None:
        raise UsageError("--with: expected together with --report")
    if report is not None:
        _pages([release, *(also or [])], paths, report, json=json)
        return
    if table is not None:
        _library(release, paths, table, json, top=top, by=by, lowest=lowest, distance=distance, workers=workers)
        return
    if top or by or lowest or distance or workers:
        raise UsageError("--top, --by, --lowest, --distance, --workers: expected together with --table")
    _records(release, paths, out, explain=explain, json=json)


def _pages(releases: list[Path], paths: list[Path], out: Path, *, json: bool) -> None:
    """Write a page for each record."""
    from auscult.service.verbs import report

    pages = report(*paths, releases=releases, out=out)
    print(as_json([p.as_posix() for p in pages]) if json else "\n".join(str(p) for p in pages))


def _library(release: Path, paths: list[Path], table: Path, json: bool, **options: Any) -> None:
    """Answer a library into a folder."""
    from auscult.base.errors import UsageError
    from auscult.base.log import Terminal
    from auscult.engine.scan import ScanOptions
    from auscult.service.verbs import scan

    if (options["by"] or options["lowest"] or options["distance"]) and not options["top"]:
        raise UsageError("--by, --lowest, --distance: expected together with --top")
    made = scan(release, *paths, out=table, options=ScanOptions(**options), report=Terminal())
    if json:
        print(as_json(made))
    else:
        print(f"{made.answers}: " + ", ".join(f"{n} {status}" for status, n in sorted(made.counts.items())))
        for reason, count in sorted(made.reasons.items(), key=lambda item: -item[1])[:LINES]:
            print(f"    {count} x {reason}")
        if made.top is not None:
            fewer = "" if made.n_listed == options["top"] else f" of {options['top']} asked for: {FEWER}"
            print(f"{made.top}: the best {made.n_listed}{fewer}")
    if not made.counts.get("answered"):
        raise typer.Exit(2)


def _records(release: Path, paths: list[Path], out: Path | None, *, explain: bool, json: bool) -> None:
    """Print an answer for each record."""
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
