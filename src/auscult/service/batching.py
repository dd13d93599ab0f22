"""Requests of different clients, one run of the program.

Each request is read and staged by a thread of a small pool. The thread that finds nobody running takes
everything that was staged meanwhile, runs the program once and hands out the answers. It waits for others
only while they are being staged at this moment, at most ``max_wait_s`` and no longer than the last run took:
a lone request never waits, and no request waits to save less than it waits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition
from traceback import extract_tb

from auscult.base.contracts import RecordBatch
from auscult.base.errors import AuscultError, LimitError
from auscult.engine.runtime import RecordAnswer, Release, Staged

LOG = logging.getLogger("auscult.service")

Read = Callable[[], Iterable[RecordBatch | RecordAnswer]]
Finish = Callable[[list[RecordAnswer]], bytes]


@dataclass(eq=False, repr=False)
class _Job:
    """One request on its way: ``pieces`` are refusals and staged batches, in the order of the records."""

    read: Read
    finish: Finish
    explain: bool
    future: Future[bytes]
    pieces: list[RecordAnswer | Staged] = field(default_factory=list)


class Batcher:
    """Answers requests for one release from many threads.

    Parameters
    ----------
    release : Release
        Which release answers.
    max_batch : int
        Most requests that share one run of the program.
    max_wait_s : float
        Longest time in s that a staged request waits for others.
    max_pending : int
        Most requests under way; more are refused.
    threads : int
        Threads that read, stage and run.
    """

    def __init__(self, release: Release, *, max_batch: int, max_wait_s: float, max_pending: int, threads: int) -> None:
        self._release = release
        self._max_batch = max_batch
        self._max_wait_s = max_wait_s
        self._max_pending = max_pending
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="auscult-batcher")
        self._changed = Condition()
        self._staged: list[_Job] = []
        self._pending = 0
        self._staging = 0
        self._running = False
        self._last_run_s = 0.0

    def submit(self, read: Read, finish: Finish, *, explain: bool = False) -> Future[bytes]:
        """Answer one request.

        Parameters
        ----------
        read : callable
            Gives the records and refusals of the request; runs in the pool.
        finish : callable
            Makes the response of the answers; runs in the pool.
        explain : bool
            Also say what carried each answer.

        Returns
        -------
        Future of bytes
            What ``finish`` gave, or an ``AuscultError``.

        Raises
        ------
        LimitError
            If too many requests are under way.
        """
        with self._changed:
            if self._pending >= self._max_pending:
                raise LimitError(
                    f"release '{self._release.manifest['name']}': expected at most {self._max_pending} "
                    "requests under way, got one more; try again in a second"
                )
            self._pending += 1
        future: Future[bytes] = Future()
        future.add_done_callback(self._done)
        self._pool.submit(self._work, _Job(read, finish, explain, future))
        return future

    def close(self) -> None:
        """Finish what is under way and end the threads."""
        self._pool.shutdown(wait=True)

    def _done(self, future: Future[bytes]) -> None:
        with self._changed:
            self._pending -= 1

    def _work(self, job: _Job) -> None:
        if not job.future.set_running_or_notify_cancel():
            return
        with self._changed:
            self._staging += 1
        ready = self._stage(job)
        with self._changed:
            self._staging -= 1
            if ready:
                self._staged.append(job)
            self._changed.notify_all()
            if self._running:
                return
            self._running = True
        while jobs := self._gather():
            self._answer(jobs)

    def _stage(self, job: _Job) -> bool:
        try:
            for part in job.read():
                job.pieces.append(part if isinstance(part, RecordAnswer) else self._release.stage(part))
        except Exception as error:  # noqa: BLE001 one request never ends the service
            job.future.set_exception(_without_values(error))
            return False
        return True

    def _gather(self) -> list[_Job]:
        """Take the staged requests for one run; none, and the place of the runner is free again."""
        deadline = time.monotonic() + min(self._max_wait_s, self._last_run_s)
        with self._changed:
            while self._staging and 0 < len(self._staged) < self._max_batch:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            jobs, self._staged = self._staged[: self._max_batch], self._staged[self._max_batch :]
            self._running = bool(jobs)
            return jobs

    def _answer(self, jobs: Sequence[_Job]) -> None:
        """Answer with one run; where that fails, one by one, so that a request fails for itself only."""
        for explain in (False, True):
            chosen = [job for job in jobs if job.explain is explain]
            if not chosen:
                continue
            try:
                answers = self._together(chosen, explain)
            except Exception as error:  # noqa: BLE001 one request never ends the service
                if len(chosen) == 1:
                    chosen[0].future.set_exception(_without_values(error))
                else:
                    for job in chosen:
                        self._answer([job])
                continue
            for job, records in zip(chosen, answers, strict=True):
                _deliver(job, records)

    def _together(self, jobs: Sequence[_Job], explain: bool) -> list[list[RecordAnswer]]:
        staged = [piece for job in jobs for piece in job.pieces if isinstance(piece, Staged)]
        start = time.monotonic()
        answers = iter(self._release.answer(staged, explain=explain))
        self._last_run_s = time.monotonic() - start
        return [
            [r for piece in job.pieces for r in ([piece] if isinstance(piece, RecordAnswer) else next(answers))]
            for job in jobs
        ]


def _deliver(job: _Job, records: list[RecordAnswer]) -> None:
    try:
        job.future.set_result(job.finish(records))
    except Exception as error:  # noqa: BLE001 one request never ends the service
        job.future.set_exception(_without_values(error))


def _without_values(error: Exception) -> AuscultError:
    """Keep an error of Auscult; of any other only its type and place, for its words may hold values."""
    if isinstance(error, AuscultError):
        return error
    last = extract_tb(error.__traceback__)[-1]
    place = f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"
    LOG.error("a request failed: %s", place)
    return AuscultError(f"the service failed on this request ({place}); the others go on")
