"""A token and its tag a line, an empty line between two texts: IOB1, IOB2 and BIOES (Ramshaw and Marcus 1995)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.domains.text.preprocess.codes import IDEOGRAPH, class_of
from auscult.domains.text.readers.annotated import Annotated, LeftOut, Span, annotated_batches
from auscult.domains.text.readers.common import (
    BROKEN,
    MAX_CHARACTERS,
    encoding_of,
    head_of,
    is_text,
    short_name,
    text_of,
)

NAME = "iob"
_TAG = re.compile(r"O|[BIESLU][-_](\S+)")
_BEGINS, _ENDS = frozenset("BSU"), frozenset("ESLU")
_MARK = "-DOCSTART-"
MIN_LINES = 4


class IobReader:
    """Finds and reads files of tagged tokens; the text is made of the tokens, with a blank between two words."""

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield the files whose first lines each end in a tag, with a span among them."""
        for path in files:
            head = head_of(path)
            if is_text(head) and _tagged(head.decode("utf-8-sig", errors="replace").splitlines()[:-1][:200]):
                yield Source(NAME, short_name(path), (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the texts in batches, and each that has a line without a tag with its reason."""
        path = source.files[0]
        encoding = encoding_of(path)
        aside: list[SetAside] = []
        left = LeftOut()
        with text_of(path, encoding) as stream:
            for batch in annotated_batches(_texts(stream, source, aside, left), path, encoding):
                yield from aside
                aside.clear()
                yield batch
        yield from aside
        yield from left.told(source, path)


def _tagged(lines: Sequence[str]) -> bool:
    full = [line for line in lines if line.strip() and not line.startswith(_MARK) and not _blank(line)]
    tags = [_TAG.fullmatch(cells[-1]) for line in full if len(cells := line.split()) > 1]
    return len(full) >= MIN_LINES and len(tags) == len(full) and all(tags) and any(t[0] != "O" for t in tags if t)


def _texts(stream: Iterator[str], source: Source, aside: list[SetAside], left: LeftOut) -> Iterator[Annotated]:
    """Yield a text for each run of lines; one with a bad line goes to ``aside``."""
    path = source.files[0]
    rows: list[tuple[str, str]] = []
    begun, fault, number = 1, "", 0
    for line, raw in enumerate(_with_end(stream), start=1):
        cells = raw.split()
        if _blank(raw):
            cells = [" ", *cells]
        if not cells or cells[0] == _MARK:
            if fault:
                aside.append(SetAside(source.name, f"{path.name}, {fault}", begun))
            elif rows:
                number += 1
                yield _text(f"{short_name(path)}#{number}", rows, left)
            rows, fault, begun = [], "", line + 1
            continue
        fault = fault or _fault(raw, cells, line, len(rows))
        rows.append((cells[0], cells[-1]))


def _blank(line: str) -> bool:
    """Whether the token of a line is a blank, so that its tag stands alone."""
    cells = line.split()
    return len(cells) == 1 and line[0].isspace() and _TAG.fullmatch(cells[0]) is not None


def _with_end(stream: Iterator[str]) -> Iterator[str]:
    yield from stream
    yield ""


def _fault(raw: str, cells: Sequence[str], line: int, count: int) -> str:
    """Say what is wrong with a line; never a word of it."""
    if not raw.isascii() and BROKEN.search(raw):
        return f"line {line}: expected UTF-8, got bytes that are none; export it again in UTF-8"
    if len(cells) < 2 or not _TAG.fullmatch(cells[-1]):
        return f"line {line}: expected a token and a tag such as O or B-NAME, got something else; the text is left out"
    if count > MAX_CHARACTERS // 8:
        return f"line {line}: expected an empty line between two texts, got {count} lines without one"
    return ""


def _text(name: str, rows: Sequence[tuple[str, str]], left: LeftOut) -> Annotated:
    """Put tokens together to a text, and tags to spans."""
    text = ""
    spans: list[Span] = []
    now = ""
    for token, tag in rows:
        beside = f"{text[-1:]}{token[0]}"
        if text and not (" " in beside or any(map(_is_ideograph, beside))):
            text += " "
        begin = len(text)
        text += token
        found = _TAG.fullmatch(tag)
        kind = found[1] if found and found[1] else ""
        if kind and kind == now and tag[0] not in _BEGINS:
            spans[-1] = (spans[-1][0], len(text), kind)
        elif kind:
            spans.append((begin, len(text), kind))
        now = "" if tag[0] in _ENDS else kind
    return Annotated(name, text, left.usable(text, spans))


def _is_ideograph(char: str) -> bool:
    """Whether no blank stands beside a character: ideographs and the marks and wide forms that go with them."""
    code = ord(char)
    return class_of(code) == IDEOGRAPH or 0x3000 <= code <= 0x303F or 0xFF00 <= code <= 0xFFEF
