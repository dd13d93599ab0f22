"""Task ``report-generation``: facts of a device event → a draft of the narrative that states them.

Several drafts are written for a request; the one that states most of what was asked for and least else is the answer.
A person has to read it: it is marked as a draft wherever it goes, with the facts that it lacks or made up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field as Setting

from auscult.base.arrays import Array
from auscult.base.contracts import (
    Config,
    Field,
    FitContext,
    Index,
    Items,
    ItemSet,
    Outputs,
    Probe,
    RecordBatch,
    Run,
    TaskSpec,
    WriteContext,
)
from auscult.base.errors import ReadError, UsageError
from auscult.base.files import write_bytes
from auscult.domains.text.preprocess.facts import (
    FIELDS,
    NAMES,
    asked_facts,
    facts_of_columns,
    facts_of_text,
    request_of,
    stated_facts,
)
from auscult.domains.text.preprocess.sketch import signatures
from auscult.domains.text.tasks.common import TEXT, TEXT_FIELD, text_key
from auscult.domains.text.tasks.draft_probes import Drafts, probes, text_of
from auscult.engine.quality.minhash import PLACES

REQUEST_FIELD = Field("request", "text")
BEHIND_REQUEST = "\x02"
"""Stands between a request and the narrative (ASCII, start of text)."""
MARK = (
    "DRAFT, written by a program from the facts below. It is no report: a person who knows the case has to check and "
    "correct every statement before it is used."
)


class ReportGenerationConfig(Config):
    """Settings of the task."""

    text: str = Setting("text", description="Column with the narrative to learn from; its facts are read from it.")
    also: tuple[str, ...] = Setting(
        (), description="Further columns that a request begins with, such as the brand; they are not judged."
    )
    also_length: int = Setting(60, ge=1, le=1000, description="Characters that are kept of each of them.")
    request: int = Setting(256, ge=32, le=4096, description="Bytes of a request at the most.")
    length: int = Setting(256, ge=32, le=1 << 14, description="Bytes of a draft at the most, and of what is learned.")
    candidates: int = Setting(2, ge=1, le=64, description="Drafts that are written for a request, to take the best.")


class ReportGeneration:
    """Facts and the narrative that states them."""

    Config: ClassVar[type[Config]] = ReportGenerationConfig

    def __init__(self, config: ReportGenerationConfig) -> None:
        self._config = config
        self.spec = TaskSpec(
            name="report-generation",
            kind="sample",
            summary="draft of a narrative of a device event that states the facts it is asked for",
            labels=NAMES,
            primary="field_faithfulness",
            metrics=("field_faithfulness", "field_recall", "field_precision"),
            floor="ngram-text",
            example="short-narratives",
            resample="record",
            parameters={"text": 1, "length": config.length + config.request},
            tags=("text generation", "GPT", "language model", "device report", "draft", "faithfulness"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Bring records to ``request`` and ``text``; a record without a narrative asks with columns of the fields.

        Raises
        ------
        ReadError
            If there is neither, a value cannot be asked for, or a request is too long.
        """
        c = self._config
        named = [f for f in FIELDS if batch.has(f)]
        if not batch.has(c.text) and not named:
            raise ReadError(
                f"expected the narrative in '{c.text}', or what to write in columns among {', '.join(FIELDS)}, "
                f"got {', '.join(batch.columns) or 'nothing'}"
            )
        narratives = [_plain(v) for v in batch.dense(c.text)] if batch.has(c.text) else [""] * len(batch)
        requests = [self._request(batch, named, row, text) for row, text in enumerate(narratives)]
        groups = {
            **batch.groups,
            "text": np.array([text_key(t or r) for t, r in zip(narratives, requests, strict=True)]),
        }
        made = {REQUEST_FIELD: np.array(requests, dtype=TEXT), TEXT_FIELD: np.array(narratives, dtype=TEXT)}
        return replace(batch.with_columns(made, drop=[f.name for f in batch.fields]), groups=groups)

    def _request(self, batch: RecordBatch, named: Sequence[str], row: int, text: str) -> str:
        c = self._config
        if any(ch.isalnum() for ch in text):
            facts = facts_of_text(text)
        elif named:
            facts = facts_of_columns({f: _plain(batch.dense(f)[row]) for f in named})
        else:
            raise ReadError("text: expected at least one word, got an empty narrative; leave the record out")
        also = {n: _plain(batch.dense(n)[row])[: c.also_length] for n in c.also if batch.has(n)}
        request = request_of(facts, also)
        if len(request.encode()) >= c.request:
            size = len(request.encode())
            raise ReadError(
                f"request: expected at most {c.request - 1} bytes, got {size}; ask for less, or raise [task] request"
            )
        return request

    def cut(self, batch: RecordBatch) -> Items:
        """``candidates`` items a record with a narrative: ``prompt`` (N, P) and ``seed`` (N,); the target is the text.

        Texts are bytes, padded with -1. The seed depends on the request and the number of the candidate, so the same
        request is answered by the same draft.
        """
        texts = [str(t) for t in batch.dense("text")]
        rows = np.array([k for k, t in enumerate(texts) if t], dtype=np.int64)
        items = self._items(batch, rows)
        target = as_bytes([texts[r] for r in items.record], self._config.length)
        return Items(items.inputs, items.record, items.position, target)

    def cut_new(self, batch: RecordBatch) -> Items:
        """Items of every record, as ``cut``, without looking at a narrative."""
        return self._items(batch, np.arange(len(batch)))

    def _items(self, batch: RecordBatch, rows: Index) -> Items:
        c = self._config
        requests = [str(r) + BEHIND_REQUEST for r in batch.dense("request")[rows]]
        position = np.tile(np.arange(c.candidates), len(rows))
        seed = [_seed(r, k) for r in requests for k in range(c.candidates)]
        prompt = np.repeat(as_bytes(requests, c.request), c.candidates, axis=0)
        inputs = {"prompt": prompt, "seed": np.array(seed, dtype=np.int64)}
        return Items(inputs, np.repeat(rows, c.candidates), position)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One draft a record: of its candidates the one that fits the request best, the first of equals."""
        drafts = chosen(items.record, arrays["tokens"])
        made = {"sample": as_bytes(drafts.texts, self._config.length), "asked": drafts.asked, "stated": drafts.stated}
        target = None if items.target is None else {"asked": drafts.asked}
        return Outputs(made, drafts.record, None, target)

    def sketch(self, batch: RecordBatch) -> npt.NDArray[np.uint32]:
        """What near-duplicates are found by: the narratives."""
        return signatures([str(t) for t in batch.dense("text")], PLACES)

    def probe(self, roles: Mapping[str, ItemSet], run: Run, context: FitContext) -> list[Probe]:
        """Judge what drafts copy from the training narratives, and how probable held-out narratives are."""
        return probes(roles, run, context, chosen)

    def write(
        self, batch: RecordBatch, outputs: Outputs, out: Path, *, context: WriteContext
    ) -> list[tuple[Path, ...]]:
        """Write each draft as a text file that begins by saying what it is."""
        files: list[tuple[Path, ...]] = [()] * len(batch)
        for k, row in enumerate(outputs.record.tolist()):
            path = context.fresh(out, f"{Path(str(batch.record[row])).name}.draft.txt")
            draft, request = text_of(outputs.array("sample")[k]), str(batch.dense("request")[row])
            asked, stated = outputs.array("asked")[k], outputs.array("stated")[k]
            write_bytes(path, _sheet(request, draft, asked, stated).encode())
            files[row] = (path,)
        return files

    def generate(self, run: Run, out: Path, *, count: int, seed: int) -> list[Path]:
        """Write drafts of invented facts: the model begins with a request of its own.

        Raises
        ------
        UsageError
            If one of the files is there already.
        """
        empty = np.full((count, 1), -1, dtype=np.int16)
        seeds = np.random.default_rng(seed).integers(2**53, size=count)
        tokens = run({"prompt": empty, "seed": seeds})["tokens"]
        drafts = chosen(np.arange(count), tokens)
        written = []
        for number, (row, draft) in enumerate(zip(tokens, drafts.texts, strict=True)):
            path = out / f"draft-{seed}-{number:05d}.txt"
            if path.exists():
                raise UsageError(f"generate: {path.name}: expected no such file yet, got one; name another folder")
            request = text_of(row).partition(BEHIND_REQUEST)[0]
            write_bytes(path, _sheet(request, draft, drafts.asked[number], drafts.stated[number]).encode())
            written.append(path)
        return written


def _seed(request: str, candidate: int) -> int:
    return int.from_bytes(sha256(f"{candidate} {request}".encode()).digest()[:7], "big")


def _plain(value: object) -> str:
    """A text without what stands for the end of a text or of a request."""
    return str(value).replace("\0", " ").replace(BEHIND_REQUEST, " ").strip()


def as_bytes(texts: Sequence[str], length: int) -> Array:
    """Return texts as their first bytes, (N, length) int16 padded with -1."""
    rows = np.full((len(texts), length), -1, dtype=np.int16)
    for row, text in enumerate(texts):
        values = np.frombuffer(text.encode("utf-8", errors="replace")[:length], dtype=np.uint8)
        rows[row, : len(values)] = values
    return rows


def chosen(record: Index, tokens: Array) -> Drafts:
    """Take of the drafts of each record the one that fits its request best, the first of equals.

    Parameters
    ----------
    record : (N,) int64
        Which record each draft is for, in order.
    tokens : (N, L) int
        Requests with the drafts behind them, as bytes padded with -1.
    """
    parts = [text_of(row).partition(BEHIND_REQUEST) for row in tokens]
    requests, texts = [p[0] for p in parts], [p[2].strip() for p in parts]
    asked, stated = asked_facts(requests), stated_facts(requests, texts)
    both, either = (asked & stated).sum(axis=1), (asked | stated).sum(axis=1)
    fit = np.where(either > 0, both / np.maximum(either, 1), 1.0) - np.array([not t for t in texts])
    order = np.lexsort((np.arange(len(record)), -fit, record))
    first = order[np.unique(record[order], return_index=True)[1]]
    return Drafts([texts[k] for k in first], asked[first], stated[first], record[first])


def _sheet(request: str, draft: str, asked: Array, stated: Array) -> str:
    """What stands in the file of a draft."""
    lines = [MARK, "", "Asked for:", *(f"  {line}" for line in request.split("\n") if line)]
    for title, faults in (
        ("Not found in the draft:", asked > stated),
        ("In the draft, but not asked for:", stated > asked),
    ):
        if faults.any():
            lines += [title, *(f"  {name}" for name, there in zip(NAMES, faults, strict=True) if there)]
    return "\n".join([*lines, "", "DRAFT:", draft, ""])
