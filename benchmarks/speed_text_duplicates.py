"""Near-duplicates among a million simulated reports: signatures and search, one thread, from texts in memory.

One report in a hundred is filed a second time with another first sentence and another reference; how many of these
pairs are found is given beside the time. Making the texts is left out; no peer is measured, the goal is a time.
"""

from __future__ import annotations

import os

from measure import GIB, ONE_THREAD, comparison, publish, seconds_of, typed

os.environ.update(ONE_THREAD)  # before numpy is loaded by anything that has its own threads

import argparse
import resource
import sys

import numpy as np

from auscult.domains.text.preprocess.sketch import shingles, signatures
from auscult.domains.text.simulate.reports import simulate_reports
from auscult.engine.quality.minhash import ALIKE, PLACES, alike_pairs

GOAL_S = 300.0
BATCH = 4096
AGAIN = 100
"""Every so many reports one is filed again."""


def texts_of(count: int) -> list[str]:
    """Simulated reports with three closing words of their own, the last hundredth of them filed a second time."""
    rng = np.random.default_rng(0)
    n_again = count // AGAIN
    texts = [
        f"{r.narrative} {' '.join(f'item{k}' for k in rng.integers(0, 10**6, 3))}"
        for r in simulate_reports(count - n_again, rng)
    ]
    return texts + [f"Follow-up of a report. {t}" for t in texts[:n_again]]


def common(first: str, second: str) -> float:
    """Share of the shingles that two texts have in common (Jaccard)."""
    a, b = (set(shingles([t])[1].tolist()) for t in (first, second))
    return len(a & b) / len(a | b)


def main() -> int:
    """Parse the command line, measure, publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=1_000_000, help="how many texts")
    count = parser.parse_args().texts
    texts = texts_of(count)
    made: list[np.ndarray] = []
    sign_s = seconds_of(
        lambda: made.extend(signatures(texts[i : i + BATCH], PLACES) for i in range(0, len(texts), BATCH))
    )
    found: list[np.ndarray] = []
    search_s = seconds_of(lambda: found.append(alike_pairs(np.concatenate(made))))
    n_again = count // AGAIN
    known = {(k, count - n_again + k) for k in range(n_again) if common(texts[k], texts[count - n_again + k]) >= ALIKE}
    hit = known & set(map(tuple, found[0].tolist()))
    context = {
        "texts": count,
        "characters_mean": round(float(np.mean([len(t) for t in texts[:10_000]])), 1),
        "signatures_s": round(sign_s, 1),
        "search_s": round(search_s, 1),
        "pairs_found": len(found[0]),
        "filed_again": n_again,
        "filed_again_and_alike": len(known),
        "share_of_these_found": round(len(hit) / max(len(known), 1), 4),
        "threads": 1,
        "peak_memory_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB, 2),
    }
    publish(
        comparison(
            "text-duplicates",
            ours=(round(sign_s + search_s, 1), "s"),
            goal=GOAL_S,
            goal_of="value",
            command=typed(),
            context=context,
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
