"""``auscult verify``: is a release what it says it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auscult.cli.output import Json, as_json

Folder = Annotated[Path, typer.Argument(help="The release folder.")]
Trusted = Annotated[Path | None, typer.Option("--key", help="Public key (PEM) that must have signed it.")]


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("verify")(verify)


def verify(release: Folder, key: Trusted = None, json: Json = False) -> None:
    """Check every file's hash, the content hash, the signature and the golden answers; exit status 3 on a mismatch."""
    from auscult.service.verbs import verify as verb

    result = verb(release, trusted=key)
    if json:
        print(
            as_json(
                {
                    "release": result.release,
                    "passed": result.passed,
                    "content_hash": result.content_hash,
                    "verdicts": result.verdicts,
                }
            )
        )
    else:
        for verdict in result.verdicts:
            print(f"{'ok    ' if verdict.passed else 'FAILED'} {verdict.what}: {verdict.detail}")
        print(f"{result.release} {result.content_hash[:16]}: {'verified' if result.passed else 'NOT verified'}")
    if not result.passed:
        raise typer.Exit(3)
