"""Checks of images: each finds the fault that is put into a clean set, and nothing in the clean set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, Finding, RecordBatch
from auscult.base.registry import load_part
from auscult.domains.imaging import DOMAIN
from auscult.domains.imaging.preprocess.window import windowed
from auscult.domains.imaging.simulate.chest import detector_values, simulate_chest

COUNT, SIDE = 16, 72
PICTURE_CHECKS = ("burned-in", "clipped", "saturated", "blur", "alike-across-subjects", "label-conflicts", "body-part")
Images = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def clean() -> Images:
    rng = np.random.default_rng(0)
    chests = [detector_values(simulate_chest(rng, side=SIDE), rng).astype(float) for _ in range(COUNT)]
    return np.stack([windowed(c, 1900.0, 2600.0) for c in chests])


def pictures(image: Images, **more: Any) -> RecordBatch:
    n = len(image)
    columns = {
        Field("image", "array", "HW", unit="1"): image,
        Field("label", "category"): more.get("label", np.arange(n) % 2),
    }
    groups = {k: np.array(more.get(k, [v] * n)) for k, v in (("body_part", "CHEST"), ("burned_in", "NO"))}
    subject = more.get("subject", np.array([f"p{k}" for k in range(n)]))
    names = np.array([f"r{k}" for k in range(n)])
    return RecordBatch(tuple(columns), {f.name: c for f, c in columns.items()}, names, subject, groups)


def found(name: str, *batches: RecordBatch) -> list[Finding]:
    check: Callable[[Any], list[Finding]] = load_part(DOMAIN, "checks", name)
    return check(list(batches))


@pytest.mark.parametrize("name", [*PICTURE_CHECKS, "spacing", "orientation"])
def test_nothing_is_found_in_a_clean_set(name: str, clean: Images) -> None:
    assert found(name, pictures(clean)) == []
    assert found(name, volumes([np.eye(3)] * COUNT)) == []


def lettered(image: Images) -> Images:
    made = image.copy()
    made[2:9, 4:40:2] = 1.0
    made[2:9, 5:40:2] = 0.0
    return made


@pytest.mark.parametrize(
    ("name", "check", "change", "words"),
    [
        ("blur", "blur", lambda x: ndimage.gaussian_filter(x, 3), "far less sharp than the others"),
        ("clipped", "clipped-white", lambda x: np.where(x > np.quantile(x, 0.7), 1.0, x), "quarter or more is plain w"),
        (
            "clipped",
            "clipped-black",
            lambda x: np.where(x < np.quantile(x, 0.6), 0.0, x),
            "half or more is plain black",
        ),
        ("saturated", "saturated", lambda x: np.where(x > np.quantile(x, 0.3), 1.0, x), "half or more is plain white"),
        ("burned-in", "burned-in-marks", lettered, "bright marks like text at their border"),
    ],
)
def test_a_damaged_picture_is_named(
    name: str, check: str, change: Callable[[Images], Images], words: str, clean: Images
) -> None:
    damaged = clean.copy()
    damaged[3] = change(damaged[3])
    findings = {f.check: f for f in found(name, pictures(damaged))}
    assert findings[check].records == ("r3",)
    assert words in findings[check].message


def test_one_picture_under_two_subjects_and_two_labels(clean: Images) -> None:
    damaged = clean.copy()
    rng = np.random.default_rng(1)
    damaged[4] = np.clip(0.9 * damaged[9] + 0.05 + rng.normal(0, 0.01, damaged[9].shape), 0, 1)
    (across,) = found("alike-across-subjects", pictures(damaged))
    assert (across.check, across.records) == ("alike-across-subjects", ("r4", "r9"))
    (conflict,) = found("label-conflicts", pictures(damaged))
    assert (conflict.records, conflict.severity) == (("r4", "r9"), "warning")
    same = np.array(["p0"] * COUNT)
    assert found("alike-across-subjects", pictures(damaged, subject=same)) == []
    assert found("alike-across-subjects", pictures(damaged, subject=None)) == []
    assert found("label-conflicts", pictures(damaged, label=np.zeros(COUNT, np.int64))) == []


def test_photographs_in_colour_are_looked_at_in_grey(clean: Images) -> None:
    """As the task on boxes prepares them: numbers up to 255, padded to a square below."""
    colour = np.zeros((COUNT, SIDE, SIDE, 3), np.uint8)
    colour[:, :30] = np.round(200 * clean[:, :30, :, None]) + np.arange(3, dtype=np.uint8)
    colour[5, :30] = ndimage.gaussian_filter(colour[5, :30], (3, 3, 0))
    colour[7, :20] = 255
    extent = np.tile(np.float32([60, 144]), (COUNT, 1))
    columns = {Field("image", "array", "HWC", unit="1/255"): colour, Field("extent", "array", "C", unit="px"): extent}
    names = np.array([f"r{k}" for k in range(COUNT)])
    batch = RecordBatch(tuple(columns), {f.name: c for f, c in columns.items()}, names)
    assert [f.records for f in found("blur", batch)] == [("r5",)]
    assert [f.records for f in found("saturated", batch)] == [("r7",)]
    assert found("clipped", batch) == []  # what was padded is not plain black


def test_headers_that_name_text_or_another_body_part(clean: Images) -> None:
    parts = ["CHEST"] * (COUNT - 2) + ["KNEE", "unknown"]
    (part,) = found("body-part", pictures(clean, body_part=parts))
    assert part.records == (f"r{COUNT - 2}",)
    (text,) = found("burned-in", pictures(clean, burned_in=["YES"] + ["NO"] * (COUNT - 1)))
    assert (text.check, text.records) == ("burned-in-text", ("r0",))


def volumes(directions: list[Images]) -> RecordBatch:
    """Volumes whose affines have the given matrices."""
    affine = np.tile(np.eye(4), (len(directions), 1, 1))
    affine[:, :3, :3] = directions
    image = Ragged.of([np.zeros((2, 3, 4), np.float32)] * len(directions), ragged_axes=3)
    fields = (Field("image", "array", "DHW", ragged=True), Field("affine", "array", "LC", unit="mm"))
    names = np.array([f"r{k}" for k in range(len(directions))])
    return RecordBatch(fields, {"image": image, "affine": affine}, names)


def test_another_spacing_and_orientation() -> None:
    (thick,) = found("spacing", volumes([np.eye(3)] * 11 + [np.diag([3.0, 1.0, 1.0])]))
    assert (thick.records, thick.severity) == (("r11",), "warning")
    (turned,) = found("orientation", volumes([np.eye(3)] * 11 + [np.eye(3)[[1, 0, 2]]]))
    assert (turned.records, turned.severity) == (("r11",), "info")
    assert found("spacing", volumes([np.eye(3), np.diag([9.0, 1.0, 1.0])])) == []  # too few to say what is usual


def marked(codes: list[list[int]]) -> RecordBatch:
    fields = (Field("image", "array", "HWC", unit="1/255"), Field("box_label", "category", ragged=True))
    labels = Ragged.of([np.array(c, dtype=np.int64) for c in codes])
    columns = {"image": np.zeros((len(codes), 16, 16, 3), np.uint8), "box_label": labels}
    return RecordBatch(fields, columns, np.array([f"r{k}" for k in range(len(codes))]))


def test_pictures_without_a_box_are_counted_where_others_have_some() -> None:
    assert found("no-boxes", marked([[0], [1, 1]])) == []
    assert found("no-boxes", marked([[], []])) == []
    (finding,) = found("no-boxes", marked([[0], []]), marked([[], [2]]))
    assert (finding.count, finding.records, finding.severity) == (2, ("r1", "r0"), "info")
