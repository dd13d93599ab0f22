"""Bodies, answers and running applications that the tests of the service share."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from httpx import Client
from numpy.typing import NDArray
from safetensors.numpy import save

from auscult.engine.runtime import Release
from auscult.service.http import create_app
from auscult.service.schema import record_json
from auscult.service.settings import ServeSettings

NAME = "toy-spikes"
URL = f"/v1/releases/{NAME}/predict"
RECORD = {"content-type": "application/vnd.auscult.record+safetensors"}
ZIP = {"content-type": "application/zip"}


@contextmanager
def running(releases: Mapping[str, Release], api_key: str = "", **settings: Any) -> Iterator[Client]:
    """A client of a server that is ready, or has failed to be."""
    app = create_app(releases, api_key=api_key, settings=ServeSettings(**settings))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="on", ws="none", log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            with Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=20) as client:
                while client.get("/readyz").json()["status"] == "loading":
                    time.sleep(0.01)
                yield client
        finally:
            server.should_exit = True
            thread.join()


def expected(release: Release, path: Path, *, explain: bool = False) -> list[object]:
    """What ``predict`` says to a path, as JSON values."""
    return json.loads(json.dumps([record_json(a) for a in release.answer_path(path, explain=explain)]))


def wave_body(wave: NDArray[np.generic], record: str = "", **about: object) -> bytes:
    """A record body of one wave, (T, 1) in mV at 10 Hz unless told."""
    said = {"unit": "mV", "rate_hz": 10, "channels": ["a"], **about}
    metadata = {"fields": json.dumps({"wave": said})} | ({"record": record} if record else {})
    return save({"wave": wave}, metadata=metadata)


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of files by their names."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()
