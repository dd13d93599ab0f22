"""The answers of ``predict`` over HTTP: the same under load, within the limits, and with nothing given away."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi import HTTPException, Request
from httpx import Client, Response

from auscult.base.contracts import RecordBatch
from auscult.engine.runtime import RecordAnswer, Release
from auscult.service.bodies import RECORD_TYPE
from auscult.service.intake import taken_body
from auscult.service.settings import ServeSettings
from auscult.service.state import State
from service.helpers import NAME, RECORD, URL, ZIP, expected, running, wave_body, zipped
from toys.battery import fits_schema

BROKEN = b'{"toy": 1, "fields": 3}\n'
UNKNOWN = b"nothing that a reader knows"


def post(client: Client, path: Path, **query: object) -> Response:
    return client.post(URL, content=path.read_bytes(), params={"filename": path.name, **query})


def test_a_file_is_answered_as_predict_answers_it(client: Client, release: Release, waves: list[Path]) -> None:
    for path in waves:
        got = post(client, path)
        assert got.status_code == 200
        assert got.headers["content-type"] == "application/json"
        assert got.json() == {"release": release.provenance, "records": expected(release, path)}
    assert got.json()["release"]["intent"]["not_for"] == "Any decision about a person."
    assert got.json()["records"][0]["answers"][0]["position_s"]


def test_explanations_are_the_same_too(client: Client, release: Release, waves: list[Path]) -> None:
    got = post(client, waves[0], explain="true").json()["records"]
    assert got == expected(release, waves[0], explain=True)
    assert got[0]["explanation"]["highest_s"] > 0


def test_a_zip_is_answered_as_its_folder(client: Client, release: Release, waves: list[Path]) -> None:
    body = zipped({path.name: path.read_bytes() for path in waves})
    assert client.post(URL, content=body, headers=ZIP).json()["records"] == expected(release, waves[0].parent)


def test_a_decoded_record_is_answered_as_its_file(client: Client, release: Release, waves: list[Path]) -> None:
    (batch,) = [part for part in release.read_path(waves[0]) if isinstance(part, RecordBatch)]
    for row, told in enumerate(expected(release, waves[0])):
        body = wave_body(np.ascontiguousarray(batch.ragged("wave")[row]), str(batch.record[row]))
        assert client.post(URL, content=body, headers=RECORD).json()["records"] == [told]


def test_the_name_of_the_file_may_be_in_the_header(client: Client, waves: list[Path]) -> None:
    headers = {"content-disposition": "attachment; filename*=UTF-8''%C3%A4.toy"}
    got = client.post(URL, content=UNKNOWN, headers=headers).json()["records"][0]
    assert got["record"] == "ä.toy"
    assert client.post(URL, content=UNKNOWN).json()["records"][0]["record"] == "body"


def test_what_cannot_be_read_is_refused_with_its_reason(client: Client, release: Release, tmp_path: Path) -> None:
    for name, body, words in (
        ("broken.toy", BROKEN, "expected a header that declares its fields"),
        ("what.bin", UNKNOWN, "expected a format of toy; no reader knows this file"),
        ("empty.toy", b"", "no reader knows this file"),
    ):
        (tmp_path / name).write_bytes(body)
        got = post(client, tmp_path / name)
        assert got.status_code == 200
        assert got.json()["records"] == expected(release, tmp_path / name)
        assert got.json()["records"][0]["status"] == "refused"
        assert words in got.json()["records"][0]["reason"]


def test_many_clients_get_their_own_answers(release: Release, waves: list[Path], tmp_path: Path) -> None:
    torn = tmp_path / "torn.toy"
    torn.write_text(waves[0].read_text().replace('"wave": [[', '"wave": [["x", '))
    broken, unknown = tmp_path / "broken.toy", tmp_path / "unknown.toy"
    broken.write_bytes(BROKEN)
    unknown.write_bytes(UNKNOWN)
    paths = [*waves, torn, broken, unknown] * 6
    told = {path: expected(release, path) for path in set(paths)}
    with running({NAME: release}, threads=4) as client, ThreadPoolExecutor(12) as pool:
        got = list(pool.map(lambda path: post(client, path), paths))
    assert [r.json()["records"] for r in got] == [told[path] for path in paths]


def test_the_key_is_asked_for(release: Release, waves: list[Path]) -> None:
    with running({NAME: release}, api_key="s3cret") as client:
        for headers in ({}, {"X-API-Key": "other"}, {"X-API-Key": b"\xe9"}):
            got = client.post(URL, content=waves[0].read_bytes(), headers=headers)
            assert got.status_code == 401
            assert got.json()["detail"] == "expected the key of this server as X-API-Key, got none or another"
            assert client.get("/v1/releases", headers=headers).status_code == 401
            assert client.get(f"/v1/releases/{NAME}", headers=headers).status_code == 401
        assert client.post("/v1/releases/other/predict").status_code == 401
        assert client.get("/healthz").json() == {"status": "alive"}
        assert client.get("/v1/releases", headers={"X-API-Key": "s3cret"}).status_code == 200
        assert "s3cret" not in client.get("/openapi.json").text


def test_a_body_that_is_too_large_is_refused(release: Release) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(30):
            yield bytes(100)

    with running({NAME: release}, max_bytes=1000) as client:
        announced = client.post(URL, content=bytes(1001))
        assert (announced.status_code, announced.headers["connection"]) == (413, "close")
        assert announced.json()["detail"] == "expected a body of at most 1000 bytes, got 1001 announced"
        streamed = client.post(URL, content=chunks())
        assert (streamed.status_code, streamed.headers["connection"]) == (413, "close")
        assert streamed.json()["detail"] == "expected a body of at most 1000 bytes, got more"
        unpacked = client.post(URL, content=zipped({"a": bytes(1001)}, 8), headers=ZIP)
        assert unpacked.status_code == 422
        assert "expected at most 1000 bytes unpacked, got 1001" in unpacked.json()["detail"]
        assert client.post(URL, content=bytes(1000)).status_code == 200


def test_an_answer_that_takes_too_long_is_given_up(release: Release, waves: list[Path]) -> None:
    def slow(inputs: object) -> dict[str, np.ndarray]:
        time.sleep(0.5)
        return release.run(inputs)  # type: ignore[arg-type,return-value]

    with running({NAME: replace(release, run=slow, folder=Path("nowhere"))}, timeout_s=0.2) as client:
        got = post(client, waves[0])
        assert (got.status_code, got.json()["detail"]) == (504, "expected an answer within 0.2 s, got none yet")


def test_a_body_that_comes_too_slowly_is_given_up(release: Release) -> None:
    head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    with running({NAME: release}, timeout_s=0.3) as client:
        slow = socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=10)
        slow.sendall(head.encode() + b"a part")
        answer = slow.makefile("rb").read()  # to the end: the server closes the connection
        slow.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"expected the body within 0.3 s, got a part of it" in answer


def test_bodies_that_fill_the_room_come_back_later(release: Release, waves: list[Path]) -> None:
    state = State({NAME: release}, ServeSettings(max_bytes=1000))
    state.held_bytes = 7 * 1000 + 500  # seven and a half of the eight bodies that there is room for

    async def take(size: int) -> int:
        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": bytes(size), "more_body": False}

        scope = {"type": "http", "method": "POST", "headers": []}
        async with taken_body(Request(scope, receive), state) as body:
            return len(body) + state.held_bytes

    assert asyncio.run(take(400)) == 400 + 7500 + 400
    with pytest.raises(HTTPException, match="503: expected room for the body, got none; try again in a second"):
        asyncio.run(take(600))
    assert state.held_bytes == 7500
    state.close()


def test_too_many_requests_come_back_later(release: Release, waves: list[Path]) -> None:
    def slow(inputs: object) -> dict[str, np.ndarray]:
        time.sleep(0.2)
        return release.run(inputs)  # type: ignore[arg-type,return-value]

    lone = replace(release, run=slow, folder=Path("nowhere"))
    with running({NAME: lone}, max_pending=2) as client, ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: post(client, waves[0]), range(8)))
    busy = [r for r in got if r.status_code == 503]
    assert {r.status_code for r in got} == {200, 503}
    assert busy[0].headers["retry-after"] == "1"
    assert "expected at most 2 requests under way, got one more; try again" in busy[0].json()["detail"]


def test_a_request_that_is_wrong_says_what_was_expected(client: Client, waves: list[Path]) -> None:
    form = client.post(URL, files={"file": b"x"})
    assert form.status_code == 415
    assert "application/zip for several" in form.json()["detail"]
    damaged = client.post(URL, content=b"x", headers=ZIP)
    assert (damaged.status_code, damaged.json()["detail"][:9]) == (422, "zip body:")
    record = client.post(URL, content=b"x", headers=RECORD)
    assert record.status_code == 422
    assert record.json()["detail"] == "record body: expected a safetensors file, got something else"
    name = client.post(URL, content=b"x", params={"filename": ".hidden"})
    assert (name.status_code, name.json()["detail"][:9]) == (422, "filename:")
    assert client.post(URL, content=b"x", params={"explain": "perhaps"}).status_code == 422
    other = client.post("/v1/releases/toy-spike/predict", content=b"x")
    assert other.status_code == 404
    assert other.json()["detail"] == "unknown release 'toy-spike'; did you mean 'toy-spikes'? Known: toy-spikes"


def test_a_release_without_explanations_says_so(release: Release, waves: list[Path]) -> None:
    class Bare:
        def __init__(self) -> None:
            self.spec, self.prepare, self.cut, self.join = (
                getattr(release.task, name) for name in ("spec", "prepare", "cut", "join")
            )

    with running({NAME: replace(release, task=Bare())}) as client:  # type: ignore[arg-type]
        got = post(client, waves[0], explain="true")
    assert (got.status_code, got.json()["detail"]) == (
        422,
        "explain: the task 'spikes' has no explanation; leave it out",
    )


def test_a_fault_gives_no_value_away(release: Release, waves: list[Path], caplog: pytest.LogCaptureFixture) -> None:
    def faulty(inputs: object) -> dict[str, np.ndarray]:
        raise RuntimeError("secret 4711")

    lone = replace(release, run=faulty, folder=Path("nowhere"))
    with caplog.at_level(logging.DEBUG), running({NAME: lone}) as client:
        got = client.post(URL, content=waves[0].read_bytes(), params={"filename": "private-name.toy"})
    assert got.status_code == 500
    assert got.json()["detail"].startswith("the service failed on this request (RuntimeError in test_http.py, line")
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith(("auscult", "uvicorn")))
    assert "a request failed: RuntimeError in test_http.py" in ours
    assert "secret" not in ours + got.text
    assert "private-name" not in ours + got.text


def test_releases_say_what_they_are_for(client: Client, release: Release) -> None:
    (listed,) = client.get("/v1/releases").json()["releases"]
    assert listed == {
        **release.provenance,
        "summary": "spikes of a wave",
        "kind": "events",
        "labels": ["spike"],
    }
    told = client.get(f"/v1/releases/{NAME}").json()
    assert told["fields"]["wave"]["needs"] == ["unit", "rate_hz", "channels"]
    assert told["readers"] == ["toy"]
    assert told["answer_schema"]["properties"]["position_s"]
    assert client.get("/v1/releases/other").status_code == 404


def test_the_openapi_page_has_the_schema_of_each_release(client: Client, waves: list[Path]) -> None:
    page = client.get("/openapi.json").json()
    post_of = page["paths"][URL]["post"]
    assert RECORD_TYPE in post_of["requestBody"]["content"]
    schema = post_of["responses"]["200"]["content"]["application/json"]["schema"]
    record = schema["properties"]["records"]["items"]["properties"]
    got = post(client, waves[0]).json()
    assert fits_schema(got["release"], schema["properties"]["release"]) == ""
    for told in got["records"]:
        assert sorted(told) == sorted(record)
        assert fits_schema(told["status"], record["status"]) == ""
        assert fits_schema(told["answers"], record["answers"]) == ""


def test_a_release_that_fails_its_self_test_is_never_ready(
    release: Release, release_folder: Path, waves: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "golden").symlink_to(release_folder / "golden")

    def other(inputs: object) -> dict[str, np.ndarray]:
        return {name: values * 0.5 for name, values in release.run(inputs).items()}  # type: ignore[arg-type]

    with running({NAME: replace(release, run=other, folder=tmp_path)}) as client:
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["status"] == "failed"
        assert ready.json()["detail"].startswith("release 'toy-spikes': ")
        assert "run 'auscult verify'" in ready.json()["detail"]
        assert post(client, waves[0]).status_code == 503
        assert client.get("/healthz").status_code == 200


def test_answers_that_are_not_numbers_are_null(release: Release) -> None:
    from auscult.service.schema import answer_body

    records = [RecordAnswer("a", "answered", answers=({"value": float("nan"), "more": np.float32(0.5)},))]
    assert json.loads(answer_body(release, records))["records"][0]["answers"] == [{"value": None, "more": 0.5}]
