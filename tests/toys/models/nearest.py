"""Model ``nearest``: the mean target of the three nearest training items."""

from __future__ import annotations

from typing import ClassVar

from auscult.base.contracts import FitContext, ItemSet, KindName
from toys.models.common import Plain, Ready, neighbours


class Nearest(Plain):
    """Three neighbours."""

    kinds: ClassVar[tuple[KindName, ...]] = ("class", "value", "events", "spans", "boxes")
    inputs: ClassVar[tuple[str, ...]] = ("features",)

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Ready:
        """Keep the items."""
        return Ready(neighbours(train, context.spec, 3))
