"""``auscult datasets``: known public sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auscult.cli.output import Json, as_json, table

Get = Annotated[str, typer.Option("--get", help="Download this set.")]
To = Annotated[Path, typer.Option("--to", help="Where a download goes.")]


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("datasets")(datasets)


def datasets(get: Get = "", to: To = Path("data"), json: Json = False) -> None:
    """List public datasets with address and licence, or get one and check its checksum."""
    from auscult.service.verbs import datasets as verb
    from auscult.service.verbs import get_dataset

    if get:
        path = get_dataset(get, to)
        print(as_json({"path": path}) if json else path)
        return
    found = verb()
    if json:
        print(as_json(found))
        return
    table(
        "Public datasets",
        ("name", "what", "licence", "home"),
        [(n, s.title, s.licence, s.homepage) for n, s in found.items()],
    )
