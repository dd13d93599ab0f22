"""Files that a task's settings name, such as a tokenizer: found, hashed, and copied so that a release needs no other.

A setting is one by its type, ``LocalFile``. In a recipe it is a path (``${NAME}`` is taken from the environment,
``package:NAME/PATH`` lies in an installed package); in a release it is the name of the copy.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from auscult.base.contracts import Config, Domain, LocalFileMark
from auscult.base.errors import RecipeError, VerifyError
from auscult.base.files import sha256_file
from auscult.base.recipe import expand
from auscult.base.registry import load_part

FOLDER = "files"
PACKAGE = "package:"


def file_settings(config: type[Config]) -> list[str]:
    """Names of the settings that are files."""
    return [
        name for name, field in config.model_fields.items() if any(isinstance(m, LocalFileMark) for m in field.metadata)
    ]


def located(config: type[Config], settings: Mapping[str, Any], *, release: Path | None = None) -> dict[str, Any]:
    """Return settings in which each named file is a path that exists.

    Parameters
    ----------
    config : type of Config
        Settings of the task.
    settings : mapping
        As the recipe or the manifest of a release states them.
    release : Path, optional
        Folder of the release; the files are its copies.

    Raises
    ------
    RecipeError
        If a file that the recipe names is not there.
    VerifyError
        If a copy is not in the release.
    """
    made = dict(settings)
    for name in file_settings(config):
        stated = settings.get(name)
        if isinstance(stated, str) and stated:
            made[name] = str(_copy_of(release, stated) if release is not None else _file_at(name, stated))
    return made


def _file_at(name: str, stated: str) -> Path:
    path = _in_package(f"[task] {name}", stated) if stated.startswith(PACKAGE) else expand(stated)
    if not path.is_file():
        raise RecipeError(f"[task] {name}: expected a file, got none at {stated}; is the path right?")
    return path.absolute()


def _in_package(what: str, stated: str) -> Path:
    package, _, inside = stated.removeprefix(PACKAGE).partition("/")
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or spec.origin is None:
        raise RecipeError(f"{what}: expected an installed package, got none called '{package}'; install it")
    return Path(spec.origin).parent / inside


def located_folder(what: str, stated: str) -> Path:
    """Return a local folder that a recipe names, such as that of a pre-trained network.

    Raises
    ------
    RecipeError
        If there is none.
    """
    path = _in_package(what, stated) if stated.startswith(PACKAGE) else expand(stated)
    if not path.is_dir():
        raise RecipeError(f"{what}: expected a folder, got none at {stated}; is the path right?")
    return path


def _copy_of(release: Path, stated: str) -> Path:
    path = (release / stated).resolve()
    if not path.is_relative_to(release.resolve() / FOLDER) or not path.is_file():
        raise VerifyError(
            f"{release.name}: expected the copy of a file in '{FOLDER}', got none for the manifest's name"
        )
    return path


def file_hashes(domain: Domain, task: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of each file that the settings of a task name, by setting."""
    config = load_part(domain, "tasks", task).Config
    paths = located(config, settings)
    return {name: sha256_file(Path(paths[name])) for name in file_settings(config) if paths.get(name)}


def copied(domain: Domain, task: str, settings: Mapping[str, Any], *, release: Path) -> dict[str, Any]:
    """Copy the files that settings name into a release and return the settings with the names of the copies."""
    config = load_part(domain, "tasks", task).Config
    paths = located(config, settings)
    made = dict(settings)
    for name in file_settings(config):
        if paths.get(name):
            source = Path(paths[name])
            made[name] = f"{FOLDER}/{name}{source.suffix}"
            (release / FOLDER).mkdir(exist_ok=True)
            shutil.copyfile(source, release / made[name])
    return made
