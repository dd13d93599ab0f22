"""Golden inputs: simulated device files and the answers that a release must give to them, anywhere, for ever."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from auscult.base.contracts import Domain, Draws, Outputs, RecordBatch, SetAside
from auscult.base.files import files_under, hash_of, read_json, sha256_file, write_json
from auscult.base.registry import load_part
from auscult.engine.outputs import concat, read_outputs, renumber, save_outputs
from auscult.engine.runtime import Release
from auscult.engine.sources import find_sources, read_source

SEED = 20_240_229
REPEATS = 20
DRAWN = 4
"""Golden records that pictures are drawn of."""


def make_golden_inputs(domain: Domain, example: str, folder: Path) -> None:
    """Write the golden inputs of a task."""
    load_part(domain, "examples", example)(folder / "inputs", SEED, small=True)


def golden_answers(release: Release, folder: Path) -> tuple[Outputs | None, dict[str, str]]:
    """Answer the golden inputs: answers of all records in order, and which records were refused.

    What the input gate or the applicability domain keeps back is answered too: simulated records may look like nothing
    in training, and the program that gives the answers is to be checked all the same.
    """
    ungated = replace(release, gate=None, neighbours=None)
    found = find_sources(folder / "inputs", release.domain)
    parts: list[Outputs] = []
    refused: dict[str, str] = {}
    count = 0
    for source in found.sources:
        for part in read_source(source, release.domain):
            if isinstance(part, SetAside):
                refused[part.source] = part.reason
                continue
            refused |= {r.record: r.reason for r in release.stage(part).refused}
            staged = ungated.stage(part)
            if staged.batch is not None and staged.items is not None:
                arrays = release.run({n: staged.items.inputs[n] for n in release.inputs})
                outputs = release.outputs(staged.batch, staged.items, arrays)
                parts.append(renumber(outputs, np.arange(count, count + len(staged.batch))))
                count += len(staged.batch)
    return (_without_truth(concat(parts)) if parts else None), refused


def golden_pictures(release: Release, folder: Path) -> tuple[Any, ...]:
    """Pictures that the task draws of the first golden records; none where it draws none."""
    if not isinstance(release.task, Draws):
        return ()
    ungated = replace(release, gate=None, neighbours=None)
    found = find_sources(folder / "inputs", release.domain)
    staged = (
        ungated.stage(part)
        for source in found.sources
        for part in read_source(source, release.domain)
        if not isinstance(part, SetAside)
    )
    batches = [s.batch for s in islice((s for s in staged if s.batch is not None), DRAWN) if s.batch is not None]
    if not batches:
        return ()
    batch = RecordBatch.concat(batches)
    batch = batch.take(np.arange(min(len(batch), DRAWN)))
    items = release.task.cut(batch)
    outputs = release.outputs(batch, items, release.run({n: items.inputs[n] for n in release.inputs}))
    return tuple(release.task.draw(batch, outputs, release.run))


def _without_truth(outputs: Outputs) -> Outputs:
    return Outputs(outputs.arrays, outputs.record, outputs.position)


def write_golden_answers(release: Release, folder: Path) -> None:
    """Answer the golden inputs once and keep the answers."""
    outputs, refused = golden_answers(release, folder)
    if outputs is not None:
        save_outputs(outputs, folder / "answers.safetensors")
    write_json(folder / "refused.json", refused)


def check_golden(release: Release, folder: Path) -> str:
    """Answer the golden inputs again and compare.

    Returns
    -------
    str
        Empty where every answer is the same within the tolerance of its kind, else what differs.
    """
    outputs, refused = golden_answers(release, folder)
    expected = read_json(folder / "refused.json")
    if sorted(refused) != sorted(expected):
        return f"golden: expected {len(expected)} refused records, got {len(refused)}"
    stored = folder / "answers.safetensors"
    if not stored.exists() or outputs is None:
        return "" if outputs is None and not stored.exists() else "golden: answers are missing on one side"
    kept = read_outputs(stored)
    if len(kept) != len(outputs):
        return f"golden: expected {len(kept)} answers, got {len(outputs)}"
    return release.kind.difference(release.spec, kept, outputs)


def golden_hash(folder: Path) -> str:
    """SHA-256 over the golden files by their names."""
    return hash_of({p.relative_to(folder).as_posix(): sha256_file(p) for p in files_under(folder)})


def measure_latency(release: Release, folder: Path) -> Mapping[str, Any]:
    """Time from a batch in memory to its answer, in ms, over the golden records; how much of it is the program."""
    found = find_sources(folder / "inputs", release.domain)
    batches = [b for s in found.sources for b in read_source(s, release.domain) if not isinstance(b, SetAside)]
    times, inside = [], []
    for _ in range(REPEATS):
        for batch in batches:
            start = time.perf_counter()
            staged = release.stage(batch)
            release.answer([staged])
            times.append(1e3 * (time.perf_counter() - start))
            if staged.items is not None:
                start = time.perf_counter()
                release.run({n: staged.items.inputs[n] for n in release.inputs})
                inside.append(1e3 * (time.perf_counter() - start))
    return {
        "n": len(times),
        "median_ms": float(np.median(times)) if times else None,
        "p99_ms": float(np.quantile(times, 0.99)) if times else None,
        "program_median_ms": float(np.median(inside)) if inside else None,
    }
