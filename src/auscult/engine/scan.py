"""A library → answers in a folder: one row a record in the order of the input, and the best of them.

The library is read in batches; each becomes a part file that is whole or absent. A scan that was stopped goes on with
the parts that are missing, so nothing is lost and nothing is done twice. Workers read the same stream and answer every
n-th batch, so that no record passes between processes and memory does not grow with the library.
"""

from __future__ import annotations

import contextlib
import csv
import gc
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from auscult.base.contracts import Domain, Likens, PublicSet, RecordBatch, SetAside, Source
from auscult.base.errors import AuscultError, DataError, LimitError, UsageError, unknown
from auscult.base.files import hash_of, read_json, sha256_file, sweep, writable, write_json
from auscult.base.log import Report, Silent
from auscult.engine.runtime import Release, open_release
from auscult.engine.scan_parts import ANSWERS, TOP, columns_of, numeric_columns, write_part
from auscult.engine.scan_top import Picks, Pool, write_picks
from auscult.engine.sources import find_sources, placed, read_source, why_unclaimed

PARTS = "parts"
STATE = "scan.json"
SUMMARY = "summary.json"
LIMIT_STATUS = 7
IN_PROCESS_BYTES = 1 << 18
"""A library that is smaller is answered in this process: starting workers would take longer."""
LOOK_S = 0.2
RARE_COLLECTIONS = (100_000, 20, 20)
SAY_S = 10.0


@dataclass(frozen=True)
class ScanOptions:
    """What is listed of the best, and how many processes work.

    Parameters
    ----------
    top : int
        How many records to list as the best; 0 lists none.
    by : str
        Column of the answers that ranks; the first one when empty.
    lowest : bool
        Whether the lowest value is the best.
    distance : float
        Smallest Tanimoto distance between two listed records; 0 lists near relatives too.
    workers : int
        Processes; as many as there are cores when 0.
    """

    top: int = 0
    by: str = ""
    lowest: bool = False
    distance: float = 0.0
    workers: int = 0


@dataclass(frozen=True)
class Scan:
    """What a scan made.

    Parameters
    ----------
    answers : Path
        CSV with one row a record in the order of the input: ``record``, ``status``, ``reason``, the answer.
    top : Path, optional
        CSV with the best.
    counts : mapping of str to int
        Rows by status.
    reasons : mapping of str to int
        How often each reason occurred, without what differs between records.
    n_listed : int
        Rows of ``top``.
    """

    answers: Path
    top: Path | None
    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    n_listed: int = 0


@dataclass(frozen=True)
class ScanJob:
    """What a worker is told."""

    release: str
    domain: Domain
    sources: Sequence[Source]
    out: str
    options: ScanOptions = field(default_factory=ScanOptions)
    of: int = 1

    @property
    def parts(self) -> Path:
        """Where the parts are."""
        return Path(self.out) / PARTS


def scan(
    release: Release, paths: Sequence[Path], out: Path, *, options: ScanOptions, report: Report | None = None
) -> Scan:
    """Answer every record of some files into a folder.

    Parameters
    ----------
    release : Release
        What answers.
    paths : sequence of Path
        Files or folders.
    out : Path
        The folder; the same call goes on where a scan was stopped.
    options : ScanOptions
        What to list of the best.
    report : Report, optional
        Where progress goes.

    Raises
    ------
    DataError
        If a path does not exist, or no reader knows its files.
    UsageError
        If the answers are no rows of a table, the column to rank by is unknown, records of this task cannot be
        compared, or the folder holds another scan.
    LimitError
        If the disk is full.
    """
    report = report or Silent()
    columns = columns_of(release)
    if options.by and options.by not in columns:
        raise UsageError(unknown("column", options.by, columns, where="--by"))
    if options.by and options.by not in numeric_columns(release):
        raise UsageError(f"--by: expected a column of numbers, got '{options.by}', which holds words")
    if options.top and not isinstance(release.task, Likens):
        raise UsageError(f"--top: the task '{release.spec.name}' cannot tell which records are the same")
    sources = _sources(release.domain, paths)
    of = options.workers or os.cpu_count() or 1
    if sum(p.stat().st_size for s in sources for p in s.files) <= IN_PROCESS_BYTES:
        of = 1
    job = ScanJob(str(release.folder), release.domain, sources, str(out), options, of)
    if not _begin(job, release):
        _work(job, release, report)
        _finish(job, columns)
    return _result(out)


def _sources(domain: Domain, paths: Sequence[Path]) -> list[Source]:
    sources: list[Source] = []
    for path in paths:
        found = find_sources(path, domain)
        if found.unclaimed or not found.sources:
            raise DataError("; ".join(why_unclaimed(p, domain) for p in found.unclaimed[:5] or (path,)))
        sources += found.sources
    twice = [name for name, count in Counter(s.name for s in sources).items() if count > 1]
    if twice:
        raise UsageError(
            f"{twice[0]}: expected libraries with names of their own, got two of this name, whose records could not be "
            "told apart; give the folder above both, rename one, or answer each into a table of its own"
        )
    return sources


def _begin(job: ScanJob, release: Release) -> bool:
    """Make or take up the folder; true where the scan is done already."""
    out = Path(job.out)
    stated = {k: v for k, v in asdict(job.options).items() if k != "workers"}
    files = [[s.reader, s.name, [sha256_file(p) for p in s.files]] for s in job.sources]
    key = hash_of([release.manifest["content_hash"], files, stated])
    state = out / STATE
    if state.exists() and read_json(state)["key"] != key:
        raise UsageError(
            f"{out.name}: expected an empty folder or the same scan, got one of other input, options or another "
            "release; choose another folder"
        )
    with writable(out):
        job.parts.mkdir(parents=True, exist_ok=True)
        sweep(job.parts)
    write_json(state, {"key": key, "release": release.provenance, "options": stated})
    listed = ["answers.csv", "top.csv"] if job.options.top else ["answers.csv"]
    if (out / SUMMARY).exists() and all((out / name).exists() for name in listed):
        shutil.rmtree(job.parts, ignore_errors=True)
        return True
    return False


def numbered_parts(job: ScanJob) -> Iterator[tuple[int, RecordBatch | None, list[SetAside]]]:
    """Yield the batches of the library with their numbers, each with what was set aside on the way to the next."""
    number = 0
    for source in job.sources:
        batch: RecordBatch | None = None
        aside: list[SetAside] = []
        for part in (placed(p, source) for p in read_source(source, job.domain)):
            if isinstance(part, SetAside):
                aside.append(part)
                continue
            if batch is not None:
                yield number, batch, aside
                number, aside = number + 1, []
            batch = part
        if batch is not None or aside:
            yield number, batch, aside
            number += 1


def part_file(job: ScanJob, number: int, ending: str = ANSWERS) -> Path:
    """Return the place of a part."""
    return job.parts / f"{number:08d}{ending}"


def answer_parts(job: ScanJob, release: Release, worker: int) -> Iterator[int]:
    """Answer every part of a worker that is not there yet; yields their numbers."""
    pool = Pool(Picks.wanted(job.options.top), job.options.lowest)
    for number, batch, aside in numbered_parts(job):
        if number % job.of == worker and not part_file(job, number).exists():
            best = (pool, job.options.by) if job.options.top else None
            write_part(release, batch, aside, path=part_file(job, number, ""), best=best)
            yield number


def _work(job: ScanJob, release: Release, report: Report) -> None:
    if job.of == 1:
        for number in answer_parts(job, release, 0):
            report.step(f"answered part {number + 1}")
        return
    order = json.dumps(asdict(job), default=str).encode()
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    command = [sys.executable, "-m", "auscult.engine.scan"]
    workers: list[subprocess.Popen[bytes]] = []
    with contextlib.ExitStack() as stack:  # what a worker says goes to a file: a full pipe would stop it
        told = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(job.of)]
        try:
            for worker in range(job.of):
                started = subprocess.Popen([*command, str(worker)], stdin=subprocess.PIPE, stderr=told[worker], env=env)
                workers.append(started)
                if started.stdin is not None:
                    started.stdin.write(order)
                    started.stdin.close()
            _watch(job, workers, told, report)
        finally:
            for started in workers:
                if started.poll() is None:
                    started.kill()
                started.wait()


def _watch(job: ScanJob, workers: Sequence[subprocess.Popen[bytes]], told: Sequence[IO[bytes]], report: Report) -> None:
    """Wait for the workers, saying now and then how far they are; the first that fails ends the scan."""
    said = time.monotonic()
    while True:
        ended = [w.poll() for w in workers]
        for said_by, status in zip(told, ended, strict=True):
            if status:
                said_by.seek(0)
                last = said_by.read().decode(errors="replace").strip().splitlines()[-1:]
                if status == LIMIT_STATUS:
                    raise LimitError(" ".join(last))
                raise AuscultError(
                    f"scan: a worker stopped with exit status {status}: {' '.join(last)}; the same command goes on"
                )
        if all(status == 0 for status in ended):
            return
        if time.monotonic() - said >= SAY_S:
            said = time.monotonic()
            report.step(f"answered {sum(1 for _ in job.parts.glob(f'*{ANSWERS}'))} parts")
        time.sleep(LOOK_S)


def _finish(job: ScanJob, columns: Sequence[str]) -> None:
    """Put the parts together; what is put together is written beside and then moved, so a stop here loses nothing."""
    out = Path(job.out)
    parts = sorted(job.parts.glob(f"*{ANSWERS}"))
    draft = job.parts / ".whole"
    counts: dict[str, int] = {}
    reasons: dict[str, int] = {}
    with writable(out), draft.open("wb") as stream:
        stream.write(_header(columns))
        for path in parts:
            stream.write(path.read_bytes())
            told = read_json(path.with_suffix(".json"))
            for total, part in ((counts, told["counts"]), (reasons, told["reasons"])):
                for key, count in part.items():
                    total[key] = total.get(key, 0) + count
        draft.replace(out / "answers.csv")
    listed = 0
    if job.options.top:
        pool = Pool(Picks.wanted(job.options.top), job.options.lowest)
        for path in sorted(job.parts.glob(f"*{TOP}")):
            pool.read(path)
        listed = write_picks(pool, out / "top.csv", count=job.options.top, distance=job.options.distance)
    write_json(out / SUMMARY, {"counts": counts, "reasons": reasons, "n_listed": listed, "top": bool(job.options.top)})
    shutil.rmtree(job.parts)


def _header(columns: Sequence[str]) -> bytes:
    """The first line of the answers, every name in quotation marks."""
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(("record", "status", "reason", *columns))
    return line.getvalue().encode()


def _result(out: Path) -> Scan:
    told = read_json(out / SUMMARY)
    top = out / "top.csv" if told["top"] else None
    return Scan(out / "answers.csv", top, told["counts"], told["reasons"], told["n_listed"])


def _worker(worker: int) -> None:
    """Answer the parts of one worker; the job comes over standard input."""
    order = json.loads(sys.stdin.buffer.read())
    tables = order.pop("domain")
    tables["datasets"] = {k: PublicSet(**v) for k, v in tables["datasets"].items()}
    domain = Domain(**tables)
    options = ScanOptions(**order.pop("options"))
    sources = [Source(s["reader"], s["name"], tuple(Path(f) for f in s["files"])) for s in order.pop("sources")]
    job = ScanJob(domain=domain, sources=sources, options=options, **order)
    release = open_release(Path(job.release), lambda name: domain)
    gc.freeze()  # what was loaded stays; a library makes many short-lived objects and no cycles
    gc.set_threshold(*RARE_COLLECTIONS)
    parent = os.getppid()
    for _ in answer_parts(job, release, worker):
        if os.getppid() != parent:
            return  # the scan was killed: the command that goes on starts workers of its own


if __name__ == "__main__":
    try:
        _worker(int(sys.argv[1]))
    except LimitError as limit:
        sys.stderr.write(f"{limit}\n")
        sys.exit(LIMIT_STATUS)
