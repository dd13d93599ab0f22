"""The main job from end to end on simulated exports: ``python examples/demo.py``.

Looks at a folder of exports, builds two releases, answers raw files that no build has seen, meets files that must be
refused, and verifies what it built. No record is of a person. The same seeds give the same files and answers.
"""

# ruff: noqa: T201 a demo prints

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import auscult
from auscult.base.log import Terminal
from auscult.domains.signals.simulate.cgm import simulate_cgm
from auscult.domains.signals.simulate.ecg import SimulatedEcg, simulate_ecg
from auscult.domains.signals.simulate.exports import simulate_folder, write_cgm_csv, write_edf
from auscult.engine.build import BuildResult
from auscult.engine.runtime import RecordAnswer

RECIPES = Path(__file__).parent.parent / "recipes" / "signals"
SHORT = ("train.epochs=3", "evaluate.resamples=200")
"""What the demo changes in the recipes, so that it is done in about half a minute on two cores."""
SEED = 20_260
AAMI = {"N": "N", "A": "S", "V": "V", "F": "F"}
WIDTH = 108


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description="Auscult from end to end, on simulated device exports.")
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="Folder for everything that is made.")
    out: Path = parser.parse_args().out
    began = time.perf_counter()
    look(out / "exports")
    releases = [make(2, "ecg-beats-simulated", out), make(3, "glucose-simulated", out)]
    answer(out / "unseen", *(made.release for made in releases if made.release))
    check(releases)
    print("\nThe reports, for a browser:")
    for made in releases:
        print(f"  {made.release}/evidence/report.html")
    print(f"\nDone in {time.perf_counter() - began:.0f} s.")


def look(folder: Path) -> None:
    """Write a mixed folder with three broken files, and say what is in it."""
    simulate_folder(folder, SEED, n_ecg=7, ecg_minutes=0.5, n_cgm=3, n_days=3, broken=True)
    print("1. What is in a folder of exports?  auscult inspect")
    found = auscult.inspect(folder)
    kinds = ", ".join(f"{count} {reader}" for reader, count in found.sources.items())
    print(f"  {found.n_files} files: {kinds}; {found.n_records} records can be read")
    _list(f"set aside: {aside.reason}" for aside in found.set_aside)
    _list(f"no reader knows {name}" for name in found.unclaimed)


def make(number: int, name: str, out: Path) -> BuildResult:
    """Build a release and print its main figure beside that of its floor."""
    print(f"\n{number}. From a recipe to a release.  auscult build recipes/signals/{name}.toml")
    made = auscult.build(RECIPES / f"{name}.toml", out / name, overrides=SHORT, report=Terminal())
    primary = made.metrics["primary"]
    value, floor = made.metrics["metrics"][primary], made.metrics["floor"][primary]
    _list([f"{made.n_records} records; {made.metrics['choice']['reason']}"])
    print(f"  {primary} on simulated test persons: {_figure(value)}, floor {_figure(floor)}")
    return made


def answer(folder: Path, beats: Path, glucose: Path) -> None:
    """Answer raw files of devices that the builds have not seen, and files that must be refused."""
    folder.mkdir(parents=True, exist_ok=True)
    ecg = simulate_ecg(np.random.default_rng(SEED), duration_s=60, rate_hz=250, leads=("II", "V1", "V5"))
    bare = replace(ecg, peaks=ecg.peaks[:0], symbols=ecg.symbols[:0])
    raw = write_edf(folder / "holter.edf", bare)
    cgm = simulate_cgm(np.random.default_rng(SEED), n_days=2, control="type1")
    sensor = write_cgm_csv(folder / "sensor.csv", cgm, flavour="libreview", subject="SIM-9001")

    print("\n4. Raw files that no build has seen.  auscult predict")
    print("  holter.edf: EDF at 250 Hz with leads II, V1, V5; trained on WFDB at 360 Hz with MLII, V1")
    for one in auscult.predict(beats, raw):
        print(f"  {one.status}: {_counts(a['label'] for a in one.answers)}; simulated were {_truth(ecg)}")
    for one in list(auscult.predict(glucose, sensor))[-1:]:
        forecast = one.answers[-1]
        print(f"  sensor.csv: {one.status}: {_forecast(forecast)}")

    print("\n5. What must not be answered")
    cut = folder / "cut.edf"
    cut.write_bytes(raw.read_bytes()[: raw.stat().st_size // 2])
    flat = write_edf(folder / "electrode-off.edf", replace(bare, signal_mv=np.zeros_like(ecg.signal_mv)))
    picture = folder / "picture.edf"
    picture.write_bytes(b"\xff\xd8\xff\xe0" + bytes(64))
    for path in (cut, flat, picture, sensor):
        _list(_said(path, one) for one in auscult.predict(beats, path))


def check(releases: Iterable[BuildResult]) -> None:
    """Verify the releases."""
    print("\n6. Is a release what it says it is?  auscult verify")
    for made in releases:
        if made.release is None:
            continue
        result = auscult.verify(made.release)
        held = ", ".join(v.what for v in result.verdicts if v.passed and v.what != "signature")
        signature = next(v.detail for v in result.verdicts if v.what == "signature")
        verdict = "verified" if result.passed else "NOT verified"
        print(f"  {result.release}: {verdict} ({held}); {signature}")


def _list(lines: Iterable[str]) -> None:
    for line in lines:
        print("  " + (line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"))


def _said(path: Path, one: RecordAnswer) -> str:
    return f"{path.name}: {one.status}{': ' + one.reason if one.reason else ''}"


def _figure(figure: dict[str, float]) -> str:
    return f"{figure['value']:.3g} [{figure['low']:.3g}, {figure['high']:.3g}]"


def _counts(labels: Iterable[str]) -> str:
    counts = Counter(labels)
    return ", ".join(f"{counts[label]} {label}" for label in "NSVF")


def _truth(ecg: SimulatedEcg) -> str:
    return _counts(AAMI[symbol] for symbol in ecg.symbols)


def _forecast(forecast: Mapping[str, Any]) -> str:
    (last, value), (low, high) = list(forecast["value"].items())[-1], list(forecast["interval"].values())[-1]
    return f"{last} {value:.0f} {forecast['unit']} [{low:.0f}, {high:.0f}]"


if __name__ == "__main__":
    main()
