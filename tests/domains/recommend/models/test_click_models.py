"""Fields, pairs and click models against direct calculations."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from auscult.base.contracts import FitContext, Items, ItemSet
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.recommend.models.click_network import ClickNetworkConfig, Slots
from auscult.domains.recommend.models.fields import DeepFm, Dropout, FieldVectors, WideDeep
from auscult.domains.recommend.models.item_popularity import ItemPopularity, ItemPopularityConfig
from auscult.domains.recommend.models.item_similarity import ItemSimilarity, ItemSimilarityConfig
from auscult.domains.recommend.models.pairs import judged_pairs, training_pairs
from auscult.domains.recommend.models.wide_deep import WideDeepConfig, WideDeepModel
from auscult.domains.recommend.tasks.click import Click, ClickConfig
from auscult.engine.drivers import load_program


def _set(record: list[int], item: list[int], target: list[int]) -> ItemSet:
    inputs = {"item": np.array(item), "attribute": np.zeros((len(item), 2), np.int64)}
    items = Items(inputs, np.array(record), np.arange(len(item)), np.array(target))
    return ItemSet(items, np.arange(len(item)))


def _context(folder: Path) -> FitContext:
    return FitContext(Click(ClickConfig()).spec, 0, TrainTable(threads=1, epochs=2), folder, Silent())


def _by_hand(network: WideDeep, categories: Tensor, many: list[Tensor], numbers: Tensor, *, pairs: bool) -> Tensor:
    """Log-odds with every vector of every field written out."""
    fields, width = network.fields, network.fields.width
    vectors = [fields.table.weight[categories[:, c] + fields.starts[c]] for c in range(categories.shape[1])]
    for values, part in zip(many, fields.lists, strict=True):
        vectors.append(part(values).sum(1) / (values > 0).sum(1, keepdim=True).clamp(min=1))
    vectors += [numbers[:, [f]] * fields.numbers[f] for f in range(numbers.shape[1])]
    own = [v[:, :width] for v in vectors]
    odds = network.deep(torch.cat(own, dim=1))[:, 0] + sum(v[:, width] for v in vectors) + network.bias
    return odds + sum((a * b).sum(1) for a, b in combinations(own, 2)) if pairs else odds


@pytest.mark.parametrize(("kind", "pairs"), [(WideDeep, False), (DeepFm, True)])
def test_log_odds_and_gradients_are_those_of_the_definition(kind: type[WideDeep], pairs: bool) -> None:
    torch.manual_seed(0)
    network = kind(FieldVectors([3, 5], [4], 2, 3), (4, 2), 0.0).double().train()
    data = torch.tensor([[2, 1], [0, 4], [2, 1]]), [torch.tensor([[1, 3, 0], [0, 0, 0], [2, 2, 1]])], torch.randn(3, 2)
    numbers = data[2].double()
    for training in (True, False):
        network.train(training)
        made, expected = network(*data[:2], numbers), _by_hand(network, *data[:2], numbers, pairs=pairs)
        torch.testing.assert_close(made, expected)
        each = [
            torch.autograd.grad((odds * torch.tensor([1.0, -2.0, 0.5])).sum(), list(network.parameters()))
            for odds in (made, expected)
        ]
        for ours, theirs in zip(*each, strict=True):
            torch.testing.assert_close(ours, theirs)


def test_a_list_of_values_is_their_mean_and_an_empty_one_is_nothing() -> None:
    fields = FieldVectors([3, 2], [4], 1, 2)
    values = torch.tensor([[1, 3, 0], [0, 0, 0]])
    vectors = fields(torch.tensor([[2, 1], [0, 0]]), [values])
    table, many = fields.table.weight, fields.lists[0].weight
    torch.testing.assert_close(vectors[0, 1], table[4])  # the second value of the second field
    torch.testing.assert_close(vectors[0, 2], (many[1] + many[3]) / 2)
    assert vectors[1, 2].abs().sum() == 0


def test_a_factorisation_machine_adds_the_pairs_to_the_linear_part() -> None:
    torch.manual_seed(0)
    fields = FieldVectors([5, 5], [], 0, 3)
    deep, wide = DeepFm(fields, (4,), 0.0), WideDeep(fields, (4,), 0.0)
    wide.deep.load_state_dict(deep.deep.state_dict())
    categories = torch.tensor([[1, 2], [4, 0]])
    gap = deep(categories, [], None) - wide(categories, [], None)
    first, second = fields(categories, [])[:, :, :3].unbind(dim=1)
    torch.testing.assert_close(gap, (first * second).sum(dim=1))


def test_dropout_leaves_out_its_share_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    part = Dropout(0.3)
    made = part(torch.ones(999, 333, requires_grad=True))
    assert made.unique().tolist() == pytest.approx([0.0, 1 / (1 - 19661 / 65536)])
    assert abs((made == 0).float().mean() - 0.3) < 0.004  # 333,000 units, standard error 0.0008
    assert abs(torch.corrcoef(torch.stack([made[:, :-1].flatten(), made[:, 1:].flatten()]))[0, 1]) < 0.01
    assert part.eval()(made) is made
    assert Dropout(0.0)(made) is made


def test_histories_do_not_give_the_answer_away() -> None:
    """Of a user with items 1, 2, 3 every pair, taken or not, shows two of them, and never the item itself."""
    train = _set([0] * 5, [1, 2, 3, 8, 9], [1, 1, 1, 0, 0])
    made = training_pairs(train, 4, seed=0).inputs()
    assert (made["history"] > 0).sum(axis=1).tolist() == [2] * 5
    assert not (made["history"] == made["item"][:, None]).any()
    assert made["own"].tolist() == [1, 1, 1, 0, 0]
    judged = judged_pairs(_set([0, 1], [7, 7], [1, 0]), train, 4).inputs()
    assert judged["history"].tolist() == [[3, 2, 1, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("encoding", ["vocabulary", "hashed"])
def test_unseen_items_are_the_unknown_one_or_share_a_vector(encoding: str) -> None:
    slots = Slots(np.array([5, 9, 5]), ClickNetworkConfig(encoding=encoding, buckets=4))  # type: ignore[arg-type]
    rows = slots(torch.tensor([0, 5, 9, 7])).tolist()
    assert rows == ([0, 1, 2, 0] if encoding == "vocabulary" else [0, 2, 3, 1])
    assert slots.size == (3 if encoding == "vocabulary" else 4)


def test_the_floor_orders_items_by_their_users(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    item = rng.geometric(0.3, 400)
    train = _set((np.arange(400) // 8).tolist(), item.tolist(), (rng.random(400) < 1.5 / item).astype(int).tolist())
    program = ItemPopularity(ItemPopularityConfig()).fit(train, train, _context(tmp_path)).export()
    counts = np.bincount(item[train.target() == 1], minlength=12)[1:12]
    yes = load_program(program)({"item": np.arange(1, 12)})["probability"][:, 1]
    assert np.argsort(yes, kind="stable").tolist() == np.argsort(counts, kind="stable").tolist()


def test_similarity_is_the_sum_of_cosines(tmp_path: Path) -> None:
    train = _set([0, 0, 1, 1, 2, 2], [1, 2, 1, 2, 1, 3], [1] * 6)
    program = (
        ItemSimilarity(ItemSimilarityConfig(neighbours=2, slope=1.0, history=3))
        .fit(train, train, _context(tmp_path))
        .export()
    )
    history = np.array([[1, 3, 0], [2, 0, 0], [0, 0, 0]])
    yes = load_program(program)({"item": np.array([2, 3, 3]), "history": history})["probability"][:, 1]
    odds = np.log(yes / (1 - yes))
    cosine = 2 / np.sqrt(3 * 2)  # items 1 and 2 share two users, of three and two; 2 and 3 share none
    assert odds[0] - odds[1] == pytest.approx(np.log((cosine + 1e-3) / 1e-3), rel=1e-4)
    assert odds[1] == pytest.approx(odds[2])


def test_a_context_is_a_field_of_the_networks(tmp_path: Path) -> None:
    """What is taken depends on where it is shown, and on nothing else; a new place is answered too."""
    rng = np.random.default_rng(0)
    n = 600
    place = rng.integers(1, 3, n)
    base = _set((np.arange(n) % 40).tolist(), rng.integers(1, 6, n).tolist(), (place == 1).astype(int).tolist())
    items = Items({**base.items.inputs, "context": place}, base.items.record, base.items.position, base.items.target)
    train, valid = ItemSet(items, np.arange(500)), ItemSet(items, np.arange(500, n))
    context = FitContext(
        Click(ClickConfig()).spec, 0, TrainTable(threads=1, epochs=8, learning_rate=0.02), tmp_path, Silent()
    )
    program = WideDeepModel(WideDeepConfig(hidden=(8,), width=4)).fit(train, valid, context).export()
    assert program.inputs == ("item", "attribute", "history", "context")
    asked = judged_pairs(valid, train, 50).inputs()
    run = load_program(program, threads=1)
    yes = run({name: asked[name] for name in program.inputs})["probability"][:, 1]
    taken = asked["context"] == 1
    assert yes[taken].min() > 0.5 > yes[~taken].max()
    unseen = run({**{name: asked[name] for name in program.inputs}, "context": np.full(len(yes), 77)})["probability"]
    assert np.isfinite(unseen).all()
