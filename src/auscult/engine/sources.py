"""From a folder to sources: which reader can read which files, told by their content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from auscult.base.contracts import Domain, Reader, RecordBatch, SetAside, Source
from auscult.base.errors import AuscultError, DataError, InputError
from auscult.base.files import files_under
from auscult.base.registry import load_part

SMALL_BYTES = 1 << 16
"""A file of more than this holds more than the first line of a table."""


@dataclass(frozen=True)
class Found:
    """What a folder holds: sources by reader, and files that no reader knows."""

    root: Path
    sources: tuple[Source, ...]
    unclaimed: tuple[Path, ...]


def find_sources(root: Path, domain: Domain, *, readers: Sequence[str] = (), include: str = "") -> Found:
    """Ask each reader of a domain which files of a folder it can read.

    Parameters
    ----------
    root : Path
        Folder or single file.
    domain : Domain
        Whose readers are asked, in the order of its table.
    readers : sequence of str
        Only these; all when empty.
    include : str
        Pattern of relative paths; all when empty.

    Raises
    ------
    DataError
        If the path does not exist or holds no file.
    """
    if not root.exists():
        raise DataError(f"{root}: expected a folder or file with device exports, got nothing at this path")
    files = files_under(root) if root.is_dir() else _with_companions(root)
    base = root if root.is_dir() else root.parent
    if include:
        files = [f for f in files if fnmatch(f.relative_to(base).as_posix(), include)]
    if not files:
        raise DataError(f"{root.name}: expected at least one file, got an empty folder")
    left = files
    sources: list[Source] = []
    for name in readers or domain.readers:
        if not left and not readers:
            break  # a reader that has nothing to look at need not be loaded; one that is named must exist
        reader: Reader = load_part(domain, "readers", name)()
        claimed = [replace(s, reader=name, name=_relative_name(s, base)) for s in reader.detect(left)]
        if not root.is_dir():
            claimed = [s for s in claimed if root in s.files]
        sources += claimed
        taken = {f for s in claimed for f in s.files}
        left = [f for f in left if f not in taken]
    if not root.is_dir():
        left = [f for f in left if f == root]
    return Found(base, tuple(sorted(sources, key=lambda s: s.name)), tuple(left))


def why_unclaimed(file: Path, domain: Domain) -> str:
    """Say that no reader of a domain took a file, and where it holds too little for any, that."""
    reason = f"{file.name}: expected a format of {', '.join(domain.readers)}; no reader knows this file"
    if file.stat().st_size > SMALL_BYTES:
        return reason
    n_lines = sum(1 for line in file.read_bytes().splitlines() if line.strip(b"\xef\xbb\xbf \t\0"))
    if not n_lines:
        return f"{reason}, which is empty"
    only_header = n_lines == 1 and file.suffix.lower() in (".csv", ".tsv")
    return f"{reason}, a table without a row below its first line" if only_header else reason


def _with_companions(path: Path) -> list[Path]:
    """Return the file and those beside it that share its stem: a header and its data are one source."""
    stem = path.name.split(".")[0]
    near = [p for p in path.parent.iterdir() if p.is_file() and p.name.split(".")[0] == stem]
    return sorted(near)


def _relative_name(source: Source, base: Path) -> str:
    folder = source.files[0].parent.relative_to(base).as_posix()
    return source.name if folder == "." else f"{folder}/{source.name}"


def placed(part: RecordBatch | SetAside, source: Source) -> RecordBatch | SetAside:
    """Give records the folder of their source in front of their names: ``ward1/IM1`` is not ``ward2/IM1``."""
    if "/" not in source.name:
        return part
    if isinstance(part, SetAside):
        return replace(part, source=full_name(part.source, source))
    names = np.array([full_name(str(name), source) for name in part.record], dtype=np.str_)
    return replace(part, record=names)


def full_name(name: str, source: Source) -> str:
    """Put the folder of a source in front of a name, once."""
    inside = source.name[: source.name.rfind("/") + 1]
    return name if name.startswith(inside) else f"{inside}{name}"


def read_source(source: Source, domain: Domain) -> Iterator[RecordBatch | SetAside]:
    """Read one source; whatever cannot be read comes out as set aside, and nothing is raised for it."""
    reader: Reader = load_part(domain, "readers", source.reader)()
    try:
        yield from reader.read(source)
    except InputError as error:
        yield SetAside(source.name, str(error))
    except AuscultError:
        raise
    except (ValueError, KeyError, IndexError, OSError, ArithmeticError, EOFError) as error:
        yield SetAside(
            source.name, f"{source.files[0].name}: the {source.reader} reader failed ({type(error).__name__})"
        )
