"""``auscult inspect``: what is in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auscult.cli.output import Json, as_json, table

Where = Annotated[Path, typer.Argument(help="Folder or file with device exports.")]
Only = Annotated[str, typer.Option("--domain", help="Ask only the readers of this domain.")]


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("inspect")(inspect)


def inspect(path: Where, domain: Only = "", json: Json = False) -> None:
    """Say what a folder holds: formats, records, units, quality, and what could not be read and why."""
    from auscult.service.verbs import inspect as verb

    found = verb(path, domain=domain)
    if json:
        print(as_json(found))
        return
    subjects = "subjects unknown" if found.n_subjects is None else f"{found.n_subjects} subjects"
    print(f"{found.path}: {found.n_files} files, {found.n_records} records, {subjects}")
    rows = [
        (f.reader, f.name, f.unit or "-", f.n_records, " ".join(f"{r:g}" for r in f.rates_hz) or "-",
         " ".join(f.channels[:6]) or "-", f"{f.duration_s / 60:.1f} min" if f.duration_s else "-")
        for f in found.fields
    ]  # fmt: skip
    table("Fields", ("reader", "field", "unit", "records", "rate Hz", "channels", "length"), rows)
    if found.findings:
        table(
            "Findings",
            ("check", "severity", "count", "what"),
            [(f.check, f.severity, f.count, f.message) for f in found.findings],
        )
    if found.set_aside:
        table(
            "Could not be read, or only in part", ("source", "reason"), [(a.source, a.reason) for a in found.set_aside]
        )
    if found.unclaimed:
        print(f"No reader knows {len(found.unclaimed)} files: {', '.join(found.unclaimed[:10])}")
