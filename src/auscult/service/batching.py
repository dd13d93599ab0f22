"""Requests of different clients, one run of the program.

Each request is read and staged in a pool. One thread takes what was staged meanwhile, runs the program once and hands
out the answers. It waits for requests that are being staged at this moment, at most ``max_wait_s`` and no longer than
the last run took: a lone request never waits, and no request waits to save less than it waits.

While the pool is free, each request is handed to it at once. When it is busy and requests pile up, they are handed
over a few at a time, which costs them nothing and lets them share the way and the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from threading import Condition, Thread
from typing import Any

from auscult.base.errors import AuscultError, LimitError
from auscult.engine.runtime import RecordAnswer, Release, Staged
from auscult.service.staging import Piece, Pieces, without_values

MAX_GROUP = 4
"""Most requests that the pool is given at a time; they are then staged one after the other."""

Finish = Callable[[list[RecordAnswer]], bytes]


@dataclass(eq=False, repr=False)
class _Job:
    """One request on its way: ``pieces`` are refusals and staged batches, in the order of the records."""

    request: Any
    finish: Finish
    explain: bool
    future: Future[bytes]
    pieces: Sequence[Piece] = ()


class Batcher:
    """Answers requests for one release.

    Parameters
    ----------
    release : Release
        Which release answers.
    stage : callable
        Starts to read and stage some requests in a pool; gives the future of the pieces, or the error, of each.
    lanes : int
        How many such calls are under way at a time, at least 1: enough that who is free in the pool has the next.
    max_batch : int
        Most requests that share one run of the program.
    max_wait_s : float
        Longest time in s that a staged request waits for others.
    max_pending : int
        Most requests under way; more are refused.
    """

    def __init__(
        self,
        release: Release,
        stage: Callable[[Sequence[Any]], Future[list[Pieces]]],
        *,
        lanes: int,
        max_batch: int,
        max_wait_s: float,
        max_pending: int,
    ) -> None:
        self._release = release
        self._stage = stage
        self._lanes = lanes
        self._max_batch = max_batch
        self._max_wait_s = max_wait_s
        self._max_pending = max_pending
        self._changed = Condition()
        self._waiting: list[_Job] = []
        self._staged: list[_Job] = []
        self._groups = 0
        self._pending = 0
        self._staging = 0
        self._closed = False
        self._last_run_s = 0.0
        self._runner = Thread(target=self._run, name="auscult-batcher", daemon=True)
        self._runner.start()

    def submit(self, request: Any, finish: Finish, *, explain: bool = False) -> Future[bytes]:
        """Answer one request.

        Parameters
        ----------
        request : object
            What the pool stages.
        finish : callable
            Makes the response of the answers; not called in the thread of the caller.
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
        job = _Job(request, finish, explain, Future())
        with self._changed:
            if self._closed or self._pending >= self._max_pending:
                raise LimitError(
                    f"release '{self._release.manifest['name']}': expected at most {self._max_pending} "
                    "requests under way, got one more; try again in a second"
                )
            self._pending += 1
            self._waiting.append(job)
        job.future.add_done_callback(self._ended)
        self._feed()
        return job.future

    def close(self) -> None:
        """Finish what is under way and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._runner.join()

    def _ended(self, _: Future[bytes]) -> None:
        with self._changed:
            self._pending -= 1

    def _feed(self) -> None:
        """Hand waiting requests to the pool: one at a time, and a few at a time when it is busy and they pile up."""
        while True:
            with self._changed:
                if not self._waiting or self._groups >= self._lanes:
                    return
                size = max(1, min(MAX_GROUP, len(self._waiting) // self._lanes))
                jobs, self._waiting = self._waiting[:size], self._waiting[size:]
                jobs = [job for job in jobs if job.future.set_running_or_notify_cancel()]
                self._groups += 1
                self._staging += len(jobs)
            try:
                staging = self._stage([job.request for job in jobs])
            except Exception as error:  # noqa: BLE001 one request never ends the service
                staging = Future()
                staging.set_exception(error)
            staging.add_done_callback(partial(self._arrived, jobs))

    def _arrived(self, jobs: Sequence[_Job], staging: Future[list[Pieces]]) -> None:
        """Take what the pool staged; a request that failed there ends here."""
        error = staging.exception()
        results = staging.result() if error is None else [without_values(error)] * len(jobs)
        for job, result in zip(jobs, results, strict=True):
            if isinstance(result, AuscultError):
                job.future.set_exception(result)
            else:
                job.pieces = result
        with self._changed:
            self._groups -= 1
            self._staging -= len(jobs)
            self._staged += [job for job in jobs if not job.future.done()]
            self._changed.notify_all()
        self._feed()

    def _run(self) -> None:
        while jobs := self._gather():
            self._answer(jobs)

    def _gather(self) -> list[_Job]:
        """Wait for staged requests and take them for one run; none when the batcher is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._staged or (self._closed and not self._staging and not self._waiting))
            deadline = time.monotonic() + min(self._max_wait_s, self._last_run_s)
            while self._staging and 0 < len(self._staged) < self._max_batch:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            jobs, self._staged = self._staged[: self._max_batch], self._staged[self._max_batch :]
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
                    chosen[0].future.set_exception(without_values(error))
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
        job.future.set_exception(without_values(error))
