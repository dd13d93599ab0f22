"""A release → answers. No torch: the same numpy preprocessing and the exported program as in the evaluation.

``open_release`` loads once; ``answer_path`` reads raw device files; ``stage`` and ``answer`` are the two halves
that a service uses to put the records of several clients into one call of the program.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from auscult.base.contracts import (
    CutsNew,
    Domain,
    Explains,
    Items,
    Likens,
    Outputs,
    RecordBatch,
    Run,
    SetAside,
    Sifts,
    Source,
    Task,
    TaskSpec,
    WriteContext,
    Writes,
)
from auscult.base.errors import InputError, UsageError, VerifyError
from auscult.base.files import read_json
from auscult.engine.answers import kind_of
from auscult.engine.answers.base import AnswerKind, Calibration
from auscult.engine.drivers import load_program
from auscult.engine.gate import Gate
from auscult.engine.gate_signs import SignsGate, read_gate
from auscult.engine.neighbours import Neighbours, read_neighbours
from auscult.engine.outputs import questions, take_items
from auscult.engine.prepare import make_task
from auscult.engine.program import read_program
from auscult.engine.sources import find_sources, placed, read_source, why_unclaimed

MANIFEST = "release.json"
NEIGHBOURS = "neighbours"
STRANGE = "outside the domain of applicability"
UNSURE = "no answer is sure enough"
NOTE = "note"
NEAREST = 5
"""Training records that an explanation names."""
Keep = Callable[[RecordBatch, Outputs, Sequence[Mapping[str, Any]]], list[tuple[str, ...]]]
"""Writes what belongs to the answers of a batch, with their explanations, and names the files of each record."""


@dataclass(frozen=True)
class RecordAnswer:
    """What a release says to one record.

    Parameters
    ----------
    record : str
        Name of the record, as its file names it.
    status : str
        ``answered``, ``abstained`` (every answer is an abstention, or no training record is near enough), or
        ``refused``, both with a reason. A ``note`` is no answer to a record: its reason says what was left out of
        records that are told apart from it, and ``record`` may be the name of their file.
    reason : str
        Why not; empty where answered, unless a file that belongs to the answer could not be written.
    answers : tuple
        JSON values of the answer kind, in order; ``at_s`` or ``at`` says where in the record.
    explanation : mapping
        What carried the answers, where it was asked for.
    files : tuple of str
        Names of the files that were written for the record, in the folder that was asked for.
    """

    record: str
    status: str
    reason: str = ""
    answers: tuple[Mapping[str, Any], ...] = ()
    explanation: Mapping[str, Any] | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Staged:
    """A batch that is ready for the program, and the records that were refused on the way."""

    batch: RecordBatch | None
    items: Items | None
    refused: tuple[RecordAnswer, ...]


@dataclass(frozen=True, repr=False)
class Release:
    """An opened release."""

    folder: Path
    manifest: Mapping[str, Any]
    domain: Domain
    task: Task
    kind: AnswerKind
    run: Run
    inputs: tuple[str, ...]
    calibration: Calibration
    gate: Gate | SignsGate | None
    neighbours: Neighbours | None = None

    @property
    def spec(self) -> TaskSpec:
        """What is predicted."""
        return self.task.spec

    @property
    def provenance(self) -> dict[str, Any]:
        """Which release answered, and what it is for."""
        keys = ("name", "version", "content_hash", "intent")
        return {key: self.manifest[key] for key in keys}

    def stage(self, batch: RecordBatch) -> Staged:
        """Prepare, cut and gate a raw batch; records that cannot be answered are refused one by one."""
        refused: tuple[RecordAnswer, ...] = ()
        try:
            if isinstance(self.task, Sifts):
                sifted, told = self.task.sift(batch)
                refused = tuple(RecordAnswer(str(batch.record[row]), "refused", why) for row, why in told.items())
                if sifted is None:
                    return Staged(None, None, refused)
                prepared = sifted
            else:
                prepared = self.task.prepare(batch)
            items = self.task.cut_new(prepared) if isinstance(self.task, CutsNew) else self.task.cut(prepared)
            items = questions(self.task, prepared, items)
        except InputError as error:
            if len(batch) > 1:
                return _merge([self.stage(batch.take(np.array([row]))) for row in range(len(batch))])
            return Staged(None, None, (RecordAnswer(str(batch.record[0]), "refused", str(error)),))
        reasons = [""] * len(prepared) if self.gate is None else self.gate.refusals(items, len(prepared))
        refused += tuple(
            RecordAnswer(str(name), "refused", reason)
            for name, reason in zip(prepared.record, reasons, strict=True)
            if reason
        )
        far = self._strangers(items, len(prepared))
        refused += tuple(
            RecordAnswer(str(prepared.record[row]), "abstained", why) for row, why in far.items() if not reasons[row]
        )
        keep = np.flatnonzero([not reason and row not in far for row, reason in enumerate(reasons)])
        if not len(keep):
            return Staged(None, None, refused)
        if len(keep) == len(prepared):
            return Staged(prepared, items, refused)
        rows = np.flatnonzero(np.isin(items.record, keep))
        return Staged(prepared.take(keep), take_items(items, rows, np.searchsorted(keep, items.record[rows])), refused)

    def _strangers(self, items: Items, n_records: int) -> dict[int, str]:
        """Say for each record that no training record is near enough to."""
        if self.neighbours is None or not isinstance(self.task, Likens):
            return {}
        likeness = self.neighbours.strangers(self.task.bits(items))
        near = np.bincount(items.record, weights=np.isnan(likeness), minlength=n_records)
        rows, first = np.unique(items.record, return_index=True)
        return {
            int(row): f"{STRANGE}: the nearest training record has a likeness of "
            f"{likeness[at]:.2f}, expected at least {self.neighbours.limit:.2f}"
            for row, at in zip(rows, first, strict=True)
            if not near[row]
        }

    def outputs(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Any]) -> Outputs:
        """Join and calibrate what the program gave."""
        return self.kind.apply(self.spec, self.task.join(batch, items, arrays), self.calibration)

    def answer(
        self, staged: Sequence[Staged], *, explain: bool = False, keep: Keep | None = None
    ) -> list[list[RecordAnswer]]:
        """Answer several staged batches with one call of the program; ``keep`` is called for each of them."""
        live = [s for s in staged if s.items is not None]
        arrays = self._run_together([s.items for s in live if s.items is not None])
        results = iter(arrays)
        return [
            list(s.refused)
            if s.batch is None or s.items is None
            else [*self._records(s.batch, s.items, next(results), explain=explain, keep=keep), *s.refused]
            for s in staged
        ]

    def _run_together(self, items: Sequence[Items]) -> list[Mapping[str, Any]]:
        if not items:
            return []
        shapes = {tuple(i.inputs[n].shape[1:] for n in self.inputs) for i in items}
        if len(items) == 1 or len(shapes) > 1:
            return [self.run({n: i.inputs[n] for n in self.inputs}) for i in items]
        whole = self.run({n: np.concatenate([i.inputs[n] for i in items]) for n in self.inputs})
        ends = np.cumsum([len(i) for i in items])
        return [{k: v[end - len(i) : end] for k, v in whole.items()} for i, end in zip(items, ends, strict=True)]

    def _records(
        self, batch: RecordBatch, items: Items, arrays: Mapping[str, Any], *, explain: bool, keep: Keep | None
    ) -> Iterator[RecordAnswer]:
        outputs = self.outputs(batch, items, arrays)
        explanations: list[dict[str, Any]] = []
        not_written = ""
        if explain:
            if not isinstance(self.task, Explains):
                raise UsageError(f"--explain: the task '{self.spec.name}' has no explanation")
            explanations = self.task.explain(batch, outputs, self.run)
            explanations = self._with_neighbours(items, explanations)
        files: list[tuple[str, ...]] = [()] * len(batch)
        try:
            files = files if keep is None else keep(batch, outputs, explanations)
        except InputError as error:
            not_written = f"no file was written: {error}"
        quiet = self.kind.silent(outputs)
        order = np.argsort(outputs.record, kind="stable")
        ends = np.searchsorted(outputs.record[order], np.arange(len(batch) + 1))
        for row, name in enumerate(batch.record):
            rows = order[ends[row] : ends[row + 1]]
            answers = tuple(self._one(outputs, int(r)) for r in rows)
            silent = len(rows) > 0 and bool(quiet[rows].all())
            status, reason = ("abstained", UNSURE) if silent else ("answered", not_written)
            yield RecordAnswer(str(name), status, reason, answers, explanations[row] if explain else None, files[row])

    def _with_neighbours(self, items: Items, explanations: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Add the most alike training records, by the beginning of their content hash."""
        if self.neighbours is None or not isinstance(self.task, Likens):
            return explanations
        likeness, row = self.neighbours.nearest(self.task.bits(items), NEAREST)
        _, first = np.unique(items.record, return_index=True)
        return [
            {
                **told,
                "nearest_training_records": [
                    {"record": str(self.neighbours.names[r]), "likeness": round(float(s), 4)}
                    for s, r in zip(likeness[at], row[at], strict=True)
                ],
                "likeness_limit": round(self.neighbours.limit, 4),
            }
            for told, at in zip(explanations, first, strict=True)
        ]

    def _one(self, outputs: Outputs, row: int) -> Mapping[str, Any]:
        answer = self.kind.present(self.spec, outputs, row)
        if outputs.position is None:
            return answer
        position = int(outputs.position[row])
        rate = self.spec.position_rate_hz
        return {"at": position, **answer} if rate is None else {"at_s": round(position / rate, 4), **answer}

    def answer_path(self, path: Path, *, explain: bool = False, out: Path | None = None) -> Iterator[RecordAnswer]:
        """Answer every record of a file or folder of raw device exports.

        A record that cannot be read, or that the gate refuses, is answered with its reason; nothing is raised for it.
        The answers of a file come in its order.

        Parameters
        ----------
        path : Path
            File or folder.
        explain : bool
            Also say what carried each answer.
        out : Path, optional
            Folder for the files that belong to the answers: masks, pictures.

        Raises
        ------
        DataError
            If the path does not exist or is empty.
        UsageError
            If files or explanations are asked for that this task does not have, or a file is there already.
        """
        if out is not None and not isinstance(self.task, Writes):
            raise UsageError(f"--out: the task '{self.spec.name}' writes no files; its answers are all there is")
        for source, part in self._parts(path):
            if isinstance(part, RecordAnswer):
                yield part
            else:
                keep = None if out is None or source is None else self._keeper(source, out)
                place = {str(name): row for row, name in enumerate(part.record)}
                answers = self.answer([self.stage(part)], explain=explain, keep=keep)[0]
                yield from sorted(answers, key=lambda answer: place.get(raw_name(answer.record, place), len(place)))

    def _keeper(self, source: Source, out: Path) -> Keep:
        """Return what writes the files of one source."""

        def keep(batch: RecordBatch, outputs: Outputs, explained: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
            context = WriteContext(source, tuple(explained), self.provenance)
            written = self.task.write(batch, outputs, out, context=context) if isinstance(self.task, Writes) else []
            return [tuple(p.relative_to(out).as_posix() for p in files) for files in written]

        return keep

    def read_path(self, path: Path) -> Iterator[RecordBatch | RecordAnswer]:
        """Read a file or folder of raw device exports; what cannot be read comes out as a refusal with its reason.

        Raises
        ------
        DataError
            If the path does not exist or is empty.
        """
        return (part for _, part in self._parts(path))

    def _parts(self, path: Path) -> Iterator[tuple[Source | None, RecordBatch | RecordAnswer]]:
        """Batches with their source, and refusals."""
        found = find_sources(path, self.domain)
        for source in found.sources:
            for part in (placed(p, source) for p in read_source(source, self.domain)):
                if isinstance(part, SetAside):
                    yield source, RecordAnswer(part.source, status_of(part), part.reason)
                else:
                    yield source, part
        for file in found.unclaimed:
            yield None, RecordAnswer(file.name, "refused", why_unclaimed(file, self.domain))


def status_of(aside: SetAside) -> str:
    """Return the status of what was set aside: a record that could not be used, or a part of such as are used."""
    return NOTE if aside.note else "refused"


def raw_name(name: str, known: Container[str]) -> str:
    """Return the name of the record that a prepared one was made of; a task may cut it into ``<record>#<number>``."""
    return name if name in known else name.rpartition("#")[0]


def _merge(parts: Sequence[Staged]) -> Staged:
    """Put single staged records together again."""
    refused = tuple(r for p in parts for r in p.refused)
    batches = [p.batch for p in parts if p.batch is not None]
    items = [p.items for p in parts if p.items is not None]
    if not batches:
        return Staged(None, None, refused)
    starts = np.concatenate([[0], np.cumsum([len(b) for b in batches])])
    merged = Items(
        {n: np.concatenate([i.inputs[n] for i in items]) for n in items[0].inputs},
        np.concatenate([i.record + s for i, s in zip(items, starts, strict=False)]),
        np.concatenate([i.position for i in items]),
    )
    return Staged(RecordBatch.concat(batches), merged, refused)


def open_release(folder: Path, find_domain: Callable[[str], Domain], *, threads: int = 1) -> Release:
    """Load a release so that it can answer.

    Parameters
    ----------
    folder : Path
        The release folder.
    find_domain : callable
        Gives the declaration of the domain that the manifest names.
    threads : int
        Threads of the ONNX runtime.

    Raises
    ------
    VerifyError
        If the folder is no release, or its manifest does not fit this version.
    """
    if not (folder / MANIFEST).exists():
        raise VerifyError(
            f"{folder.name}: expected a release folder with {MANIFEST}, got none; build one with 'auscult build'"
        )
    manifest = read_json(folder / MANIFEST)
    domain = find_domain(manifest["domain"])
    task = make_task(domain, manifest["task"]["name"], manifest["task"]["settings"], release=folder)
    program = read_program(folder / "program")
    return Release(
        folder,
        manifest,
        domain,
        task,
        kind_of(task.spec),
        load_program(program, threads=threads),
        program.inputs,
        read_json(folder / "calibration.json"),
        read_gate(read_json(folder / "gate.json"), task),
        read_neighbours(folder / NEIGHBOURS),
    )
