"""brat stand-off: a text file and beside it an annotation file with a span a line (Stenetorp et al. 2012, EACL)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.text.readers.annotated import (
    IN_PIECES,
    OTHER_WORDS,
    Annotated,
    LeftOut,
    Span,
    annotated_batches,
)
from auscult.domains.text.readers.common import (
    BROKEN,
    encoding_of,
    head_of,
    is_text,
    require_length,
    text_of,
)

NAME = "brat"
_FIRST = re.compile(rb"(T\d+\t\S+ \d+ \d+(;\d+ \d+)*\t|[REAMN#*]\d*\t\S+ )")
_SPAN = re.compile(r"T\d+\t(\S+) (\d+) (\d+)((?:;\d+ \d+)*)\t(.*)")
_OTHERS = re.compile(r"[REAMN#*]\S*\t")


class BratReader:
    """Finds and reads pairs of a text and its annotations."""

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield pairs of files of one name, of which one begins like annotations or is empty, and the other is text.

        Of several texts beside the annotations, that with the ending ``.txt``.
        """
        by_stem: dict[Path, list[Path]] = {}
        for path in files:
            by_stem.setdefault(path.parent / path.stem, []).append(path)
        for group in by_stem.values():
            texts = sorted(group, key=lambda p: p.suffix.lower() != ".txt")
            for notes in group:
                text = next((p for p in texts if p != notes and is_text(head_of(p))), None)
                if text is not None and _is_notes(notes, head_of(notes)):
                    yield Source(NAME, text.stem, (text, notes))
                    break

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the text with its spans, and how many spans could not be used.

        Raises
        ------
        ReadError
            If the text is too long or holds bytes that are no characters, or a line of the annotations is none.
        """
        path, notes = source.files
        encoding = encoding_of(path)
        text, stated = _whole(path, encoding), _whole(notes, "utf-8-sig")
        tries = []
        for mark in (0, 1) if encoding == "utf-8-sig" else (0,):  # some count the mark at the begin of a file
            left = LeftOut()
            tries.append((left, left.usable(text, _spans(stated, text, notes, left=left, mark=mark))))
        left, spans = min(tries, key=lambda t: t[0].counts.total())
        record = Annotated(path.stem, text, spans)
        yield from left.told(source, notes)
        yield from annotated_batches([record], path, encoding)


def _is_notes(path: Path, head: bytes) -> bool:
    return bool(_FIRST.match(head.removeprefix(b"\xef\xbb\xbf"))) or (path.suffix == ".ann" and not head.strip())


def _whole(path: Path, encoding: str) -> str:
    with text_of(path, encoding) as stream:
        text = stream.read()
    broken = len(BROKEN.findall(text))
    if broken:
        raise ReadError(f"{path.name}: expected UTF-8, got {broken} bytes that are none; export it again in UTF-8")
    return require_length(text, path.name)


def _spans(notes: str, text: str, path: Path, *, left: LeftOut, mark: int) -> Iterator[Span]:
    """Yield the spans of annotations whose places count ``mark`` characters before the text."""
    for number, line in enumerate(notes.splitlines(), start=1):
        found = _SPAN.fullmatch(line)
        if found is None:
            if line.strip() and not _OTHERS.match(line):
                raise ReadError(
                    f"{path.name}, line {number}: expected an annotation of brat (T1, a tab, type and places, a tab, "
                    "the words), got something else; is the file cut off?"
                )
            continue
        kind, more, words = found[1], found[4], found[5]
        begin, end = int(found[2]) - mark, int(found[3]) - mark
        if more:
            left.leave_out(IN_PIECES)
        elif begin >= 0 and end <= len(text) and _flat(text[begin:end]) != _flat(words):
            left.leave_out(OTHER_WORDS)
        else:
            yield begin, end, kind


def _flat(words: str) -> str:
    return re.sub(r"\s", " ", words)
