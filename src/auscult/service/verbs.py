"""The verbs as functions: they find the domain through the registry and hand it to the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from auscult.base.contracts import Domain
from auscult.base.log import Report
from auscult.base.recipe import Recipe, load_recipe
from auscult.base.registry import domain_table, load_domain
from auscult.engine.build import BuildOptions, BuildResult
from auscult.engine.build import build as _build
from auscult.engine.release.verify import Verification, verify_release
from auscult.engine.runtime import RecordAnswer, Release, open_release

PathLike = str | Path


def build(
    recipe: PathLike | Recipe,
    out: PathLike,
    *,
    overrides: Sequence[str] = (),
    options: BuildOptions | None = None,
    report: Report | None = None,
) -> BuildResult:
    """Carry out a recipe: prepare, check, split, train, calibrate, evaluate, release.

    Parameters
    ----------
    recipe : path or Recipe
        The recipe, or its TOML file.
    out : path
        The run folder; the same call goes on where a run was stopped.
    overrides : sequence of str
        ``table.key=value`` changes to the recipe.
    options : BuildOptions, optional
        How far to go, what to sign with.
    report : Report, optional
        Where progress goes.

    Raises
    ------
    AuscultError
        See the tree in ``auscult.base.errors``; a gate that does not hold is a ``GateError``.
    """
    made = recipe if isinstance(recipe, Recipe) else load_recipe(Path(recipe), overrides)
    return _build(made, Path(out), load_domain(made.domain), options=options, report=report)


def predict(release: PathLike | Release, *paths: PathLike, explain: bool = False) -> Iterator[RecordAnswer]:
    """Answer raw device files.

    Parameters
    ----------
    release : path or Release
        A release folder, or one that was opened.
    *paths : path
        Files or folders.
    explain : bool
        Also say what carried each answer.

    Yields
    ------
    RecordAnswer
        One a record; what cannot be answered is refused with its reason.

    Raises
    ------
    VerifyError
        If the folder is no release.
    DataError
        If a path does not exist or is empty.
    """
    opened = release if isinstance(release, Release) else open_release(Path(release), load_domain)
    for path in paths:
        yield from opened.answer_path(Path(path), explain=explain)


def verify(release: PathLike, *, trusted: PathLike | None = None) -> Verification:
    """Verify hashes, signature and golden answers of a release.

    Parameters
    ----------
    release : path
        The release folder.
    trusted : path, optional
        Public key (PEM) that must have signed it.

    Raises
    ------
    VerifyError
        If the folder is no release.
    """
    return verify_release(Path(release), load_domain, trusted=None if trusted is None else Path(trusted))


def models() -> dict[str, Mapping[str, Any]]:
    """Every domain with its tasks, models, readers and examples, from the registry."""
    return {name: _listed(load_domain(name)) for name in domain_table()}


def _listed(domain: Domain) -> Mapping[str, Any]:
    tables = ("tasks", "models", "readers", "checks", "faults", "examples")
    return {"summary": domain.summary, **{t: sorted(getattr(domain, t)) for t in tables}}
