"""The 20 best items for every user of Gowalla, file of histories to answers, on both cores; and one user at a time.

The release is that of ``gowalla-graph-filter``: an item-to-item matrix plus a product of rank 512. Beside it stands
what one writes with scipy and numpy for the same model (the whole product, then ``argpartition``), on histories that
are matrices already, with the number of users in a block swept; its lists must be ours but for scores that are equal
to 1e-6. ``implicit`` has no model of this form: it is measured on the matrix alone, and so are we. It lies in an
environment of its own: ``--python PATH`` or ``RANKING_PEERS``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from measure import AUSCULT, DATA, ROOT, RUNS, comparison, median, peer, publish, seconds_of, spend, typed
from scipy import sparse

from auscult.base.contracts import Program, RecordBatch
from auscult.base.registry import load_domain
from auscult.engine.drivers import load_program
from auscult.engine.program import read_program
from auscult.engine.runtime import Release, open_release

GOAL_S = 10.0
ONE_GOAL_MS = 5.0
THREADS = 2
LENGTH = 20
EQUAL = 1e-6
BLOCKS = (64, 256, 1024)
USERS = 500
"""Users that are answered one at a time."""
Lists = npt.NDArray[np.int64]


def release() -> tuple[Path, Path, str]:
    """Release, file of histories, and what they are; simulated wards where there is no run of the recipe."""
    made, root = RUNS / "gowalla-graph-filter" / "release", os.environ.get(DATA, "")
    users = Path(root or ".") / "recommend" / "gowalla" / "train.txt"
    if made.exists() and users.exists():
        return made, users, "Gowalla"
    out = RUNS / "speed-top20"
    spend([*AUSCULT, "build", str(ROOT / "recipes/recommend/ward-usage-simulated.toml"), "--out", str(out)])
    from auscult.domains.recommend.simulate.usage import simulate_usage, write_usage

    write_usage(out / "wards.csv", simulate_usage(np.random.default_rng(0), n_users=200))
    return out / "release", out / "wards.csv", "simulated wards"


def numbered(batches: list[RecordBatch], names: npt.NDArray[np.bytes_]) -> Any:
    """Histories as a matrix of users and items, (U, V) CSR; an item that the release does not know is left out."""
    number = {name: k for k, name in enumerate(names.tolist())}
    rows, columns, n = [], [], 0
    for batch in batches:
        for mine in batch.ragged("item"):
            known = sorted({number[name] for name in np.asarray(mine).tolist() if name in number})
            rows += [n] * len(known)
            columns += known
            n += 1
    ones = np.ones(len(rows), np.float32)
    return sparse.csr_matrix((ones, (rows, columns)), shape=(n, len(names)))


def plain(program: Program, users: Any, block: int) -> tuple[Lists, npt.NDArray[np.float32]]:
    """The whole product by blocks of users, then the best of each row: as one writes it with scipy and numpy."""
    a = program.arrays
    size = len(a["indptr"]) - 1
    matrix = sparse.csr_matrix((a["data"], a["indices"], a["indptr"]), shape=(size, size))
    items, scores = [], []
    for at in range(0, users.shape[0], block):
        some = users[at : at + block]
        score = (some @ matrix).toarray()
        if "left" in a:
            score += (some @ a["left"]) @ a["right"]
        score += a["prior"]
        score[some.nonzero()] = -np.inf
        best = np.argpartition(-score, LENGTH, axis=1)[:, :LENGTH]
        value = np.take_along_axis(score, best, axis=1)
        order = np.lexsort((best, -value), axis=1)
        items.append(np.take_along_axis(best, order, axis=1))
        scores.append(np.take_along_axis(value, order, axis=1))
    return np.concatenate(items), np.concatenate(scores)


def differing(ours: tuple[Lists, Any], theirs: tuple[Lists, Any]) -> dict[str, float]:
    """How many lists are not the same, and how far the scores of the same places are apart at the most."""
    apart = np.abs(ours[1] - theirs[1])[np.isfinite(theirs[1])]
    unlike = int(np.sum((ours[0] != theirs[0]).any(axis=1)))
    return {"lists_that_differ": unlike, "largest_gap_of_scores": float(apart.max(initial=0.0))}


def lists_of(run: Any, history: Lists) -> tuple[Lists, Any]:
    """Lists of a program without names."""
    made = run({"history": history})
    return made["item"], made["score"]


def padded(users: Any) -> Lists:
    """Histories as rows of numbers, padded with -1."""
    count = np.diff(users.indptr)
    rows = np.full((users.shape[0], int(count.max())), -1)
    rows[np.repeat(np.arange(users.shape[0]), count), np.arange(users.nnz) - np.repeat(users.indptr[:-1], count)] = (
        users.indices
    )
    return rows


def one_at_a_time(opened: Release, batch: RecordBatch) -> list[float]:
    """Milliseconds of single users, from the raw record to the answer."""
    rows = np.random.default_rng(0).permutation(len(batch))[:USERS]
    singles = [batch.take(np.array([row])) for row in rows]

    def ask(batch: RecordBatch) -> object:
        return opened.answer([opened.stage(batch)])

    ask(singles[0])  # the first answer loads what all need
    return [1e3 * seconds_of(partial(ask, single)) for single in singles]


def implicit(python: str, program: Program, users: Any) -> dict[str, Any]:
    """``implicit`` and our driver on the matrix alone: users a second of both, and how their lists differ."""
    a = program.arrays
    size = len(a["indptr"]) - 1
    matrix = sparse.csr_matrix((a["data"], a["indices"], a["indptr"]), shape=(size, size))
    alone = {n: a[n] for n in ("data", "indices", "indptr")}
    run = load_program(Program("sparse-topk", ("history",), {}, alone, {"k": LENGTH}), threads=THREADS)
    history = padded(users)
    made: list[Any] = []
    seconds = seconds_of(lambda: made.append(lists_of(run, history)))
    with tempfile.TemporaryDirectory() as folder:
        sparse.save_npz(Path(folder) / "matrix.npz", matrix)
        sparse.save_npz(Path(folder) / "users.npz", users)
        script = str(Path(__file__).with_name("ranking_peers.py"))
        done = subprocess.run([python, script, "implicit", folder], check=True, capture_output=True, text=True)
        theirs = np.load(Path(folder) / "implicit.npy")
    told = json.loads(done.stdout)
    same = np.mean([set(x.tolist()) == set(y.tolist()) for x, y in zip(made[0][0], theirs, strict=True)])
    ours = users.shape[0] / seconds
    best = max(told["rates"].values())
    return {
        "implicit": told["version"], "matrix_alone_users_per_s": round(ours), "implicit_users_per_s": told["rates"],
        "matrix_alone_ratio": ours / best, "matrix_alone_same_items": float(same),
    }  # fmt: skip


def measure(python: str, theirs: int, repeats: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Time all users, and single ones."""
    folder, file, what = release()
    opened = open_release(folder, load_domain, threads=THREADS)
    program = read_program(folder / "program")
    seconds = [seconds_of(lambda: sum(1 for _ in opened.answer_path(file))) for _ in range(repeats)]
    found = [part for part in opened.read_path(file) if isinstance(part, RecordBatch)]
    names = program.arrays["name"]
    users = numbered(found, np.ascontiguousarray(names).view(f"S{names.shape[1]}").ravel())
    n = users.shape[0]
    without = {k: v for k, v in program.arrays.items() if k != "name"}
    run = load_program(dataclasses.replace(program, arrays=without), threads=THREADS)
    rows = np.sort(np.random.default_rng(0).permutation(n)[:theirs])
    some = users[rows]
    made = lists_of(run, padded(some))
    peers, gaps = [], {}
    for block in BLOCKS:
        begin = time.perf_counter()
        other = plain(program, some, block)
        rate = len(rows) / (time.perf_counter() - begin)
        gaps = differing(made, other)
        setting = f"the whole product, {block} users a block"
        peers.append(peer("scipy", setting=setting, value=rate, ratio=n / median(seconds) / rate))
    alone = median([seconds_of(lambda: run({"history": padded(users)})) for _ in range(repeats)])
    context = {
        "input": f"{what}, {n} users, {users.shape[1]} items", "threads": THREADS,
        "program_alone_s": round(alone, 2), "users_of_the_peer": len(rows), **gaps,
        **(implicit(python, program, users) if python else {}),
    }  # fmt: skip
    ours = comparison(
        "top20", ours=(median(seconds), "s"), peers=peers, goal=GOAL_S, goal_of="value", command=typed(),
        context=context,
    )  # fmt: skip
    each = one_at_a_time(open_release(folder, load_domain), found[0])
    single = comparison(
        "top20-one", ours=(float(np.percentile(each, 99)), "ms"), goal=ONE_GOAL_MS, goal_of="value", command=typed(),
        context={"input": context["input"], "users": len(each), "median_ms": round(median(each), 3), "threads": 1},
    )  # fmt: skip
    return ours, single


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=os.environ.get("RANKING_PEERS", ""), help="python with implicit")
    parser.add_argument("--theirs", type=int, default=6_000, help="users for scipy and numpy")
    parser.add_argument("--repeats", type=int, default=3, help="rounds")
    given = parser.parse_args()
    for made in measure(given.python, given.theirs, given.repeats):
        publish(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
