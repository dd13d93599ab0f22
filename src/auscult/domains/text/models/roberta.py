"""Model ``roberta``: the encoder of Liu et al. (2019, arXiv:1907.11692), new or from a local folder."""

from __future__ import annotations

from typing import Any, ClassVar

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.domains.text.models.masked import fit_masked
from auscult.domains.text.models.pretrained import EncoderConfig, fit_encoder


class Roberta:
    """An encoder of the transformers library with a head for the task."""

    Config: ClassVar[type[Config]] = EncoderConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("class", "sample")
    inputs: ClassVar[tuple[str, ...]] = ("tokens",)

    def __init__(self, config: EncoderConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Fine-tune, or train from nothing; texts with gaps need no label."""
        learn = fit_masked if context.spec.kind == "sample" else fit_encoder
        return learn(self._config, self._new, train, valid=valid, context=context)

    def _new(self, vocabulary: int, length: int) -> Any:
        from transformers import RobertaConfig, RobertaModel

        c = self._config
        made = RobertaConfig(
            vocab_size=vocabulary,
            hidden_size=c.width,
            num_hidden_layers=c.layers,
            num_attention_heads=c.heads,
            intermediate_size=4 * c.width,
            hidden_dropout_prob=c.dropout,
            attention_probs_dropout_prob=c.dropout,
            max_position_embeddings=max(length, 16) + 2,
            attn_implementation="sdpa",  # type: ignore[call-arg]
        )
        return RobertaModel(made, add_pooling_layer=False)
