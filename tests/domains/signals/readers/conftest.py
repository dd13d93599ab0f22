"""Damage to files, for tests: whatever comes, a reader answers with a record or with an input error."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from auscult.base.contracts import Reader
from auscult.base.errors import ReadError, ShapeError, UnitError

LIMIT_BYTES = 32 << 20


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Return the data cut off, with some bytes replaced, or with digits replaced by nines (large claims)."""
    out = bytearray(data)
    way = int(rng.integers(4))
    if way == 0:
        return bytes(out[: int(rng.integers(len(out) + 1))])
    if way == 3:
        digits = [i for i, byte in enumerate(out[:2000]) if 48 <= byte <= 57]
        for i in rng.choice(digits, size=min(4, len(digits)), replace=False) if digits else []:
            out[i : i + 1] = b"9" * int(rng.integers(1, 12))
        return bytes(out)
    span = min(len(out), 400) if way == 1 else len(out)
    for _ in range(int(rng.integers(1, 12))):
        if span:
            out[int(rng.integers(span))] = int(rng.integers(256))
    return bytes(out)


def assert_survives(reader: Reader, folder: Path, names: Sequence[str], rounds: int) -> int:
    """Damage one file a round, detect and read; return how many rounds still gave a record."""
    whole = {name: (folder / name).read_bytes() for name in names}
    rng = np.random.default_rng(20)
    good = leaks = 0
    tracemalloc.start()
    for turn in range(rounds):
        victim = names[turn % len(names)]
        (folder / victim).write_bytes(damaged(whole[victim], rng))
        try:
            for source in reader.detect(sorted(folder.iterdir())):
                for batch in reader.read(source):
                    good += 1
                    assert len(getattr(batch, "record", "1")) == 1
        except (ReadError, UnitError, ShapeError) as error:
            leaks += str(folder) in str(error)
        (folder / victim).write_bytes(whole[victim])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert leaks == 0, "a message names a folder"
    assert peak < LIMIT_BYTES, f"a header's claim was allocated: {peak} bytes"
    return good


@pytest.fixture
def survives() -> Callable[[Reader, Path, Sequence[str], int], int]:
    """The check that a reader survives damaged files."""
    return assert_survives
