"""Requests share runs of the program, and fail for themselves only."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Semaphore
from typing import Any

import numpy as np
import pytest

from auscult.base.arrays import Array
from auscult.base.errors import AuscultError, LimitError
from auscult.engine.runtime import RecordAnswer, Release
from auscult.service.batching import MAX_GROUP, Batcher
from auscult.service.schema import answer_body
from auscult.service.staging import Piece, Pieces

SECRET = 12345.0


class Watched:
    """A program that counts its runs, can be held up, and cannot bear the secret value."""

    def __init__(self, release: Release) -> None:
        self._run = release.run
        self.sizes: list[int] = []
        self.entered = Semaphore(0)
        self.go = Event()
        self.go.set()

    def __call__(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        self.sizes.append(len(inputs["features"]))
        self.entered.release()
        assert self.go.wait(10)
        if np.max(inputs["features"]) >= SECRET:
            raise ValueError(f"cannot bear {np.max(inputs['features'])}")
        return self._run(inputs)


def stage_paths(release: Release, paths: Sequence[Path]) -> list[Pieces]:
    def one(path: Path) -> list[Piece]:
        return [p if isinstance(p, RecordAnswer) else release.stage(p) for p in release.read_path(path)]

    return [one(path) for path in paths]


@contextmanager
def batching(release: Release, threads: int = 4, **changes: Any) -> Iterator[tuple[Batcher, Watched]]:
    watched = Watched(release)
    settings = {"max_batch": 64, "max_wait_s": 0.0, "max_pending": 64, "lanes": threads} | changes
    with ThreadPoolExecutor(threads) as pool:
        batcher = Batcher(
            replace(release, run=watched), lambda paths: pool.submit(stage_paths, release, paths), **settings
        )
        try:
            yield batcher, watched
        finally:
            watched.go.set()
            batcher.close()


def ask(batcher: Batcher, release: Release, path: Path, **more: bool) -> Future[bytes]:
    return batcher.submit(path, lambda a: answer_body(release, a), **more)


@contextmanager
def held(batcher: Batcher, watched: Watched, release: Release, path: Path) -> Iterator[Future[bytes]]:
    """A first request is inside the program and stays there for the length of the block."""
    watched.go.clear()
    first = ask(batcher, release, path)
    assert watched.entered.acquire(timeout=10)
    yield first
    watched.go.set()


def wait_for(condition: Callable[[], bool]) -> None:
    pause = Event()
    for _ in range(1000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("waited too long")


def n_staged(batcher: Batcher) -> int:
    return len(batcher._staged)


def test_requests_that_gather_share_one_run(release: Release, waves: list[Path]) -> None:
    alone = answer_body(release, list(release.answer_path(waves[1])))
    with batching(release) as (batcher, watched):
        with held(batcher, watched, release, waves[0]) as first:
            more = [ask(batcher, release, waves[1]) for _ in range(5)]
            wait_for(lambda: n_staged(batcher) == 5)
        assert [f.result(10) for f in more] == [alone] * 5
        assert first.result(10)
        assert len(watched.sizes) == 2  # one for the first, one for the five
        one = sum(len(s.items) for s in map(release.stage, _batches(release, waves[1])) if s.items is not None)
        assert watched.sizes[1] == 5 * one


def _batches(release: Release, path: Path) -> list[Any]:
    return [part for part in release.read_path(path) if not isinstance(part, RecordAnswer)]


def test_no_run_has_more_than_max_batch(release: Release, waves: list[Path]) -> None:
    with batching(release, max_batch=2) as (batcher, watched):
        with held(batcher, watched, release, waves[0]) as first:
            more = [ask(batcher, release, waves[0]) for _ in range(5)]
            wait_for(lambda: n_staged(batcher) == 5)
        assert len({f.result(10) for f in [first, *more]}) == 1
        assert len(watched.sizes) == 4  # 1, then 2 + 2 + 1


def test_a_lone_request_does_not_wait(release: Release, waves: list[Path]) -> None:
    with batching(release, max_wait_s=1000.0) as (batcher, watched):
        assert ask(batcher, release, waves[0]).result(10)
        assert ask(batcher, release, waves[0]).result(10)
        assert len(watched.sizes) == 2


def test_explained_and_plain_requests_are_kept_apart(release: Release, waves: list[Path]) -> None:
    plain = answer_body(release, list(release.answer_path(waves[1])))
    explained = answer_body(release, list(release.answer_path(waves[1], explain=True)))
    with batching(release) as (batcher, watched):
        with held(batcher, watched, release, waves[0]):
            futures = [ask(batcher, release, waves[1], explain=bool(k % 2)) for k in range(4)]
            wait_for(lambda: n_staged(batcher) == 4)
        assert [f.result(10) for f in futures] == [plain, explained] * 2


def test_one_that_fails_in_the_program_fails_alone_and_says_no_value(
    release: Release, waves: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = waves[1].read_text()
    bad = tmp_path / "private-name.toy"
    bad.write_text(text.replace('"values": {"wave": [[', f'"values": {{"wave": [[{SECRET * 1000}], [', 1))
    no_gate = replace(release, gate=None)
    alone = answer_body(no_gate, list(no_gate.answer_path(waves[1])))
    with caplog.at_level(logging.INFO), batching(no_gate) as (batcher, watched):
        with held(batcher, watched, no_gate, waves[0]):
            good = [ask(batcher, no_gate, waves[1]) for _ in range(2)]
            broken = ask(batcher, no_gate, bad)
            good.append(ask(batcher, no_gate, waves[1]))
            wait_for(lambda: n_staged(batcher) == 4)
        assert [f.result(10) for f in good] == [alone] * 3
        with pytest.raises(
            AuscultError, match=r"the service failed on this request \(ValueError in test_batching.py, line"
        ) as e:
            broken.result(10)
    assert "ValueError in test_batching.py" in caplog.text
    assert "12345" not in caplog.text + str(e.value)
    assert "private-name" not in caplog.text + str(e.value)


def test_one_that_fails_while_it_is_read_fails_alone(release: Release, waves: list[Path]) -> None:
    with batching(release) as (batcher, _):
        with pytest.raises(AuscultError, match=r"the service failed on this request \(AttributeError in ") as e:
            ask(batcher, release, "secret").result(10)  # type: ignore[arg-type]
        assert "secret" not in str(e.value)
        assert ask(batcher, release, waves[0]).result(10)


def test_one_that_the_pool_does_not_take_fails_alone(release: Release) -> None:
    def full(_: object) -> Future[list[Pieces]]:
        raise RuntimeError("secret")

    batcher = Batcher(release, full, lanes=1, max_batch=1, max_wait_s=0, max_pending=1)
    for _ in range(3):
        with pytest.raises(AuscultError, match=r"RuntimeError in test_batching\.py"):
            batcher.submit(None, lambda _: b"").result(10)
    batcher.close()


def test_too_many_requests_are_told_to_come_back(release: Release, waves: list[Path]) -> None:
    with batching(release, max_pending=2) as (batcher, watched):
        with held(batcher, watched, release, waves[0]) as first:
            second = ask(batcher, release, waves[0])
            with pytest.raises(LimitError, match="expected at most 2 requests under way, got one more; try again"):
                ask(batcher, release, waves[0])
        assert first.result(10) == second.result(10)
        wait_for(lambda: batcher._pending == 0)
        assert ask(batcher, release, waves[0]).result(10)


def test_a_request_that_nobody_waits_for_is_not_worked_on(release: Release, waves: list[Path]) -> None:
    reading, go = Event(), Event()

    def slow(paths: Sequence[Path]) -> list[Pieces]:
        reading.set()
        go.wait(10)
        return stage_paths(release, paths)

    watched = Watched(release)
    with ThreadPoolExecutor(1) as pool:
        settings = {"lanes": 1, "max_batch": 64, "max_wait_s": 0.0, "max_pending": 3}
        batcher = Batcher(replace(release, run=watched), lambda p: pool.submit(slow, p), **settings)  # type: ignore[arg-type]
        first = ask(batcher, release, waves[0])
        assert reading.wait(10)
        assert ask(batcher, release, waves[0]).cancel()
        go.set()
        assert first.result(10)
        assert ask(batcher, release, waves[1]).result(10)
        batcher.close()
    assert len(watched.sizes) == 2


def test_requests_that_pile_up_are_handed_over_a_few_at_a_time(release: Release, waves: list[Path]) -> None:
    reading, go = Event(), Event()
    sizes: list[int] = []

    def slow(paths: Sequence[Path]) -> list[Pieces]:
        sizes.append(len(paths))
        reading.set()
        go.wait(10)
        return stage_paths(release, paths)

    with ThreadPoolExecutor(1) as pool:
        settings = {"lanes": 1, "max_batch": 64, "max_wait_s": 0.0, "max_pending": 64}
        batcher = Batcher(release, lambda p: pool.submit(slow, p), **settings)  # type: ignore[arg-type]
        first = ask(batcher, release, waves[0])
        assert reading.wait(10)
        others = [ask(batcher, release, path) for path in waves * 2]
        go.set()
        told = [answer_body(release, list(release.answer_path(path))) for path in [waves[0], *waves * 2]]
        assert [f.result(10) for f in [first, *others]] == told
        batcher.close()
    assert sizes == [1, MAX_GROUP, len(waves) * 2 - MAX_GROUP]


def test_close_finishes_what_is_under_way(release: Release, waves: list[Path]) -> None:
    with batching(release) as (batcher, _):
        futures = [ask(batcher, release, path) for path in waves]
        batcher.close()
        with pytest.raises(LimitError):
            ask(batcher, release, waves[0])
        assert all(f.done() and f.result() for f in futures)
