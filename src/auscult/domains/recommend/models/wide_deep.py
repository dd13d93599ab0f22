"""Model ``wide-deep``: a linear part over fields beside a deep network (Cheng et al. 2016, DLRS)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.domains.recommend.models.click_network import ClickNetworkConfig, fit_click
from auscult.domains.recommend.models.fields import WideDeep

if TYPE_CHECKING:
    from auscult.domains.recommend.models.fields import FieldVectors


class WideDeepConfig(ClickNetworkConfig):
    """Settings of Wide & Deep."""


class WideDeepModel:
    """A linear part beside a deep network."""

    Config: ClassVar[type[Config]] = WideDeepConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("class",)
    inputs: ClassVar[tuple[str, ...]] = ("item", "attribute")

    def __init__(self, config: WideDeepConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train the network."""
        c = self._config

        def head(fields: FieldVectors) -> WideDeep:
            return WideDeep(fields, c.hidden, c.dropout)

        return fit_click(c, head, (train, valid), context)
