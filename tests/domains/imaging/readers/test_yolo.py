"""The YOLO layout: boxes in pixels, roles and series from names, and lines that are no box."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from auscult.base.contracts import RecordBatch, SetAside
from auscult.domains.imaging import DOMAIN
from auscult.domains.imaging.tasks.object_detection import ObjectDetection, ObjectDetectionConfig
from auscult.engine.sources import find_sources, read_source


def write(folder: Path, name: str, label: str | bytes | None) -> None:
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((40, 80, 3), 128, np.uint8)).save(folder / "images" / f"{name}.png")
    if label is not None:
        path = folder / "labels" / f"{name}.txt"
        path.write_bytes(label if isinstance(label, bytes) else label.encode())


def read(folder: Path) -> tuple[list[RecordBatch], list[SetAside], list[str]]:
    found = find_sources(folder, DOMAIN)
    parts = [p for s in found.sources for p in read_source(s, DOMAIN)]
    batches = [p for p in parts if isinstance(p, RecordBatch)]
    return batches, [p for p in parts if isinstance(p, SetAside)], [s.reader for s in found.sources]


def test_boxes_are_corners_in_pixels_and_names_tell_role_and_series(tmp_path: Path) -> None:
    write(tmp_path / "valid", "Lahey_Forceps_147_jpg.rf.70019fba", "13 0.5 0.5 0.25 0.5\n2 0.1 0.2 0.2 0.4\n")
    (made,), aside, readers = read(tmp_path)
    assert (aside, readers) == ([], ["yolo"])
    np.testing.assert_allclose(made.ragged("box")[0], [[30, 10, 50, 30], [0, 0, 16, 16]], atol=1e-4)
    assert made.ragged("box_label")[0].tolist() == [13, 2]
    assert made.groups["split"].tolist() == ["valid"]
    assert made.groups["block"].tolist() == ["Lahey_Forceps-2"]  # photographs 100 to 149
    assert made.ragged("image")[0].shape == (40, 80, 3)


def test_roles_may_lie_inside_of_images_and_labels(tmp_path: Path) -> None:
    write(tmp_path, "tray_0001", "1 0.5 0.5 0.25 0.5\n")
    for part in ("images", "labels"):
        (file,) = (tmp_path / part).iterdir()
        (tmp_path / part / "val").mkdir()
        file.rename(tmp_path / part / "val" / file.name)
    (made,), aside, readers = read(tmp_path)
    assert (aside, readers) == ([], ["yolo"])
    assert made.ragged("box_label")[0].tolist() == [1]
    assert made.groups["split"].tolist() == ["valid"]


@pytest.mark.parametrize(
    ("number", "role"),
    [
        *((n, "train") for n in (0, 44, 105, 144, 205, 249)),
        *((n, "") for n in (45, 49, 100, 104, 145, 149, 200, 204)),
        *((n, "valid") for n in (50, 99, 301)),
        *((n, "test") for n in (150, 199)),
    ],
)
def test_blocks_of_a_series_have_roles_with_gaps_between(number: int, role: str, tmp_path: Path) -> None:
    write(tmp_path, f"Lahey_Forceps_{number}_jpg.rf.70019fba", "13 0.5 0.5 0.25 0.5\n")
    (made,), _, _ = read(tmp_path)
    assert made.groups["block_role"].tolist() == [role]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1 0.5 0.5 0.2", r"a\.txt, line 3: expected five numbers \(class, centre, size\), got 4"),
        ("1 0.1 0.1 0.2 0.2 0.3 0.3", "got 7; outlines are not read"),
        ("a 0.5 0.5 0.2 0.2", "expected five numbers, got something else"),
        ("1.5 0.5 0.5 0.2 0.2", "expected a class from 0 and finite numbers"),
        ("1 0.5 nan 0.2 0.2", "expected a class from 0 and finite numbers"),
        ("1 0.5 0.5 0.0 0.2", "expected a box with an area inside the picture"),
        ("1 0.9 0.5 0.4 0.2", "one that is empty or reaches outside"),
    ],
)
def test_a_picture_with_a_line_that_is_no_box_is_set_aside(line: str, words: str, tmp_path: Path) -> None:
    """Without the line it would be a picture that lacks the thing, and one of background if it has no other box."""
    write(tmp_path, "a", f"0 0.5 0.5 0.5 0.5\n\n{line}\n")
    write(tmp_path, "b", "0 0.5 0.5 0.5 0.5\n")
    (made,), (aside,), _ = read(tmp_path)
    assert made.record.tolist() == ["images/b"]
    assert "split" not in made.groups
    assert aside.source == "images/a"
    assert re.search(words, aside.reason), aside.reason


def test_a_picture_without_a_label_file_is_background_where_others_have_one(tmp_path: Path) -> None:
    write(tmp_path / "train", "bare", None)
    write(tmp_path / "valid", "bare", None)
    (tmp_path / "train" / "labels" / "classes.txt").write_text("scissors\n")
    assert read(tmp_path)[2] == ["photo", "photo"]  # no picture has one: nobody looked for boxes
    write(tmp_path / "train", "tool", "0 0.5 0.5 0.5 0.5\n")
    (tmp_path / "train" / "images" / "Thumbs.db").write_bytes(b"no picture")
    made, aside, readers = read(tmp_path)
    assert (aside, readers) == ([], ["yolo", "yolo", "yolo"])
    whole = RecordBatch.concat(made)
    assert whole.record.tolist() == ["train/images/bare", "train/images/tool", "valid/images/bare"]
    assert whole.ragged("box").lengths.tolist() == whole.ragged("box_label").lengths.tolist() == [0, 1, 0]
    task = ObjectDetection(ObjectDetectionConfig())
    target = task.cut(task.prepare(whole)).target
    assert target is not None
    assert (target[:, :, 4] >= 0).sum(axis=1).tolist() == [0, 1, 0]


def test_no_box_no_text_and_no_label_file(tmp_path: Path) -> None:
    write(tmp_path, "empty", "\n")
    write(tmp_path, "binary", b"\xff\xfe\x00\x81")
    write(tmp_path, "bare", None)
    made, (aside,), readers = read(tmp_path)
    assert readers == ["yolo", "yolo", "yolo"]
    assert [len(b.ragged("box")[0]) for b in made] == [0, 0]
    assert aside.reason == "binary.txt: expected lines of numbers, got no text; export the labels again"
