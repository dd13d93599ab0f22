"""Ridge on all inputs or on the person alone. Reference: scikit-learn 1.x ``StandardScaler`` and ``Ridge``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge as Reference
from sklearn.preprocessing import StandardScaler

from auscult.base.arrays import Array
from auscult.base.errors import RecipeError
from auscult.base.recipe import validated
from auscult.domains.signals.models.ridge import Ridge, RidgeConfig
from auscult.domains.signals.models.ridge_person import RidgePerson
from auscult.engine.drivers import load_program

from .problems import context_of, pressures, spec_of

SPEC = spec_of("value", ("sbp", "dbp"), unit="mmHg")


def answers(model: type[Any], config: RidgeConfig, folder: Path) -> tuple[Array, tuple[str, ...]]:
    train, valid = pressures()
    program = model(config).fit(train, valid, context_of(SPEC, folder)).export()
    return load_program(program)(valid.inputs())["value"], program.inputs


def reference(names: tuple[str, ...], alpha: float, clip: float) -> Array:
    train, valid = pressures()
    x, new = (np.concatenate([part.inputs()[n] for n in names], axis=1) for part in (train, valid))
    scaler = StandardScaler().fit(x)
    fitted = Reference(alpha=alpha).fit(np.clip(scaler.transform(x), -clip, clip), train.target())
    return np.asarray(fitted.predict(np.clip(scaler.transform(new), -clip, clip)))


@pytest.mark.parametrize(
    ("model", "inputs", "used"),
    [
        (Ridge, (), ("shape", "person")),
        (Ridge, ("shape",), ("shape",)),
        (RidgePerson, (), ("person",)),
        (RidgePerson, ("shape",), ("shape",)),
    ],
)
def test_equals_scikit_learn(model: type[Any], inputs: tuple[str, ...], used: tuple[str, ...], tmp_path: Path) -> None:
    value, names = answers(model, RidgeConfig(inputs=inputs, alphas=(10.0,), clip=1.5), tmp_path)
    assert names == used
    np.testing.assert_allclose(value, reference(used, 10.0, 1.5), rtol=1e-5)


def test_the_penalty_is_chosen_by_folds(tmp_path: Path) -> None:
    value, _ = answers(Ridge, RidgeConfig(alphas=(1.0, 1e6)), tmp_path)
    np.testing.assert_allclose(value, reference(("shape", "person"), 1.0, 3.0), rtol=1e-5)


def test_the_person_alone_knows_less_than_all_inputs(tmp_path: Path) -> None:
    target = pressures()[1].target()
    errors = [np.abs(answers(m, RidgeConfig(), tmp_path)[0] - target).mean() for m in (Ridge, RidgePerson)]
    assert errors[0] < 0.8 * errors[1]


def test_a_clip_of_nothing_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"\[model\]: 'clip': input should be greater than 0, got 0"):
        validated(RidgeConfig, {"clip": 0}, where="[model]")
