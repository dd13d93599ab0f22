"""Files of plain text: each is one record."""

from __future__ import annotations

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
    is_named_as_table,
    is_prose,
    is_text,
    require_length,
    text_of,
)

NAME = "plain"
_MARKUP = (b"<", b"{", b"[", b"#!", b"%PDF", b"PK")


class PlainReader:
    """Finds and reads files of prose; stands last in the table, so that every other format is asked before."""

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield the files that begin with words of a language; a table is never one text."""
        for path in files:
            head = head_of(path)
            is_other = is_named_as_table(path) or head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_MARKUP)
            if is_text(head) and not is_other and is_prose(head):
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
