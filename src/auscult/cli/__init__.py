"""The command line: one thin file a verb. Parse, call the function of the same name, print."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from auscult.base.errors import AuscultError
from auscult.cli import build, compare, datasets, generate, inspect, models, predict, serve, verify

app = typer.Typer(
    name="auscult",
    help="From a folder of medical-device exports to a model release that can be defended.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _verb in (inspect, build, predict, verify, compare, generate, serve, datasets, models):
    _verb.add(app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"auscult {version('auscult')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Exit status: 0 done · 1 internal · 2 bad usage or input · 3 a gate or a verification failed."""


def main() -> None:
    """Run the command line; an error is one line on standard error and an exit status."""
    try:
        app()
    except AuscultError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
