"""``auscult models``: every task and model, from the registry."""

from __future__ import annotations

import typer

from auscult.cli.output import Json, as_json


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("models")(models)


def models(json: Json = False) -> None:
    """List what each domain can do."""
    from auscult.service.verbs import models as verb

    found = verb()
    if json:
        print(as_json(found))
        return
    for name, parts in found.items():
        print(f"{name}: {parts['summary']}")
        for part, names in parts.items():
            if part != "summary" and names:
                print(f"  {part}: {', '.join(names)}")
