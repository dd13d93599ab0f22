"""The pool that reads and stages requests: threads of this process, or processes of their own.

Preparing a record holds the interpreter most of the time, so processes use all cores, keep the one that talks to
clients free, and let a reader that crashes take only itself down. They share one queue: whoever is free takes the next.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Lock, Thread
from traceback import extract_tb

from auscult.base.contracts import RecordBatch, SetAside
from auscult.base.errors import AuscultError
from auscult.base.registry import load_domain
from auscult.engine.runtime import RecordAnswer, Release, Staged, open_release
from auscult.engine.sources import find_sources, read_source
from auscult.service.bodies import Body, records_of
from auscult.service.decoded import Form, forms_of

LOG = logging.getLogger("auscult.service")
START_S = 120.0

Piece = RecordAnswer | Staged
Pieces = list[Piece] | AuscultError


class Stager:
    """A release that stages the bodies of requests.

    Parameters
    ----------
    release : Release
        Whose readers and preprocessing are used.
    """

    def __init__(self, release: Release) -> None:
        self._release = release
        self.forms: Mapping[str, Form] = {}

    def warm(self) -> None:
        """Learn the form of the fields from the golden inputs, and stage them, which loads what is lazy."""
        batches = list(_golden(self._release))
        self.forms = forms_of(batches)
        for batch in batches:
            self._release.stage(batch)

    def __call__(self, bodies: Sequence[Body]) -> list[Pieces]:
        """Read and stage bodies; gives the error of each that cannot be used as a whole."""
        return [self._one(body) for body in bodies]

    def _one(self, body: Body) -> Pieces:
        try:
            parts = records_of(self._release, self.forms, body)
            return [p if isinstance(p, RecordAnswer) else self._release.stage(p) for p in parts]
        except Exception as error:  # noqa: BLE001 one request never ends the service
            return without_values(error)


def _golden(release: Release) -> Iterator[RecordBatch]:
    inputs = release.folder / "golden" / "inputs"
    if not inputs.is_dir():
        return
    for source in find_sources(inputs, release.domain).sources:
        for part in read_source(source, release.domain):
            if not isinstance(part, SetAside):
                yield part


class Pool:
    """Stages bodies for several releases.

    Parameters
    ----------
    stagers : mapping of str to Stager
        By the name of the release.
    folders : mapping of str to Path
        Where processes open the releases for themselves.
    workers : int
        Number of processes; 0 for threads.
    threads : int
        Number of threads where there are no processes.
    """

    def __init__(
        self, stagers: Mapping[str, Stager], folders: Mapping[str, Path], *, workers: int, threads: int
    ) -> None:
        self._stagers = stagers
        self._folders = dict(folders)
        self._workers = workers
        self._threads = threads
        self._lock = Lock()
        self._executor = self._made()

    def start(self) -> None:
        """Wait until every process has opened and warmed the releases.

        Raises
        ------
        BrokenProcessPool
            If one of them could not.
        """
        if self._workers:
            for future in [self._executor.submit(_meet) for _ in range(self._workers)]:
                future.result()

    def stage(self, name: str, bodies: Sequence[Body]) -> Future[list[Pieces]]:
        """Start to read and stage bodies for a release; dead processes are replaced."""
        with self._lock:
            try:
                return self._submit(name, bodies)
            except BrokenProcessPool:
                self._executor = self._made()
                return self._submit(name, bodies)

    def close(self) -> None:
        """Finish what is under way and end threads and processes."""
        self._executor.shutdown(wait=True)

    def _submit(self, name: str, bodies: Sequence[Body]) -> Future[list[Pieces]]:
        if self._workers:
            return self._executor.submit(_stage, name, bodies)
        return self._executor.submit(self._stagers[name], bodies)

    def _made(self) -> Executor:
        if not self._workers:
            return ThreadPoolExecutor(self._threads, thread_name_prefix="auscult-stage")
        context = multiprocessing.get_context("spawn")
        start = context.Barrier(self._workers)
        return ProcessPoolExecutor(self._workers, context, initializer=_open, initargs=(self._folders, start))


class _Process:
    """What a process of the pool holds."""

    stagers: Mapping[str, Stager] = {}
    start: Barrier


def _open(folders: Mapping[str, Path], start: Barrier) -> None:
    """Open and warm the releases; end with the parent, never by a signal that is meant for it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    _Process.stagers = {n: Stager(open_release(folder, load_domain)) for n, folder in folders.items()}
    _Process.start = start
    for stager in _Process.stagers.values():
        stager.warm()
    gc.freeze()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _meet() -> None:
    """Wait for the other processes, so that each has started."""
    try:
        _Process.start.wait(START_S)
    except BrokenBarrierError:
        LOG.warning("not every process of the pool has started within %g s", START_S)


def _stage(name: str, bodies: Sequence[Body]) -> list[Pieces]:
    return _Process.stagers[name](bodies)


def without_values(error: BaseException) -> AuscultError:
    """Keep an error of Auscult; of any other only its type and place, for its words may hold values."""
    if isinstance(error, AuscultError):
        return error
    last = (extract_tb(error.__traceback__) or [None])[-1]
    place = type(error).__name__ + (f" in {Path(last.filename).name}, line {last.lineno}" if last else "")
    LOG.error("a request failed: %s", place)
    return AuscultError(f"the service failed on this request ({place}); the others go on")
