"""Checkpoints: one safetensors file that holds weights, the best weights and the optimisers' state. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from auscult.base.errors import UsageError
from auscult.base.files import write_bytes
from auscult.engine.curve import write_curve

NAME = "checkpoint.safetensors"


@dataclass(frozen=True, repr=False)
class TrainState:
    """Where training stands after whole epochs; ``curve`` is the validation loss after each."""

    epoch: int = 0
    best_epoch: int = 0
    best: float = float("inf")
    last: float = float("nan")
    curve: tuple[float, ...] = ()
    best_weights: Mapping[str, Tensor] | None = None

    def after_epoch(self, valid_loss: float, network: nn.Module) -> TrainState:
        """Return the state after one more epoch."""
        state = replace(self, epoch=self.epoch + 1, last=valid_loss, curve=(*self.curve, valid_loss))
        if valid_loss < self.best:
            weights = {k: v.detach().clone() for k, v in network.state_dict().items()}
            return replace(state, best=valid_loss, best_epoch=state.epoch, best_weights=weights)
        return state


def save_checkpoint(
    folder: Path, network: nn.Module, optimisers: Mapping[str, torch.optim.Optimizer], state: TrainState
) -> None:
    """Write a checkpoint atomically; the one before is replaced."""
    tensors: dict[str, Tensor] = {f"weights/{k}": v for k, v in network.state_dict().items()}
    tensors |= {f"best/{k}": v for k, v in (state.best_weights or {}).items()}
    for name, optimiser in optimisers.items():
        for index, values in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{name}/{index}/{k}": torch.as_tensor(v) for k, v in values.items()}
    numbers = {"epoch": state.epoch, "best_epoch": state.best_epoch, "best": state.best, "last": state.last}
    write_curve(folder, state.curve, state.best_epoch)
    whole = {k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}
    write_bytes(folder / NAME, save(whole, metadata={"state": json.dumps({**numbers, "curve": state.curve})}))


def load_checkpoint(folder: Path, network: nn.Module, optimisers: Mapping[str, torch.optim.Optimizer]) -> TrainState:
    """Load a checkpoint into a network and its optimisers; a fresh state where there is none."""
    path = folder / NAME
    if not path.exists():
        return TrainState()
    with safe_open(path, framework="pt") as file:
        numbers = json.loads(file.metadata()["state"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    network.load_state_dict(_below(tensors, "weights/"))
    for name, optimiser in optimisers.items():
        saved = optimiser.state_dict()
        values: dict[int, dict[str, Tensor]] = {}
        for key, tensor in _below(tensors, f"optimiser/{name}/").items():
            index, _, part = key.partition("/")
            values.setdefault(int(index), {})[part] = tensor
        optimiser.load_state_dict({"state": values, "param_groups": saved["param_groups"]})
    numbers["curve"] = tuple(numbers.get("curve", ()))
    return TrainState(**numbers, best_weights=_below(tensors, "best/") or None)


def load_pretrained(folder: Path, network: nn.Module) -> None:
    """Give a network the best weights of a checkpoint in a local folder.

    A network may name in ``fresh`` how the names of weights begin that depend on what is answered, such as its last
    layer: where these have another size they start anew, so that a body is taken over to another set of classes.

    Raises
    ------
    UsageError
        If there is no checkpoint, or it is of another network; says which weights do not fit.
    """
    path = folder / NAME
    if not path.exists():
        raise UsageError(f"train.pretrained: expected a folder with {NAME}, got none in {folder.name}")
    with safe_open(path, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    weights = _below(tensors, "best/") or _below(tensors, "weights/")
    own = network.state_dict()
    fresh: tuple[str, ...] = getattr(network, "fresh", ())
    resized = {k for k in {*own} & {*weights} if own[k].shape != weights[k].shape}
    anew = {k for k in resized if k.startswith(fresh)} if fresh else set()
    odd = sorted({*own} ^ {*weights} | resized - anew)
    if odd:
        raise UsageError(f"train.pretrained: expected the weights of this network, got others in {', '.join(odd[:5])}")
    network.load_state_dict({k: own[k] if k in anew else v for k, v in weights.items()})


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
