"""The verbs as functions: they find the domain through the registry and hand it to the engine.

Each verb loads its part of the engine when it is called, so that an answer does not wait for what only a build needs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auscult.base.contracts import Domain, Generates, PublicSet
from auscult.base.errors import InputError, UsageError, unknown
from auscult.base.log import Report
from auscult.base.recipe import Recipe, load_recipe, validated
from auscult.base.registry import domain_table, load_domain
from auscult.engine.runtime import RecordAnswer, Release, open_release

if TYPE_CHECKING:
    from auscult.engine.build import BuildOptions, BuildResult
    from auscult.engine.compare import Comparison
    from auscult.engine.inspect import Inspection
    from auscult.engine.release.verify import Verification
    from auscult.engine.scan import Scan, ScanOptions

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
    from auscult.engine.build import build as execute

    made = recipe if isinstance(recipe, Recipe) else load_recipe(Path(recipe), overrides)
    return execute(made, Path(out), load_domain(made.domain), options=options, report=report)


def predict(
    release: PathLike | Release, *paths: PathLike, explain: bool = False, out: PathLike | None = None
) -> Iterator[RecordAnswer]:
    """Answer raw device files.

    Parameters
    ----------
    release : path or Release
        A release folder, or one that was opened.
    *paths : path
        Files or folders.
    explain : bool
        Also say what carried each answer.
    out : path, optional
        Folder for the files that belong to the answers, where the task writes some: masks in the geometry of their
        images, pictures of what carried an answer.

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
    UsageError
        If files are asked for and the task writes none, or a file is there already.
    """
    opened = release if isinstance(release, Release) else open_release(Path(release), load_domain)
    for path in paths:
        yield from opened.answer_path(Path(path), explain=explain, out=None if out is None else Path(out))


def scan(
    release: PathLike,
    *paths: PathLike,
    out: PathLike,
    options: ScanOptions | None = None,
    report: Report | None = None,
) -> Scan:
    """Answer a whole library into a folder, in parts and over the cores; this is ``predict --table``.

    Parameters
    ----------
    release : path
        The release folder.
    *paths : path
        Files or folders.
    out : path
        Folder for ``answers.csv`` and ``top.csv``; the same call goes on where it was stopped.
    options : ScanOptions, optional
        How many of the best to list, by what, and how far apart.
    report : Report, optional
        Where progress goes.

    Raises
    ------
    AuscultError
        See ``auscult.engine.scan.scan``.
    """
    from auscult.engine.scan import ScanOptions as Options
    from auscult.engine.scan import scan as execute

    opened = open_release(Path(release), load_domain)
    return execute(opened, [Path(p) for p in paths], Path(out), options=options or Options(), report=report)


def report(*paths: PathLike, releases: Sequence[PathLike], out: PathLike) -> list[Path]:
    """Write a page and a JSON file for each record: what one or several releases say, and what carried it.

    Parameters
    ----------
    *paths : path
        Files or folders of raw records, a few.
    releases : sequence of path
        Release folders; each answers every record.
    out : path
        Folder of the pages.

    Returns
    -------
    list of Path
        The pages.

    Raises
    ------
    UsageError
        If a task has no explanation, or there are very many records.
    DataError
        If a path does not exist or is empty.
    """
    from auscult.engine.record_report import report_records

    opened = [open_release(Path(r), load_domain) for r in releases]
    return report_records(opened, [Path(p) for p in paths], Path(out))


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
    from auscult.engine.release.verify import verify_release

    return verify_release(Path(release), load_domain, trusted=None if trusted is None else Path(trusted))


def inspect(path: PathLike, *, domain: str = "") -> Inspection:
    """Say what a folder holds: formats, records, units, findings, and what could not be read and why.

    Parameters
    ----------
    path : path
        Folder or file.
    domain : str
        Ask only this domain's readers; all when empty.

    Raises
    ------
    DataError
        If the path does not exist or is empty.
    """
    from auscult.engine.inspect import inspect_folder

    names = [domain] if domain else list(domain_table())
    return inspect_folder(Path(path), [load_domain(name) for name in names])


def compare(old: PathLike, new: PathLike, *, plan: PathLike) -> Comparison:
    """Judge the change from one release to another by limits that were set before.

    Parameters
    ----------
    old, new : path
        Release folders.
    plan : path
        TOML file with ``[limits]``.

    Raises
    ------
    RecipeError
        If the plan is not valid.
    DataError
        If the releases were not judged on the same test records.
    """
    from auscult.engine.compare import compare_releases, read_plan

    opened = [open_release(Path(r), load_domain) for r in (old, new)]
    return compare_releases(opened[0], opened[1], read_plan(Path(plan)))


def generate(release: PathLike, out: PathLike, *, count: int = 1, seed: int = 0) -> list[Path]:
    """Write new samples from a generative release; the task marks each as synthetic.

    Parameters
    ----------
    release : path
        A release whose answer kind is ``sample``.
    out : path
        Folder for the samples.
    count : int
        How many.
    seed : int
        The same seed gives the same samples.

    Raises
    ------
    UsageError
        If the release does not generate.
    """
    opened = open_release(Path(release), load_domain)
    if not isinstance(opened.task, Generates):
        raise UsageError(
            f"generate: expected a release that generates, got the task '{opened.spec.name}', which answers"
        )
    return opened.task.generate(opened.run, Path(out), count=count, seed=seed)


def serve(*releases: PathLike, host: str = "127.0.0.1", port: int = 8000, api_key: str = "", **limits: float) -> None:
    """Serve releases over HTTP until the process is told to stop.

    Parameters
    ----------
    *releases : path
        Release folders; each is served under its name.
    host, port : str, int
        Where to listen.
    api_key : str
        Key that every request must carry in ``X-API-Key``; none when empty.
    **limits
        Fields of ``auscult.service.settings.ServeSettings``: ``workers``, ``max_bytes``, ``timeout_s``, …

    Raises
    ------
    VerifyError
        If a folder is no release.
    UsageError
        If two releases have the same name.
    """
    from auscult.service.http import serve as listen
    from auscult.service.settings import ServeSettings

    opened: dict[str, Release] = {}
    for folder in releases:
        release = open_release(Path(folder), load_domain)
        if release.manifest["name"] in opened:
            raise UsageError(f"serve: two releases are named '{release.manifest['name']}'; serve one of them elsewhere")
        opened[release.manifest["name"]] = release
    own = {"workers": os.cpu_count() or 1, **limits}
    settings = validated(ServeSettings, own, where="serve")
    listen(opened, host=host, port=port, api_key=api_key, settings=settings)


def datasets() -> dict[str, PublicSet]:
    """Every known public dataset by name."""
    return {name: entry for d in domain_table() for name, entry in load_domain(d).datasets.items()}


def get_dataset(name: str, to: PathLike) -> Path:
    """Download a public dataset file by file, and check each checksum; files that are there are not fetched again.

    Parameters
    ----------
    name : str
        Name in ``datasets()``.
    to : path
        Folder; the set goes into a folder of its name.

    Raises
    ------
    UsageError
        If the name is unknown, or the set cannot be fetched file by file.
    InputError
        If a download fails or is not what it should be.
    """
    known = datasets()
    if name not in known:
        raise UsageError(unknown("dataset", name, known))
    entry = known[name]
    if not entry.files_at:
        raise UsageError(f"dataset '{name}' cannot be fetched file by file; get it at {entry.homepage}")
    import pooch

    folder = Path(to) / name
    package, _, listed = entry.checksums.partition(":")
    lines = files(package).joinpath(listed).read_text(encoding="utf-8").splitlines()
    registry = {file: f"sha256:{digest}" for digest, file in (line.split(maxsplit=1) for line in lines)}
    fetcher = pooch.create(path=folder, base_url=entry.files_at, registry=registry)
    try:
        for file in registry:
            fetcher.fetch(file)
    except (OSError, ValueError) as error:
        raise InputError(
            f"dataset '{name}': a download failed or is not what it should be; see {entry.homepage}"
        ) from error
    return folder


def models() -> dict[str, Mapping[str, Any]]:
    """Every domain with its tasks, models, readers and examples, from the registry."""
    return {name: _listed(load_domain(name)) for name in domain_table()}


def _listed(domain: Domain) -> Mapping[str, Any]:
    tables = ("tasks", "models", "readers", "checks", "faults", "examples")
    return {"summary": domain.summary, **{t: sorted(getattr(domain, t)) for t in tables}}
