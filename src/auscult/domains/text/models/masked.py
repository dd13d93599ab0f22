"""How ``bert`` and ``roberta`` learn from texts without labels: hidden words are guessed (Devlin et al. 2019, NAACL).

In each epoch other words are hidden than in the one before. Of those four in five are gaps, one in ten is another word
and one in ten stays. The words that the task hides are what validation and test are judged by.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

import torch
from safetensors.torch import save
from torch import Tensor, nn

from auscult.base.contracts import FitContext, Fitted, ItemSet, Program
from auscult.domains.text.models.pretrained import (
    CONFIG,
    WEIGHTS,
    WORDS,
    EncoderConfig,
    alike,
    read_encoder,
    require_known,
    require_same_words,
    together,
)
from auscult.engine.blocks.int8 import in_int8
from auscult.engine.train import Batch, GradientPlan, Step, export_onnx, fit_gradient

INPUTS = ("tokens", "gap", "ids")
PART = 16
"""Validation texts that are looked at together."""
HIDDEN = 0.15
"""Share of the words that is hidden in training, and of these the shares of gaps and of other words."""
GAPS, OTHERS = 0.8, 0.1


def fit_masked(
    config: EncoderConfig, make: Callable[[int, int], Any], train: ItemSet, *, valid: ItemSet, context: FitContext
) -> Fitted:
    """Train an encoder to guess hidden words; what is exported brings the encoder, for a recipe with labels.

    Parameters
    ----------
    config : EncoderConfig
        Its settings.
    make : callable
        ``(vocabulary, length) -> transformers model`` of a new encoder.
    train, valid : ItemSet
        Items with ``tokens`` (N, T), ``gap`` and ``ids`` (N, G).
    context : FitContext
        Vocabulary, seed, training settings.
    """
    parameters = context.spec.parameters
    vocabulary, length = int(parameters["vocabulary"]), train.items.inputs["tokens"].shape[1]

    def network() -> nn.Module:
        body = read_encoder(config.folder) if config.folder else make(vocabulary, length)
        require_known(body, vocabulary, length)
        require_same_words(body, parameters)
        if body.config.vocab_size < vocabulary:  # a number for the gap
            body.resize_token_embeddings(vocabulary)
        return Masked(body)

    def export(trained: nn.Module, example: Batch) -> Program:
        graph = export_onnx(trained, example, "score", free=("tokens",))
        graph = in_int8(graph) if config.int8 else graph
        files = network_files(cast("Masked", trained).body, parameters[WORDS])
        return Program("forward", INPUTS, {"main": graph}, {}, {"trim": "tokens", **together(config)}, files)

    def loss(network: nn.Module, batch: Batch) -> Tensor:
        return _loss(network, hidden_anew(batch, vocabulary))

    step = Step("all", lambda network: network.parameters(), loss)
    plan = GradientPlan(network, INPUTS, (step,), batches=alike, valid_loss=_loss_in_parts, export=export)
    return fit_gradient(plan, train, valid, context)


def network_files(body: Any, words: float) -> dict[str, bytes]:
    """Return the files of an encoder as the transformers library reads them; ``words`` tells its tokenizer."""
    about = {**json.loads(body.config.to_json_string(use_diff=False)), WORDS: words}
    weights = {name: values.detach().cpu().clone().contiguous() for name, values in body.state_dict().items()}
    return {CONFIG: json.dumps(about, indent=1, sort_keys=True).encode(), WEIGHTS: save(weights, {"format": "pt"})}


class Masked(nn.Module):
    """Texts with gaps → the logarithm of the probability of what stood there, and how many are guessed, (N, 2)."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body
        width = body.config.hidden_size
        self.mix, self.norm = nn.Linear(width, width), nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(body.config.vocab_size))

    def forward(self, tokens: Tensor, gap: Tensor, ids: Tensor) -> Tensor:
        """(N, T), (N, G), (N, G) -> (N, 2)."""
        hidden = self.body(input_ids=(tokens - 1).clamp(min=0), attention_mask=(tokens != 0).long()).last_hidden_state
        at = gap.clamp(min=0).unsqueeze(2).expand(-1, -1, hidden.shape[2])
        mixed = self.norm(nn.functional.gelu(self.mix(hidden.gather(1, at))))  # (N, T, W) -> (N, G, W)
        score = mixed @ self.body.embeddings.word_embeddings.weight.T.to(mixed) + self.bias  # (N, G, V)
        told = score.float().log_softmax(dim=2)
        truth, there = (ids - 1).clamp(min=0), gap >= 0
        each = told.gather(2, truth.unsqueeze(2)).squeeze(2)  # (N, G)
        right = (told.argmax(dim=2) == truth) & there
        return torch.stack([(each * there).sum(dim=1), right.sum(dim=1).to(each)], dim=1)


def _loss(network: nn.Module, batch: Batch) -> Tensor:
    """Mean negative log-probability of a hidden word."""
    tokens, gap, ids = (batch.inputs[name] for name in INPUTS)
    longest = max(int((tokens != 0).sum(dim=1).max()), 1)
    score = network(tokens[:, :longest], gap, ids)
    loss: Tensor = -score[:, 0].sum() / (gap >= 0).sum()
    return loss


def _loss_in_parts(network: nn.Module, batch: Batch) -> Tensor:
    """The same of a large batch: each gap has a score for every word, so that few texts fit into the memory at once."""
    gaps = torch.stack([(part["gap"] >= 0).sum() for part in _parts(batch)])
    each = torch.stack([_loss(network, Batch(part, None)) for part in _parts(batch)])
    mean: Tensor = (each * gaps).sum() / gaps.sum()
    return mean


def _parts(batch: Batch) -> list[dict[str, Tensor]]:
    split = {name: torch.split(batch.inputs[name], PART) for name in INPUTS}
    return [dict(zip(split, values, strict=True)) for values in zip(*split.values(), strict=True)]


def hidden_anew(batch: Batch, vocabulary: int) -> Batch:
    """Restore the texts of a batch and hide other words, by torch's generator; ``vocabulary`` is the gap."""
    tokens, gap, ids = (batch.inputs[name] for name in INPUTS)
    n, length = tokens.shape
    beyond = torch.cat([tokens, tokens.new_zeros(n, 1)], dim=1)
    whole = beyond.scatter(1, torch.where(gap < 0, length, gap), ids.clamp(min=0))[:, :length]
    size = (whole != 0).sum(dim=1)
    count = (HIDDEN * size).round().clamp(min=1).long()
    most = int(count.max())
    drawn = (torch.rand(n, length) - (whole == 0).float()).topk(most, dim=1).indices  # any order of the places
    there = torch.arange(most) < count[:, None]
    truth = whole.gather(1, drawn)
    dice = torch.rand(n, most)
    shown = torch.where(dice < GAPS, vocabulary, truth)
    shown = torch.where((dice >= GAPS) & (dice < GAPS + OTHERS), torch.randint(1, vocabulary, (n, most)), shown)
    seen = whole.scatter(1, drawn, torch.where(there, shown, truth))
    inputs = {"tokens": seen, "gap": torch.where(there, drawn, -1), "ids": torch.where(there, truth, -1)}
    return Batch(inputs, batch.target)
