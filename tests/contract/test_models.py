"""What every registered model must do, for each task of its domain that it suits."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.arrays import Array
from auscult.base.errors import ShapeError
from auscult.engine.answers import KINDS, kind_of
from auscult.engine.drivers import load_program
from toys.battery import Case, Once, assert_close, cases, domains, parts, suited, task_of

MODELS = parts("models")


@pytest.fixture(scope="module")  # all tests of one model in a row, in one process
def fitted(request: pytest.FixtureRequest, once: Once) -> list[Case]:
    return cases(once, *request.param)


every_model = pytest.mark.parametrize("fitted", MODELS, indirect=True, ids=["-".join(m) for m in MODELS])


@pytest.mark.parametrize(("domain", "model"), MODELS)
def test_suits_a_task(domain: str, model: str) -> None:
    assert suited(domain, model), f"{model}: no task of {domain} has a kind and the inputs that it declares"


@every_model
def test_learns_its_example(fitted: list[Case], request: pytest.FixtureRequest) -> None:
    _, model = request.node.callspec.params["fitted"]
    for case in fitted:
        if model == case.made.spec.floor:
            continue  # a floor may be a constant: it is what others are compared with
        kind = kind_of(case.made.spec)
        outputs = case.made.answers(case.program)
        assert kind.learned(case.made.spec, outputs, np.random.default_rng(0)), f"{case.task}: no better than a guess"


@every_model
def test_same_seed_same_program(fitted: list[Case]) -> None:
    for case in fitted:
        assert case.hashes[0] == case.hashes[1], case.task


@every_model
def test_saved_and_loaded_gives_the_same_answer(fitted: list[Case]) -> None:
    for case in fitted:
        after = load_program(case.program)(case.made.inputs(case.program))
        assert sorted(after) == sorted(case.before)
        for name, values in after.items():
            np.testing.assert_array_equal(values, case.before[name], err_msg=case.task)


@every_model
def test_split_batch_gives_the_same_answer(fitted: list[Case]) -> None:
    for case in fitted:
        run, inputs = load_program(case.program), case.made.inputs(case.program)
        cut = len(case.made.questions) // 3
        halves = [run({k: v[part] for k, v in inputs.items()}) for part in (slice(0, cut), slice(cut, None))]
        for name, whole in case.before.items():
            joined = np.concatenate([h[name] for h in halves])
            assert_close(joined, whole, case.task)


@every_model
def test_one_item_is_enough(fitted: list[Case]) -> None:
    for case in fitted:
        answer = load_program(case.program)({k: v[:1] for k, v in case.made.inputs(case.program).items()})
        for name, values in answer.items():
            assert_close(values[0], case.before[name][0], case.task)


@every_model
def test_wrong_axes_are_refused(fitted: list[Case]) -> None:
    for case in fitted:
        run, inputs = load_program(case.program), case.made.inputs(case.program)
        for name, values in inputs.items():
            with pytest.raises(ShapeError, match=rf"program inputs? .*{name}.*: expected .*, got .*\("):
                run({**inputs, name: values[..., None]})


@every_model
def test_nan_is_refused(fitted: list[Case]) -> None:
    for case in fitted:
        run, inputs = load_program(case.program), case.made.inputs(case.program)
        for name, values in inputs.items():
            if values.dtype.kind == "f":
                with pytest.raises(
                    ShapeError, match=rf"program input '{name}': expected finite numbers, got 1 of \d+ NaN"
                ):
                    run({**inputs, name: _with_nan(values)})


@every_model
def test_absent_and_unequal_inputs_are_refused(fitted: list[Case]) -> None:
    for case in fitted:
        run, inputs = load_program(case.program), case.made.inputs(case.program)
        name = case.program.inputs[0]
        with pytest.raises(ShapeError, match=rf"program: expected the input '{name}', got"):
            run({k: v for k, v in inputs.items() if k != name})
        if len(inputs) > 1:
            with pytest.raises(ShapeError, match="expected the same number of items in each"):
                run({**inputs, name: inputs[name][:-1]})


@every_model
def test_inputs_are_not_written_to(fitted: list[Case]) -> None:
    for case in fitted:
        inputs = {k: v.copy() for k, v in case.made.inputs(case.program).items()}
        for values in inputs.values():
            values.flags.writeable = False
        load_program(case.program)(inputs)


def test_every_kind_and_every_driver_has_a_toy() -> None:
    from auscult.engine.drivers import DRIVERS

    toys = domains()["toys"]
    assert {task_of("toys", t).spec.kind for t in toys.tasks} == set(KINDS)
    assert len(DRIVERS) == 6  # the closed list of the design; a toy uses each, see test_drivers


def _with_nan(values: Array) -> Array:
    broken = values.copy()
    broken.reshape(-1)[len(broken.reshape(-1)) // 2] = np.nan
    return broken
