"""Turns a name in a table into the object that it stands for, on demand. Knows no domain by itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from auscult.base.contracts import Domain
from auscult.base.errors import MissingExtraError, UsageError, unknown

TABLE = "auscult.domains:DOMAINS"
ENTRY_POINT_GROUP = "auscult.domains"


def resolve(address: str, *, extra: str = "") -> Any:
    """Import ``"module:attribute"``.

    Raises
    ------
    MissingExtraError
        If a third-party package is not installed; the message has the command that installs it.
    UsageError
        If the module or the attribute does not exist.
    """
    module_name, _, attribute = address.partition(":")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        if missing.split(".")[0] == "auscult":
            raise UsageError(f"registry: '{address}' names a module that does not exist: {missing}") from error
        wanted = f"auscult[{extra}]" if extra else missing
        raise MissingExtraError(
            f"the package '{missing}' is not installed; install it with: pip install '{wanted}'"
        ) from error
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        raise UsageError(f"registry: module '{module_name}' has no '{attribute}'") from error


@cache
def domain_table() -> Mapping[str, str]:
    """Name and address of every domain: Auscult's own and those of installed packages.

    Raises
    ------
    UsageError
        If two packages declare the same name.
    """
    table: dict[str, str] = dict(resolve(TABLE))
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.name in table:
            raise UsageError(
                f"the domain '{point.name}' is declared twice; uninstall one of the packages that declare it"
            )
        table[point.name] = point.value
    return table


@cache
def load_domain(name: str) -> Domain:
    """Return the declaration of a domain.

    Raises
    ------
    UsageError
        If no domain has that name; lists the known.
    """
    table = domain_table()
    if name not in table:
        raise UsageError(unknown("domain", name, table))
    domain = resolve(table[name], extra=name)
    if not isinstance(domain, Domain):
        raise UsageError(f"registry: '{table[name]}' is not a domain declaration")
    return domain


def load_part(domain: Domain, part: str, name: str) -> Any:
    """Return a reader, task, model, check or example of a domain by its name.

    Parameters
    ----------
    domain : Domain
        The declaration.
    part : str
        Which table: ``readers``, ``tasks``, ``models``, ``checks``, ``examples``.
    name : str
        The name in that table.

    Raises
    ------
    UsageError
        If the table has no such name; lists the known and the nearest.
    """
    table: Mapping[str, str] = getattr(domain, part)
    if name not in table:
        raise UsageError(unknown(part.removesuffix("s"), name, table, where=f"domain '{domain.name}'"))
    return resolve(table[name], extra="train" if part == "models" else domain.name)
