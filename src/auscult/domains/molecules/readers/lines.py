"""Lines of a text file, plain or gzip, streamed; what is broken costs its line and not the job."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

GZIP = b"\x1f\x8b"
LONGEST_LINE = 1 << 17
"""Bytes of a line at the most; a longer one is passed over piece by piece and never held."""
SNIFFED_BYTES = 1 << 16


class CutOffError(ValueError):
    """A gzip file ends in the middle."""


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading, through gzip where its content says so."""
    with path.open("rb") as stream:
        zipped = stream.read(2) == GZIP
    return gzip.open(path, "rb") if zipped else path.open("rb")  # type: ignore[return-value]


def lines(path: Path) -> Iterator[bytes | None]:
    """Yield the lines of a file without their ends; ``None`` in place of one that is too long.

    Raises
    ------
    CutOffError
        After the last whole line, where a gzip file is cut off or damaged.
    """
    with open_bytes(path) as stream:
        while True:
            try:
                line = stream.readline(LONGEST_LINE)
                long = len(line) == LONGEST_LINE and not line.endswith(b"\n")
                rest = line
                while long and rest and not rest.endswith(b"\n"):
                    rest = stream.readline(LONGEST_LINE)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise CutOffError from error
            if not line:
                return
            yield None if long else line.rstrip(b"\r\n")


def head_of(path: Path) -> list[str]:
    """First lines of a text file, at most 64 KiB of them; none where it is not text."""
    head = b""
    try:
        with open_bytes(path) as stream:
            while len(head) < SNIFFED_BYTES and (piece := stream.read(4096)):
                head += piece
    except (OSError, EOFError, zlib.error):
        pass  # what came before the damage tells what the file is
    if not head or b"\0" in head[:4096]:
        return []
    text = head.decode("utf-8-sig", "replace")
    if sum(c < " " and c not in "\t\n\r\f" for c in text[:4096]) or text[:4096].count("\ufffd") > 8:
        return []
    found = text.splitlines()
    return found[:-1] if len(head) >= SNIFFED_BYTES and len(found) > 1 else found


def stem_of(path: Path) -> str:
    """Name of a file without its endings: ``library`` of ``library.smi.gz``."""
    name = path.name.removesuffix(".gz")
    return name.rpartition(".")[0] or name
