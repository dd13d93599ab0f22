"""Model ``gan``: a generator and a discriminator that are trained against each other, by class.

Loss: each generated picture is compared with a real one of the same class (relativistic pairs, Jolicoeur-Martineau
2019, ICLR), with gradient penalties on real and on generated pictures; such a game converges (Huang et al. 2024,
NeurIPS, arXiv:2501.05441). What the discriminator sees may be shifted and changed in contrast, so that it does not
learn single pictures by heart (Zhao et al. 2020, NeurIPS). The generator begins as the normal distribution of pixels
that it is compared with. What is exported is the running mean of its weights.
"""

from __future__ import annotations

import copy
from typing import ClassVar, cast

import numpy as np
import torch
from pydantic import Field as Setting
from torch import Tensor, nn
from torch.nn import functional

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.domains.imaging.models.gan_networks import Discriminator, Generator
from auscult.domains.imaging.models.pixel_gaussian import class_components
from auscult.domains.imaging.preprocess.appearance import appearance
from auscult.engine.metrics.generated import kid
from auscult.engine.train import Batch, GradientPlan, Step, export_onnx, fit_gradient

BETAS = (0.0, 0.99)
"""Without momentum the two do not chase each other (Mescheder et al. 2018, ICML)."""
BATCH = 512
"""Pictures that the exported program makes at once."""


class GanConfig(Config):
    """Settings of both networks and of their game."""

    width: int = Setting(8, ge=4, description="Channels at the half resolution; twice as many at the quarter.")
    penalty: float = Setting(0.1, ge=0, description="Weight of the squared gradient of the discriminator.")
    penalty_every: int = Setting(4, ge=1, description="Steps from one penalty to the next; it weighs as many times.")
    ahead: int = Setting(60, ge=0, description="Steps that the discriminator learns alone in the beginning.")
    average: float = Setting(0.998, ge=0, lt=1, description="Decay of the running mean of the generator's weights.")
    shift: float = Setting(0.04, ge=0, le=0.5, description="Largest shift that the discriminator sees, of the side.")
    contrast: float = Setting(0.0, ge=0, le=1, description="Largest change of contrast and brightness that it sees.")


class Gan:
    """Pictures of a class from noise."""

    Config: ClassVar[type[Config]] = GanConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("sample",)
    inputs: ClassVar[tuple[str, ...]] = ("noise", "label")

    def __init__(self, config: GanConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train both by gradient descent in turn; the kernel distance to the validation pictures chooses the epoch.

        Raises
        ------
        DataError
            If a class has so few pictures that they would be given back.
        """
        n_noise = train.items.inputs["noise"].shape[1]
        means, directions = class_components(train, context.spec.labels, n_noise)
        shape = train.target(np.zeros(1, dtype=np.int64)).shape[1:]
        start = torch.as_tensor(np.concatenate([directions, means[:, None]], axis=1), dtype=torch.float32)

        def network() -> nn.Module:
            return _Game(self._config, start.clone(), shape=shape)

        steps = (
            Step("discriminator", lambda game: cast("_Game", game).discriminator.parameters(), _judged, betas=BETAS),
            Step("generator", lambda game: cast("_Game", game).generator.parameters(), _made, betas=BETAS),
        )
        plan = GradientPlan(network, self.inputs, steps, valid_loss=_distance, export=_export)
        return fit_gradient(plan, train, valid, context)


class _Cut(nn.Module):
    """A generator whose grey values are cut to their range."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        """(N, Z) and (N,) -> (N, 1, H, W)."""
        made: Tensor = self.generator(noise, label)
        return made.clamp(0, 1)


class _Game(nn.Module):
    """Both networks, the running mean of one, and how many steps were made."""

    n_steps: Tensor

    def __init__(self, config: GanConfig, start: Tensor, *, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.config, self.n_noise = config, start.shape[1] - 1
        self.generator = Generator(start, width=config.width, shape=shape)
        self.discriminator = Discriminator(len(start), width=config.width, shape=shape)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.register_buffer("n_steps", torch.zeros((), dtype=torch.int64))

    def forward(self, part: str, first: Tensor, label: Tensor) -> Tensor:
        """Make pictures of noise, or judge pictures."""
        network = {"make": self.generator, "average": self.average, "judge": self.discriminator}[part]
        out: Tensor = network(first, label)
        return out.clamp(0, 1) if part == "average" else out

    def after_step(self) -> None:
        """Let the running mean follow the generator; it follows at once in the beginning."""
        self.n_steps += 1
        share = 1 - min(self.config.average, float(self.n_steps / (self.n_steps + 10)))
        for mean, now in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            mean.lerp_(now.detach(), share)


def _pictures(batch: Batch) -> Tensor:
    """The real pictures of a batch."""
    return batch.target if batch.target is not None else batch.inputs["noise"]


def _fresh(game: _Game, batch: Batch) -> Tensor:
    """Pictures of new noise, one of the class of each real one."""
    label = batch.inputs["label"]
    made: Tensor = game("make", torch.randn(len(label), game.n_noise, device=label.device), label)
    return made


def _judged(network: nn.Module, batch: Batch) -> Tensor:
    """Loss of the discriminator: a real picture should look more real than a generated one of its class."""
    game = cast("_Game", network)
    with torch.no_grad():
        game.after_step()
        false = _fresh(game, batch)
    c, label = game.config, batch.inputs["label"]
    penalised = int(game.n_steps) % c.penalty_every == 0 and c.penalty > 0
    pairs = [_seen(p, c).requires_grad_(penalised) for p in (_pictures(batch), false)]
    real, made = (game("judge", p, label) for p in pairs)
    loss = functional.softplus(made - real).mean()
    if not penalised:
        return loss
    for judged, seen in zip((real, made), pairs, strict=True):
        (slope,) = torch.autograd.grad(judged.sum(), seen, create_graph=True)
        loss = loss + 0.5 * c.penalty * c.penalty_every * slope.square().sum(dim=(1, 2, 3)).mean()
    return loss


def _made(network: nn.Module, batch: Batch) -> Tensor:
    """Loss of the generator: its picture should look more real than a real one of its class."""
    game = cast("_Game", network)
    c, label = game.config, batch.inputs["label"]
    if int(game.n_steps) <= c.ahead:
        return 0.0 * game.generator.classes.weight.sum()
    with torch.no_grad():
        real = game("judge", _seen(_pictures(batch), c), label)
    game.discriminator.requires_grad_(False)
    judged = game("judge", _seen(_fresh(game, batch), c), label)
    game.discriminator.requires_grad_(True)
    return functional.softplus(real - judged).mean()


def _seen(image: Tensor, config: GanConfig) -> Tensor:
    """Shift pictures by whole pixels and change their contrast and brightness, each its own way."""
    n, side = len(image), image.shape[-1]
    most = round(config.shift * side)
    if most:
        padded = functional.pad(image, (most, most, most, most))
        start = torch.randint(0, 2 * most + 1, (2, n, 1), device=image.device)
        steps = torch.arange(side, device=image.device)
        rows, columns = (steps + start[0])[:, None, :, None], (steps + start[1])[:, None, None, :]
        image = padded[torch.arange(n, device=image.device)[:, None, None, None], 0, rows, columns]
    if config.contrast:
        gain, level = (config.contrast * (2 * torch.rand(2, n, 1, 1, 1, device=image.device) - 1)).unbind()
        image = (image - 0.5) * (1 + gain) + 0.5 + 0.5 * level
    return image


def _distance(game: nn.Module, batch: Batch) -> Tensor:
    """Kernel distance of the pictures that the mean generator makes of a batch's noise to the real ones."""
    made = game("average", batch.inputs["noise"], batch.inputs["label"])
    if len(made) < 2:
        return torch.zeros(())
    features = [appearance(p[:, 0].cpu().numpy()) for p in (_pictures(batch), made)]
    return torch.as_tensor(float(kid(*features)[0]))


def _export(game: nn.Module, example: Batch) -> Program:
    graph = export_onnx(_Cut(cast("_Game", game).average), example, "sample")
    return Program("forward", ("noise", "label"), {"main": graph}, settings={"batch": BATCH})
