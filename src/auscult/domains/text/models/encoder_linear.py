"""Model ``encoder-linear``: what a frozen encoder makes of a text, beside its n-grams, and one linear model over both.

The mean of the encoder's last layer over the tokens, brought to one length, says what a text is about where it shares
no word with the training texts; the n-grams say the words. One graph answers: encoder, n-grams and weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field as Setting
from safetensors.numpy import load_file, save
from torch import Tensor, nn
from torch.nn import functional

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.base.files import sha256, write_bytes
from auscult.base.log import progress
from auscult.domains.text.models.bert import new_bert
from auscult.domains.text.models.pretrained import (
    BATCH,
    BUDGET,
    EncoderSize,
    read_encoder,
    require_known,
    require_same_words,
)
from auscult.engine.answers import kind_of
from auscult.engine.blocks.sparse_linear import SparsePlan, fit_sparse
from auscult.engine.train import Batch, export_onnx

Floats = npt.NDArray[np.float32]


class EncoderLinearConfig(EncoderSize):
    """Settings of the model; without a folder the encoder is new and stays untrained."""

    encoder_weight: float = Setting(
        2.0,
        gt=0,
        description="Length of the encoder's view of a text, beside n-grams of about 5 once weighed by rarity.",
    )
    loss: Literal["logistic", "hinge"] = Setting("hinge", description="What is made small in training.")
    strength: float = Setting(0.05, gt=0, description="Inverse of the penalty on the squared weights.")
    class_weight: Literal["none", "balanced"] = Setting("none", description="'balanced' weighs classes equally.")
    least: int = Setting(1, ge=1, description="A feature of fewer training texts has no weight.")


class EncoderLinear:
    """A frozen encoder, n-grams, and linear weights."""

    Config: ClassVar[type[Config]] = EncoderLinearConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("class", "labels")
    inputs: ClassVar[tuple[str, ...]] = ("tokens", "ids", "counts")

    def __init__(self, config: EncoderLinearConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Encode the training texts, once for all folds of a run, and fit the weights."""
        c, parameters = self._config, context.spec.parameters
        vocabulary = int(parameters["vocabulary"])
        size = int(parameters["buckets"] + parameters["cues"])
        torch.set_num_threads(context.settings.threads)
        torch.manual_seed(0)  # an encoder without a folder is the same in every fold
        length = train.items.inputs["tokens"].shape[1]
        body = read_encoder(c.folder) if c.folder else new_bert(c, vocabulary, length)
        require_known(body, vocabulary, length)
        require_same_words(body, parameters)
        network = FrozenMean(body).eval()
        seen = encoded(network, train.inputs()["tokens"], context) * np.float32(c.encoder_weight)
        plan = SparsePlan(c.loss, c.strength, c.class_weight, least=c.least, plain_from=int(parameters["buckets"]))
        found = fit_sparse(_beside(train, seen, size), context, plan, size=size + seen.shape[1])
        made = _Whole(network, found.weight, found.bias, size=size, encoder_weight=c.encoder_weight)
        rows = np.arange(min(2, len(train)))
        inputs = train.inputs(rows)
        example = Batch({n: torch.as_tensor(np.ascontiguousarray(inputs[n])) for n in self.inputs}, None)
        example = replace(example, inputs={**example.inputs, "ids": example.inputs["ids"].long()})
        return EncoderLinearFitted(made.eval(), example, context)


@dataclass(frozen=True, repr=False)
class EncoderLinearFitted:
    """The encoder with the weights that were found."""

    network: nn.Module
    example: Batch
    context: FitContext

    def export(self) -> Program:
        """Return one ONNX graph over tokens and n-grams."""
        kind = kind_of(self.context.spec)
        graph = export_onnx(self.network, self.example, kind.output, activation=kind.activation, free=("tokens",))
        return Program(
            "forward", EncoderLinear.inputs, {"main": graph}, {}, {"trim": "tokens", "batch": BATCH, "budget": BUDGET}
        )


def _beside(train: ItemSet, seen: Floats, size: int) -> ItemSet:
    """Put the encoder's numbers, (N, W), beside the n-grams as the features from ``size`` on."""
    inputs, n = train.inputs(), len(train)
    number = np.broadcast_to(size + np.arange(seen.shape[1], dtype=np.int64), seen.shape)
    both = {
        "ids": np.concatenate([inputs["ids"], number], axis=1),
        "counts": np.concatenate([inputs["counts"], seen], axis=1),
    }
    return ItemSet(replace(train.items, inputs=both, target=train.target()), np.arange(n))


class FrozenMean(nn.Module):
    """Tokens (N, T) → the mean of the encoder's last layer, of length 1, (N, W)."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body.requires_grad_(False)

    def forward(self, tokens: Tensor) -> Tensor:
        """(N, T) -> (N, W)."""
        there = tokens != 0  # (N, T)
        hidden = self.body(input_ids=(tokens - 1).clamp(min=0), attention_mask=there.long()).last_hidden_state
        share = there.unsqueeze(2) / there.sum(dim=1).clamp(min=1)[:, None, None]  # (N, T, 1)
        return functional.normalize((hidden * share).sum(dim=1), dim=1)  # (N, T, W) -> (N, W)


class _Whole(nn.Module):
    """Tokens (N, T) and n-grams, ids and counts (N, L) → scores (N, K)."""

    def __init__(self, encoder: FrozenMean, weight: Array, bias: Array, *, size: int, encoder_weight: float) -> None:
        super().__init__()
        self.encoder = encoder
        rows = np.concatenate([np.zeros_like(weight[:1]), weight[:size]])  # row 0 is for what pads
        self.grams = nn.Embedding(rows.shape[0], rows.shape[1], padding_idx=0)
        self.grams.weight.data = torch.as_tensor(rows, dtype=torch.float32)
        self.read = nn.Linear(weight.shape[0] - size, weight.shape[1])
        self.read.weight.data = torch.as_tensor(encoder_weight * weight[size:].T, dtype=torch.float32)
        self.read.bias.data = torch.as_tensor(bias, dtype=torch.float32)

    def forward(self, tokens: Tensor, ids: Tensor, counts: Tensor) -> Tensor:
        """(N, T), (N, L), (N, L) -> (N, K)."""
        words = (self.grams(ids.long() + 1) * counts.unsqueeze(2)).sum(dim=1)  # (N, L, K) -> (N, K)
        out: Tensor = self.read(self.encoder(tokens)) + words
        return out


def encoded(network: FrozenMean, tokens: Array, context: FitContext) -> Floats:
    """What the encoder makes of texts, (N, T) -> (N, W); kept beside the checkpoints, so that each is encoded once."""
    path = context.folder.parent / f"encoded-{_name_of(network)}.safetensors"
    known = load_file(path) if path.exists() else {}
    keys = [sha256(np.ascontiguousarray(row[row != 0]).tobytes())[:32] for row in tokens]
    made = dict(zip(known["key"].view("S32").ravel().tolist(), known["value"], strict=True)) if known else {}
    new = [row for row, key in enumerate(keys) if key.encode() not in made]
    if new:
        values = _run(network, tokens[new], context)
        made |= {keys[row].encode(): value for row, value in zip(new, values, strict=True)}
        table = {"key": np.array(list(made)).view(np.uint8).reshape(-1, 32), "value": np.stack(list(made.values()))}
        write_bytes(path, save(table))
    return np.stack([made[key.encode()] for key in keys])


def _name_of(network: nn.Module) -> str:
    parts: Sequence[Tensor] = list(network.state_dict().values())
    return sha256(b"".join(p.numpy().tobytes() for p in parts))[:12]


def _run(network: FrozenMean, tokens: Array, context: FitContext) -> Floats:
    """Encode in batches of like length."""
    length = (tokens != 0).sum(axis=1)
    order = np.argsort(length, kind="stable")
    out: list[Floats] = []
    batches = np.array_split(order, range(BATCH, len(order), BATCH))
    with progress(context.report, "encode", len(batches)) as bar, torch.inference_mode():
        for rows in batches:
            batch = torch.as_tensor(tokens[rows][:, : max(int(length[rows].max()), 1)])
            out.append(network(batch).numpy())
            bar.advance()
    return np.concatenate(out)[np.argsort(order, kind="stable")]
