"""Requests of different clients, one run of the program.

Each request is read and staged in a pool. One thread takes what was staged meanwhile, runs the program once and hands
out the answers. It waits for requests that are being staged at this moment, at most ``max_wait_s`` and no longer than
the last run took: a lone request never waits, and no request waits to save less than it waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from threading import Condition, Thread
from typing import Any

from auscult.base.errors import LimitError
from auscult.engine.runtime import RecordAnswer, Release, Staged
from auscult.service.staging import Piece, without_values

Finish = Callable[[list[RecordAnswer]], bytes]


@dataclass(eq=False, repr=False)
class _Job:
    """One request on its way: ``pieces`` are refusals and staged batches, in the order of the records."""

    finish: Finish
    explain: bool
    future: Future[bytes]
    pieces: list[Piece] = field(default_factory=list)


class Batcher:
    """Answers requests for one release.

    Parameters
    ----------
    release : Release
        Which release answers.
    stage : callable
        Starts to read and stage a request in a pool; gives the future of its pieces.
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
        stage: Callable[[Any], Future[list[Piece]]],
        *,
        max_batch: int,
        max_wait_s: float,
        max_pending: int,
    ) -> None:
        self._release = release
        self._stage = stage
        self._max_batch = max_batch
        self._max_wait_s = max_wait_s
        self._max_pending = max_pending
        self._changed = Condition()
        self._staged: list[_Job] = []
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
        with self._changed:
            if self._closed or self._pending >= self._max_pending:
                raise LimitError(
                    f"release '{self._release.manifest['name']}': expected at most {self._max_pending} "
                    "requests under way, got one more; try again in a second"
                )
            self._pending += 1
            self._staging += 1
        job = _Job(finish, explain, Future())
        job.future.add_done_callback(self._ended)
        try:
            staging = self._stage(request)
        except Exception as error:  # noqa: BLE001 one request never ends the service
            staging = Future()
            staging.set_exception(error)
        job.future.add_done_callback(lambda _: staging.cancel())
        staging.add_done_callback(partial(self._arrived, job))
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

    def _arrived(self, job: _Job, staging: Future[list[Piece]]) -> None:
        """Take what the pool staged; a request that failed there, or that nobody waits for, ends here."""
        error = None if staging.cancelled() else staging.exception()
        wanted = not staging.cancelled() and job.future.set_running_or_notify_cancel()
        if wanted and error is not None:
            job.future.set_exception(without_values(error))
        with self._changed:
            self._staging -= 1
            if wanted and error is None:
                job.pieces = staging.result()
                self._staged.append(job)
            self._changed.notify_all()

    def _run(self) -> None:
        while jobs := self._gather():
            self._answer(jobs)

    def _gather(self) -> list[_Job]:
        """Wait for staged requests and take them for one run; none when the batcher is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._staged or (self._closed and not self._staging))
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
