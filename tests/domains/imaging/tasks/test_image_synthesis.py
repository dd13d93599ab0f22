"""New pictures: the same request gives the same picture, files are marked, copies are found out, worth is measured."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from auscult.base.arrays import Array, Ragged
from auscult.base.contracts import Field, FitContext, ItemSet, RecordBatch
from auscult.base.errors import UsageError
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.imaging.tasks.image_synthesis import ImageSynthesis, ImageSynthesisConfig
from auscult.domains.imaging.tasks.synthesis_probes import Pictures, _nearest
from auscult.engine.answers import kind_of

TASK = ImageSynthesis(ImageSynthesisConfig(noise=4, trainings=1, trial_epochs=3))


def batch(n: int, *, labelled: bool = True) -> RecordBatch:
    """Pictures with a bright field that lies left or right, by class."""
    rng = np.random.default_rng(0)
    label = np.arange(n) % 2
    image = rng.random((n, 28, 28)).astype(np.float32) * 0.3
    for row in range(n):
        image[row, 8:20, 4 + 12 * label[row] : 12 + 12 * label[row]] += 0.6
    fields = (Field("image", "array", "HW", unit="1"), Field("label", "category"))
    columns = {"image": image, "label": label if labelled else np.full(n, -1)}
    return RecordBatch(fields, columns, np.array([f"r{k}" for k in range(n)]))


def test_a_record_asks_for_the_same_picture_each_time_and_for_its_class() -> None:
    made = TASK.prepare(batch(6))
    items, again = TASK.cut(made), TASK.cut(made.take(np.array([4])))
    np.testing.assert_array_equal(items.inputs["noise"][4], again.inputs["noise"][0])
    assert items.inputs["label"].tolist() == [0, 1, 0, 1, 0, 1]
    assert len(np.unique(items.inputs["noise"][:, 0])) == 6
    unlabelled = TASK.cut_new(TASK.prepare(batch(40, labelled=False))).inputs["label"]
    assert set(unlabelled.tolist()) == {0, 1}


def test_a_record_without_a_label_asks_but_is_not_learned_from() -> None:
    made = TASK.prepare(batch(4))
    label = np.array([0, -1, 1, -1])
    some = made.with_columns({made.field("label"): label})
    items, asked = TASK.cut(some), TASK.cut_new(some)
    assert (items.record.tolist(), items.inputs["label"].tolist()) == ([0, 2], [0, 1])
    assert items.target is not None
    np.testing.assert_array_equal(items.target[:, 0], np.asarray(made.dense("image"))[[0, 2]])
    assert asked.record.tolist() == [0, 1, 2, 3]
    assert asked.inputs["label"][[0, 2]].tolist() == [0, 1]
    np.testing.assert_array_equal(asked.inputs["noise"][[0, 2]], items.inputs["noise"])
    assert len(TASK.cut(TASK.prepare(batch(3, labelled=False)))) == 0
    assert label.tolist() == [0, -1, 1, -1]  # the class is drawn for the question, not written into the record


def test_what_is_released_of_a_real_picture_cannot_be_seen(tmp_path: Path) -> None:
    """Features have no place but the quarter that they lie in: no array of the truth has the size of the picture."""
    made = TASK.prepare(batch(6))
    items = TASK.cut(made)
    outputs = TASK.join(made, items, {"sample": np.zeros((6, 1, 28, 28), np.float32)})
    assert outputs.target is not None
    assert list(outputs.target) == ["real"]
    assert np.asarray(outputs.target["real"]).shape == (6, 320)


def run_of(kind: str, real: Array) -> object:
    """A generator that copies its training pictures, or one that draws new ones."""

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        if kind == "copies":
            rows = np.resize(np.arange(len(real)), len(inputs["label"]))
            return {"sample": real[rows]}
        rng = np.random.default_rng(5)
        fresh = batch(2 * len(inputs["label"]))
        image = np.asarray(fresh.columns["image"]) + 0.05 * rng.random((2 * len(inputs["label"]), 28, 28))
        order = np.argsort(np.asarray(fresh.columns["label"]), kind="stable").reshape(2, -1)
        return {"sample": image[order[inputs["label"], np.arange(len(inputs["label"]))]][:, None].astype(np.float32)}

    return run


@pytest.fixture(scope="module")
def roles() -> dict[str, ItemSet]:
    items = TASK.cut(TASK.prepare(batch(120)))
    return {"train": ItemSet(items, np.arange(60)), "valid": ItemSet(items, np.arange(60, 90)),
            "test": ItemSet(items, np.arange(90, 120))}  # fmt: skip


def test_copies_are_found_out_and_worth_is_measured(roles: dict[str, ItemSet], tmp_path: Path) -> None:
    context = FitContext(TASK.spec, 0, TrainTable(threads=1), tmp_path / "run" / "probe", Silent())
    found = TASK.probe(roles, run_of("copies", roles["train"].target()), context)  # type: ignore[arg-type]
    values = {}
    for probe in found:
        for name in probe.spec.metrics:
            m = kind_of(probe.spec).measure(probe.spec, probe.outputs, name)
            values[name + probe.suffix] = float(m.function(m.target, m.output, **m.parameters)[0])
    assert values["membership_auc"] == values["membership_aucagainst_test"] == 1.0
    assert values["trtr_auc"] > 0.9
    assert values["tstr_share"] == pytest.approx(values["tstr_auc"] / values["trtr_auc"])
    assert abs(values["synthetic_gain"]) <= 1
    nearest = found[-1].outputs
    assert nearest.array("to_train").max() == 0.0 < nearest.array("to_held_out").min()
    assert (tmp_path / "run" / "probe" / "nearest-pairs.png").exists()
    trained = sorted((tmp_path / "run").glob("trial-*"))
    assert len(trained) == 4  # real, synthetic, few, few and synthetic


@pytest.mark.parametrize(("n", "rows"), [(3, 1), (9, 2), (600, 3)])
def test_pairs_are_kept_of_few_pictures_and_of_many(n: int, rows: int, tmp_path: Path) -> None:
    """Each generated picture stands over the training picture that it is like, without an array of all against all."""
    rng = np.random.default_rng(2)
    train = Pictures(rng.integers(0, 200, (n, 1, 28, 28)) / np.float32(255), np.zeros(n, dtype=np.int64))
    made = Pictures(train.image[::-1] + np.float32(1 / 255), train.label)
    context = FitContext(TASK.spec, 0, TrainTable(), tmp_path, Silent())
    tracemalloc.start()
    probe = _nearest(TASK.spec, made, train, train, context=context)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    shown = len(probe.outputs)
    kept = np.asarray(Image.open(tmp_path / "nearest-pairs.png")).reshape(rows, 56, 8, 28).transpose(0, 2, 1, 3)
    pairs = kept.reshape(-1, 2, 28, 28)
    np.testing.assert_array_equal(pairs[:shown, 0], pairs[:shown, 1] + 1)
    assert (pairs[shown:] == 255).all()
    assert shown == min(n, 24)
    assert (
        peak < 8 * train.image.size * 8 + 5e6
    )  # a few sets of pictures in float64; all pairs would be 24 sets and more


def test_generate_writes_marked_files_of_the_classes_in_turn(tmp_path: Path) -> None:
    run = run_of("copies", TASK.cut(TASK.prepare(batch(4))).target)  # type: ignore[arg-type]
    written = TASK.generate(run, tmp_path, count=3, seed=9)  # type: ignore[arg-type]
    assert [p.name for p in written[::2]] == [
        "synthetic-9-00000-normal.png", "synthetic-9-00001-pneumonia.png", "synthetic-9-00002-normal.png",
    ]  # fmt: skip
    with pytest.raises(UsageError, match="expected a new file"):
        TASK.generate(run, tmp_path, count=1, seed=9)  # type: ignore[arg-type]


def test_a_ragged_batch_of_odd_pictures_is_brought_to_one_grid() -> None:
    rng = np.random.default_rng(1)
    pictures = Ragged.of(
        [rng.random((40, 50)).astype(np.float32), rng.random((64, 30)).astype(np.float32)], ragged_axes=2
    )
    raw = RecordBatch(
        (Field("image", "array", "HW", unit="1", ragged=True),), {"image": pictures}, np.array(["a", "b"])
    )
    items = TASK.cut_new(TASK.prepare(raw))
    assert items.target is not None
    assert items.target.shape == (2, 1, 28, 28)
