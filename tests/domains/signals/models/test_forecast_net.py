"""The average of small forecasting networks, on simulated ramps."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from auscult.domains.signals.models.forecast_net import ForecastNet, ForecastNetConfig, _Networks
from auscult.engine.drivers import load_program
from auscult.engine.train import Batch, GradientFitted

from .problems import AHEAD, context_of, persistence_error, ramps


def test_learns_ramps_and_exports_them(tmp_path: Path) -> None:
    train, valid = ramps()
    fitted = ForecastNet(ForecastNetConfig(width=16, members=3)).fit(
        train, valid, context_of(AHEAD, tmp_path, epochs=20, patience=20)
    )
    assert isinstance(fitted, GradientFitted)
    arrays = valid.inputs()
    run = load_program(fitted.export())
    value = run(arrays)["value"]
    with torch.no_grad():
        eager = fitted.network(*(torch.as_tensor(arrays[n]) for n in ("history", "day"))).numpy()
    np.testing.assert_allclose(value, eager, rtol=1e-5)
    np.testing.assert_allclose(run({k: v[:1] for k, v in arrays.items()})["value"], value[:1], rtol=1e-5)
    assert np.abs(value - valid.target()).mean() < 0.3 * persistence_error(valid)


def test_the_answer_is_the_mean_of_the_members() -> None:
    torch.manual_seed(0)
    network = _Networks(ForecastNetConfig(width=8, members=3, dropout=0.0), 10, 3, 20.0)
    history, day = torch.full((2, 10), 120.0), torch.zeros(2, 1)
    with torch.no_grad():
        each, mean = network.train()(history, day), network.eval()(history, day)
    assert each.shape == (3, 2, 3)
    torch.testing.assert_close(mean, each.mean(dim=0))


def test_the_loss_is_the_logarithm_of_a_windows_error(tmp_path: Path) -> None:
    train, valid = ramps(40)
    fitted = ForecastNet(ForecastNetConfig(width=4, members=1, floor=3.0)).fit(
        train, valid, context_of(AHEAD, tmp_path)
    )
    assert isinstance(fitted, GradientFitted)
    batch = Batch({"history": torch.zeros(2, 10), "day": torch.zeros(2, 1)}, torch.tensor([[4.0, 4, 4], [0, 0, 0]]))

    def nothing(history: torch.Tensor, day: torch.Tensor) -> torch.Tensor:
        return torch.zeros(2, 3)

    by_hand = (0.5 * math.log(16 + 9) + 0.5 * math.log(0 + 9)) / 2
    loss = fitted.plan.steps[0].loss(nothing, batch)  # type: ignore[arg-type]
    assert loss.item() == pytest.approx(by_hand)


def test_same_seed_same_weights(tmp_path: Path) -> None:
    weights = []
    for k, seed in enumerate((1, 1, 2)):
        fitted = ForecastNet(ForecastNetConfig(width=4)).fit(
            *ramps(40), context_of(AHEAD, tmp_path / str(k), seed=seed)
        )
        assert isinstance(fitted, GradientFitted)
        weights.append(fitted.network.state_dict())
    assert all(torch.equal(weights[0][k], weights[1][k]) for k in weights[0])
    assert any(not torch.equal(weights[0][k], weights[2][k]) for k in weights[0])
