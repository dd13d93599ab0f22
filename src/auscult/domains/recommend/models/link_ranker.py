"""Model ``link-ranker``: trees over pairs of a known and a proposed device, written out as a sparse matrix.

What the pairs are described by depends on the two devices only, so that the learned score of each pair can be computed
once: a list for several known devices adds their rows, and says which of them led to what. Trees learn from devices of
earlier years: they look at the graph as it was before and at the link that was made after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field as Setting
from scipy import sparse

from auscult.base.contracts import Config, FitContext, Fitted, Index, ItemSet, KindName
from auscult.base.log import progress
from auscult.domains.recommend.models.links import Links, pairs_of, walk_score
from auscult.domains.recommend.models.taken import RankingFitted, ranking_program, small_prior

if TYPE_CHECKING:
    from auscult.domains.recommend.models.links import Floats

BLOCK = 4096
NEGATIVES = 0.3


class LinkRankerConfig(Config):
    """Settings of candidates and trees."""

    score: Literal["walk", "trees"] = Setting("trees", description="Rank by the walk alone, or by learned trees.")
    keep: int = Setting(200, ge=1, description="Candidates of each known device.")
    windows: tuple[tuple[int, int, int], ...] = Setting(
        ((8, 6, 4),),
        description="Years before the end of training: graph until, owners from, owners to; each a lesson.",
    )
    trees: int = Setting(200, ge=1, description="Trees.")
    leaves: int = Setting(15, ge=2, description="Leaves of a tree.")
    rate: float = Setting(0.05, gt=0, description="Learning rate.")
    sharpness: float = Setting(1.0, gt=0, description="Exponent of the learned score before rows are added.")


class LinkRanker:
    """A learned score of pairs."""

    Config: ClassVar[type[Config]] = LinkRankerConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("ranking",)
    inputs: ClassVar[tuple[str, ...]] = ("item", "owner")

    def __init__(self, config: LinkRankerConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Learn from earlier years, and score every pair of the graph as it is at the end."""
        c, links = self._config, Links.of(train)
        booster = self._learn(links, context) if c.score == "trees" else None
        used = np.unique(np.concatenate([links.owner, links.item]))
        parts = []
        with progress(context.report, "score pairs", len(used)) as bar:
            for begin in range(0, len(used), BLOCK):
                known = used[begin : begin + BLOCK]
                row, column, features = pairs_of(links, known, c.keep)
                value = walk_score(links, features[:, 0], column)
                if booster is not None:
                    value = np.exp(c.sharpness * booster.predict(features, num_threads=context.settings.threads))
                parts.append((known[row], column, value.astype(np.float32)))
                bar.advance(len(known))
        row, column, value = (np.concatenate(p) for p in zip(*parts, strict=True))
        size = len(links.names)
        value /= max(float(value.max(initial=0)), 1e-30)
        matrix = sparse.csr_matrix((value, (row, column)), shape=(size, size))
        return RankingFitted(ranking_program(links.names, matrix, small_prior(links.counts[:, 0], 1e-3)))

    def _learn(self, links: Links, context: FitContext) -> Any:
        import lightgbm

        lessons = [self._lesson(links, window) for window in self._config.windows]
        lessons = [lesson for lesson in lessons if len(lesson[2])]
        if not lessons:
            return None
        features, label, group = (np.concatenate(p) for p in zip(*lessons, strict=True))
        options = {
            "objective": "lambdarank", "num_leaves": self._config.leaves, "learning_rate": self._config.rate,
            "min_data_in_leaf": min(100, max(1, len(label) // 20)), "lambdarank_truncation_level": 30, "verbose": -1,
            "num_threads": context.settings.threads, "seed": context.seed, "deterministic": True,
            "force_row_wise": True,
        }  # fmt: skip
        data = lightgbm.Dataset(features, label, group=group)
        return lightgbm.train(options, data, self._config.trees)

    def _lesson(self, links: Links, window: tuple[int, int, int]) -> tuple[Floats, Index, Index]:
        """Pairs of devices of some years with the graph as it was before: features, label, size of each group."""
        until, begin, end = (links.until - back for back in window)
        then = links.before(until)
        known, target = _pairs_named(links, begin, end)
        row, column, features = pairs_of(then, known, self._config.keep)
        label = (column == target[row]).astype(np.int64)
        found = np.zeros(len(known), dtype=bool)
        found[row[label == 1]] = True
        rng = np.random.default_rng([begin, end, 23])
        kept = found[row] & ((label == 1) | (rng.random(len(row)) < NEGATIVES))
        group = np.unique(row[kept], return_counts=True)[1]
        return features[kept], label[kept], group


def _pairs_named(links: Links, begin: int, end: int) -> tuple[Index, Index]:
    """For each device of some years one of the named ones as what is to be found, and each other as what is known."""
    inside = np.flatnonzero((links.years[links.owner] >= begin) & (links.years[links.owner] <= end))
    order = inside[np.argsort(links.owner[inside], kind="stable")]
    owner, item = links.owner[order], links.item[order]
    _, start, count = np.unique(owner, return_index=True, return_counts=True)
    rng = np.random.default_rng([begin, end, 29])
    hidden = start + (rng.random(len(start)) * count).astype(np.int64)
    target = np.repeat(item[hidden], count) if len(start) else item
    shown = np.ones(len(owner), dtype=bool)
    shown[hidden] = False
    return item[shown], target[shown]
