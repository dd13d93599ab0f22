"""What ``bert`` and ``roberta`` share: an encoder of the transformers library, from settings or a local folder."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from pydantic import Field as Setting
from torch import Tensor, nn
from torch.nn import functional

from auscult.base.contracts import Config, FitContext, Fitted, Index, ItemSet, Network, Program
from auscult.base.errors import UsageError
from auscult.engine.answers import kind_of
from auscult.engine.blocks.int8 import in_int8
from auscult.engine.networks import located_network
from auscult.engine.train import Batch, GradientPlan, export_onnx, fit_gradient

BATCH, BUDGET = 32, 512
"""Texts, and tokens with padding, that an exported encoder sees at a time."""
CONFIG, WEIGHTS = "config.json", "model.safetensors"
WORDS = "tokenizer_number"
"""Tells by which tokenizer or hash of words a network was trained; a parameter of the task has the same name."""
PICKLES = ("pytorch_model.bin", "model.pt", "model.pkl")


class EncoderSize(Config):
    """Where an encoder comes from; the sizes are those of a new one, a folder brings its own."""

    folder: Network = Setting(
        "",
        description="Local folder with config.json and model.safetensors, package:NAME/PATH, or a run or release of "
        "'masked-text'; empty is a new one.",
    )
    layers: int = Setting(1, ge=1, le=48, description="Blocks of a new encoder.")
    width: int = Setting(32, ge=8, le=2048, description="Width of a new encoder.")
    heads: int = Setting(2, ge=1, le=32, description="Heads of each attention of a new encoder.")
    dropout: float = Setting(0.1, ge=0, lt=1, description="Share of activations left out in training.")


class EncoderConfig(EncoderSize):
    """Settings of an encoder that is trained."""

    lora: int = Setting(0, ge=0, le=256, description="Rank of LoRA adapters, which alone are trained; 0 trains all.")
    pool: str = Setting("mean", pattern="^(mean|first)$", description="What stands for a text: the mean, or the first.")
    frozen_layers: int = Setting(0, ge=0, description="First blocks of the encoder that stay as they came.")
    int8: bool = Setting(
        False,
        description="Export matrix products with whole numbers of 8 bits: half as fast again, probabilities change in "
        "the second place. What is calibrated and judged is the program as it is exported.",
    )


def fit_encoder(
    config: EncoderConfig, make: Callable[[int, int], Any], train: ItemSet, *, valid: ItemSet, context: FitContext
) -> Fitted:
    """Train an encoder with a new head.

    Parameters
    ----------
    config : EncoderConfig
        Its settings.
    make : callable
        ``(vocabulary, length) -> transformers model`` of a new encoder.
    train, valid : ItemSet
        Items with ``tokens`` (N, T).
    context : FitContext
        Labels, seed, training settings.
    """
    kind = kind_of(context.spec)
    per_token = kind.name == "spans"
    length = train.items.inputs["tokens"].shape[1]
    vocabulary = int(context.spec.parameters["vocabulary"])

    def network() -> nn.Module:
        body = read_encoder(config.folder) if config.folder else make(vocabulary, length)
        require_known(body, vocabulary, length)
        require_same_words(body, context.spec.parameters)
        return Encoder(config, body, kind.n_outputs(context.spec), per_token=per_token)

    def export(trained: nn.Module, example: Batch) -> Program:
        along = [kind.output] if per_token else []
        graph = export_onnx(trained, example, kind.output, activation=kind.activation, free=("tokens",))
        graph = in_int8(graph) if config.int8 else graph
        return Program(
            "forward",
            ("tokens",),
            {"main": graph},
            {},
            {"trim": "tokens", "along": along, **together(config)},
        )

    plan = GradientPlan(network, ("tokens",), batches=alike, export=export)
    return fit_gradient(plan, train, valid, context)


def together(config: EncoderConfig) -> dict[str, int]:
    """Return how many texts an exported encoder sees at a time.

    In whole numbers it is one: what comes in is rounded by the range of all that runs together, so that an answer would
    depend on the texts beside it.
    """
    return {"batch": 1} if config.int8 else {"batch": BATCH, "budget": BUDGET}


def alike(train: ItemSet, size: int, rng: np.random.Generator) -> Iterator[Index]:
    """Every item once, in batches of texts of like length; the batches come in random order."""
    tokens = train.items.inputs["tokens"]
    length = np.concatenate([(np.asarray(tokens[rows]) != 0).sum(axis=1) for rows in _pieces(train.rows)])
    order = np.argsort(length + rng.uniform(-0.1, 0.1, len(length)) * length, kind="stable")
    batches = np.array_split(order, range(size, len(order), size))
    for k in rng.permutation(len(batches)):
        yield batches[k]


def _pieces(rows: Index) -> list[Index]:
    return [rows[i : i + 4096] for i in range(0, len(rows), 4096)]


def read_encoder(stated: str) -> Any:
    """Open an encoder from a local folder; safetensors only, and nothing in the folder is run.

    Raises
    ------
    UsageError
        If the folder has no configuration or no safetensors weights.
    """
    from transformers import AutoModel
    from transformers.utils import logging as told

    folder = located_network("[model] folder", stated)
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            pickled = next((p for p in PICKLES if (folder / p).exists()), "")
            hint = f", only {pickled}, which is a pickle; save it as safetensors" if pickled and name == WEIGHTS else ""
            raise UsageError(f"[model] folder: expected {name} in {folder.name}, got none{hint}")
    told.set_verbosity_error()  # type: ignore[no-untyped-call]
    told.disable_progress_bar()  # type: ignore[no-untyped-call]
    return AutoModel.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, attn_implementation="sdpa"
    )


def require_known(body: Any, vocabulary: int, length: int) -> None:
    """Refuse numbers of words that an encoder does not know, and texts longer than it has places for.

    Raises
    ------
    UsageError
        With how many it knows, or has.
    """
    if body.config.vocab_size < vocabulary - 1:
        raise UsageError(
            f"[task] vocabulary: expected at most {body.config.vocab_size + 1}, which the encoder knows, "
            f"got {vocabulary}"
        )
    places = getattr(body.embeddings, "position_embeddings", None)
    if places is None:  # such as rotary ones: of any length
        return
    most = places.num_embeddings - (0 if places.padding_idx is None else places.padding_idx + 1)
    if most < length:
        raise UsageError(f"[task] length: expected at most {most}, the places that the encoder has, got {length}")


def require_same_words(body: Any, parameters: Mapping[str, float]) -> None:
    """Refuse a network that was trained on another tokenizer than that of the task, where it says on which.

    Raises
    ------
    UsageError
        With where the right one is.
    """
    learned = getattr(body.config, WORDS, None)
    if learned is not None and learned != parameters.get(WORDS):
        raise UsageError(
            "[task] tokenizer: expected what the network learned its words by, got another; name the tokenizer of its "
            "release (files/tokenizer.json), or none and the same vocabulary where it has none"
        )


class Encoder(nn.Module):
    """Tokens (N, T) → scores (N, K), or (N, K, T) for each token."""

    def __init__(self, config: EncoderConfig, body: Any, n_outputs: int, *, per_token: bool) -> None:
        super().__init__()
        for part in list(body.encoder.layer)[: config.frozen_layers]:
            part.requires_grad_(False)
        if config.frozen_layers:
            body.embeddings.requires_grad_(False)
        self.body = _with_adapters(body, config) if config.lora else body
        self.drop = nn.Dropout(config.dropout)
        self.read = nn.Linear(body.config.hidden_size, n_outputs)
        self.per_token, self.first = per_token, config.pool == "first"

    def forward(self, tokens: Tensor) -> Tensor:
        """(N, T) -> (N, K) or (N, K, T)."""
        length = tokens.shape[1]
        if not torch.compiler.is_exporting():
            tokens = tokens[:, : max(int((tokens != 0).sum(dim=1).max()), 1)]
        there = tokens != 0  # (N, T)
        hidden = self.body(input_ids=(tokens - 1).clamp(min=0), attention_mask=there.long()).last_hidden_state
        if self.per_token:
            each: Tensor = self.read(self.drop(hidden)).transpose(1, 2)  # (N, T, W) -> (N, K, T)
            return functional.pad(each, (0, length - tokens.shape[1]))
        share = there.unsqueeze(2) / there.sum(dim=1).clamp(min=1)[:, None, None]  # (N, T, 1)
        whole = hidden[:, 0] if self.first else (hidden * share).sum(dim=1)  # (N, T, W) -> (N, W)
        out: Tensor = self.read(self.drop(whole))
        return out


def _with_adapters(body: Any, config: EncoderConfig) -> Any:
    """Add low-rank adapters to the attention (Hu et al. 2022, ICLR); everything else stays as it came."""
    from peft import LoraConfig, get_peft_model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("peft").setLevel(logging.ERROR)
        plan = LoraConfig(r=config.lora, lora_alpha=2 * config.lora, target_modules=["query", "value"])
        return get_peft_model(body, plan)
