"""The networks of a sequence: cnn1d, resnet1d, tcn and transformer. All problems are simulated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from auscult.base.contracts import Items, ItemSet, KindName, Program, TaskSpec
from auscult.base.errors import RecipeError, ShapeError, UsageError
from auscult.base.recipe import validated
from auscult.domains.signals.models import cnn1d, resnet1d, sequence, tcn, transformer
from auscult.domains.signals.models.cnn1d import Cnn1d
from auscult.domains.signals.models.resnet1d import Resnet1d
from auscult.domains.signals.models.sequence import sequence_inputs, sequence_plan
from auscult.domains.signals.models.tcn import Tcn, dilations
from auscult.domains.signals.models.transformer import Transformer, positional_encoding
from auscult.engine.answers import kind_of
from auscult.engine.drivers import load_program
from auscult.engine.train import GradientFitted

from .problems import AHEAD, SHAPES, Pair, context_of, pair, persistence_error, ramps, shapes, spec_of

MODELS: dict[str, Any] = {"cnn1d": Cnn1d, "resnet1d": Resnet1d, "tcn": Tcn, "transformer": Transformer}
MODULES: dict[str, Any] = {"cnn1d": cnn1d, "resnet1d": resnet1d, "tcn": tcn, "transformer": transformer}
SMALL: dict[str, dict[str, Any]] = {
    "cnn1d": {"widths": (16, 16)},
    "resnet1d": {"widths": (16, 16)},
    "tcn": {"channels": 16, "kernel": 5},
    "transformer": {"layers": 2, "heads": 2, "head_width": 12},
}
every_model = pytest.mark.parametrize("name", MODELS)


def fit(name: str, spec: TaskSpec, items: Pair, folder: Path, **train: Any) -> GradientFitted:
    model = MODELS[name](MODELS[name].Config(hidden=32, dropout=0.1, **SMALL[name]))
    fitted = model.fit(*items, context_of(spec, folder, **train))
    assert isinstance(fitted, GradientFitted)
    return fitted


def untrained(name: str, spec: TaskSpec, items: Pair) -> nn.Module:
    config = MODELS[name].Config(**SMALL[name])
    makes = {"cnn1d": lambda c, _: cnn1d._Body(config, c), "resnet1d": lambda c, _: resnet1d._Body(config, c)}
    body = makes.get(name, lambda c, t: MODULES[name]._Body(config, c, t))
    torch.manual_seed(0)
    return sequence_plan(config, body, items[0], spec).network().eval()


def answer(network: nn.Module, items: ItemSet, names: tuple[str, ...], activation: str = "none") -> np.ndarray:
    arrays = items.inputs()
    with torch.no_grad():
        out = network(*(torch.as_tensor(arrays[n]) for n in names))
    return (out.softmax(dim=1) if activation == "softmax" else out).numpy()


@dataclass(frozen=True)
class Made:
    fitted: GradientFitted
    program: Program
    valid: ItemSet


@pytest.fixture(scope="module", params=MODELS)
def classified(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    items = shapes()
    fitted = fit(request.param, SHAPES, items, tmp_path_factory.mktemp("fit"), epochs=16, patience=16)
    return Made(fitted, fitted.export(), items[1])


def test_learns_shapes_beyond_chance(classified: Made) -> None:
    probability = load_program(classified.program)(classified.valid.inputs())["probability"]
    accuracy = (probability.argmax(axis=1) == classified.valid.target()).mean()
    assert accuracy > 0.85  # three classes, as many of each: chance is 0.33


@every_model
def test_forecasts_better_than_persistence(name: str, tmp_path: Path) -> None:
    train, valid = ramps()
    fitted = fit(name, AHEAD, (train, valid), tmp_path, epochs=12, patience=12)
    value = answer(fitted.network, valid, ("history", "day"))
    assert np.abs(value - valid.target()).mean() < 0.3 * persistence_error(valid)


def test_graph_of_classes_equals_the_network(classified: Made) -> None:
    probability = load_program(classified.program)(classified.valid.inputs())["probability"]
    eager = answer(classified.fitted.network, classified.valid, ("window", "features"), "softmax")
    np.testing.assert_allclose(probability, eager, rtol=0, atol=1e-5)


def test_graph_of_a_forecast_equals_the_network(tmp_path: Path) -> None:
    train, valid = ramps(80)
    fitted = fit("tcn", AHEAD, (train, valid), tmp_path)
    value = load_program(fitted.export())(valid.inputs())["value"]
    np.testing.assert_allclose(value, answer(fitted.network, valid, ("history", "day")), rtol=1e-5, atol=0)


def test_one_and_many_items_give_the_same_answers(classified: Made) -> None:
    run, inputs = load_program(classified.program), classified.valid.inputs()
    whole = run(inputs)["probability"]
    assert whole.shape == (80, 3)
    for size in (1, 7):
        few = run({k: v[:size] for k, v in inputs.items()})["probability"]
        np.testing.assert_allclose(few, whole[:size], rtol=0, atol=1e-5)


def test_wrong_shapes_are_refused_in_words(classified: Made) -> None:
    run, inputs = load_program(classified.program), classified.valid.inputs()
    for wrong in (inputs["window"][:, :1], inputs["window"][:, :, :40], inputs["window"][:, 0]):
        with pytest.raises(ShapeError, match=r"program input 'window': expected shape \('items', 2, 48\), got \(80, "):
            run({**inputs, "window": wrong})


def test_a_window_alone_is_enough(tmp_path: Path) -> None:
    train, valid = shapes(80)
    alone = Items({"window": train.items.inputs["window"]}, *_rest(train))
    fitted = fit("resnet1d", SHAPES, (ItemSet(alone, train.rows), ItemSet(alone, valid.rows)), tmp_path)
    probability = load_program(fitted.export())(valid.inputs())["probability"]
    eager = answer(fitted.network, valid, ("window",), "softmax")
    np.testing.assert_allclose(probability, eager, rtol=0, atol=1e-5)


@every_model
def test_same_seed_same_weights(name: str, tmp_path: Path) -> None:
    first, again, other = (
        fit(name, SHAPES, shapes(80), tmp_path / str(k), seed=seed).network.state_dict()
        for k, seed in enumerate((3, 3, 4))
    )
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert any(not torch.equal(first[k], other[k]) for k in first)


@every_model
def test_an_untrained_forecast_is_persistence(name: str) -> None:
    train, valid = ramps(40)
    value = answer(untrained(name, AHEAD, (train, valid)), valid, ("history", "day"))
    np.testing.assert_array_equal(value, np.repeat(valid.inputs()["history"][:, -1:], 3, axis=1))


@every_model
def test_an_untrained_value_of_a_window_is_the_mean(name: str) -> None:
    window = np.random.default_rng(0).normal(size=(40, 1, 20)).astype(np.float32)
    target = np.stack([np.linspace(90, 180, 40), np.linspace(50, 100, 40)], axis=1)
    train, valid = pair({"window": window}, target)
    value = answer(untrained(name, spec_of("value", ("sbp", "dbp")), (train, valid)), valid, ("window",))
    np.testing.assert_allclose(value, np.repeat(target[:30].mean(axis=0)[None], 10, axis=0), rtol=1e-6)


@every_model
@pytest.mark.parametrize(("kind", "target"), [("labels", [1, 0, -1]), ("events", [1, 0, -1])])
def test_learns_other_kinds(name: str, kind: KindName, target: list[int], tmp_path: Path) -> None:
    window = np.random.default_rng(0).normal(size=(40, 1, 20)).astype(np.float32)
    spec = spec_of(kind, ("a", "b", "c"))
    items = pair({"window": window}, np.tile(target, (40, 1)))
    fitted = fit(name, spec, items, tmp_path, epochs=10, patience=10, batch_size=8, learning_rate=1e-2)
    score = 1 / (1 + np.exp(-answer(fitted.network, items[1], ("window",))))
    assert kind_of(spec).activation == "sigmoid"
    assert score.shape == (10, 3)
    assert (score[:, 0] > 0.7).all()
    assert (score[:, 1] < 0.3).all()


@every_model
@pytest.mark.parametrize("samples", [2, 3, 17])
def test_short_and_odd_lengths_are_taken(name: str, samples: int) -> None:
    train, valid = ramps(40)
    items = Items(
        {"history": train.items.inputs["history"][:, -1:] + np.zeros((1, samples), np.float32)}, *_rest(train)
    )
    value = answer(
        untrained(name, AHEAD, (ItemSet(items, train.rows), valid)), ItemSet(items, valid.rows), ("history",)
    )
    assert value.shape == (10, 3)


def _rest(items: ItemSet) -> tuple[Any, ...]:
    return items.items.record, items.items.position, items.items.target


@every_model
def test_items_of_no_weight_are_not_learned_from(name: str, tmp_path: Path) -> None:
    train, valid = shapes(80)
    window = train.items.inputs["window"].copy()
    window[:10] = np.nan
    weight = np.ones(80, dtype=np.float32)
    inputs = {**train.items.inputs, "window": window, "weight": weight}
    broken = Items(inputs, *_rest(train))
    with pytest.raises(ShapeError, match="training step 'all', epoch 1: the loss is not finite"):
        fit(name, SHAPES, (ItemSet(broken, train.rows), valid), tmp_path / "all")
    weight[:10] = 0
    fit(name, SHAPES, (ItemSet(broken, train.rows), valid), tmp_path / "weighed")


@every_model
def test_gradients_can_be_taken_per_sample(name: str) -> None:
    """Gradients of single items through ``torch.func`` are those that backpropagation gives one after the other."""
    items = shapes(24)
    network = untrained(name, SHAPES, items)
    nn.init.normal_(network.head[-1].weight)
    window, features = (torch.as_tensor(items[0].inputs()[n][:3]) for n in ("window", "features"))
    weights = dict(network.named_parameters())

    def loss(parameters: dict[str, torch.Tensor], *item: torch.Tensor) -> torch.Tensor:
        out = torch.func.functional_call(network, parameters, tuple(v[None] for v in item))
        return out.square().sum()

    with sdpa_kernel(SDPBackend.MATH):  # the fused attention of the processor has no rule for vmap
        each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(weights, window, features)
    for row in range(3):
        network.zero_grad()
        loss(weights, window[row], features[row]).backward()
        for key, value in weights.items():
            torch.testing.assert_close(each[key][row], value.grad, rtol=1e-3, atol=1e-4)


def test_a_task_without_a_sequence_is_refused() -> None:
    train, _ = pair({"shape": np.zeros((8, 4)), "person": np.zeros((8, 3))}, np.zeros((8, 2)))
    with pytest.raises(UsageError, match="hold a sequence, 'window' or 'history', got person, shape; choose a model"):
        sequence_inputs(train)


@pytest.mark.parametrize("name", ["cnn1d", "resnet1d"])
def test_an_even_kernel_is_refused(name: str) -> None:
    with pytest.raises(RecipeError, match=r"\[model\]: 'kernel': value error, expected an odd number.*got 4"):
        validated(MODELS[name].Config, {"kernel": 4}, where="[model]")


def test_dilations_reach_over_the_whole_sequence() -> None:
    # by hand: two convolutions a block, so the last step sees 1 + 2 (kernel - 1) (2 ** blocks - 1) steps
    assert dilations(7, 180) == [1, 2, 4, 8]  # 181
    assert dilations(7, 182) == [1, 2, 4, 8, 16]
    assert dilations(3, 12) == [1, 2]  # 13
    assert dilations(5, 1) == [1]


def test_tcn_looks_back_only_and_as_far_as_the_first_sample() -> None:
    torch.manual_seed(0)
    blocks = tcn._Body(tcn.TcnConfig(channels=8, kernel=3), 1, 29).eval().blocks
    x = torch.randn(1, 1, 29)
    later, first = x.clone(), x.clone()
    later[:, :, 20:] += 1
    first[:, :, 0] += 1
    with torch.no_grad():
        before, after, far = blocks(x), blocks(later), blocks(first)
    torch.testing.assert_close(after[:, :, :20], before[:, :, :20])
    assert not torch.allclose(after[:, :, 20], before[:, :, 20])
    assert not torch.allclose(far[:, :, -1], before[:, :, -1], atol=1e-6)


def test_a_residual_block_without_residual_is_its_pooled_shortcut() -> None:
    block = resnet1d._Block(4, 4, resnet1d.Resnet1dConfig(kernel=3)).eval()
    nn.init.zeros_(block.residual[-1].weight)
    nn.init.zeros_(block.residual[-1].bias)
    x = torch.arange(28.0).reshape(1, 4, 7)
    with torch.no_grad():
        out = block(x)
    assert out.shape == (1, 4, 4)  # 7 samples, halved and rounded up
    assert out[0, 0].tolist() == [1, 3, 5, 6]  # the larger of each two


def test_positional_encoding() -> None:
    # by hand from section 3.5 of Vaswani et al. 2017: width 4 has the wavelengths 2π and 100 · 2π
    by_hand = [[0, 1, 0, 1], [math.sin(1), math.cos(1), math.sin(0.01), math.cos(0.01)]]
    np.testing.assert_allclose(positional_encoding(2, 4), by_hand, atol=1e-12)


def test_attention_is_that_of_torch() -> None:
    # reference: torch.nn.MultiheadAttention with the same weights
    torch.manual_seed(0)
    ours = transformer._Attention(transformer.TransformerConfig(heads=3, head_width=4), 12).eval()
    reference = nn.MultiheadAttention(12, 3, batch_first=True).eval()
    reference.load_state_dict(
        {
            "in_proj_weight": ours.split.weight,
            "in_proj_bias": ours.split.bias,
            "out_proj.weight": ours.join.weight,
            "out_proj.bias": ours.join.bias,
        }
    )
    x = torch.randn(5, 7, 12)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), reference(x, x, x)[0])


def test_transformer_knows_the_order_of_patches() -> None:
    torch.manual_seed(0)
    body = transformer._Body(transformer.TransformerConfig(tokens=4), 1, 12).eval()
    assert (body.tokens, body.patch) == (4, 3)
    x = torch.randn(1, 1, 12)
    with torch.no_grad():
        assert not torch.allclose(body(x), body(x.reshape(1, 1, 4, 3).flip(2).reshape(1, 1, 12)), atol=1e-3)


def test_scales_come_from_items_all_over_the_training_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence, "MAX_SCALE_ITEMS", 5)
    window = np.repeat(np.arange(9, dtype=np.float32), 4).reshape(9, 1, 4)  # item k holds the value k
    items = ItemSet(Items({"window": window}, np.arange(9), np.zeros(9, dtype=np.int64), np.zeros(9)), np.arange(9))
    network = untrained("cnn1d", SHAPES, (items, items))
    assert network.front.window.mean.item() == 4  # by hand: items 0, 2, 4, 6 and 8
