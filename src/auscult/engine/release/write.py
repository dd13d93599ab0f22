"""Writes a release folder: everything that answers, everything that proves, bound by hashes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from auscult.base.contracts import Outputs
from auscult.base.files import files_under, hash_of, new_folder, sha256_file, write_bytes, write_json
from auscult.base.recipe import part_of, save_resolved
from auscult.engine.answers import kind_of
from auscult.engine.arms import Bench, Fit
from auscult.engine.doors import fit_doors
from auscult.engine.networks import SEEN, write_seen
from auscult.engine.packed import packed_rows
from auscult.engine.prepare import code_hash
from auscult.engine.program import program_hash, save_program
from auscult.engine.release.evidence import Evidence
from auscult.engine.release.golden import (
    golden_hash,
    golden_pictures,
    make_golden_inputs,
    measure_latency,
    write_golden_answers,
)
from auscult.engine.release.report import write_report
from auscult.engine.release.sbom import write_sbom
from auscult.engine.release.sign import read_private_key, sign_file
from auscult.engine.release.verify import UNSEALED, seal_of
from auscult.engine.runtime import MANIFEST, NEIGHBOURS, open_release
from auscult.engine.splits import Split
from auscult.engine.task_files import copied, file_hashes


def write_release(bench: Bench, fit: Fit, split: Split, evidence: Evidence, *, key: Path | None) -> dict[str, Any]:
    """Write ``release/`` of a run; it appears whole or not at all.

    Parameters
    ----------
    bench : Bench
        Recipe, task and dataset.
    fit : Fit
        The fitted arm that ships.
    split : Split
        Its split, for the input gate.
    evidence : Evidence
        What was measured.
    key : Path, optional
        Ed25519 private key; without it the release says that it is unsigned.

    Returns
    -------
    dict
        The manifest.
    """
    private = None if key is None else read_private_key(key)
    with new_folder(bench.folder / "release") as draft:
        manifest = _contents(bench, fit, split, evidence, draft=draft, signed=private is not None)
        manifest["files"] = _file_hashes(draft)
        manifest["seal"] = seal_of(manifest)
        write_json(draft / MANIFEST, manifest)
        if private is not None:
            sign_file(draft / MANIFEST, private)
    return manifest


def _contents(bench: Bench, fit: Fit, split: Split, evidence: Evidence, *, draft: Path, signed: bool) -> dict[str, Any]:
    recipe = bench.recipe
    doors = fit_doors(bench, split)
    gate, neighbours = doors.gate, doors.neighbours
    save_program(fit.program, draft / "program")
    if fit.program.network:
        known = np.union1d(split.records("train"), split.records("valid"))
        write_seen(bench.dataset, bench.task, recipe.split, records=known, path=draft / SEEN)
    write_json(draft / "calibration.json", dict(fit.calibration))
    write_json(draft / "gate.json", None if gate is None else gate.to_dict())
    if neighbours is not None:
        neighbours.save(draft / NEIGHBOURS)
    save_resolved(recipe, draft / "recipe.resolved.toml")
    manifest = {**_manifest(bench, evidence, draft), "signed": signed}
    write_json(draft / MANIFEST, manifest)
    make_golden_inputs(bench.domain, bench.task.spec.example, draft / "golden")
    opened = open_release(draft, lambda name: bench.domain)
    write_golden_answers(opened, draft / "golden")
    near = [] if neighbours is None else [neighbours.hash]
    manifest["parts"] = {
        "dataset": bench.dataset.hash,
        "split": hash_of(evidence.split),
        "recipe": recipe.hash,
        "program": program_hash(fit.program),
        "preprocessing": _preprocessing_hash(bench),
        "calibration": hash_of([dict(fit.calibration), None if gate is None else gate.to_dict(), *near]),
        "golden": golden_hash(draft / "golden"),
        "metrics": hash_of(dict(evidence.metrics)),
    }
    manifest["content_hash"] = hash_of(manifest["parts"])
    metrics = {**evidence.metrics, "content_hash": manifest["content_hash"]}
    latency = measure_latency(opened, draft / "golden")
    figures = golden_pictures(opened, draft / "golden")
    measured = replace(evidence, metrics=metrics, latency=latency, figures=figures)
    _write_evidence(bench, measured, manifest, draft / "evidence")
    write_bytes(draft / "sbom.cdx.json", write_sbom(recipe.name, recipe.release.version, bench.domain.name))
    return manifest


def _preprocessing_hash(bench: Bench) -> str:
    """Hash of the code and the settings that make items of records, and of the files that the settings name."""
    name, settings = part_of(bench.recipe.task, where="[task]")
    return hash_of([code_hash(bench.domain), {**bench.recipe.task, **file_hashes(bench.domain, name, settings)}])


def _manifest(bench: Bench, evidence: Evidence, draft: Path) -> dict[str, Any]:
    recipe = bench.recipe
    name, settings = part_of(recipe.task, where="[task]")
    return {
        "format": 1,
        "name": recipe.name,
        "version": recipe.release.version,
        "replaces": recipe.release.replaces or None,
        "auscult": version("auscult"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "domain": bench.domain.name,
        "task": {"name": name, "settings": copied(bench.domain, name, settings, release=draft)},
        "kind": bench.task.spec.kind,
        "labels": list(bench.task.spec.labels),
        "answer_schema": kind_of(bench.task.spec).schema(bench.task.spec),
        "model": evidence.metrics["model"],
        "intent": recipe.intent.model_dump(),
        "content_hash": "",
    }


def _write_evidence(bench: Bench, evidence: Evidence, manifest: dict[str, Any], folder: Path) -> None:
    write_json(folder / "metrics.json", dict(evidence.metrics))
    write_json(folder / "split.json", dict(evidence.split))
    write_json(folder / "latency.json", dict(evidence.latency))
    findings = [{**vars(f), "records": len(f.records)} for f in evidence.findings]
    aside = [{"reason": a.nameless} for a in evidence.set_aside]
    write_json(folder / "quality.json", {"findings": findings, "set_aside": aside})
    write_json(folder / "gates.json", [vars(g) for g in evidence.gates])
    _write_predictions(bench, evidence.test, folder / "predictions.parquet")
    write_report(folder, evidence, manifest)


def _write_predictions(bench: Bench, test: Outputs, path: Path) -> None:
    """One row an answer: record hash, pseudonym, the reported subgroup keys, target and answer; no name, no raw value.

    Another group key, such as what a split is by, may hold a text or a number of a person and stays behind.
    """
    kind, dataset = kind_of(bench.task.spec), bench.dataset
    columns: dict[str, Any] = {"record": [str(dataset.hashes[r]) for r in test.record]}
    if dataset.subjects is not None:
        columns["subject"] = [str(dataset.subjects[r]) for r in test.record]
    if test.position is not None:
        columns["position"] = test.position
    told = {key: dataset.groups[key] for key in bench.recipe.evaluate.subgroups if key in dataset.groups}
    columns |= {key: [str(values[r]) for r in test.record] for key, values in told.items()}
    for name, target in (test.target or {}).items():
        columns[f"target_{name}"] = packed_rows(target)
    for name, answer in test.arrays.items():
        columns[f"answer_{name}"] = packed_rows(answer)
    columns["kind"] = [kind.name] * len(test)
    pq.write_table(pa.table(columns), path)


def _file_hashes(folder: Path) -> dict[str, str]:
    paths = {p.relative_to(folder).as_posix(): p for p in files_under(folder)}
    return {name: sha256_file(p) for name, p in paths.items() if name not in UNSEALED}
