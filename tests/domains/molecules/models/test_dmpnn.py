"""The message passing network: what a bond hears, what it learns, and the exported graph against the network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from auscult.base.arrays import Array
from auscult.base.contracts import FitContext, Items, ItemSet, KindName, Model, Run, TaskSpec
from auscult.base.files import read_json
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.molecules.models.compound_ensemble import CompoundEnsemble, CompoundEnsembleConfig
from auscult.domains.molecules.models.descriptor_trees import DescriptorTrees, DescriptorTreesConfig
from auscult.domains.molecules.models.dmpnn import Dmpnn, DmpnnConfig
from auscult.domains.molecules.models.fingerprint_net import FingerprintNet, FingerprintNetConfig
from auscult.domains.molecules.preprocess.graph import graphs
from auscult.domains.molecules.preprocess.molecule import read_molecule
from auscult.domains.molecules.simulate.compounds import make_compounds
from auscult.engine.drivers import load_program
from auscult.engine.train import GradientFitted

SMALL = DmpnnConfig(width=24, rounds=3, dropout=0.0)


def problem(n: int = 160) -> tuple[Items, list[str]]:
    """Simulated compounds: whether there is a double-bonded oxygen, and nitrogen; a fifth of the labels is missing."""
    rng = np.random.default_rng(3)
    smiles = [c.smiles for c in make_compounds(rng, n)]
    molecules = [read_molecule(s) for s in smiles]
    truth = np.array([["=O" in s, "n" in s.lower()] for s in smiles], dtype=np.int64)
    truth[rng.random(truth.shape) < 0.2] = -1
    beside = rng.normal(size=(n, 3)).astype(np.float32)
    inputs: dict[str, Array] = {"graph": graphs(molecules, 60), "descriptors": beside}
    return Items(inputs, np.arange(n), np.zeros(n, dtype=np.int64), truth), smiles


def fitted(
    items: Items,
    folder: Path,
    config: DmpnnConfig,
    *,
    kind: KindName = "labels",
    epochs: int = 2,
    weight_decay: float = 1e-4,
) -> GradientFitted:
    rows = np.arange(len(items))
    labels = ("oxygen", "nitrogen") if kind == "labels" else ("weight",)
    spec = TaskSpec("simulated", kind, "simulated", labels, "mae", ("mae",), "none", "none")
    loop = {"epochs": epochs, "batch_size": 16, "threads": 1, "learning_rate": 1e-2, "patience": epochs}
    table = TrainTable(weight_decay=weight_decay, **loop)
    made = Dmpnn(config).fit(ItemSet(items, rows), ItemSet(items, rows), FitContext(spec, 0, table, folder, Silent()))
    assert isinstance(made, GradientFitted)
    return made


def answered(made: GradientFitted, items: Items) -> Array:
    """What the network itself says: log-odds or values, (N, K)."""
    with torch.no_grad():
        return np.asarray(made.network(torch.as_tensor(items.inputs["graph"])))


def test_the_exported_graph_answers_as_the_network(tmp_path: Path) -> None:
    items, _ = problem()
    config = SMALL.model_copy(update={"beside": ("descriptors",), "members": 2})
    made = fitted(items, tmp_path, config)
    run = load_program(made.export())
    for rows in (np.arange(len(items)), np.array([3]), np.array([5, 80])):
        asked = {name: values[rows] for name, values in items.inputs.items()}
        with torch.no_grad():
            expected = made.network(*(torch.as_tensor(asked[n]) for n in ("graph", "descriptors"))).sigmoid().numpy()
        np.testing.assert_allclose(run(asked)["probability"], expected, atol=1e-5)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small exported network."""
    items, _ = problem(60)
    return load_program(fitted(items, tmp_path_factory.mktemp("small"), SMALL, epochs=1).export())


def test_a_single_atom_and_one_without_bonds_are_answered(run: Run) -> None:
    alone = graphs([read_molecule(s) for s in ("C", "[Na+].[Cl-]")], 60)
    answers = run({"graph": alone})["probability"]
    assert np.isfinite(answers).all()
    np.testing.assert_allclose(run({"graph": alone[:1]})["probability"], answers[:1], atol=1e-6)
    assert np.isfinite(run({"graph": np.zeros((1, 90), dtype=np.int64)})["probability"]).all()


def test_labels_are_learned_where_they_are_known(tmp_path: Path) -> None:
    items, _ = problem()
    answer = answered(fitted(items, tmp_path, SMALL, epochs=20), items) > 0
    assert items.target is not None
    known = items.target >= 0
    assert ((answer == (items.target == 1))[known]).mean() > 0.95


def test_values_far_from_zero_are_learned(tmp_path: Path) -> None:
    items, smiles = problem()
    size = np.array([[1000.0 + 50 * s.lower().count("n") + 20 * s.count("O")] for s in smiles])
    items = Items(items.inputs, items.record, items.position, size)
    made = fitted(items, tmp_path, SMALL.model_copy(update={"readout": "sum"}), kind="value", epochs=20)
    answer = answered(made, items)
    assert np.abs(answer - size).mean() < 0.3 * np.abs(size - size.mean()).mean()


@pytest.mark.parametrize(("own", "epochs"), [({}, 3), ({"stop_early": False}, 6), ({"epochs": 2}, 2)])
def test_its_own_settings_of_training_take_the_place_of_the_recipes(
    tmp_path: Path, own: dict[str, object], epochs: int
) -> None:
    """Validation has every label turned round, so that it gets worse with each epoch."""
    items, _ = problem(60)
    assert items.target is not None
    turned = replace(items, target=np.where(items.target < 0, -1, 1 - items.target))
    spec = TaskSpec("simulated", "labels", "simulated", ("oxygen", "nitrogen"), "mae", ("mae",), "none", "none")
    table = TrainTable(epochs=6, batch_size=16, threads=1, learning_rate=1e-2, patience=2, weight_decay=0.5)
    rows = np.arange(len(items))
    network = Dmpnn(SMALL.model_copy(update=own))
    network.fit(ItemSet(items, rows), ItemSet(turned, rows), FitContext(spec, 0, table, tmp_path, Silent()))
    assert len(read_json(tmp_path / "curve.json")["validation_loss"]) == epochs


def test_its_own_weight_decay_is_as_the_same_in_the_recipe(tmp_path: Path) -> None:
    items, _ = problem(60)
    own = fitted(items, tmp_path / "own", SMALL.model_copy(update={"weight_decay": 0.0}), weight_decay=0.5)
    recipes = fitted(items, tmp_path / "recipe", SMALL, weight_decay=0.0)
    neither = fitted(items, tmp_path / "neither", SMALL, weight_decay=0.5)
    np.testing.assert_array_equal(answered(own, items), answered(recipes, items))
    assert np.abs(answered(own, items) - answered(neither, items)).max() > 1e-4


def test_in_an_ensemble_it_is_a_part_of_the_mean(tmp_path: Path) -> None:
    """Each part is what it is alone: settings of training that the graph has for itself are not those of the others."""
    items, _ = problem(60)
    graph = SMALL.model_copy(update={"epochs": 2, "batch_size": 32, "weight_decay": 0.0, "stop_early": False})
    trees = DescriptorTreesConfig(inputs=("descriptors",), rounds=5)
    net = FingerprintNetConfig(inputs=("descriptors",), width=8, members=1)
    config = CompoundEnsembleConfig(nets=(net,), graph_nets=(graph,), trees=trees, net_share=0.5, graph_share=0.4)
    parts: list[tuple[float, Model]] = [
        (0.4, Dmpnn(graph)), (0.3, FingerprintNet(net)), (0.3, DescriptorTrees(trees)), (1.0, CompoundEnsemble(config))
    ]  # fmt: skip
    rows = np.arange(len(items))
    table = TrainTable(epochs=1, batch_size=16, threads=1)
    spec = TaskSpec("simulated", "labels", "simulated", ("oxygen", "nitrogen"), "mae", ("mae",), "none", "none")
    made = []
    for k, (_, model) in enumerate(parts):
        context = FitContext(spec, 0, table, tmp_path / str(k), Silent())
        program = model.fit(ItemSet(items, rows), ItemSet(items, rows), context).export()
        made.append(load_program(program)({n: items.inputs[n] for n in program.inputs})["probability"])
    expected = np.sum([share * values for (share, _), values in zip(parts[:3], made[:3], strict=True)], axis=0)
    np.testing.assert_allclose(made[3], expected, atol=1e-5)


@pytest.mark.parametrize(("rounds", "reached"), [(1, False), (2, False), (3, True)])
def test_an_atom_hears_as_many_bonds_away_as_there_are_rounds(tmp_path: Path, rounds: int, reached: bool) -> None:
    """Two chains differ at one end; the hidden state of the atom at the other end differs from three rounds on."""
    items, _ = problem(40)
    made = fitted(items, tmp_path, SMALL.model_copy(update={"rounds": rounds}), epochs=1)
    network = made.network
    seen: list[torch.Tensor] = []
    member = network.members[0]  # type: ignore[index]
    member.at_atom.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    with torch.no_grad():
        network(torch.as_tensor(graphs([read_molecule(s) for s in ("CCCF", "CCCBr")], 60)))
    first_atom = seen[0][:, 0]
    assert (not torch.equal(first_atom[0], first_atom[1])) == reached


def test_the_order_of_atoms_does_not_matter(run: Run) -> None:
    written = [read_molecule(s) for s in ("CC(=O)Oc1ccccc1C(=O)O", "OC(=O)c1ccccc1OC(C)=O")]
    one, other = run({"graph": graphs(written, 60)})["probability"]
    np.testing.assert_allclose(one, other, atol=1e-6)
