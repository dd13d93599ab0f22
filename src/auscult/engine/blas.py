"""Products of numpy on one thread each, where the callers share the work out over threads themselves.

Two threads that both call a threaded BLAS wait for each other, and its idle threads spin on the cores that the others
need: ranking everybody took more than twice as long so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any

_lock = Lock()
_inside: list[Any] = []
"""Limits that are in force, one for each caller that has not come out yet; the first holds what was before."""


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep every BLAS of this process to one thread, until the last of the callers that are inside comes out."""
    with _lock:
        _inside.append(None if _inside else _controller().limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            _leave()


def _leave() -> None:
    """Take one caller out; what was before the first is restored with the last."""
    if len(_inside) > 1:
        _inside.pop()
    else:
        _inside.pop().restore_original_limits()


@lru_cache(maxsize=1)
def _controller() -> Any:
    """The BLAS libraries that are loaded; looked up once."""
    import numpy as np  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
