"""JSON with texts and their spans: a list, or an object a line, as annotation tools and generators write it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.text.readers.annotated import OTHER_WORDS, Annotated, LeftOut, Span, annotated_batches
from auscult.domains.text.readers.common import (
    MAX_CHARACTERS,
    broken_in,
    encoding_of,
    head_of,
    is_text,
    short_name,
    text_of,
)

NAME = "span-json"
TEXTS = ("text", "full_text")
SPANS = ("spans", "entities", "label", "labels", "mention_data")
_BEGIN, _END = ("start", "begin", "start_position", "start_offset", "offset"), ("end", "end_position", "end_offset")
_KIND, _WORDS = ("label", "type", "entity_type", "entity_group"), ("entity_value", "mention")
_HEAD = re.compile(
    rb'\s*(\[\s*)?\{.*?"(spans|entities|labels?|mention_data)"\s*:\s*\[\s*(\]|\{[^{}]*"|\[\s*\d+\s*,\s*\d+)', re.DOTALL
)
_KEY = re.compile(rb'"(text|full_text)"\s*:\s*"')
MAX_BYTES = 1 << 28


class SpanJsonReader:
    """Finds and reads texts with spans in JSON."""

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield the files that begin with an object that has a text and a list of spans."""
        for path in files:
            head = head_of(path).removeprefix(b"\xef\xbb\xbf")
            if is_text(head) and _HEAD.match(head) and _KEY.search(head):
                yield Source(NAME, short_name(path), (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the texts in batches, each bad entry with its reason, and how many spans could not be used.

        Raises
        ------
        ReadError
            If the file is no JSON.
        """
        path = source.files[0]
        encoding = encoding_of(path)
        aside: list[SetAside] = []
        left = LeftOut()
        with text_of(path, encoding) as stream:
            entries = _entries(stream, path, head_of(path))
            for batch in annotated_batches(_texts(entries, source, aside, left), path, encoding):
                yield from aside
                aside.clear()
                yield batch
        yield from aside
        yield from left.told(source, path)


def _entries(stream: Any, path: Path, head: bytes) -> Iterator[Any]:
    """Yield the entries of a list, or of each line; a line that is no JSON is nothing."""
    if not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
        for line in stream:
            if line.strip():
                yield _loaded(line)
        return
    if path.stat().st_size > MAX_BYTES:
        raise ReadError(
            f"{path.name}: expected at most {MAX_BYTES} bytes in one list, got more; write an object a line"
        )
    value = _loaded(stream.read())
    if not isinstance(value, list):
        raise ReadError(f"{path.name}: expected a JSON list, got something that does not end as one; is it cut off?")
    yield from value


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _texts(entries: Iterable[Any], source: Source, aside: list[SetAside], left: LeftOut) -> Iterator[Annotated]:
    path = source.files[0]
    for number, entry in enumerate(entries, start=1):
        cells = _cells(entry) if isinstance(entry, dict) else {}
        fault = _fault(entry, cells)
        if fault:
            aside.append(SetAside(source.name, f"{path.name}, entry {number}: {fault}", number))
            continue
        text = next(entry[k] for k in TEXTS if k in entry)
        stated: list[Any] = next((entry[k] for k in SPANS if isinstance(entry.get(k), list)), [])
        yield Annotated(f"{short_name(path)}#{number}", text, left.usable(text, _spans(stated, text, left)), cells)


def _cells(entry: Mapping[str, Any]) -> dict[str, str]:
    return {
        k: str(v) for k, v in entry.items() if k not in TEXTS and isinstance(v, str | int) and v != "" and k != "masked"
    }


def _fault(entry: Any, cells: Mapping[str, str]) -> str:
    """Say why an entry has no text; never a word of it."""
    if not isinstance(entry, dict):
        return "expected a JSON object, got something else; export one object an entry"
    text = next((entry[k] for k in TEXTS if k in entry), None)
    if not isinstance(text, str):
        return f"expected a text under one of {', '.join(TEXTS)}, got none"
    if len(text) > MAX_CHARACTERS:
        return f"expected at most {MAX_CHARACTERS} characters in a text, got {len(text)}; split it into its reports"
    broken = broken_in({**cells, "text": text})
    return "expected UTF-8, got characters that are none; export it again in UTF-8" if broken else ""


def _spans(stated: Sequence[Any], text: str, left: LeftOut) -> Iterator[Span]:
    for entry in stated:
        begin, end, kind, words = _parts(entry)
        if begin is None or kind is None or (end is None and words is None):
            yield 0, 0, ""  # no place: counted as one that is not in the text
            continue
        after = begin + len(words or "") if end is None else end
        if words is not None and text[begin:after] != words:
            left.leave_out(OTHER_WORDS)
        else:
            yield begin, after, kind


def _parts(entry: Any) -> tuple[int | None, int | None, str | None, str | None]:
    """First character, the one after the last, type and words of one span, as far as it states them."""
    if isinstance(entry, list) and len(entry) == 3:
        entry = {"start": entry[0], "end": entry[1], "label": entry[2]}
    if not isinstance(entry, dict):
        return None, None, None, None
    begin, end = (_number(next((entry[k] for k in keys if k in entry), None)) for keys in (_BEGIN, _END))
    kind, words = (next((entry[k] for k in keys if isinstance(entry.get(k), str)), None) for keys in (_KIND, _WORDS))
    return begin, end, kind, words


def _number(value: Any) -> int | None:
    if isinstance(value, bool) or value is None:
        return None
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdigit()) else None
