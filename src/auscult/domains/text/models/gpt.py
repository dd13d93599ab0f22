"""Model ``gpt``: a small causal Transformer of the transformers library that writes a narrative behind its request.

The network is GPT-2 (Radford et al. 2019) with new weights; it learns every piece of request and narrative from those
before it. What is exported takes one piece at a time with the keys and values of the pieces before, so that a text of
L pieces costs L steps and not the square.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field as Setting
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Fitted, Items, ItemSet, KindName, Network, Program
from auscult.base.errors import RecipeError, UsageError
from auscult.base.files import read_json
from auscult.domains.text.models.pretrained import CONFIG, WEIGHTS, alike
from auscult.domains.text.models.sequences import VocabularyConfig, sequences
from auscult.engine.drivers.pieces import END
from auscult.engine.networks import located_network
from auscult.engine.train import Batch, GradientPlan, Step, export_onnx, fit_gradient

PIECES = "pieces.safetensors"
_SIZES = {"layers": "n_layer", "width": "n_embd", "heads": "n_head", "places": "n_positions"}
SHOWN_PAST = 3
"""Pieces before the one of the example that the network is exported with; any number comes in use."""


class GptConfig(VocabularyConfig):
    """Settings of the network; one that is gone on with brings its sizes, its places and its words."""

    folder: Network = Setting("", description="Run or release of a 'gpt' to go on from; empty is a new one.")
    layers: int = Setting(1, ge=1, le=48, description="Blocks of attention and feed-forward.")
    width: int = Setting(64, ge=8, le=2048, description="Width of a piece.")
    heads: int = Setting(4, ge=1, le=32, description="Heads of each attention.")
    dropout: float = Setting(0.1, ge=0, lt=1, description="Share of activations left out in training.")
    places: int = Setting(256, ge=16, le=4096, description="Pieces of request and narrative together at the most.")


class Gpt:
    """Narratives piece by piece."""

    Config: ClassVar[type[Config]] = GptConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("sample",)
    inputs: ClassVar[tuple[str, ...]] = ("prompt", "seed")

    def __init__(self, config: GptConfig) -> None:
        if config.width % config.heads:
            raise RecipeError(f"[model] heads: expected a divisor of the width {config.width}, got {config.heads}")
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Learn each piece from those before it; a sequence that is longer than ``places`` is learned to there."""
        before = read_causal(self._config.folder) if self._config.folder else None
        c = self._config if before is None else self._config.model_copy(update=before.sizes)
        learned = sequences(c, train, valid, known=None if before is None else before.words)
        sets = [_padded(each, c.places) for each in (learned.train, learned.valid)]
        settings = {
            "end": END, "max_length": int(context.spec.parameters["length"]), "context": c.places,
            "kept": [2 * c.layers * c.heads, c.width // c.heads], "temperature": c.temperature, "top_p": c.top_p,
        }  # fmt: skip

        def export(network: nn.Module, example: Batch) -> Program:
            one = {
                "token": torch.zeros(2, dtype=torch.int64),
                "place": torch.zeros(2, dtype=torch.int64),
                "past": torch.zeros(2, 2 * c.layers * c.heads, SHOWN_PAST, c.width // c.heads),
            }
            graph = export_onnx(
                OneStep(cast("Causal", network).body), Batch(one, None), "scores", free=("past",), free_axis=2
            )
            files = causal_files(cast("Causal", network).body, learned.words)
            return Program("decode", self.inputs, {"step": graph}, {"words": learned.words}, settings, files)

        def network() -> nn.Module:
            made = Causal(c, learned.n_tokens)
            if before is not None:
                made.body.transformer.load_state_dict(before.weights)
            return made

        step = Step("all", lambda network: network.parameters(), _loss)
        plan = GradientPlan(network, ("tokens",), (step,), batches=alike, export=export)
        return fit_gradient(plan, sets[0], sets[1], context)


@dataclass(frozen=True, repr=False)
class Before:
    """A network to go on with: its sizes by the names of the settings, its words and its weights."""

    sizes: Mapping[str, Any]
    words: npt.NDArray[np.uint8]
    weights: Mapping[str, Tensor]


def read_causal(stated: str) -> Before:
    """Read the network of a release of ``gpt``.

    Raises
    ------
    UsageError
        If a file is missing, or it is another network.
    """
    folder = located_network("[model] folder", stated)
    for name in (CONFIG, WEIGHTS, PIECES):
        if not (folder / name).is_file():
            raise UsageError(f"[model] folder: expected {name} in {folder.name}, got none; name a release of 'gpt'")
    about = read_json(folder / CONFIG)
    sizes = {ours: about[theirs] for ours, theirs in _SIZES.items()}
    words = load_file(folder / PIECES)["words"].numpy()
    return Before(sizes, words, load_file(folder / WEIGHTS))


def causal_files(body: Any, words: npt.NDArray[np.uint8]) -> dict[str, bytes]:
    """Return the files of a network as the transformers library reads them, and the words that are its pieces."""
    weights = {name: v.detach().cpu().clone().contiguous() for name, v in body.transformer.state_dict().items()}
    pieces = {"words": torch.as_tensor(np.ascontiguousarray(words))}
    about = body.config.to_json_string(use_diff=False).encode()
    return {CONFIG: about, WEIGHTS: save(weights, {"format": "pt"}), PIECES: save(pieces)}


def _padded(rows: Sequence[Sequence[int]], places: int) -> ItemSet:
    """Sequences as ``tokens`` (N, T), each number plus one, and 0 behind the end."""
    tokens = np.zeros((len(rows), min(max(map(len, rows), default=2), places)), dtype=np.int64)
    for k, row in enumerate(rows):
        values = np.array(row[:places]) + 1
        tokens[k, : len(values)] = values
    index = np.arange(len(rows), dtype=np.int64)
    inputs: dict[str, Array] = {"tokens": tokens}
    return ItemSet(Items(inputs, index, np.zeros_like(index)), index)


class Causal(nn.Module):
    """Tokens (N, T) → scores of the next one at each place, (N, T, V)."""

    def __init__(self, config: GptConfig, n_tokens: int) -> None:
        super().__init__()
        from transformers import GPT2Config, GPT2LMHeadModel

        about = GPT2Config(
            vocab_size=n_tokens, n_positions=config.places, n_embd=config.width, n_layer=config.layers,
            n_head=config.heads, resid_pdrop=config.dropout, embd_pdrop=config.dropout, attn_pdrop=config.dropout,
            bos_token_id=END, eos_token_id=END, use_cache=False,
        )  # fmt: skip
        self.body: Any = GPT2LMHeadModel(about)

    def forward(self, tokens: Tensor) -> Tensor:
        """(N, T) -> (N, T, V)."""
        out: Tensor = self.body(input_ids=tokens).logits
        return out


def _loss(network: nn.Module, batch: Batch) -> Tensor:
    """Mean negative log-probability of a piece."""
    tokens = batch.inputs["tokens"]
    tokens = tokens[:, : int((tokens > 0).sum(dim=1).max())]
    scores = network((tokens[:, :-1] - 1).clamp(min=0))  # (N, T - 1, V)
    return functional.cross_entropy(scores.flatten(0, 1), tokens[:, 1:].flatten() - 1, ignore_index=-1)


class OneStep(nn.Module):
    """The same network, piece by piece: takes the keys and values of the pieces before, and gives its own.

    Equal to the whole network at every place (tested); what is written out here is the block of GPT-2.
    """

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body

    def forward(self, token: Tensor, place: Tensor, past: Tensor) -> Tensor:
        """``token``, ``place`` (N,), ``past`` (N, G, T, D), whose first place is nothing -> (N, V + G D)."""
        whole = self.body.transformer
        x = whole.wte(token) + whole.wpe(place)  # (N, W)
        width, heads = x.shape[1], self.body.config.n_head
        nothing = torch.arange(past.shape[2], device=past.device) == 0
        kept = []
        for k, block in enumerate(whole.h):
            query, own = block.attn.c_attn(block.ln_1(x)).split((width, 2 * width), dim=1)
            kept.append(own)
            query, key, value = (
                part.reshape(part.shape[0], heads, -1) for part in (query, own[:, :width], own[:, width:])
            )  # (N, H, D)
            keys, values = (past[:, g * heads : (g + 1) * heads] for g in (2 * k, 2 * k + 1))  # (N, H, T, D)
            before = (keys @ query.unsqueeze(3)).squeeze(3).masked_fill(nothing, -math.inf)  # (N, H, T)
            score = torch.cat([before, (query * key).sum(dim=2, keepdim=True)], dim=2) / math.sqrt(width // heads)
            share = score.softmax(dim=2)
            mixed = (share[:, :, None, :-1] @ values).squeeze(2) + share[:, :, -1:] * value  # (N, H, D)
            x = x + block.attn.c_proj(mixed.flatten(1))
            x = x + block.mlp(block.ln_2(x))
        logits = self.body.lm_head(whole.ln_f(x))
        return torch.cat([logits, *kept], dim=1)
