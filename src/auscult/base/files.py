"""Files that are either whole or absent: atomic writes, SHA-256, canonical JSON."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from auscult.base.errors import LimitError

_NO_ROOM = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "writing there is not permitted",
    errno.EPERM: "writing there is not permitted",
    errno.EEXIST: "a file stands where a folder is needed",
    errno.ENOTDIR: "a file stands where a folder is needed",
}


_DRAFT = re.compile(r"\..+\.(\d+)-\w{8}")
"""Hidden, the final name, the number of the process that writes it, and eight letters of ``tempfile``."""


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write into one clear error.

    Raises
    ------
    LimitError
        If the disk is full or the place is read-only; says where and what to do.
    """
    try:
        yield
    except OSError as error:
        reason = _NO_ROOM.get(error.errno or 0)
        if reason is None:
            raise
        raise LimitError(
            f"cannot write {path}: {reason}; free some room or choose another place. Nothing half-written was left."
        ) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part.

    Raises
    ------
    LimitError
        If the place cannot be written.
    """
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_draft_of(path))
        draft = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            draft.chmod(0o644)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def write_json(path: Path, value: Any) -> None:
    """Write readable JSON atomically; keys sorted, NaN written as null."""
    write_bytes(path, (json.dumps(_plain(value), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_bytes())


def canonical(value: Any) -> bytes:
    """The one byte string that stands for a JSON value, for hashing."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _plain(value: Any) -> Any:
    """Turn numpy scalars and arrays into JSON values; NaN becomes null."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, Path):
        return value.as_posix()
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def sha256(data: bytes) -> str:
    """SHA-256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def hash_of(value: Any) -> str:
    """SHA-256 of a JSON value in its canonical form."""
    return sha256(canonical(value))


def sha256_file(path: Path) -> str:
    """SHA-256 of a file, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def files_under(folder: Path) -> list[Path]:
    """Every regular file below a folder, in a fixed order; hidden files are left out."""
    return sorted(
        p
        for p in folder.rglob("*")
        if p.is_file() and not any(part.startswith(".") for part in p.relative_to(folder).parts)
    )


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a folder beside ``path`` and move it there when all is done; nothing is left behind on failure.

    Raises
    ------
    LimitError
        If the place cannot be written.
    """
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=path.parent, prefix=_draft_of(path)))
        try:
            draft.chmod(0o755)
            yield draft
            if path.exists():
                old = Path(tempfile.mkdtemp(dir=path.parent, prefix=_draft_of(path)))
                path.replace(old / path.name)
                draft.replace(path)
                shutil.rmtree(old)
            else:
                draft.replace(path)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise


def _draft_of(path: Path) -> str:
    """How the name of a draft of ``path`` begins."""
    return f".{path.name}.{os.getpid()}-"


def sweep(folder: Path) -> None:
    """Remove the drafts directly in a folder that a process which was killed left there.

    Drafts of processes that are alive stay: another job may share the folder. Nothing is done where there is none.
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        draft = _DRAFT.fullmatch(path.name)
        if draft is None or _is_alive(int(draft[1])):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    if os.name == "nt":  # no signal only asks there, so drafts stay
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
