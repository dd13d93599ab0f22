"""Takes the body of a request within the limits on size, time and memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import HTTPException, Request

from auscult.service.state import State

CLOSE = {"Connection": "close"}
COME_BACK = {"Retry-After": "1"}


@asynccontextmanager
async def taken_body(request: Request, state: State) -> AsyncIterator[bytes]:
    """Give the body of a request, and count its bytes while it is held.

    Raises
    ------
    HTTPException
        408 if it does not arrive in time, 413 if it is too large, 503 if the bodies under way fill the room.
    """
    limit = state.settings.max_bytes
    held = 0
    chunks: list[bytes] = []
    try:
        _require_announced(request, limit)
        try:
            async with asyncio.timeout(state.settings.timeout_s):
                async for chunk in request.stream():
                    held += len(chunk)
                    state.held_bytes += len(chunk)
                    _require_room(held, state)
                    chunks.append(chunk)
        except TimeoutError:
            seconds = state.settings.timeout_s
            raise HTTPException(408, f"expected the body within {seconds:g} s, got a part of it", CLOSE) from None
        yield b"".join(chunks)
    finally:
        state.held_bytes -= held


def _require_announced(request: Request, limit: int) -> None:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise HTTPException(413, f"expected a body of at most {limit} bytes, got {announced} announced", CLOSE)


def _require_room(held: int, state: State) -> None:
    if held > state.settings.max_bytes:
        raise HTTPException(413, f"expected a body of at most {state.settings.max_bytes} bytes, got more", CLOSE)
    if state.held_bytes > state.settings.max_held_bytes:
        raise HTTPException(503, "expected room for the body, got none; try again in a second", CLOSE | COME_BACK)
