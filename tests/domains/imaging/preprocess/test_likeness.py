"""Near-duplicates among pictures: what a perceptual hash finds, and what it leaves apart."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from auscult.base.errors import DataError
from auscult.base.files import read_json
from auscult.base.recipe import SplitTable, load_recipe
from auscult.domains.imaging import DOMAIN
from auscult.domains.imaging.examples import write_instruments_example
from auscult.domains.imaging.preprocess.likeness import MOST, alike_pairs, thumbnail
from auscult.engine.build import BuildOptions, build
from auscult.engine.dataset import Dataset
from auscult.engine.prepare import make_task
from auscult.engine.quality.duplicates import duplicate_pairs
from auscult.engine.splits import ROLES, make_split

RECIPE = Path(__file__).parents[4] / "recipes" / "imaging" / "instruments-simulated.toml"


def saved_again(path: Path, to: Path) -> None:
    """Keep a picture smaller, a little brighter and cut by two pixels, in another format, as exports do."""
    image = Image.open(path).convert("RGB")
    image = image.crop((1, 1, image.width - 1, image.height - 1)).resize((100, 100))
    packed = io.BytesIO()
    image.point(lambda v: min(255, round(1.05 * v + 4))).save(packed, "jpeg", quality=80)
    to.with_suffix(".jpg").write_bytes(packed.getvalue())
    label = path.parent.parent / "labels" / f"{path.stem}.txt"
    (to.parent.parent / "labels" / f"{to.stem}.txt").write_text(label.read_text())


def test_a_photograph_that_was_saved_again_is_a_leak_and_may_be_kept_out_of_training(tmp_path: Path) -> None:
    photos, run = tmp_path / "photos", tmp_path / "run"
    write_instruments_example(photos, 0, small=True)
    for role in ("valid", "test"):
        saved_again(photos / "train/images/sim_train_00000.png", photos / role / "images" / f"again_{role}")
    recipe = load_recipe(RECIPE, [f"data.path={photos}", "data.example=", "train.epochs=1"])
    build(recipe, run, DOMAIN, options=BuildOptions(until="prepare"))
    (near,) = [f for f in read_json(run / "quality.json")["findings"] if f["check"] == "near-duplicates"]
    assert near["count"] == 3
    with pytest.raises(DataError, match="1 have nearly the same content as a training record"):
        build(recipe, run, DOMAIN, options=BuildOptions(until="train"))
    dataset = Dataset(run / "dataset")
    pairs = duplicate_pairs(dataset, make_task(DOMAIN, "object-detection", {"labels": recipe.task["labels"]}))
    kept = make_split(dataset, SplitTable(policy="given", key="split", duplicates_whole=True), seed=0, duplicates=pairs)
    assert "train/images/sim_train_00100" in dataset.names
    named = {role: [str(n).rpartition("/")[2] for n in dataset.names[kept.records(role)]] for role in ROLES}
    assert named["train"] == ["sim_train_00100"]
    assert sorted(named["test"]) == ["again_test", "sim_test_00000", "sim_test_00100"]


def test_all_of_a_large_group_are_linked_without_listing_every_pair() -> None:
    rng = np.random.default_rng(0)
    thumbnails = np.repeat(thumbnail(rng.random((32, 32)))[None], 500, axis=0)
    hashes = np.full(500, 0x0123456789ABCDEF, dtype=np.uint64)
    hashes[::2] ^= np.uint64(0b111)  # three bits apart
    pairs = alike_pairs(hashes, thumbnails)
    assert len(pairs) <= 500 * 2 * MOST
    assert set(pairs.ravel().tolist()) == set(range(500))
    assert (pairs[:, 0] < pairs[:, 1]).all()


def test_no_picture_has_no_pair() -> None:
    assert alike_pairs(np.zeros(0, np.uint64), np.zeros((0, 256), np.float32)).shape == (0, 2)
    assert alike_pairs(np.zeros(1, np.uint64), np.zeros((1, 256), np.float32)).shape == (0, 2)
