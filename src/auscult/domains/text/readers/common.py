"""What every reader of text shares: the encoding of a file, its lines, and batches of text columns."""

from __future__ import annotations

import bz2
import gzip
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array, Column
from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import ReadError

HEAD_BYTES = 1 << 16
BATCH_ROWS = 512
MAX_CHARACTERS = 1 << 20
"""Longest text that is one record; a longer line is a file that lost its line ends, not a report."""
SUBJECT_NAMES = frozenset(("subject", "subjectid", "patient", "patientid"))
"""Columns that say whose record it is, whatever their case, blanks, hyphens and underscores; they become pseudonyms
before anything is written."""
TEXT = np.dtypes.StringDType()
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_TABLE_ENDINGS = (".csv", ".tsv")
_PROSE = re.compile(r"[^\W\d_]{2,}[,.;:]?[ \t\r\n]+[^\W\d_]{2,}|[\u3400-\u9fff]{4,}")
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
BROKEN = re.compile(r"[\ud800-\udfff]")
"""Bytes that are no character of the file's encoding, as ``text_of`` gives them, and lone surrogates."""
_PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("dev", "devel", "development", "valid", "validation"), "valid"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def opened(path: Path) -> IO[bytes]:
    """Open a file; what gzip or bzip2 packed is unpacked, told by the first bytes."""
    with path.open("rb") as stream:
        head = stream.read(3)
    if head == b"BZh":
        return bz2.open(path, "rb")
    return cast(IO[bytes], gzip.open(path, "rb")) if head[:2] == b"\x1f\x8b" else path.open("rb")


def text_of(path: Path, encoding: str) -> io.TextIOWrapper:
    """Open a file as text, line ends as they are; bytes that are none of its encoding can be told by ``BROKEN``."""
    return io.TextIOWrapper(opened(path), encoding=encoding, errors="surrogateescape", newline="")


def head_of(path: Path) -> bytes:
    """Return the first bytes of a file, unpacked; nothing where it cannot be unpacked."""
    try:
        with opened(path) as stream:
            return stream.read(HEAD_BYTES)
    except (OSError, EOFError):
        return b""


def short_name(path: Path) -> str:
    """Return a file's name without its last ending, and without that of a packed file."""
    name = _unpacked(path)
    return name.rpartition(".")[0] or name


def is_named_as_table(path: Path) -> bool:
    """Whether a file's name says that it is a table."""
    return _unpacked(path).lower().endswith(_TABLE_ENDINGS)


def _unpacked(path: Path) -> str:
    return path.name.removesuffix(".bz2").removesuffix(".gz")


def broken_in(cells: Mapping[str, str]) -> bool:
    """Whether a record, as its format gave it, holds what is no character: a bad byte or a lone surrogate."""
    return any(BROKEN.search(text) for cell in cells.items() for text in cell if not text.isascii())


def is_text(head: bytes) -> bool:
    """Whether bytes look like text: no control characters besides tab, line ends and page ends, and not empty."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return bool(head.strip()) and not any(byte < 32 and byte not in b"\t\n\r\f\x0b" for byte in set(head))


def is_prose(head: bytes) -> bool:
    """Whether at least half of the characters besides blanks are letters, and two words stand side by side."""
    text = head.decode("utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig", errors="replace")
    solid = [c for c in text[:4096] if not c.isspace()]
    return sum(c.isalpha() for c in solid) * 2 >= len(solid) and _PROSE.search(text) is not None


def encoding_of(path: Path) -> str:
    """Tell the encoding of a whole file: by its mark, else UTF-8 where it is or mostly is, else Windows-1252.

    A file with bytes beyond ASCII of which none makes a UTF-8 character is taken for Windows-1252, the superset of
    Latin-1 that exports of device databases use. A UTF-8 file with a broken place stays UTF-8: the line is set aside.
    """
    with opened(path) as stream:
        block = stream.read(HEAD_BYTES)
        for mark, name in _BOMS:
            if block.startswith(mark):
                return name
        good = bad = 0
        while block:
            block += stream.readline()
            if not block.isascii():
                good += len(_MULTIBYTE.findall(block))
                bad += not _decodes(block)
            block = stream.read(1 << 20)
    return "windows-1252" if bad and not good else "utf-8"


def _decodes(block: bytes) -> bool:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True, repr=False)
class Row:
    """One record of a file before it is in a batch: its place, and text by column."""

    name: str
    cells: Mapping[str, str]


def part_of_corpus(path: Path) -> str:
    """Return ``train``, ``valid`` or ``test`` where a file's name or folder says so; empty elsewhere."""
    names = [path.name.split(".")[0], *(p.name for p in list(path.parents)[:3])]
    return next((_PARTS[n.lower()] for n in names if n.lower() in _PARTS), "")


def batches_of(rows: Iterator[Row], path: Path, encoding: str) -> Iterator[RecordBatch]:
    """Collect rows of the same columns into batches."""
    held: list[Row] = []
    size = 0
    for row in rows:
        if held and (row.cells.keys() != held[0].cells.keys() or len(held) >= BATCH_ROWS or size > MAX_CHARACTERS):
            yield _batch(held, path, encoding)
            held, size = [], 0
        held.append(row)
        size += sum(map(len, row.cells.values()))
    if held:
        yield _batch(held, path, encoding)


def _batch(rows: Sequence[Row], path: Path, encoding: str) -> RecordBatch:
    names, subject = apart([r.cells for r in rows])
    fields = tuple(Field(n, "text", missing=True) for n in names)
    columns: dict[str, Column] = {n: np.array([r.cells[n] for r in rows], dtype=TEXT) for n in names}
    record = np.array([r.name for r in rows], dtype=np.str_)
    return RecordBatch(fields, columns, record, subject, groups_of(path, encoding, len(rows)))


def apart(cells: Sequence[Mapping[str, str]]) -> tuple[list[str], npt.NDArray[np.str_] | None]:
    """Return the columns besides the one that says whose record it is, and what that one holds, (N,)."""
    whose = next((n for n in cells[0] if re.sub(r"[\s_-]", "", n).lower() in SUBJECT_NAMES), None)
    subject = None if whose is None else np.array([c[whose] for c in cells], dtype=np.str_)
    return [n for n in cells[0] if n != whose], subject


def groups_of(path: Path, encoding: str, n: int) -> dict[str, Array]:
    """Return the group keys that every record of a file has, each (n,)."""
    groups = {"encoding": np.full(n, encoding)}
    part = part_of_corpus(path)
    return {**groups, "part": np.full(n, part)} if part else groups


def require_length(text: str, where: str) -> str:
    """Return a text that is short enough to be one record.

    Raises
    ------
    ReadError
        If it is longer than ``MAX_CHARACTERS``; says how long it is, never what it says.
    """
    if len(text) > MAX_CHARACTERS:
        raise ReadError(
            f"{where}: expected at most {MAX_CHARACTERS} characters in one record, got {len(text)}; "
            "split it into its reports"
        )
    return text
