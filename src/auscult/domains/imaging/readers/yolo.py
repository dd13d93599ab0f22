"""Pictures with boxes in the YOLO layout: ``images/<name>.jpg`` and ``labels/<name>.txt``, with a role above or below.

A line of a label file is ``class x y width height``: a whole number from 0, and centre and size as shares of the
picture's sides; a picture without a file has no box. Folders around named ``train``, ``valid`` (or ``val``) and
``test`` are the roles of a split. Names of files that end in a number are photographs of a series, as cameras count
them; neighbours are much alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.imaging.readers.common import COLOURS
from auscult.domains.imaging.readers.photo import is_picture, read_picture

NAME = "yolo"
ROLES = {"train": "train", "valid": "valid", "val": "valid", "test": "test"}
SERIES_BLOCK = 50
"""Photographs of a series that stay together where a recipe splits by the group key ``block``."""
BLOCK_ROLES = ("train", "valid", "train", "test", "train")
"""Roles of blocks that follow each other, over and over; no block of the test lies beside one for validation."""
GAP = 5
"""Numbers next to a block of another role that are in no role."""
EDGE = 1e-3
"""How far a box may reach over the border by rounding, as a share of the side."""
MAX_BYTES = 1 << 20
_COUNTED = re.compile(r"^(.*?)[_-]?(?:Add)?(\d+)(?:_jpe?g|_png)?(?:\.rf\.[0-9a-f]+)?$")


class YoloReader:
    """Reads pictures with boxes.

    Fields: ``image`` (H, W, 3), 0 to 1; ``box`` (n, 4) as x0, y0, x1, y1 in pixels and ``box_label`` (n,) as numbers.
    Groups: ``split`` by the folder, ``block`` by the series and its number, ``block_role`` by the block: of five blocks
    of a series three are for training, without the numbers next to another role; a picture without a number is for
    training. The layout names no subjects.
    """

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield pictures in a folder ``images``, or a role in it, that have a text file of their name in ``labels``.

        Where some have one, a picture without, beside a folder ``labels``, shows background alone: the layout wants no
        file for it.
        """
        known = set(files)
        beside = {p: _label_of(p) for p in files if "images" in (p.parent.name, _above_role(p).name)}
        some = not known.isdisjoint(beside.values())
        for path, label in beside.items():
            if label in known:
                yield Source(NAME, path.stem, (path, label))
            elif some and label.parent.is_dir() and is_picture(path):
                yield Source(NAME, path.stem, (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the record of a picture.

        Raises
        ------
        ReadError
            If the picture cannot be read, the label file is no text, or one of its lines is no box: with the other
            boxes alone the picture would teach that there is nothing where the thing of this line lies.
        """
        path = source.files[0]
        image = read_picture(path)
        if image.ndim == 2:
            image = np.repeat(image[:, :, None], 3, axis=2)
        found = [row for beside in source.files[1:] for row in _boxes(beside)]
        sides = np.array([image.shape[1], image.shape[0]] * 2, dtype=np.float32)
        corners = np.array([box for _, box in found], dtype=np.float32).reshape(-1, 4) * sides
        fields = (
            Field("image", "array", "HWC", unit="1", channels=COLOURS, ragged=True),
            Field("box", "array", "LC", unit="px", ragged=True),
            Field("box_label", "category", ragged=True),
        )
        columns = {
            "image": Ragged.of([image.astype(np.float32)], ragged_axes=2),
            "box": Ragged.of([corners]),
            "box_label": Ragged.of([np.array([code for code, _ in found], dtype=np.int64)]),
        }
        yield RecordBatch(fields, columns, np.array([source.name]), None, _groups(path))


def _above_role(path: Path) -> Path:
    """Return the folder of a file, or the one above where that is named as a role."""
    return path.parent.parent if path.parent.name in ROLES else path.parent


def _label_of(path: Path) -> Path:
    """Where the label file of a picture is: in ``labels`` where the picture is in ``images``."""
    images = path.parent if path.parent.name == "images" else _above_role(path)
    return images.parent / "labels" / path.parent.relative_to(images) / f"{path.stem}.txt"


def _boxes(path: Path) -> list[tuple[int, npt.NDArray[np.float64]]]:
    """Class and corners of each line that is not empty."""
    if path.stat().st_size > MAX_BYTES:
        raise ReadError(f"{path.name}: expected at most {MAX_BYTES >> 20} MiB of boxes, got a larger file")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReadError(f"{path.name}: expected lines of numbers, got no text; export the labels again") from error
    lines = enumerate(text.splitlines(), start=1)
    return [_box(line, f"{path.name}, line {number}") for number, line in lines if line.strip()]


def _box(line: str, where: str) -> tuple[int, npt.NDArray[np.float64]]:
    """Class and corners as shares of the sides."""
    try:
        values = np.array([float(p) for p in line.split()], dtype=np.float64)
    except ValueError:
        raise ReadError(f"{where}: expected five numbers, got something else; export the labels again") from None
    if len(values) != 5:
        raise ReadError(
            f"{where}: expected five numbers (class, centre, size), got {len(values)}; outlines are not read, "
            "export boxes"
        )
    if not np.isfinite(values).all() or values[0] != int(values[0]) or values[0] < 0:
        raise ReadError(f"{where}: expected a class from 0 and finite numbers, got others; correct the line")
    half = values[3:] / 2
    corners = np.concatenate([values[1:3] - half, values[1:3] + half])
    if half.min() <= 0 or corners.min() < -EDGE or corners.max() > 1 + EDGE:
        raise ReadError(
            f"{where}: expected a box with an area inside the picture, got one that is empty or reaches outside; "
            "correct the line"
        )
    return int(values[0]), np.clip(corners, 0.0, 1.0)


def _groups(path: Path) -> dict[str, npt.NDArray[np.str_]]:
    role = next((ROLES[p.name] for p in path.parents[:3] if p.name in ROLES), None)
    counted = _COUNTED.match(path.stem)
    block = f"{counted[1]}-{int(counted[2]) // SERIES_BLOCK}" if counted else path.stem
    groups = {"block": np.array([block]), "block_role": np.array([_role_of(int(counted[2])) if counted else "train"])}
    return groups if role is None else {**groups, "split": np.array([role])}


def _role_of(number: int) -> str:
    """Role of a photograph by its number in the series; nothing for one of the gap."""
    before, own, after = (
        BLOCK_ROLES[n // SERIES_BLOCK % len(BLOCK_ROLES)] for n in (number - GAP, number, number + GAP)
    )
    return own if own != "train" or before == after == "train" else ""
