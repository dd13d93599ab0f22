"""Networks of pictures and volumes: any size, two or three axes, answers of one item independent of the others."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from auscult.base.errors import UsageError
from auscult.domains.imaging.models.network import ImageNetwork, max_pool
from auscult.domains.imaging.models.resnet import ResnetConfig, _Block, _Body
from auscult.domains.imaging.models.unet import folded, unfolded
from auscult.engine.blocks.layers import Standardise
from auscult.engine.checkpoint import TrainState, load_pretrained, save_checkpoint


@pytest.mark.parametrize("name", ["convnet", "vgg", "inception", "resnet"])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 17, 30), (1, 9, 12, 10)])
def test_pictures_and_volumes_of_any_size(name: str, shape: tuple[int, ...]) -> None:
    module = importlib.import_module(f"auscult.domains.imaging.models.{name}")
    config = getattr(module, f"{name.title()}Config")(widths=(4, 8))
    body = module._Body(config, shape).eval()
    image = torch.randn(3, *shape)
    out = body(image)
    assert out.shape == (3, body.width)
    assert torch.allclose(body(image[1:2]), out[1:2], atol=1e-5)  # group, not batch, normalisation


def test_resnet_is_as_deep_as_asked() -> None:
    """One convolution, then two a block: 1 + 2 · 3 stages · 2 blocks; shortcuts of 1 × 1 where the width changes."""
    body = _Body(ResnetConfig(widths=(4, 8, 16), depth=2), (1, 28, 28))
    sizes = [m.kernel_size for m in body.modules() if isinstance(m, torch.nn.Conv2d)]
    assert sizes.count((3, 3)) == 1 + 2 * 3 * 2
    assert sizes.count((1, 1)) == 2


def test_vgg_halves_between_its_stacks() -> None:
    from auscult.domains.imaging.models.vgg import VggConfig, _Body

    body = _Body(VggConfig(widths=(4, 8, 16), depth=2), (1, 28, 28))
    assert body.layers(torch.zeros(1, 1, 28, 28)).shape == (1, 16, 7, 7)


def test_an_odd_last_row_is_pooled_too() -> None:
    image = torch.zeros(1, 1, 3, 3)
    image[..., 2, 2] = 5.0
    assert max_pool(2)(image)[0, 0].tolist() == [[0.0, 0.0], [0.0, 5.0]]


def test_blocks_of_voxels_become_channels_and_come_back() -> None:
    x = torch.arange(2 * 3 * 4 * 6 * 8).reshape(2, 3, 4, 6, 8)
    blocks = folded(x, 2)
    assert blocks.shape == (2, 24, 2, 3, 4)
    assert blocks[0, :8, 0, 0, 0].tolist() == x[0, 0, :2, :2, :2].ravel().tolist()
    assert torch.equal(unfolded(blocks, 2), x)
    assert torch.equal(unfolded(folded(x[:, :, 0], 2), 2), x[:, :, 0])


def test_a_trained_body_is_taken_over_to_other_classes(tmp_path: Path) -> None:
    """The last layer has another size and starts anew; a body of another width is refused."""
    sample = np.random.default_rng(0).random((4, 1, 16, 16)).astype(np.float32)

    def network(classes: int, widths: tuple[int, ...] = (4, 8)) -> ImageNetwork:
        config = ResnetConfig(widths=widths, hidden=8)
        return ImageNetwork(Standardise(sample), _Body(config, (1, 16, 16)), classes, config)

    old, new = network(2), network(5)
    save_checkpoint(tmp_path, old, {}, TrainState())
    before = new.head[4].weight.clone()
    load_pretrained(tmp_path, new)
    for (name, ours), theirs in zip(new.body.named_parameters(), old.body.parameters(), strict=True):
        assert torch.equal(ours, theirs), name
    assert torch.equal(new.head[1].weight, old.head[1].weight)
    assert torch.equal(new.head[4].weight, before)
    with pytest.raises(
        UsageError, match=r"train\.pretrained: expected the weights of this network, got others in body"
    ):
        load_pretrained(tmp_path, network(5, (8, 8)))


@pytest.mark.parametrize("n_axes", [2, 3])
def test_the_shortcut_steps_as_a_convolution_with_a_stride_does(n_axes: int) -> None:
    torch.manual_seed(0)
    block = _Block(n_axes, 8, 16, 2)
    x = torch.randn(2, 8, *[7, 10, 9][:n_axes])
    convolve = functional.conv2d if n_axes == 2 else functional.conv3d
    wanted = convolve(block.first(x), block.shortcut.weight, stride=2) + block.residual(block.first(x))
    torch.testing.assert_close(block(x), wanted)


@pytest.mark.slow
def test_few_channels_beside_each_other_write_to_no_memory_but_their_own() -> None:
    """A stride in the shortcut's own convolution ended this process with a damaged heap."""
    code = """
import torch
from auscult.domains.imaging.models.network import channels_last
from auscult.domains.imaging.models.resnet import ResnetConfig, _Body
torch.set_num_threads(2)
body = channels_last(_Body(ResnetConfig(widths=(8, 16)), (1, 64, 64)), 2)
for _ in range(12):
    body(torch.randn(52, 1, 64, 64).contiguous(memory_format=torch.channels_last)).sum().backward()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-300:]
