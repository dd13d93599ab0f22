"""Model ``compound-ensemble``: networks and boosted trees, each with its own eyes; their mean is the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Model, Program
from auscult.domains.molecules.models.descriptor_trees import DescriptorTrees, DescriptorTreesConfig
from auscult.domains.molecules.models.dmpnn import Dmpnn, DmpnnConfig
from auscult.domains.molecules.models.fingerprint_net import FingerprintNet, FingerprintNetConfig


class CompoundEnsembleConfig(Config):
    """Settings of all parts."""

    nets: tuple[FingerprintNetConfig, ...] = Setting(
        (FingerprintNetConfig(), FingerprintNetConfig(inputs=("descriptors",), width=256)),
        min_length=1,
        description="Settings of the networks, such as one on all inputs and one on descriptors alone.",
    )
    graph_nets: tuple[DmpnnConfig, ...] = Setting(
        (), description="Settings of networks on the graph; they need 'graph' among the task's fingerprints."
    )
    trees: DescriptorTreesConfig = Setting(DescriptorTreesConfig(), description="Settings of the boosted trees.")
    net_share: float = Setting(0.5, gt=0, lt=1, description="Weight of the networks beside the trees.")
    graph_share: float = Setting(0.33, gt=0, lt=1, description="Weight of networks on the graph, if any, in the mean.")


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
        parts: list[tuple[str, Model]] = [(f"net-{k:02d}", FingerprintNet(net)) for k, net in enumerate(c.nets)]
        parts += [(f"graph-{k:02d}", Dmpnn(net)) for k, net in enumerate(c.graph_nets)]
        made = {
            name: part.fit(train, valid, replace(context, folder=context.folder / name)).export()
            for name, part in parts
        }
        made["trees"] = DescriptorTrees(c.trees).fit(train, valid, context).export()
        inputs = tuple(dict.fromkeys(name for program in made.values() for name in program.inputs))
        graphs = {name: program.graphs["main"] for name, program in made.items()}
        settings = {key: value for program in made.values() for key, value in program.settings.items()}
        return _Mean(Program("forward", inputs, graphs, settings={**settings, "weights": self._weights(sorted(made))}))

    def _weights(self, names: Sequence[str]) -> list[float]:
        """Weight of each part, in the order of the graphs' names."""
        c = self._config
        rest = 1 - c.graph_share if c.graph_nets else 1.0
        shares = {"net": rest * c.net_share, "graph": c.graph_share, "trees": rest * (1 - c.net_share)}
        kinds = [name.partition("-")[0] for name in names]
        return [shares[kind] / kinds.count(kind) for kind in kinds]
