"""Model ``bert``: the bidirectional encoder of Devlin et al. (2019, NAACL), new or from a local folder."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.domains.text.models.masked import fit_masked
from auscult.domains.text.models.pretrained import EncoderConfig, EncoderSize, fit_encoder


class Bert:
    """An encoder of the transformers library with a head for the task."""

    Config: ClassVar[type[Config]] = EncoderConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("class", "labels", "spans", "sample")
    inputs: ClassVar[tuple[str, ...]] = ("tokens",)

    def __init__(self, config: EncoderConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Fine-tune, or train from nothing; texts with gaps need no label."""
        new = partial(new_bert, self._config)
        learn = fit_masked if context.spec.kind == "sample" else fit_encoder
        return learn(self._config, new, train, valid=valid, context=context)


def new_bert(config: EncoderSize, vocabulary: int, length: int) -> Any:
    """Make a new encoder of the stated size for texts of up to ``length`` tokens."""
    from transformers import BertConfig, BertModel

    made = BertConfig(
        vocab_size=vocabulary,
        hidden_size=config.width,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        intermediate_size=4 * config.width,
        hidden_dropout_prob=config.dropout,
        attention_probs_dropout_prob=config.dropout,
        max_position_embeddings=max(length, 16),
        attn_implementation="sdpa",  # type: ignore[call-arg]
    )
    return BertModel(made, add_pooling_layer=False)
