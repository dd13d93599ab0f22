"""Augmentation: nothing asked, nothing changed; pictures and volumes; parameters of a known size."""

from __future__ import annotations

import torch

from auscult.domains.imaging.models.augment import AugmentConfig, augmented, augmented_pair
from auscult.domains.imaging.models.network import AveragePool


def test_nothing_is_changed_unless_asked() -> None:
    image = torch.rand(3, 1, 8, 9)
    assert augmented(image, AugmentConfig()) is image


def test_pictures_and_volumes_keep_their_shape_and_the_original() -> None:
    config = AugmentConfig(shift=0.1, turn=20, zoom=0.1, contrast=0.3, noise=0.1, mirror=True)
    for shape in ((4, 1, 12, 14), (2, 1, 6, 12, 14)):
        image = torch.rand(shape)
        before = image.clone()
        assert augmented(image, config).shape == image.shape
        assert torch.equal(image, before)


def test_a_shift_moves_by_at_most_its_share() -> None:
    image = torch.zeros(64, 1, 40, 40)
    image[:, :, 20, 20] = 1.0
    moved = augmented(image, AugmentConfig(shift=0.1))
    weight = moved.flatten(1).sum(dim=1)
    across = (moved * torch.arange(40.0)).flatten(1).sum(dim=1) / weight
    assert (across - 20).abs().max() <= 4.01
    assert across.std() > 1


def test_average_pool_is_that_of_torch() -> None:
    image = torch.rand(2, 3, 16, 11)
    ours = AveragePool((16, 11), 7)(image)
    assert torch.allclose(ours, torch.nn.functional.adaptive_avg_pool2d(image, 7), atol=1e-6)


def test_an_image_and_its_labels_move_together() -> None:
    config = AugmentConfig(shift=0.1, turn=20, zoom=0.1, mirror=True)
    target = torch.zeros(8, 12, 14, 16, dtype=torch.long)
    target[:, 4:9, 4:9, 3:8] = 2
    image, moved = augmented_pair(target[:, None].float(), target, config)
    assert moved.dtype == target.dtype
    assert set(moved.unique().tolist()) == {0, 2}
    assert ((image[:, 0] > 1) != (moved > 1)).float().mean() < 0.02
    assert (moved != target).any()
