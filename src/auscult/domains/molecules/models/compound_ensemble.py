"""Model ``compound-ensemble``: the network and the boosted trees, each with its own eyes; their mean is the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.domains.molecules.models.descriptor_trees import DescriptorTrees, DescriptorTreesConfig
from auscult.domains.molecules.models.fingerprint_net import FingerprintNet, FingerprintNetConfig


class CompoundEnsembleConfig(Config):
    """Settings of both."""

    net: FingerprintNetConfig = Setting(FingerprintNetConfig(), description="Settings of the network.")
    trees: DescriptorTreesConfig = Setting(DescriptorTreesConfig(), description="Settings of the boosted trees.")
    net_share: float = Setting(0.5, gt=0, lt=1, description="Weight of the network in the mean.")


@dataclass(frozen=True, repr=False)
class _Both:
    program: Program

    def export(self) -> Program:
        return self.program


class CompoundEnsemble:
    """The weighted mean of two models, as one program of two graphs."""

    Config: ClassVar[type[Config]] = CompoundEnsembleConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("labels", "class", "value")
    inputs: ClassVar[tuple[str, ...]] = ("ecfp4", "descriptors")

    def __init__(self, config: CompoundEnsembleConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Fit both on the same items."""
        c = self._config
        net = FingerprintNet(c.net).fit(train, valid, replace(context, folder=context.folder / "net")).export()
        trees = DescriptorTrees(c.trees).fit(train, valid, context).export()
        inputs = tuple(dict.fromkeys((*net.inputs, *trees.inputs)))
        graphs = {"net": net.graphs["main"], "trees": trees.graphs["main"]}
        weights = [c.net_share, 1 - c.net_share]  # in the order of the graphs' names
        return _Both(Program("forward", inputs, graphs, settings={"weights": weights}))
