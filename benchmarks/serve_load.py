"""Loads a server over kept-alive connections, from a process of its own: at saturation, or at a given rate.

``python serve_load.py PORT PATH BODY_FILE --connections 16 --seconds 5 [--rate 100]`` prints one JSON document.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path

import numpy as np

MEDIA_TYPE = "application/vnd.auscult.record+safetensors"


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection that sends the same request again and again."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._buffer = b""
        self._answer: asyncio.Future[bool] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self) -> asyncio.Future[bool]:
        """Send the request; the future says whether the answer is a 200."""
        if self._transport.is_closing():
            raise ConnectionError("the server closed a connection that was kept alive")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(self._request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        """Collect the answer, and end the wait when it is whole."""
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        if len(rest) >= length and self._answer is not None:
            self._buffer = b""
            self._answer.set_result(head.startswith(b"HTTP/1.1 200") and b'"refused"' not in rest)

    def connection_lost(self, error: Exception | None) -> None:
        """Fail the answer that does not come any more."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed a connection that waited for its answer"))


async def saturate(connections: list[Connection], seconds: float) -> tuple[list[float], int, float]:
    """Keep every connection busy; return latencies in s, failures and the time taken in s."""
    times: list[float] = []
    failed = 0
    start = time.perf_counter()
    end = start + seconds

    async def one(connection: Connection) -> None:
        nonlocal failed
        while time.perf_counter() < end:
            begin = time.perf_counter()
            good = await connection.ask()
            times.append(time.perf_counter() - begin)
            failed += not good

    await asyncio.gather(*(one(c) for c in connections))
    return times, failed, time.perf_counter() - start


async def paced(connections: list[Connection], planned: np.ndarray) -> tuple[list[float], int, float]:
    """Send at planned times in s; latency counts from these, also while no connection is free."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in connections:
        free.put_nowait(connection)
    times: list[float] = []
    failed = 0
    start = time.perf_counter()

    async def one(connection: Connection, at: float) -> None:
        nonlocal failed
        good = await connection.ask()
        times.append(time.perf_counter() - start - at)
        failed += not good
        free.put_nowait(connection)

    tasks = []
    for at in planned:
        delay = start + at - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        tasks.append(asyncio.create_task(one(await free.get(), float(at))))
    await asyncio.gather(*tasks)
    return times, failed, time.perf_counter() - start


def plan(rate: float, seconds: float, spacing: str) -> np.ndarray:
    """Times of requests in s: evenly spaced, or those of a Poisson process."""
    gaps = np.full(max(1, int(rate * seconds)), 1 / rate)
    if spacing == "poisson":
        gaps = np.random.default_rng(0).exponential(gaps)
    return np.cumsum(gaps)


async def measure(arguments: argparse.Namespace) -> dict[str, float]:
    """Open the connections, warm up and measure."""
    body = Path(arguments.body).read_bytes()
    head = (
        f"POST {arguments.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {MEDIA_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    connections = []
    for _ in range(arguments.connections):
        _, connection = await loop.create_connection(
            lambda: Connection(head.encode() + body), "127.0.0.1", arguments.port
        )
        connections.append(connection)
    await saturate(connections, min(1.0, arguments.seconds / 4))
    if arguments.rate:
        times, failed, taken = await paced(connections, plan(arguments.rate, arguments.seconds, arguments.spacing))
    else:
        times, failed, taken = await saturate(connections, arguments.seconds)
    p50, p99 = np.quantile(times, [0.5, 0.99])
    return {
        "requests": len(times),
        "failed": failed,
        "per_s": len(times) / taken,
        "p50_ms": 1e3 * float(p50),
        "p99_ms": 1e3 * float(p99),
    }


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("body")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; 0 for saturation")
    parser.add_argument("--spacing", choices=("even", "poisson"), default="even")
    print(json.dumps(asyncio.run(measure(parser.parse_args()))))


if __name__ == "__main__":
    main()
