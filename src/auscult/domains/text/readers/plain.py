"""Files of plain text: each is one record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from auscult.base.contracts import Field, RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.text.readers.common import (
    BROKEN,
    TEXT,
    encoding_of,
    groups_of,
    head_of,
    is_text,
    require_length,
    text_of,
)

NAME = "plain"
_PROSE = re.compile(r"[^\W\d_]{2,}[,.;:]?[ \t\r\n]+[^\W\d_]{2,}|[\u3400-\u9fff]{4,}")
_MARKUP = (b"<", b"{", b"[", b"#!", b"%PDF", b"PK")


class PlainReader:
    """Finds and reads files of prose; stands last in the table, so that every other format is asked before."""

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield the files that begin with words of a language."""
        for path in files:
            head = head_of(path)
            if is_text(head) and not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_MARKUP) and _is_prose(head):
                yield Source(NAME, path.stem, (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the one record of a file.

        Raises
        ------
        ReadError
            If the file is longer than a record may be, or holds bytes that are no text.
        """
        path = source.files[0]
        encoding = encoding_of(path)
        with text_of(path, encoding) as stream:
            text = stream.read()
        broken = len(BROKEN.findall(text))
        if broken:
            raise ReadError(f"{path.name}: expected UTF-8, got {broken} bytes that are none; export it again in UTF-8")
        text = require_length(text, path.name)
        column = np.array([text], dtype=TEXT)
        yield RecordBatch(
            (Field("text", "text"),), {"text": column}, np.array([path.stem]), None, groups_of(path, encoding, 1)
        )


def _is_prose(head: bytes) -> bool:
    """Whether at least half of the characters besides blanks are letters, and two words stand side by side."""
    text = head.decode("utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig", errors="replace")
    solid = [c for c in text[:4096] if not c.isspace()]
    return sum(c.isalpha() for c in solid) * 2 >= len(solid) and _PROSE.search(text) is not None
