"""Draws the picture of the README: ``python examples/draw_picture.py RELEASE docs/images/beats.png``.

A strip of a simulated ECG that the release has not seen, with the class that it gives to each beat.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import auscult
from auscult.domains.signals.simulate.ecg import simulate_ecg
from auscult.domains.signals.simulate.exports import write_edf

SEED = 20_260
START_S, END_S = 30.0, 42.0
COLOURS = {"N": "#4d4d4d", "S": "#0072b2", "V": "#d55e00", "F": "#009e73"}
"""Colours that can be told apart with colour blindness (Okabe and Ito 2008)."""
NAMES = {"N": "normal", "S": "supraventricular", "V": "ventricular", "F": "fusion"}


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description="Draws the picture of the README.")
    parser.add_argument("release", type=Path, help="Release of ecg-beats-simulated.")
    parser.add_argument("picture", type=Path, help="PNG that is written.")
    arguments = parser.parse_args()
    ecg = simulate_ecg(np.random.default_rng(SEED), duration_s=60, rate_hz=250, leads=("II", "V1", "V5"))
    with TemporaryDirectory() as folder:
        raw = write_edf(Path(folder) / "holter.edf", replace(ecg, peaks=ecg.peaks[:0], symbols=ecg.symbols[:0]))
        answers = [one for record in auscult.predict(arguments.release, raw) for one in record.answers]
    begin, end = int(START_S * ecg.rate_hz), int(END_S * ecg.rate_hz)
    shown = [a for a in answers if START_S + 0.1 < a["at_s"] < END_S - 0.1]
    draw(ecg.signal_mv[begin:end, 0], ecg.rate_hz, shown, arguments.picture)


def draw(lead_mv: np.ndarray, rate_hz: float, answers: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw one lead (T,) in mV on the paper of an electrocardiograph, with a letter over each answered beat."""
    figure = Figure(figsize=(10, 2.7), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    seconds = START_S + np.arange(len(lead_mv)) / rate_hz
    axes.plot(seconds, lead_mv, color="black", linewidth=0.9)
    top = float(lead_mv.max()) + 0.25
    for answer in answers:
        at_s, label = float(answer["at_s"]), str(answer["label"])
        heavy = "normal" if label == "N" else "bold"
        axes.text(at_s, top, label, ha="center", va="bottom", color=COLOURS[label], weight=heavy, fontsize=11)
        if label != "N":
            axes.axvspan(at_s - 0.2, at_s + 0.3, color=COLOURS[label], alpha=0.12, linewidth=0)
    seen = [k for k in COLOURS if k in {str(a["label"]) for a in answers}]
    legend = ", ".join(f"{k} {NAMES[k]}" for k in seen)
    title = f"Simulated ECG, lead II, from an EDF file that the build has not seen. Answers: {legend}"
    axes.set_title(title, fontsize=10, loc="left")
    axes.set(xlim=(START_S, END_S), ylim=(float(lead_mv.min()) - 0.2, top + 0.35), xlabel="time (s)", ylabel="mV")
    axes.set_xticks(np.arange(START_S, END_S + 1))
    axes.set_xticks(np.arange(START_S, END_S, 0.2), minor=True)
    axes.set_yticks(np.arange(np.floor(lead_mv.min()), top + 0.5, 0.5), minor=False)
    axes.grid(which="both", color="#f2c6c6", linewidth=0.5)
    corner: dict[str, Any] = {"transform": axes.transAxes, "ha": "right", "color": "#808080", "style": "italic"}
    axes.text(0.995, 0.03, "simulated", fontsize=10, **corner)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


if __name__ == "__main__":
    main()
