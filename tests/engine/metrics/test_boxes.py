"""Average precision of boxes: by hand, and against a plain loop that follows the COCO definition."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ShapeError
from auscult.engine.metrics.boxes import Boxes, average_precisions, box_overlap, map50, map50_95


def boxes(*rows: tuple[float, ...], scored: bool = False) -> Boxes:
    """Rows of x0, y0, x1, y1, label and, where scored, score."""
    table = np.array(rows, dtype=float).reshape(-1, 6 if scored else 5)
    return Boxes(table[:, :4], table[:, 4].astype(int), table[:, 5] if scored else None)


def simulated(seed: int, n_images: int, n_classes: int) -> tuple[list[Boxes], list[Boxes]]:
    rng = np.random.default_rng(seed)
    target, output = [], []
    for _ in range(n_images):
        corner = rng.random((4, 2)) * 100
        corners = np.concatenate([corner, corner + 10 + 30 * rng.random((4, 2))], axis=1)
        label = rng.integers(0, n_classes, 4)
        target.append(Boxes(corners, label))
        moved = np.concatenate([corners + rng.normal(size=(4, 4)) * 2, corners + 40])
        output.append(Boxes(moved, np.concatenate([label, label]), rng.random(8) + np.repeat([0.3, 0], 4)))
    return target, output


def plain_average_precision(
    target: list[Boxes], output: list[Boxes], label: int, limit: float
) -> float:  # COCO, one loop
    rows = sorted(
        (-score, image, d)
        for image, found in enumerate(output)
        for d, score in enumerate(found.score)
        if found.label[d] == label
    )
    taken: set[tuple[int, int]] = set()
    n_reference = sum(int((true.label == label).sum()) for true in target)
    hits = []
    for _, image, d in rows:
        overlap = box_overlap(output[image].corners_px[d : d + 1], target[image].corners_px)[0]
        free = [
            (overlap[g], g) for g in range(len(overlap)) if target[image].label[g] == label and (image, g) not in taken
        ]
        best = max(free, default=(-1.0, -1))
        hits.append(best[0] >= limit)
        if hits[-1]:
            taken.add((image, best[1]))
    true = np.cumsum(hits)
    recall, precision = true / n_reference, true / np.arange(1, len(hits) + 1)
    return float(np.mean([max(precision[recall >= r], default=0.0) for r in np.linspace(0, 1, 101)]))


def test_overlap_by_hand() -> None:
    first = np.array([[0, 0, 2, 2], [5, 5, 5, 5]])
    second = np.array([[1, 1, 3, 3], [0, 0, 2, 2], [9, 9, 10, 10]])
    np.testing.assert_allclose(box_overlap(first, second), [[1 / 7, 1.0, 0.0], [0.0, 0.0, 0.0]])


def test_average_precision_by_hand() -> None:
    # Surest detection is false, then one of two reference boxes is found: precision 1/2 up to recall 1/2.
    target = [boxes((0, 0, 10, 10, 0), (20, 20, 30, 30, 0))]
    output = [boxes((50, 50, 60, 60, 0, 0.9), (0, 0, 10, 10, 0, 0.8), scored=True)]
    np.testing.assert_allclose(map50(target, output, n_classes=1), [0.5 * 51 / 101])


def test_a_second_box_on_the_same_thing_is_false() -> None:
    target = [boxes((0, 0, 10, 10, 0))]
    output = [boxes((0, 0, 10, 10, 0, 0.9), (0, 0, 10, 10, 0, 0.8), scored=True)]
    np.testing.assert_allclose(map50(target, output, n_classes=1), [1.0])
    output = [boxes((0, 0, 10, 6, 0, 0.9), (0, 0, 10, 10, 0, 0.8), scored=True)]
    # Up to 0.6 the first one takes the thing; from 0.65 it is false and the second right: precision 1/2.
    areas = average_precisions(target, output, n_classes=1)[0, :, 0]
    np.testing.assert_allclose(areas, [1.0] * 3 + [0.5] * 7)
    np.testing.assert_allclose(map50_95(target, output, n_classes=1), [0.65])


@pytest.mark.parametrize("seed", range(5))
def test_equal_to_a_plain_loop(seed: int) -> None:
    target, output = simulated(seed, 12, 3)
    found = average_precisions(target, output, n_classes=3)[0]
    expected = [
        [plain_average_precision(target, output, label, limit) for label in range(3)]
        for limit in np.linspace(0.5, 0.95, 10)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_class_without_a_reference_box_is_undefined_and_left_out() -> None:
    target = [boxes((0, 0, 10, 10, 0))]
    output = [boxes((0, 0, 10, 10, 0, 0.9), (0, 0, 10, 10, 1, 0.9), scored=True)]
    np.testing.assert_array_equal(average_precisions(target, output, n_classes=2, overlaps=(0.5,)), [[[1.0, np.nan]]])
    np.testing.assert_allclose(map50(target, output, n_classes=2), [1.0])
    assert np.isnan(map50([boxes()], output, n_classes=2)).all()


def test_nothing_detected_is_zero() -> None:
    np.testing.assert_allclose(map50([boxes((0, 0, 1, 1, 0))], [boxes(scored=True)], n_classes=1), [0.0])


def test_refusals() -> None:
    with pytest.raises(ShapeError, match=r"corners_px: expected shape \(M, 4\), got \(1, 5\)"):
        Boxes(np.zeros((1, 5)), np.zeros(1, int))
    with pytest.raises(ShapeError, match="expected x0 <= x1 and y0 <= y1"):
        Boxes(np.array([[2.0, 0, 1, 1]]), np.zeros(1, int))
    with pytest.raises(ShapeError, match=r"label: expected shape \(1\), got \(2,\)"):
        Boxes(np.zeros((1, 4)), np.zeros(2, int))
    one = boxes((0, 0, 1, 1, 0))
    with pytest.raises(ShapeError, match="expected boxes with scores, got none in image 0"):
        map50([one], [one], n_classes=1)
    with pytest.raises(ShapeError, match="expected 1 images as in the target, got 2"):
        map50([one], [one, one], n_classes=1)
