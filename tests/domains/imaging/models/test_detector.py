"""The detector: which fields learn a box, what an answer costs, and boxes that move with their picture."""

from __future__ import annotations

import numpy as np
import torch

from auscult.domains.imaging.models.detector import DetectorConfig, augmented_boxes, detection_loss, field_owners

NONE = [-1.0, -1.0, -1.0, -1.0, -1.0]


def test_fields_near_the_middle_learn_a_box_and_the_smaller_one_wins() -> None:
    """On 4 × 4 fields with middles at 8, 24, 40, 56: near is up to 24 pixels away, and inside the box."""
    steps = (torch.arange(4) + 0.5) * 16
    centre = torch.stack([steps.repeat(4), steps.repeat_interleave(4)], dim=1)
    boxes = torch.tensor([[[4.0, 4, 60, 60, 0], [34, 34, 46, 46, 1], NONE], [[0, 0, 62, 16, 1], NONE, NONE]])
    owner = field_owners(centre, boxes, 16.0).reshape(2, 4, 4)
    assert owner[0].tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert owner[1].tolist() == [[0, 0, 0, -1], *([[-1] * 4] * 3)]  # around x 31, y 8
    assert (field_owners(centre, torch.tensor([[NONE]]), 16.0) == -1).all()


def test_a_right_answer_costs_less_than_a_shifted_one_and_than_nothing() -> None:
    boxes = torch.tensor([[[16.0, 20, 52, 44, 1], NONE]])
    steps = (torch.arange(4) + 0.5) * 16
    x, y = steps[None, :].expand(4, 4), steps[:, None].expand(4, 4)
    reach = torch.stack([x - 16, y - 20, 52 - x, 44 - y])
    owner = field_owners(torch.stack([x, y], dim=-1).reshape(16, 2), boxes, 16.0).reshape(4, 4)
    logits = torch.full((2, 4, 4), -9.0)
    logits[1][owner >= 0] = 9.0
    right = torch.cat([logits, reach])[None]
    shifted = torch.cat([logits, reach + torch.tensor([8.0, 8, -8, -8])[:, None, None]])[None]
    silent = torch.cat([torch.full((2, 4, 4), -9.0), reach])[None]
    other = torch.cat([logits.flip(0), reach])[None]
    costs = [float(detection_loss(maps, boxes, 64)) for maps in (right, shifted, silent, other)]
    assert costs[0] < 0.01
    assert min(costs[1:]) > 0.3
    empty = torch.tensor([[NONE, NONE]])
    assert float(detection_loss(silent, empty, 64)) < 0.01  # no box, and nothing is found


def test_boxes_move_with_their_picture() -> None:
    """A bright field in a dark picture stays inside its box, however the picture is turned."""
    image = torch.zeros(3, 3, 32, 32)
    image[:, :, 4:9, 20:30] = 1.0
    boxes = torch.tensor([[[20.0, 4, 30, 9, 2]]]).repeat(3, 1, 1)
    seen = set()
    for seed in range(30):
        torch.manual_seed(seed)
        moved, at = augmented_boxes(image, boxes, DetectorConfig(contrast=0.0))
        x0, y0, x1, y1, k = (int(v) for v in at[1, 0])
        assert k == 2
        assert float(moved[1, :, y0:y1, x0:x1].min()) == 1.0
        assert float(moved[1].sum()) == 3 * 50
        seen.add((x0, y0))
    assert len(seen) == 8
    np.testing.assert_array_equal(boxes[0, 0], [20, 4, 30, 9, 2])  # the given boxes are not written to
