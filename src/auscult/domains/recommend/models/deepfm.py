"""Model ``deepfm``: factorisation machine and deep network on the same vectors of fields (Guo et al. 2017, IJCAI)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.domains.recommend.models.click_network import ClickNetworkConfig, fit_click
from auscult.domains.recommend.models.fields import DeepFm

if TYPE_CHECKING:
    from auscult.domains.recommend.models.fields import FieldVectors


class DeepFmConfig(ClickNetworkConfig):
    """Settings of DeepFM."""


class DeepFmModel:
    """Linear part, pairs of fields, deep network."""

    Config: ClassVar[type[Config]] = DeepFmConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("class",)
    inputs: ClassVar[tuple[str, ...]] = ("item", "attribute")

    def __init__(self, config: DeepFmConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train the network."""
        c = self._config

        def head(fields: FieldVectors) -> DeepFm:
            return DeepFm(fields, c.hidden, c.dropout)

        return fit_click(c, head, (train, valid), context)
