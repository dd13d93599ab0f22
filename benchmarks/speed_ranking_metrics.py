"""Judging the lists of 30,000 users: five metrics with their intervals by bootstrap over users, coverage and novelty.

The lists are those of the graph filter on the validation part of Gowalla, held in memory with items as names; simulated
lists of the same size stand in where that run is not there. Peer: ``ranx`` on the same lists, as numbers, both cores,
after its compilation; it gives the five values without intervals, so that our time without the bootstrap stands
beside. Its environment: ``--python PATH`` or ``RANKING_PEERS``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from measure import RUNS, comparison, median, publish, seconds_of, typed

from auscult.base.arrays import Ragged
from auscult.base.contracts import Outputs
from auscult.base.recipe import EvaluateTable
from auscult.domains.recommend.preprocess.names import as_names
from auscult.domains.recommend.preprocess.variety import variety
from auscult.domains.recommend.tasks.next_items import METRICS, NextItems, NextItemsConfig
from auscult.engine.answers import kind_of
from auscult.engine.answers.ranking import numbered
from auscult.engine.evaluate import Judge
from auscult.engine.outputs import read_outputs

GOAL_S = 3.0
USERS, ITEMS, LENGTH = 30_000, 40_000, 20


def answers() -> tuple[Outputs, str]:
    """Lists and what was taken, of the validation part."""
    found = sorted((RUNS / "gowalla-graph-filter" / "arms").glob("graph-filter-*/valid.safetensors"))
    return (read_outputs(found[0]), "Gowalla, validation part") if found else (simulated(USERS), "simulated lists")


def simulated(n_users: int) -> Outputs:
    """Lists of random items, some of which were taken; popular ones more often."""
    rng = np.random.default_rng(0)
    names = as_names([str(k) for k in range(ITEMS)])
    drawn = (ITEMS * rng.random((n_users, 2 * LENGTH)) ** 3).astype(np.int64)
    lists = (drawn[:, :1] + np.arange(LENGTH) * 7) % ITEMS  # no item twice in a list
    taken = [np.unique(np.concatenate([drawn[n, :3], lists[n, :: 1 + n % 9][:2]])) for n in range(n_users)]
    truth = Ragged.of([names[t] for t in taken])
    arrays = {"item": names[lists], "score": np.zeros(lists.shape, np.float32)}
    return Outputs(arrays, np.arange(n_users), None, {"relevant": truth})


def judge(outputs: Outputs) -> dict[str, float]:
    """Everything that is said about some lists; the values of the metrics."""
    task = NextItems(NextItemsConfig())
    made = Judge(task.spec, np.arange(len(outputs)).astype(np.str_), EvaluateTable()).figures(outputs, METRICS)
    return {**{name: figure["value"] for name, figure in made.items()}, **variety(outputs)}


def values_alone(outputs: Outputs) -> dict[str, float]:
    """The five values without their intervals."""
    spec = NextItems(NextItemsConfig()).spec
    ready = kind_of(spec).measures(spec, outputs, METRICS)
    return {
        name: float(m.function(m.target, m.output, **m.parameters)[0]) for name, m in zip(METRICS, ready, strict=True)
    }


def ranx(python: str, outputs: Outputs) -> dict[str, Any]:
    """What ``ranx`` says of the same lists, and in which time."""
    relevant = outputs.ragged_truth("relevant")
    values, lists = numbered(relevant.values, outputs.array("item"))
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "lists.npz", values=values, offsets=relevant.offsets, lists=lists)
        script = str(Path(__file__).with_name("ranking_peers.py"))
        done = subprocess.run([python, script, "ranx", folder], check=True, capture_output=True, text=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def measure(python: str, outputs: Outputs, what: str, repeats: int) -> dict[str, Any]:
    """Time both sides on the same lists."""
    seconds = median([seconds_of(lambda: judge(outputs)) for _ in range(repeats)])
    alone = median([seconds_of(lambda: values_alone(outputs)) for _ in range(repeats)])
    context: dict[str, Any] = {
        "input": f"{what}, {len(outputs)} users", "resamples": EvaluateTable().resamples,
        "values_without_intervals_s": round(alone, 3),
    }  # fmt: skip
    peers = []
    if python:
        told = ranx(python, outputs)
        ours = values_alone(outputs)
        gaps = {name: abs(ours[name] - told["values"][name]) for name in ours}
        context |= {"ranx_makes_its_tables_s": round(told["make_s"], 2), "largest_gaps_of_values": gaps}
        note = "five values without intervals; ratio against our five values without intervals"
        peers.append(
            {"name": "ranx", "version": told["version"], "setting": "both cores, tables made before",
             "value": told["seconds"], "ratio": told["seconds"] / alone, "note": note}
        )  # fmt: skip
    return comparison(
        "ranking-metrics", ours=(seconds, "s"), peers=peers, goal=GOAL_S, goal_of="value", command=typed(),
        context=context,
    )  # fmt: skip


def main() -> int:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=os.environ.get("RANKING_PEERS", ""), help="python with ranx")
    parser.add_argument("--repeats", type=int, default=5, help="rounds")
    given = parser.parse_args()
    publish(measure(given.python, *answers(), given.repeats))
    return 0


if __name__ == "__main__":
    sys.exit(main())
