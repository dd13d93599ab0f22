"""Simulated toy exports, made in milliseconds. Every writer is ``(folder, seed, *, small) -> None``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Values = dict[str, Any]
SITES = ("north", "south")
RATE_HZ = 10.0


def write_toy(path: Path, fields: Sequence[Mapping[str, Any]], records: Sequence[Mapping[str, Any]]) -> None:
    """Write one file of the toy format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [{"toy": 1, "fields": list(fields)}, *records]
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n", encoding="utf-8")


def _write(
    folder: Path,
    seed: int,
    small: bool,
    fields: Sequence[Mapping[str, Any]],
    make: Callable[[np.random.Generator, int], Values],
    n: int = 40,
) -> None:
    """Write ``n`` records (4 when small) of half as many subjects, in files of 8."""
    rng = np.random.default_rng(seed)
    records = [
        {
            "record": f"r{k:03d}",
            "subject": f"person-{k // 2}",
            "groups": {"site": SITES[k // 2 % 2], "sex": "FM"[k // 4 % 2], "bed": f"bed {k} of a person"},
            "values": make(rng, k),
        }
        for k in range(4 if small else n)
    ]
    for start in range(0, len(records), 8):
        write_toy(folder / f"device-{start // 8}.toy", fields, records[start : start + 8])


def array(name: str, axes: str, **more: Any) -> dict[str, Any]:
    """Declare a column of 32-bit numbers."""
    return {"name": name, "kind": "array", "axes": axes, "dtype": "<f4", **more}


def ids(name: str, axes: str, **more: Any) -> dict[str, Any]:
    """Declare a column of whole numbers."""
    return {"name": name, "kind": "ids", "axes": axes, "dtype": "<i8", **more}


CENTRES = np.array([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]])


def write_points(folder: Path, seed: int, *, small: bool) -> None:
    """Points in space near one of three centres, with the number of the centre."""

    def make(rng: np.random.Generator, k: int) -> Values:
        return {"point": (CENTRES[k % 3] + rng.normal(0, 0.7, 3)).round(4).tolist(), "colour": k % 3}

    _write(folder, seed, small, [array("point", "C"), ids("colour", "")], make, n=90)


WORDS = (("pump", "leak"), ("cable", "screen"), ("battery", "alarm"))


def write_notes(folder: Path, seed: int, *, small: bool) -> None:
    """Short notes with three codes each; a fifth of the codes is unknown (-1)."""

    def make(rng: np.random.Generator, k: int) -> Values:
        holds = rng.random(3) < 0.5
        words = [
            w for pair, on in zip(WORDS, holds, strict=True) if on for w in rng.permutation(pair)[: 1 + rng.integers(2)]
        ]
        text = " ".join([*rng.permutation(words), "device", f"item{rng.integers(1000)}"])
        known = np.where(rng.random(3) < 0.2, -1, holds.astype(int))
        return {"text": text, "codes": known.tolist()}

    fields = [{"name": "text", "kind": "text", "dtype": ""}, ids("codes", "C")]
    _write(folder, seed, small, fields, make, n=120)


def write_waves(folder: Path, seed: int, *, small: bool) -> None:
    """Waves of 12 to 16 s at 10 Hz in µV, with spikes at known samples."""

    def make(rng: np.random.Generator, k: int) -> Values:
        length = int(rng.integers(120, 160))
        t = np.arange(length) / RATE_HZ
        wave = 0.5 * np.sin(2 * np.pi * (0.3 * t + rng.random())) + rng.normal(0, 0.02, length)
        spikes = np.arange(int(rng.integers(5, 12)), length - 3, int(rng.integers(14, 24)))
        wave[spikes] += 1.5
        return {"wave": (1000 * wave).round(1)[:, None].tolist(), "spike": spikes.tolist()}

    wave = array("wave", "TC", unit="uV", quantity="voltage", rate_hz=RATE_HZ, ragged=True, channels=["a"])
    _write(folder, seed, small, [wave, ids("spike", "T", ragged=True)], make, n=24)


def write_orders(folder: Path, seed: int, *, small: bool) -> None:
    """Sentences that name a device and a time, with where they stand."""
    plain = ("moved", "checked", "the", "ward", "again", "today", "nurse")

    def make(rng: np.random.Generator, k: int) -> Values:
        words = [str(w) for w in rng.choice(plain, 6)]
        words[int(rng.integers(0, 3))] = f"DX{rng.integers(10, 99)}"
        words[int(rng.integers(3, 6))] = f"{rng.integers(10, 23)}:{rng.integers(10, 59)}"
        starts = np.cumsum([0, *[len(w) + 1 for w in words[:-1]]])
        spans = [
            [int(s), int(s + len(w)), int(":" in w)]
            for w, s in zip(words, starts, strict=True)
            if w.isupper() or ":" in w
        ]
        return {"text": " ".join(words), "span": spans}

    _write(folder, seed, small, [{"name": "text", "kind": "text", "dtype": ""}, ids("span", "LC", ragged=True)], make)


def write_pictures(folder: Path, seed: int, *, small: bool) -> None:
    """Pictures of 24 by 20 or 20 by 24 pixels with one bright box; half of the boxes are striped."""

    def make(rng: np.random.Generator, k: int) -> Values:
        height, width = (24, 20) if k % 2 else (20, 24)
        x0, y0 = int(rng.integers(1, 8)), int(rng.integers(1, 8))
        x1, y1 = x0 + int(rng.integers(7, 12)), y0 + int(rng.integers(7, 12))
        striped = k // 2 % 2
        image = rng.normal(0, 0.1, (height, width))
        image[y0:y1, x0:x1] += 2.0 if striped else 1.0
        mask = np.zeros((height, width), dtype=int)
        mask[y0:y1, x0:x1] = 1
        return {"image": image.round(3).tolist(), "mask": mask.tolist(), "box": [[x0, y0, x1, y1, striped]]}

    fields = [array("image", "HW", ragged=True), ids("mask", "HW", ragged=True), ids("box", "LC", ragged=True)]
    _write(folder, seed, small, fields, make, n=64)


def write_baskets(folder: Path, seed: int, *, small: bool) -> None:
    """What users took of 40 devices: most of one of four families of ten."""

    def make(rng: np.random.Generator, k: int) -> Values:
        family = k % 4
        own = 10 * family + rng.permutation(10)[:6]
        other = rng.permutation(40)[:1]
        return {"taken": list(dict.fromkeys(int(i) for i in rng.permutation([*own, *other])))}

    _write(folder, seed, small, [ids("taken", "L", ragged=True)], make, n=80)


def write_rings(folder: Path, seed: int, *, small: bool) -> None:
    """Points on a tilted ellipse away from the origin. A point is also a request: its seed is its noise."""

    def make(rng: np.random.Generator, k: int) -> Values:
        angle = rng.random() * 2 * np.pi
        point = np.array([3 + np.cos(angle), -2 + 0.5 * np.sin(angle) + np.cos(angle)])
        return {"point": point.round(4).tolist(), "seed": int(rng.integers(2**31))}

    _write(folder, seed, small, [array("point", "C"), ids("seed", "")], make, n=120)


def write_sentences(folder: Path, seed: int, *, small: bool) -> None:
    """Tokens that mostly count upwards from 0 and end with 9."""

    def make(rng: np.random.Generator, k: int) -> Values:
        tokens = [int(t) for t in range(9) if t in (0, 8) or rng.random() < 0.85]
        return {"tokens": [*tokens, 9], "seed": int(rng.integers(2**31))}

    _write(folder, seed, small, [ids("tokens", "L", ragged=True), ids("seed", "")], make, n=120)
