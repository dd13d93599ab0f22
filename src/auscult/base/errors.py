"""The whole error tree on one screen.

A message says which thing, what was expected, what came, where, and what to do. It never holds a patient value,
the text of a record or a token.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class AuscultError(Exception):
    """Anything that Auscult refuses or cannot do. ``exit_code`` is what the command line returns."""

    exit_code = 1


class UsageError(AuscultError):
    """The request is wrong: a recipe, an option, an argument."""

    exit_code = 2


class RecipeError(UsageError):
    """A recipe does not say what it must, or says what nobody reads."""


class MissingExtraError(UsageError):
    """An optional package is not installed; the message names the command that installs it."""


class InputError(AuscultError):
    """Data from outside cannot be used."""

    exit_code = 2


class ReadError(InputError):
    """A file or record cannot be read. In a build it is set aside with this reason, and the job goes on."""


class UnitError(InputError):
    """A unit or a rate is unknown, missing or of another quantity."""


class ShapeError(InputError):
    """An array has the wrong axes, size, type or holds NaN."""


class DataError(InputError):
    """The data as a whole cannot be used: too little is left, a class is missing, subjects leak."""


class LimitError(AuscultError):
    """The disk is full, a folder is read-only, a size or time limit is reached."""

    exit_code = 2


class GateError(AuscultError):
    """A limit that was set before does not hold."""

    exit_code = 3


class VerifyError(AuscultError):
    """A release is not what it says it is."""

    exit_code = 3


def unknown(what: str, name: object, known: Iterable[object], *, where: str = "") -> str:
    """Say that a name is unknown, which names are known, and which is the nearest.

    Parameters
    ----------
    what : str
        The kind of thing, for example ``"model"``.
    name : object
        What came. It must be a word of the recipe or the command line, never a value of a record.
    known : iterable of object
        Every name that would have been right.
    where : str
        The file, table or option in which it stood.

    Returns
    -------
    str
        One sentence for an error message.

    Examples
    --------
    >>> unknown("model", "resnet", ["resnet1d", "tcn"])
    "unknown model 'resnet'; did you mean 'resnet1d'? Known: resnet1d, tcn"
    """
    names = sorted(str(k) for k in known)
    near = get_close_matches(str(name), names, n=1, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else "."
    place = f" in {where}" if where else ""
    return f"unknown {what} '{name}'{place}{hint} Known: {', '.join(names) or 'none'}"
