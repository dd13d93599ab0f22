"""Settings of the service: limits and batching."""

from __future__ import annotations

from pydantic import Field as Setting

from auscult.base.contracts import Config


class ServeSettings(Config):
    """What one server process takes, how long, and how much at once."""

    max_bytes: int = Setting(50_000_000, ge=1, description="Largest body, and largest content of a zip, in bytes.")
    timeout_s: float = Setting(30.0, gt=0, description="Longest time for a body to arrive and be answered.")
    max_batch: int = Setting(64, ge=1, description="Most requests that share one run of the program.")
    max_wait_ms: float = Setting(
        2.0, ge=0, description="Longest wait for requests that are being prepared at the same time."
    )
    max_pending: int = Setting(
        128, ge=1, description="Most requests of one release under way; more are told to come back."
    )
    workers: int = Setting(
        0, ge=0, le=256, description="Processes that read and prepare requests; 0: threads of this process."
    )
    threads: int = Setting(2, ge=1, le=64, description="Threads that do so where there are no such processes.")

    @property
    def max_held_bytes(self) -> int:
        """Bytes of bodies that a process keeps at one time, over all requests."""
        return 8 * self.max_bytes
