"""The other side of comparisons of rankings, run in an environment of its own: ``ranking_peers.py PEER FOLDER``.

``implicit`` lists the best items by an item-to-item matrix for every user; ``ranx`` judges ranked lists. What they read
and write is in the folder, as ``.npz``; figures go to standard output as JSON. Only this file imports them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

LENGTH = 20
RANX = {"recall_at_20": "recall@20", "ndcg_at_20": "ndcg@20", "hit_rate_at_20": "hit_rate@20", "mrr": "mrr@20"}
RANX |= {"map_at_20": "map@20"}
WORK: list[Callable[[tuple[int, int]], Any]] = []
"""What a forked process does with a part."""


def lists_of_implicit(folder: Path) -> dict[str, Any]:
    """Users a second of ``recommend``, in one process and in two; the lists go to the folder."""
    from implicit.nearest_neighbours import ItemItemRecommender, NearestNeighboursScorer
    from scipy import sparse

    model = ItemItemRecommender()
    model.similarity = sparse.load_npz(folder / "matrix.npz").astype(np.float64)
    model.scorer = NearestNeighboursScorer(model.similarity)
    users = sparse.load_npz(folder / "users.npz").astype(np.float64)

    def some(part: tuple[int, int]) -> Any:
        rows = np.arange(*part)
        return model.recommend(rows, users[rows], N=LENGTH, filter_already_liked_items=True)[0]

    WORK.append(some)
    n, rates, parts = users.shape[0], {}, []
    for processes in (1, 2):
        cuts = [n * p // (4 * processes) for p in range(4 * processes + 1)]
        with get_context("fork").Pool(processes) as pool:
            begin = time.perf_counter()
            parts = pool.map(_one, list(pairwise(cuts)), chunksize=1)
            rates[f"{processes} process{'es' * (processes > 1)}"] = n / (time.perf_counter() - begin)
    np.save(folder / "implicit.npy", np.concatenate(parts))
    return {"version": version("implicit"), "rates": rates}


def _one(part: tuple[int, int]) -> Any:
    return WORK[0](part)


def figures_of_ranx(folder: Path) -> dict[str, Any]:
    """Seconds and values of ``evaluate``; its compilation and the making of its tables are not in the time."""
    from ranx import Qrels, Run, evaluate

    held = np.load(folder / "lists.npz")
    lists, ends = held["lists"], held["offsets"]
    queries = [str(n) for n in range(len(lists))]
    begin = time.perf_counter()
    qrels = Qrels(
        {q: dict.fromkeys(map(str, held["values"][ends[n] : ends[n + 1]].tolist()), 1) for n, q in enumerate(queries)}
    )
    run = Run({q: {str(i): float(LENGTH - k) for k, i in enumerate(lists[n].tolist())} for n, q in enumerate(queries)})
    make_s = time.perf_counter() - begin
    names = list(RANX.values())
    evaluate(qrels, run, names)
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        values = evaluate(qrels, run, names)
        seconds.append(time.perf_counter() - begin)
    found = {name: float(values[theirs]) for name, theirs in RANX.items()}
    return {"version": version("ranx"), "seconds": float(np.median(seconds)), "make_s": make_s, "values": found}


if __name__ == "__main__":
    print(json.dumps({"implicit": lists_of_implicit, "ranx": figures_of_ranx}[sys.argv[1]](Path(sys.argv[2]))))
