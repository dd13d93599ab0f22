"""The addresses of the service; what they say is in ``service.http``."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from email.message import Message
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader

from auscult.base.contracts import Explains
from auscult.base.errors import InputError, LimitError, UsageError, unknown
from auscult.engine.runtime import Release
from auscult.service.bodies import NO_NAME, RAW_TYPE, RECORD_TYPE, ZIP_TYPE, Body
from auscult.service.intake import COME_BACK, taken_body
from auscult.service.schema import about, answer_body, details, response_schema
from auscult.service.state import Served, State

JSON = "application/json"
KEY = APIKeyHeader(name="X-API-Key", auto_error=False)
REFUSALS = {
    401: "no or another key",
    408: "the body came too slowly",
    413: "too large",
    415: "a multipart form",
    422: "a malformed query, zip or record body",
    500: "a fault of the service",
    503: "busy, or not ready",
    504: "no answer in time",
}


def add_health(app: FastAPI, state: State) -> None:
    """Add whether the process lives and whether it takes requests."""

    @app.get("/healthz", tags=["health"], summary="Whether the process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", tags=["health"], summary="Whether requests are taken", responses={503: {}})
    async def readyz() -> JSONResponse:
        body = {"status": state.phase} | ({"detail": state.detail} if state.detail else {})
        return JSONResponse(body, 200 if state.phase == "ready" else 503)


def add_releases(app: FastAPI, state: State, api_key: str) -> None:
    """Add what clients ask of releases; each with the key, where there is one."""
    require = [Depends(_key_check(api_key))]

    @app.get("/v1/releases", tags=["releases"], summary="What this server answers with", dependencies=require)
    async def list_releases() -> dict[str, list[dict[str, Any]]]:
        return {"releases": [about(served.release) for served in state.served.values()]}

    for name, served in state.served.items():
        app.add_api_route(
            f"/v1/releases/{name}/predict",
            _predict(served, state),
            methods=["POST"],
            dependencies=require,
            tags=["releases"],
            summary=f"Answer: {served.release.spec.summary}",
            operation_id=f"predict_{name}",
            response_class=Response,
            openapi_extra=_openapi(served.release),
        )

    @app.get("/v1/releases/{name}", tags=["releases"], summary="Intent, labels and forms", dependencies=require)
    async def get_release(name: str) -> dict[str, Any]:
        await state.loaded()
        return details(_find(name, state).release, _find(name, state).stager.forms)

    @app.post("/v1/releases/{name}/predict", dependencies=require, include_in_schema=False)
    async def predict_unknown(name: str) -> None:
        _find(name, state)


def _find(name: str, state: State) -> Served:
    if name not in state.served:
        raise HTTPException(404, unknown("release", name[:80], state.served))
    return state.served[name]


def _key_check(key: str) -> Callable[[str | None], Awaitable[None]]:
    async def check(sent: Annotated[str | None, Depends(KEY)]) -> None:
        if key and not hmac.compare_digest((sent or "").encode(), key.encode()):
            raise HTTPException(401, "expected the key of this server as X-API-Key, got none or another")

    return check


def _predict(served: Served, state: State) -> Callable[..., Awaitable[Response]]:
    release, seconds = served.release, state.settings.timeout_s
    finish = partial(answer_body, release)

    async def predict(
        request: Request,
        explain: Annotated[bool, Query(description="also say what carried each answer")] = False,
        filename: Annotated[str, Query(description="name of the device file", max_length=1000)] = "",
    ) -> Response:
        await _require_ready(state)
        if explain and not isinstance(release.task, Explains):
            raise UsageError(f"explain: the task '{release.spec.name}' has no explanation; leave it out")
        async with taken_body(request, state) as data:
            body = _body(request, data, filename, state.settings.max_bytes)
            answered = asyncio.wrap_future(served.batcher.submit(body, finish, explain=explain))
            try:
                return Response(await asyncio.wait_for(answered, seconds), media_type=JSON)
            except TimeoutError:
                raise HTTPException(504, f"expected an answer within {seconds:g} s, got none yet") from None

    return predict


async def _require_ready(state: State) -> None:
    if state.phase == "loading":
        await asyncio.wait_for(state.loaded(), state.settings.timeout_s)
    if state.phase == "failed":
        raise HTTPException(503, f"not ready: {state.detail}")


def _body(request: Request, data: bytes, filename: str, max_bytes: int) -> Body:
    kind = request.headers.get("content-type", RAW_TYPE).partition(";")[0].strip().lower()
    if kind.startswith("multipart/"):
        raise HTTPException(415, f"expected the file itself, {ZIP_TYPE} for several, or {RECORD_TYPE}; got a form")
    return Body(kind, data, filename or _disposition(request) or NO_NAME, max_bytes)


def _disposition(request: Request) -> str:
    header = request.headers.get("content-disposition")
    if header is None:
        return ""
    message = Message()
    message["content-disposition"] = header
    return message.get_filename() or ""


async def on_error(_: Request, error: Exception) -> JSONResponse:
    """Say in a response what was wrong: the request, the room, or the service."""
    status = 500
    if isinstance(error, (InputError, UsageError)):
        status = 422
    elif isinstance(error, LimitError):
        status = 503
    return JSONResponse({"detail": str(error)}, status, COME_BACK if status == 503 else None)


def _openapi(release: Release) -> dict[str, Any]:
    raw = {"schema": {"type": "string", "format": "binary"}}
    ok = {
        "description": "answers, or refusals with their reason",
        "content": {JSON: {"schema": response_schema(release)}},
    }
    return {
        "requestBody": {"required": True, "content": dict.fromkeys((RAW_TYPE, ZIP_TYPE, RECORD_TYPE), raw)},
        "responses": {"200": ok, **{str(code): {"description": text} for code, text in REFUSALS.items()}},
    }
