"""What a server process holds: releases with their batchers, and whether it is ready."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Mapping
from functools import partial
from types import FrameType
from typing import Literal

from auscult.base.errors import AuscultError, VerifyError
from auscult.engine.release.golden import check_golden
from auscult.engine.runtime import Release
from auscult.service.batching import Batcher
from auscult.service.settings import ServeSettings
from auscult.service.staging import Pool, Stager

LOG = logging.getLogger("auscult.service")

Phase = Literal["loading", "ready", "draining", "failed"]


class Served:
    """One release with its stager and its batcher."""

    def __init__(self, release: Release, stager: Stager, batcher: Batcher) -> None:
        self.release = release
        self.stager = stager
        self.batcher = batcher

    def self_test(self) -> None:
        """Answer the golden inputs as when the release was made, which also loads everything that is lazy.

        Raises
        ------
        VerifyError
            If an answer differs.
        """
        self.stager.warm()
        golden = self.release.folder / "golden"
        problem = check_golden(self.release, golden) if golden.is_dir() else ""
        if problem:
            raise VerifyError(f"release '{self.release.manifest['name']}': {problem}; run 'auscult verify'")


class State:
    """Releases by name, the phase of the process, and the bytes that its requests hold.

    Phases: ``loading`` until every release passed its self-test, ``ready``, ``draining`` from the first
    signal to stop, ``failed`` where a self-test did not hold.
    """

    def __init__(self, releases: Mapping[str, Release], settings: ServeSettings) -> None:
        self.settings = settings
        stagers = {name: Stager(release) for name, release in releases.items()}
        folders = {name: release.folder for name, release in releases.items()}
        self._pool = Pool(stagers, folders, workers=settings.workers, threads=settings.threads)
        self.served = {n: Served(r, stagers[n], self._batcher(n, r)) for n, r in releases.items()}
        self.phase: Phase = "loading"
        self.detail = ""
        self.held_bytes = 0
        self._loaded = asyncio.Event()

    def _batcher(self, name: str, release: Release) -> Batcher:
        return Batcher(
            release,
            partial(self._pool.stage, name),
            lanes=1 + 2 * (self.settings.workers or self.settings.threads),
            max_batch=self.settings.max_batch,
            max_wait_s=self.settings.max_wait_ms / 1e3,
            max_pending=self.settings.max_pending,
        )

    async def load(self) -> None:
        """Start the pool and test every release in a thread; then be ready, or failed."""
        try:
            await asyncio.to_thread(self._pool.start)
            for served in self.served.values():
                await asyncio.to_thread(served.self_test)
        except Exception as error:  # noqa: BLE001 a failed self-test is reported, not raised into the server
            known = isinstance(error, AuscultError)
            self.detail = str(error) if known else f"the self-test failed ({type(error).__name__})"
            self.phase = "failed"
            LOG.error("not ready: %s", self.detail)
        if self.phase == "loading":
            self.phase = "ready"
        self._loaded.set()

    async def loaded(self) -> None:
        """Wait until the self-tests have ended."""
        await self._loaded.wait()

    def drain(self) -> None:
        """Be no longer ready; what is under way is still answered."""
        if self.phase in ("loading", "ready"):
            self.phase = "draining"

    def watch_signals(self) -> None:
        """Drain at the first SIGTERM or SIGINT, then let the handler that was there before act."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, partial(self._on_signal, signal.getsignal(number)))

    def _on_signal(self, before: object, number: int, frame: FrameType | None) -> None:
        self.drain()
        if callable(before):
            before(number, frame)

    def close(self) -> None:
        """Finish what is under way."""
        self.drain()
        for served in self.served.values():
            served.batcher.close()
        self._pool.close()
