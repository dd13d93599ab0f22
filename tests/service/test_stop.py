"""A real server process: ready, stopped in the middle of a request, and ended well; and never with torch."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from auscult.engine.runtime import Release
from service.helpers import NAME, URL, expected

SERVER = """
import sys
from pathlib import Path
from auscult.base.registry import load_domain
from auscult.engine.runtime import open_release
from auscult.service.http import serve
from auscult.service.settings import ServeSettings
if __name__ == "__main__":
    release = open_release(Path(sys.argv[1]), load_domain)
    serve({"toy-spikes": release}, port=int(sys.argv[2]), settings=ServeSettings(workers=int(sys.argv[3])))
    assert "torch" not in sys.modules and "sklearn" not in sys.modules
    print("ended well")
"""


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that declares the toy domain as an installed package does, by an entry point; and the server script."""
    folder = tmp_path_factory.mktemp("packages")
    about = folder / "toys-0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 0\n")
    (about / "entry_points.txt").write_text("[auscult.domains]\ntoys = toys:DOMAIN\n")
    (folder / "server.py").write_text(SERVER)
    return folder


@contextmanager
def server(release_folder: Path, packages: Path, workers: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], str(packages)])}
    process = subprocess.Popen(
        [sys.executable, str(packages / "server.py"), str(release_folder), str(port), str(workers)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        for _ in range(600):
            if process.poll() is not None or _status(port) == 200:
                break
            time.sleep(0.05)
        yield process, port
    finally:
        process.kill()
        process.communicate()


def _status(port: int) -> int:
    try:
        return _get(port, "/readyz")[0]
    except OSError:
        return 0


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _post(port: int, path: Path) -> list[object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", f"{URL}?filename={path.name}", path.read_bytes())
    records: list[object] = json.loads(connection.getresponse().read())["records"]
    connection.close()
    return records


def test_a_stop_finishes_what_is_under_way(
    release_folder: Path, packages: Path, release: Release, waves: list[Path]
) -> None:
    body = waves[0].read_bytes()
    with server(release_folder, packages, 0) as (process, port):
        client = socket.create_connection(("127.0.0.1", port), timeout=10)
        head = f"POST {URL}?filename={waves[0].name} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body[:100])
        assert _status(port) == 200
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert _status(port) == 0  # refused: nobody new is taken
        assert process.poll() is None
        client.sendall(body[100:])
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert answer.status == 200
        assert json.loads(answer.read())["records"] == expected(release, waves[0])
        client.close()
        output, _ = process.communicate(timeout=20)
        assert (process.returncode, output.strip()) == (0, "ended well")


def test_processes_answer_alike_and_stop_with_the_server(
    release_folder: Path, packages: Path, release: Release, waves: list[Path]
) -> None:
    with server(release_folder, packages, 2) as (process, port):
        told = expected(release, waves[1])
        assert all(_post(port, waves[1]) == told for _ in range(8))
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
        assert (process.returncode, output.strip()) == (0, "ended well")
        assert _status(port) == 0


def _workers(pid: int) -> list[int]:
    """Processes of the pool, by the list that Linux keeps."""
    lists = list(Path("/proc", str(pid), "task").glob("*/children"))
    if not lists:
        pytest.skip("the system does not list the children of a process")
    found = [int(child) for children in lists for child in children.read_text().split()]
    return [child for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def test_a_process_that_dies_is_replaced(
    release_folder: Path, packages: Path, release: Release, waves: list[Path]
) -> None:
    with server(release_folder, packages, 1) as (process, port):
        told = expected(release, waves[1])
        assert _post(port, waves[1]) == told
        (worker,) = _workers(process.pid)
        os.kill(worker, signal.SIGKILL)
        time.sleep(0.5)
        assert _post(port, waves[1]) == told
        assert _workers(process.pid) != [worker]


def test_processes_end_with_the_server(release_folder: Path, packages: Path) -> None:
    with server(release_folder, packages, 1) as (process, _):
        (worker,) = _workers(process.pid)
        process.kill()
        process.wait()
        for _ in range(100):
            if not Path(f"/proc/{worker}").exists():
                break
            time.sleep(0.05)
        assert not Path(f"/proc/{worker}").exists()


def test_readiness_falls_with_the_first_signal(release: Release) -> None:
    from auscult.service.settings import ServeSettings
    from auscult.service.state import State

    state = State({NAME: release}, ServeSettings())
    state.phase = "ready"
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        state.watch_signals()
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, interrupt)
        state.close()
    assert (state.phase, heard) == ("draining", [signal.SIGTERM])
