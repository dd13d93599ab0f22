"""Model ``constant``: the mean of all training targets, whatever the input; a floor."""

from __future__ import annotations

from typing import ClassVar

from auscult.base.contracts import FitContext, ItemSet, KindName
from toys.models.common import Plain, Ready, neighbours


class Constant(Plain):
    """As many neighbours as there are training items."""

    kinds: ClassVar[tuple[KindName, ...]] = ("class", "value", "events", "spans", "boxes")
    inputs: ClassVar[tuple[str, ...]] = ("features",)

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Ready:
        """Keep the targets."""
        return Ready(neighbours(train, context.spec, len(train)))
