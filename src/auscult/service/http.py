"""The answers of ``predict`` over HTTP.

- ``POST /v1/releases/{name}/predict``: a body as ``service.bodies`` says; ``?explain=true`` also says what
  carried each answer. The response is ``{"release": …, "records": [{record, status, reason, answers,
  explanation}]}``.
- ``GET /v1/releases``, ``GET /v1/releases/{name}``: intent, labels, version, content hash, fields, schema.
- ``GET /healthz``: the process lives. ``GET /readyz``: 200 when ready, 503 while it loads or drains.
- ``GET /openapi.json``: all this with the response schema of each release.

200 means that every record was answered as ``predict`` answers it, which may be a refusal with its reason: a
damaged file, a wrong unit, a file that no reader knows. Another status means that the request is wrong or
cannot be taken: 401 no or wrong key · 404 no such release · 408 the body came too slowly · 413 too large ·
415 a multipart form · 422 a malformed query, zip or record body · 500 a fault of the service · 503 too many
requests under way, or not ready · 504 no answer in time. The body then is ``{"detail": …}``.

Bodies, file names and values are never logged.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

import uvicorn
from fastapi import FastAPI

from auscult.base.errors import AuscultError, UsageError
from auscult.engine.runtime import Release
from auscult.service.routes import add_health, add_releases, on_error
from auscult.service.settings import ServeSettings
from auscult.service.state import State

SWITCH_INTERVAL_S = 0.001
"""How long a thread that prepares a record may keep the interpreter from the one that talks to clients; the
5 ms of Python would be felt in every answer."""


def create_app(releases: Mapping[str, Release], *, api_key: str = "", settings: ServeSettings | None = None) -> FastAPI:
    """Make the application.

    Parameters
    ----------
    releases : mapping of str to Release
        Opened releases by the name in their address.
    api_key : str
        Key that clients send as ``X-API-Key``; empty: no key is asked for.
    settings : ServeSettings, optional
        Limits and batching.

    Returns
    -------
    FastAPI
        It tests every release when it starts, and is ready after that.
    """
    state = State(releases, settings or ServeSettings())
    app = FastAPI(
        title="Auscult",
        version=version("auscult"),
        lifespan=partial(_lifespan, state),
        docs_url=None,
        redoc_url=None,
    )
    app.add_exception_handler(AuscultError, on_error)
    add_health(app, state)
    add_releases(app, state, api_key)
    return app


@asynccontextmanager
async def _lifespan(state: State, _: FastAPI) -> AsyncIterator[None]:
    state.watch_signals()
    loading = asyncio.create_task(state.load())
    yield
    await loading
    await asyncio.to_thread(state.close)


def serve(
    releases: Mapping[str, Release],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    api_key: str = "",
    settings: ServeSettings | None = None,
) -> None:
    """Answer over HTTP until SIGTERM or SIGINT; then finish what is under way and return.

    Parameters
    ----------
    releases : mapping of str to Release
        Opened releases by the name in their address.
    host : str
        Address to listen on; only this machine by default.
    port : int
        Port to listen on.
    api_key : str
        Key that clients send as ``X-API-Key``; empty: no key is asked for.
    settings : ServeSettings, optional
        Limits and batching; by default a process for each core reads and prepares.

    Raises
    ------
    UsageError
        If there is no release.
    """
    if not releases:
        raise UsageError("serve: expected at least one release, got none; build one with 'auscult build'")
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    chosen = settings or ServeSettings(workers=os.cpu_count() or 1)
    config = uvicorn.Config(
        create_app(releases, api_key=api_key, settings=chosen),
        host=host,
        port=port,
        lifespan="on",
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=int(chosen.timeout_s) + 1,
        ws="none",
    )
    gc.freeze()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stopped)
    uvicorn.Server(config).run()


def _stopped(*_: object) -> None:
    """Receive the signal that uvicorn raises again after its clean stop; a clean stop is no failure."""
