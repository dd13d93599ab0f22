"""Sources → prepared records and items on disk: streamed, in parallel, cached by content.

Sources are grouped into chunks. Each chunk becomes one immutable *shard*: a folder in the cache that is named by the
hash of everything it depends on, and that exists whole or not at all. The work is done by worker processes started
as ``python -m auscult.engine.prepare``, each of which is told one chunk after the other; one that dies takes no other
chunk with it, and all end when the process that started them does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from auscult.base.contracts import Domain, Items, Names, PublicSet, RecordBatch, SetAside, Sifts, Source, Task
from auscult.base.errors import AuscultError, InputError, LimitError, RecipeError
from auscult.base.files import files_under, hash_of, new_folder, sha256_file, sweep, write_json
from auscult.base.log import Bar, Report, progress
from auscult.base.recipe import validated
from auscult.base.registry import load_part
from auscult.engine.columns import BatchWriter, NpyAppender
from auscult.engine.dataset import Dataset
from auscult.engine.pseudonym import pseudonym
from auscult.engine.sources import full_name, read_source
from auscult.engine.task_files import file_hashes, located

CHUNK_BYTES = 8 << 20
CHUNK_SOURCES = 64
IN_PROCESS_BYTES = 2 << 20
FORMAT = 1
LIMIT_STATUS = 75
"""Exit status of a worker that met a limit of the disk (EX_TEMPFAIL of sysexits.h)."""
_ELSEWHERE = frozenset(("models", "simulate"))


@dataclass(frozen=True)
class PrepareJob:
    """Everything that decides what a prepared record looks like; plain data, so that a worker can be told."""

    domain: Domain
    task: str
    task_settings: Mapping[str, Any]
    same_subject: Mapping[str, str]
    key: str = field(repr=False)

    def make_task(self) -> Task:
        """Return the task with its settings."""
        return make_task(self.domain, self.task, self.task_settings)


def make_task(domain: Domain, name: str, settings: Mapping[str, Any], *, release: Path | None = None) -> Task:
    """Return a task of a domain with its settings checked.

    Parameters
    ----------
    domain : Domain
        Whose task.
    name : str
        Name of the task.
    settings : mapping
        As the recipe states them, or the manifest of a release.
    release : Path, optional
        Folder of the release that holds the files which the settings name.

    Raises
    ------
    RecipeError
        If a setting is unknown or out of range, or a file that it names is not there.
    UsageError
        If the domain has no such task.
    """
    cls = load_part(domain, "tasks", name)
    task: Task = cls(validated(cls.Config, located(cls.Config, settings, release=release), where=f"[task] {name}"))
    return task


def prepare(sources: Sequence[Source], job: PrepareJob, *, cache: Path, workers: int, report: Report) -> list[Path]:
    """Prepare sources into shards and return their folders, in the order of the sources.

    Parameters
    ----------
    sources : sequence of Source
        What ``find_sources`` found.
    job : PrepareJob
        How to prepare.
    cache : Path
        Where shards are kept; those that are there already are not made again.
    workers : int
        Processes.
    report : Report
        Progress, in sources.

    Raises
    ------
    LimitError
        If the cache cannot be written.
    AuscultError
        If a worker fails for a reason that is not a bad file.
    """
    sweep(cache / "shards")
    chunks = list(_chunks(sources))
    code = code_hash(job.domain)
    size = sum(p.stat().st_size for s in sources for p in s.files)
    with progress(report, "prepare", len(chunks)) as bar:
        if size > IN_PROCESS_BYTES and workers > 1:
            return _in_workers(chunks, job, cache, code=code, workers=workers, bar=bar)
        folders = []
        for chunk in chunks:
            folders.append(cache / "shards" / _shard_key(chunk, job, code))
            if not folders[-1].exists():
                _make_shard(chunk, folders[-1], job)
            bar.advance()
    return folders


def require_names(dataset: Dataset, sources: Sequence[Source], job: PrepareJob) -> None:
    """Refuse settings of a task that name what no record has; the sources are read again where something is missing.

    Raises
    ------
    RecipeError
        With each name, and the nearest that is there.
    """
    task = job.make_task()
    if isinstance(task, Names):
        raw = (part for one in sources for part in read_source(one, job.domain) if isinstance(part, RecordBatch))
        wrong = task.misnamed(dataset.items, dataset.groups, raw)
        if wrong:
            raise RecipeError("; ".join(wrong))


def _chunks(sources: Sequence[Source]) -> Iterator[list[Source]]:
    chunk: list[Source] = []
    size = 0
    for source in sources:
        chunk.append(source)
        size += sum(p.stat().st_size for p in source.files)
        if size >= CHUNK_BYTES or len(chunk) >= CHUNK_SOURCES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def code_hash(domain: Domain) -> str:
    """SHA-256 of the source code that reads and prepares: a changed reader makes a new shard."""
    package = sys.modules[load_part(domain, "tasks", next(iter(domain.tasks))).__module__.rsplit(".tasks", 1)[0]]
    root = Path(package.__file__ or __file__).parent
    parts = [p for p in files_under(root) if p.suffix == ".py" and not _ELSEWHERE & {*p.relative_to(root).parts}]
    return hash_of([sha256_file(p) for p in parts])


def _shard_key(chunk: Sequence[Source], job: PrepareJob, code: str) -> str:
    content = [[s.reader, s.name, [sha256_file(p) for p in s.files]] for s in chunk]
    stated = [FORMAT, job.domain.name, job.task, dict(job.task_settings), dict(job.same_subject), hash_of(job.key)]
    stated.append(file_hashes(job.domain, job.task, job.task_settings))
    return hash_of([content, stated, code])[:32]


def _in_workers(
    chunks: Sequence[list[Source]], job: PrepareJob, cache: Path, *, code: str, workers: int, bar: Bar
) -> list[Path]:
    """Make the shards that are not there yet in worker processes; return the folders of all.

    Processes are started where the first shards are missing, and while they start, further files are hashed.
    """
    with ExitStack() as stack:
        idle: SimpleQueue[_Worker | None] = SimpleQueue()
        for _ in range(min(workers, len(chunks))):
            idle.put(None)

        def make(chunk: list[Source]) -> Path:
            folder = cache / "shards" / _shard_key(chunk, job, code)  # hashed outside the interpreter's lock
            if folder.exists():
                return folder
            worker = idle.get()
            try:
                worker = worker or stack.enter_context(_Worker(job))
                worker.make(chunk, folder)
            finally:
                idle.put(worker)
            return folder

        with ThreadPoolExecutor(2 * workers) as pool:
            folders = []
            for folder in pool.map(make, chunks):
                folders.append(folder)
                bar.advance()
    return folders


class _Worker:
    """A process that makes shards, one at a time: a line says which, and a line comes back when it is whole."""

    def __init__(self, job: PrepareJob) -> None:
        env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
        command = [sys.executable, "-m", "auscult.engine.prepare"]
        self._said = TemporaryFile()  # noqa: SIM115 - closed in __exit__; a full pipe would stop the process
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, env=env
        )
        self._tell(asdict(job))

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # a shard is whole or absent
        self._process.communicate()
        self._said.close()

    def make(self, chunk: Sequence[Source], folder: Path) -> None:
        """Have a shard made.

        Raises
        ------
        LimitError
            If the process met a limit of the disk.
        AuscultError
            If it ended before the shard was whole.
        """
        self._tell([[_source_json(s) for s in chunk], str(folder)])
        if self._process.stdout is not None and self._process.stdout.readline():
            return
        status = self._process.wait()
        self._said.seek(0)
        last = " ".join(self._said.read().decode(errors="replace").strip().splitlines()[-1:])
        if status == LIMIT_STATUS:
            raise LimitError(last)
        raise AuscultError(f"preparing stopped with exit status {status}: {last}")

    def _tell(self, order: Any) -> None:
        with suppress(BrokenPipeError):  # what became of the process is said where its answer is waited for
            if self._process.stdin is not None:
                self._process.stdin.write(json.dumps(order).encode() + b"\n")
                self._process.stdin.flush()


def _source_json(source: Source) -> dict[str, Any]:
    return {"reader": source.reader, "name": source.name, "files": [str(f) for f in source.files]}


def _make_shard(chunk: Sequence[Source], folder: Path, job: PrepareJob) -> None:
    """Write one shard: records, items and what was set aside."""
    task = job.make_task()
    aside: list[SetAside] = []
    with new_folder(folder) as draft:
        records = BatchWriter(draft)
        items = _ItemWriter(draft / "items")
        for source in chunk:
            n_read = 0
            for part in read_source(source, job.domain):
                if isinstance(part, SetAside):
                    aside.append(part)
                    continue
                private = _private(part, source, job, n_before=n_read)
                n_read += len(part)
                for batch, cut in _prepared(task, private, aside):
                    records.append(batch)
                    items.append(cut, len(batch))
        items.close()
        write_json(draft / "shard.json", {"n_records": records.close(), "set_aside": [asdict(a) for a in aside]})


class _ItemWriter:
    """Streams the items of record batches; record indices count from the start of the shard."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._files: dict[str, NpyAppender] = {}
        self._records = 0

    def append(self, items: Items, n_records: int) -> None:
        """Add the items of ``n_records`` records."""
        columns = {f"input.{name}": values for name, values in items.inputs.items()}
        columns |= {"record": items.record + self._records, "position": items.position}
        if items.target is not None:
            columns["target"] = items.target
        for name, values in columns.items():
            self._files.setdefault(name, NpyAppender(self._folder / f"{name}.npy")).append(values)
        self._records += n_records

    def close(self) -> None:
        """Finish all files."""
        for appender in self._files.values():
            appender.close()


def _prepared(task: Task, batch: RecordBatch, aside: list[SetAside]) -> list[tuple[RecordBatch, Items]]:
    """Prepare and cut a batch; where that fails, record by record, so that one bad record costs one record."""
    try:
        if isinstance(task, Sifts):
            sifted, reasons = task.sift(batch)
            aside += [SetAside(str(batch.record[row]), reason) for row, reason in reasons.items()]
            return [] if sifted is None else [(sifted, task.cut(sifted))]
        prepared = task.prepare(batch)
        return [(prepared, task.cut(prepared))]
    except InputError as error:
        if len(batch) == 1:
            aside.append(SetAside(str(batch.record[0]), str(error)))
            return []
    return [one for row in range(len(batch)) for one in _prepared(task, batch.take(np.array([row])), aside)]


def _private(batch: RecordBatch, source: Source, job: PrepareJob, *, n_before: int) -> RecordBatch:
    """Give records their full names and subjects their keyed pseudonyms.

    A record that is named by its subject is named by its number in the source instead, from 1: pseudonyms in the order
    of names would make draws depend on the key, and the numbers that a reader gives persons do not.
    """
    if batch.named_by_subject:
        number = np.arange(1, len(batch) + 1) if batch.number is None else batch.number
        full = [f"{source.name}/{n_before + k}" for k in number.tolist()]
    else:
        full = [full_name(str(name), source) for name in batch.record]
    names, subject = np.array(full, dtype=np.str_), batch.subject
    if subject is not None or job.same_subject:
        raw = names if subject is None else subject
        raw = np.array([job.same_subject.get(str(n), str(s)) for n, s in zip(names, raw, strict=True)])
        subject = np.array([pseudonym(s, job.key) for s in raw], dtype=np.str_)
    return replace(batch, record=names, subject=subject, named_by_subject=False, number=None)


def _worker() -> None:
    """Make the shards that the lines of standard input name after the job, and say a line for each."""
    told = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    job = json.loads(sys.stdin.buffer.readline())
    tables = job.pop("domain")
    tables["datasets"] = {k: PublicSet(**v) for k, v in tables["datasets"].items()}
    made = PrepareJob(Domain(**tables), **job)
    for line in sys.stdin.buffer:
        chunk, folder = json.loads(line)
        sources = [Source(s["reader"], s["name"], tuple(Path(f) for f in s["files"])) for s in chunk]
        if not Path(folder).exists():
            _make_shard(sources, Path(folder), made)
        told.write("whole\n")
        told.flush()


if __name__ == "__main__":
    try:
        _worker()
    except LimitError as limit:
        sys.stderr.write(f"{limit}\n")
        sys.exit(LIMIT_STATUS)
