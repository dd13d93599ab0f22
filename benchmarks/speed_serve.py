"""How fast ``auscult serve`` answers 10 s of a two-lead ECG, against the same work without HTTP and against LitServe.

``python benchmarks/speed_serve.py --release DIR --out FILE``; without ``--release`` a small simulated one is built.

- Saturation: requests a second with every connection busy, client and server in processes of their own on loopback.
- Delay: p50 and p99 at half of saturation, counted from the planned time of each request; once with even spacing
  and once with the random spacing of a Poisson process, which is harder.
- Bare: decode, prepare, run, join and write JSON in a loop of one process and thread; goal 0.5 of its rate or more.
- LitServe: the same functions and the same ONNX file at the best of the settings in ``LITSERVE``; goal above it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from importlib.metadata import version
from itertools import product
from pathlib import Path
from socket import socket
from typing import Any

import numpy as np
from measure import typed
from safetensors.numpy import save
from serve_ours import answer_together, golden_batches, open_with_forms

from auscult.base.arrays import Ragged
from auscult.base.errors import DataError
from auscult.base.files import write_json
from auscult.engine.runtime import Release

HERE = Path(__file__).parent
RECIPE = HERE.parent / "recipes" / "signals" / "ecg-beats-simulated.toml"
WINDOW_S = 10.0
GOALS = {"bare": 0.5, "litserve": 1.0, "p99_ms": 20.0}
CORES = os.cpu_count() or 1
SERVERS = {"auscult": "serve_ours.py", "litserve": "serve_peer.py"}
AUSCULT = [{"workers": w, "max_wait_ms": m} for w, m in product(sorted({0, 1, CORES}), (0.0, 2.0))]
LITSERVE = [
    {"workers_per_device": w, "max_batch_size": b, "batch_timeout": s, "fast_queue": q, "num_api_servers": a}
    for w, (b, s), q, a in product(sorted({1, CORES}), ((1, 0.0), (8, 0.0), (8, 0.002)), (False, True), (1, CORES))
]
Setting = Mapping[str, Any]


def window_body(release: Release) -> bytes:
    """Return 10 s of a simulated ECG that the release answers, as a record body.

    Raises
    ------
    DataError
        If the gate of the release refuses the beginning of each of its golden records.
    """
    for batch in golden_batches(release):
        field = batch.field("ecg")
        assert field.rate_hz is not None
        for row in batch.ragged("ecg"):
            window = np.ascontiguousarray(row[: round(WINDOW_S * field.rate_hz)])
            short = replace(
                batch.take(np.zeros(1, dtype=np.int64)), columns={"ecg": Ragged.of([window])}, fields=(field,)
            )
            if release.answer([release.stage(short)])[0][0].status == "answered":
                said = {"unit": field.unit, "rate_hz": field.rate_hz, "channels": list(field.channels)}
                return save({"ecg": window}, metadata={"fields": json.dumps({"ecg": said})})
    raise DataError(f"{release.folder.name}: expected golden records whose first 10 s are answered, got none")


def bare_per_s(folder: Path, body: bytes, seconds: float) -> float:
    """Answer in a loop without HTTP; answers a second."""
    from auscult.service.decoded import from_decoded

    release, forms = open_with_forms(folder)

    def once() -> bytes:
        return answer_together(release, [release.stage(from_decoded(body, forms))])[0]

    for _ in range(20):
        once()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        once()
        count += 1
    return count / (time.perf_counter() - start)


@contextmanager
def serving(name: str, folder: Path, setting: Setting, path: str) -> Iterator[int]:
    """Run a server process; gives its port once it is ready."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, str(HERE / SERVERS[name]), str(folder), str(port), json.dumps(setting)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise RuntimeError(f"{name} with {setting} ended with {process.returncode} before it was ready")
            if _is_ready(port, path):
                break
            time.sleep(0.1)
        yield port
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server and the processes that it started: they are a session of their own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _is_ready(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


class Bench:
    """One body, one release, and how long each measurement takes."""

    def __init__(self, folder: Path, body_file: Path, seconds: float, connections: int) -> None:
        self.folder = folder
        self._body = body_file
        self._seconds = seconds
        self._connections = connections
        name = json.loads((folder / "release.json").read_text())["name"]
        self._paths = {
            "auscult": (f"/v1/releases/{name}/predict", "/readyz"),
            "litserve": ("/predict", "/health"),
        }

    def load(self, name: str, port: int, **more: float | str) -> dict[str, float]:
        """Load a server from a process of its own."""
        options = [f"--{key}={value}" for key, value in more.items()]
        command = [sys.executable, str(HERE / "serve_load.py"), str(port), self._paths[name][0], str(self._body)]
        command += [f"--connections={self._connections}", f"--seconds={self._seconds}", *options]
        result: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        if result["failed"]:
            raise RuntimeError(f"{name}: {result['failed']:g} of {result['requests']:g} requests failed")
        return result

    def best(self, name: str, settings: Sequence[Setting]) -> tuple[Setting, dict[str, float]]:
        """Try settings at saturation; the one that answers the most a second."""
        tried = []
        for setting in settings:
            with serving(name, self.folder, setting, self._paths[name][1]) as port:
                tried.append((setting, self.load(name, port)))
            print(f"{name} {setting}: {tried[-1][1]['per_s']:.1f}/s", flush=True)
        return max(tried, key=lambda t: t[1]["per_s"])

    def delays(self, name: str, setting: Setting, per_s: float) -> dict[str, float]:
        """Return p50 and p99 at half of saturation, in ms, evenly and randomly spaced."""
        found: dict[str, float] = {}
        with serving(name, self.folder, setting, self._paths[name][1]) as port:
            for spacing in ("even", "poisson"):
                got = self.load(name, port, rate=per_s / 2, spacing=spacing)
                found |= {f"p50_ms_{spacing}": got["p50_ms"], f"p99_ms_{spacing}": got["p99_ms"]}
        return found


def compare(folder: Path, *, seconds: float, connections: int, quick: bool) -> dict[str, Any]:
    """Measure everything; the document that is written."""
    release, _ = open_with_forms(folder)
    with tempfile.TemporaryDirectory() as temporary:
        body_file = Path(temporary) / "body"
        body_file.write_bytes(window_body(release))
        bench = Bench(folder, body_file, seconds, connections)
        bare = bare_per_s(folder, body_file.read_bytes(), seconds)
        print(f"bare loop: {bare:.1f}/s", flush=True)
        setting, ours = bench.best("auscult", AUSCULT[-1:] if quick else AUSCULT)
        peer_setting, peer = bench.best("litserve", LITSERVE[-1:] if quick else LITSERVE)
        delays = bench.delays("auscult", setting, ours["per_s"])
        peer_delays = bench.delays("litserve", peer_setting, peer["per_s"])
    ratios = {"bare": ours["per_s"] / bare, "litserve": ours["per_s"] / peer["per_s"]}
    met = ratios["bare"] >= GOALS["bare"] and ratios["litserve"] > GOALS["litserve"]
    return {
        "name": "speed-serve",
        "ours": {"value": ours["per_s"], "unit": "requests/s", "setting": setting, **delays},
        "peers": [
            {
                "name": "bare loop, one thread, no HTTP",
                "version": f"onnxruntime {version('onnxruntime')}",
                "setting": {},
                "value": bare,
                "ratio": ratios["bare"],
                "goal": GOALS["bare"],
            },
            {
                "name": "LitServe",
                "version": version("litserve"),
                "setting": peer_setting,
                "value": peer["per_s"],
                "ratio": ratios["litserve"],
                "goal": GOALS["litserve"],
                **peer_delays,
            },
        ],
        "ratio": ratios["litserve"],
        "goal": GOALS["litserve"],
        "p99_goal_ms": GOALS["p99_ms"],
        "met": met and delays["p99_ms_even"] <= GOALS["p99_ms"],
        "met_poisson": met and delays["p99_ms_poisson"] <= GOALS["p99_ms"],
        "higher_is_better": True,
        "window": f"{WINDOW_S:g} s of {len(release.manifest['labels'])}-class two-lead ECG, simulated",
        "model": release.manifest["model"],
        "connections": connections,
        "seconds": seconds,
        "cores": CORES,
        "command": typed(),
    }


def main() -> None:
    """Measure as the command line says, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", type=Path, help="a release of the task ecg-beats; a small one is built if absent")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "speed-serve.json")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of each measurement")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--quick", action="store_true", help="one setting each: shows that it works, no result")
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.release
        if folder is None:
            from auscult.service.verbs import build

            folder = Path(temporary) / "run" / "release"
            build(RECIPE, folder.parent, overrides=["train.epochs=1"])
        result = compare(folder, seconds=chosen.seconds, connections=chosen.connections, quick=chosen.quick)
    write_json(chosen.out, result)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
