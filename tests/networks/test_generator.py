"""The feed-forward generator: shapes, what normalisation removes, and mixing styles."""

from __future__ import annotations

import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.networks.generator import Generator, GeneratorShape

TINY = (4, 6, 8)


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(0)
    made = Generator(GeneratorShape(TINY, blocks=2, styles=3)).double()
    for name, value in made.named_parameters():  # styles that differ
        if name.endswith(("scale", "shift")):
            value.data += 0.3 * torch.randn_like(value)
    return made.requires_grad_(False)


def affine_parameters(generator: Generator) -> dict[str, torch.Tensor]:
    return {k: v for k, v in generator.state_dict().items() if k.endswith(("scale", "shift"))}


@pytest.mark.parametrize("size", [(32, 32), (33, 45), (30, 31), (8, 9)])
def test_pictures_keep_their_size_and_stay_in_range(generator, size) -> None:
    painted = generator(torch.rand(2, 3, *size, dtype=torch.float64), [1, 0, 0])
    assert painted.shape == (2, 3, *size)
    assert painted.min() > 0
    assert painted.max() < 1


def test_brightness_and_contrast_change_nothing(generator) -> None:
    picture = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    offset = torch.tensor([0.1, 0.3, 0.2], dtype=torch.float64)[:, None, None]
    usual = generator(picture, [1, 0, 0])
    # Only the floor of variances knows the contrast.
    torch.testing.assert_close(generator(0.5 * picture + offset, [1, 0, 0]), usual, atol=1e-2, rtol=0)
    assert (generator(picture.flip(-1), [1, 0, 0]) - usual).abs().max() > 0.05


def test_pictures_of_a_batch_do_not_mix(generator) -> None:
    pictures = torch.rand(2, 3, 32, 32, dtype=torch.float64)
    together = generator(pictures, [0, 1, 0])
    torch.testing.assert_close(together[:1], generator(pictures[:1], [0, 1, 0]))


def test_a_mix_is_linear_in_scales_and_shifts(generator) -> None:
    picture, mix = torch.rand(1, 3, 32, 32, dtype=torch.float64), [0.2, 0.3, 0.5]
    mixed = Generator(GeneratorShape(TINY, blocks=2)).double()
    shares = torch.tensor(mix, dtype=torch.float64)
    blended = {k: (shares @ v)[None] for k, v in affine_parameters(generator).items()}
    mixed.load_state_dict({**generator.state_dict(), **blended})
    torch.testing.assert_close(generator(picture, mix), mixed(picture, [1.0]))


def test_a_style_alone_ignores_the_others(generator) -> None:
    picture = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    before = generator(picture, [0, 1, 0])
    for value in affine_parameters(generator).values():
        value[0], value[2] = 9.0, -9.0
    torch.testing.assert_close(generator(picture, [0, 1, 0]), before)


@pytest.mark.parametrize(
    "shape", [{"widths": (0, 6, 8)}, {"widths": (4, 6, 9999)}, {"blocks": 0}, {"styles": 0}]
)
def test_impossible_shapes_are_refused(shape) -> None:
    with pytest.raises(ConfigError, match="network: "):
        GeneratorShape(**shape)
