"""``auscult serve``: the same answers over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folders = Annotated[list[Path], typer.Argument(help="One or more release folders.")]
Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")]
Key = Annotated[
    str,
    typer.Option("--api-key", envvar="AUSCULT_API_KEY", show_envvar=True, help="Key that every request must carry."),
]

Workers = Annotated[int | None, typer.Option("--workers", min=0, help="Processes that prepare requests; one a core.")]
MaxBytes = Annotated[int | None, typer.Option("--max-bytes", min=1, help="Largest body of a request, in bytes.")]
Timeout = Annotated[float | None, typer.Option("--timeout", min=0.001, help="Longest time for a request, in s.")]


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("serve")(serve)


def serve(
    releases: Folders,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    api_key: Key = "",
    workers: Workers = None,
    max_bytes: MaxBytes = None,
    timeout: Timeout = None,
) -> None:
    """Answer raw device files over HTTP until stopped; what is under way is finished first."""
    from auscult.service.verbs import serve as verb

    limits = {"workers": workers, "max_bytes": max_bytes, "timeout_s": timeout}
    stated = {name: value for name, value in limits.items() if value is not None}
    verb(*releases, host=host, port=port, api_key=api_key, **stated)
