"""Model ``compound-ensemble``: networks and boosted trees, each with its own eyes; their mean is the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.domains.molecules.models.descriptor_trees import DescriptorTrees, DescriptorTreesConfig
from auscult.domains.molecules.models.fingerprint_net import FingerprintNet, FingerprintNetConfig


class CompoundEnsembleConfig(Config):
    """Settings of all parts."""

    nets: tuple[FingerprintNetConfig, ...] = Setting(
        (FingerprintNetConfig(), FingerprintNetConfig(inputs=("descriptors",), width=256)),
        min_length=1,
        description="Settings of the networks, such as one on all inputs and one on descriptors alone.",
    )
    trees: DescriptorTreesConfig = Setting(DescriptorTreesConfig(), description="Settings of the boosted trees.")
    net_share: float = Setting(0.5, gt=0, lt=1, description="Weight of the networks together in the mean.")


@dataclass(frozen=True, repr=False)
class _Mean:
    program: Program

    def export(self) -> Program:
        return self.program


class CompoundEnsemble:
    """The weighted mean of several models, as one program of as many graphs."""

    Config: ClassVar[type[Config]] = CompoundEnsembleConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("labels", "class", "value")
    inputs: ClassVar[tuple[str, ...]] = ("ecfp4", "descriptors")

    def __init__(self, config: CompoundEnsembleConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Fit every part on the same items."""
        c = self._config
        parts = {
            f"net-{k:02d}": FingerprintNet(net).fit(train, valid, replace(context, folder=context.folder / f"net-{k}"))
            for k, net in enumerate(c.nets)
        }
        made = {name: part.export() for name, part in parts.items()}
        made["trees"] = DescriptorTrees(c.trees).fit(train, valid, context).export()
        inputs = tuple(dict.fromkeys(name for program in made.values() for name in program.inputs))
        graphs = {name: program.graphs["main"] for name, program in made.items()}
        weights = [*[c.net_share / len(c.nets)] * len(c.nets), 1 - c.net_share]  # in the order of the graphs' names
        return _Mean(Program("forward", inputs, graphs, settings={"weights": weights}))
