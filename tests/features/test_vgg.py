from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from nst3d.errors import ConfigError
from nst3d.features import VGG, load_encoder
from nst3d.features.layers import layer_names
from nst3d.features.normalisation import IMAGENET, OXFORD, Normalisation

PLAIN = Normalisation(mean=(0.0, 0.0, 0.0), scale=(1.0, 1.0, 1.0))
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")


def photo(data_dir, name="astronaut.png", size=96) -> torch.Tensor:
    with Image.open(data_dir / "content" / name) as image:
        pixels = np.asarray(image.convert("RGB").resize((size, size))) / np.float32(255)
    return torch.from_numpy(pixels).permute(2, 0, 1)


def noise(*shape: int, dtype=torch.float32) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def gram_gradient(encoder: VGG, image: torch.Tensor) -> torch.Tensor:
    image = image.clone().requires_grad_()
    total = image.new_zeros(())
    for features in encoder(image, STYLE_LAYERS).values():
        rows = features.float().flatten(1)
        gram = rows @ rows.T / rows.shape[1]
        total = total + gram.square().sum() / gram.detach().square().sum()
    total.backward()
    return image.grad


def test_layer_names_are_the_architectures_and_their_places_torchvisions() -> None:
    names = layer_names("vgg19")
    assert names[:5] == ("conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1")
    assert names[-3:] == ("conv5_4", "relu5_4", "pool5")
    assert len(names) == 37
    assert len(layer_names("vgg16")) == 31
    assert [names.index(f"conv{b}_1") for b in range(1, 6)] == [0, 5, 10, 19, 28]
    assert [layer_names("vgg16").index(f"conv{b}_1") for b in range(1, 6)] == [0, 5, 10, 17, 24]


@pytest.mark.parametrize("architecture", ["vgg16", "vgg19"])
def test_shapes_follow_the_strides(architecture, random_convs) -> None:
    encoder = VGG(architecture, random_convs(architecture), IMAGENET)
    features = encoder(noise(3, 37, 50), encoder.layers)
    assert tuple(features) == encoder.layers
    channels = {"1": 64, "2": 128, "3": 256, "4": 512, "5": 512}
    for layer, f in features.items():
        stride = encoder.stride(layer)
        assert f.shape == (channels[layer[4]], 37 // stride, 50 // stride)
    assert encoder.stride("relu4_2") == 8
    assert encoder.stride("pool4") == 16


def test_a_batch_is_the_pictures_one_by_one(oxford) -> None:
    pictures = noise(2, 3, 24, 24)
    batch = oxford(pictures, ["relu3_1"])["relu3_1"]
    alone = torch.stack([oxford(p, ["relu3_1"])["relu3_1"] for p in pictures])
    assert batch.shape == (2, 256, 6, 6)
    torch.testing.assert_close(batch, alone, rtol=1e-4, atol=0.05)


def test_features_are_channels_last_and_so_is_their_gradient(oxford) -> None:
    image = noise(3, 16, 16).requires_grad_()
    features = oxford(image, ["relu2_1"])["relu2_1"]
    assert features.permute(1, 2, 0).is_contiguous()


def test_stops_at_the_deepest_layer(random_convs) -> None:
    encoder = VGG("vgg19", random_convs("vgg19"), PLAIN)
    del encoder.conv3_2  # a step further would fail
    assert list(encoder(noise(3, 8, 8), ["relu3_1", "conv1_1"])) == ["conv1_1", "relu3_1"]
    with pytest.raises(AttributeError):
        encoder(noise(3, 8, 8), ["conv3_2"])
    assert encoder(noise(3, 8, 8), []) == {}


def test_a_convolution_asked_for_is_not_overwritten_by_its_relu(oxford) -> None:
    features = oxford(noise(3, 8, 8), ["conv1_2", "relu1_2"])
    assert features["conv1_2"].min() < 0
    assert torch.equal(features["relu1_2"], features["conv1_2"].relu())


def test_normalisation_is_exact_at_the_border(random_convs) -> None:
    """The network pads with the zero of normalised values, not with black."""
    convs = {layer: (w.double(), b.double()) for layer, (w, b) in random_convs("vgg16").items()}
    encoder = VGG("vgg16", convs, OXFORD)
    image = noise(3, 9, 7, dtype=torch.float64)
    bgr = image.flip(0) * 255 - torch.tensor([103.939, 116.779, 123.68], dtype=torch.float64)[:, None, None]
    weight, bias = convs["conv1_1"]
    wanted = F.conv2d(bgr[None], weight, bias, padding=1)[0]
    torch.testing.assert_close(encoder(image, ["conv1_1"])["conv1_1"], wanted, rtol=1e-12, atol=1e-10)

    encoder = VGG("vgg16", convs, IMAGENET)
    mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64)[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64)[:, None, None]
    wanted = F.conv2d(((image - mean) / std)[None], weight, bias, padding=1)[0]
    torch.testing.assert_close(encoder(image, ["conv1_1"])["conv1_1"], wanted, rtol=1e-12, atol=1e-10)


def test_original_weights_expect_the_channels_that_we_give_them(oxford, data_dir) -> None:
    """On real photos, right channels excite the deep layers most: a swap of red and blue must not."""
    right, swapped = 0.0, 0.0
    for name in ("astronaut.png", "chelsea.png", "coffee.png"):
        image = photo(data_dir, name, 128)
        right += float(oxford(image, ["pool5"])["pool5"].mean())
        swapped += float(oxford(image.flip(0), ["pool5"])["pool5"].mean())
    assert right > 1.02 * swapped


def test_original_weights_give_sane_values_on_a_photo(oxford, data_dir) -> None:
    features = oxford(photo(data_dir), ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"])
    for layer, low, high in [("relu1_1", 5, 50), ("relu3_1", 20, 300), ("relu5_1", 1, 100)]:
        f = features[layer]
        assert f.min() == 0
        assert low < f.mean() < high
        assert 0.1 < (f > 0).float().mean() < 0.95


def test_first_convolution_of_the_original_weights_is_balanced(oxford) -> None:
    """Most of the first filters are edges or colour contrasts: their sums are small beside their size."""
    weight = oxford.conv1_1.weight
    sums = weight.sum(dim=(1, 2, 3)).abs() / weight.abs().sum(dim=(1, 2, 3))
    assert float(sums.median()) < 0.2


def test_average_pooling_differs_from_max_pooling_by_what_it_says(random_convs) -> None:
    convs, image = random_convs("vgg19"), noise(3, 8, 8)
    maximum = VGG("vgg19", convs, PLAIN, pooling="max")(image, ["relu1_2", "pool1"])
    average = VGG("vgg19", convs, PLAIN, pooling="avg")(image, ["relu1_2", "pool1"])
    torch.testing.assert_close(maximum["relu1_2"], average["relu1_2"])
    tiles = maximum["relu1_2"].unfold(1, 2, 2).unfold(2, 2, 2)
    torch.testing.assert_close(maximum["pool1"], tiles.amax((-1, -2)))
    torch.testing.assert_close(average["pool1"], tiles.mean((-1, -2)))


def test_bfloat16_gives_nearly_the_gradient_of_float32(oxford, data_dir) -> None:
    image = photo(data_dir, "chelsea.png", 96)
    exact = gram_gradient(oxford, image)
    fast = gram_gradient(load_encoder("vgg19", dtype=torch.bfloat16), image)
    assert fast.dtype == torch.float32
    assert F.cosine_similarity(exact.flatten(), fast.flatten(), dim=0) >= 0.99


@pytest.mark.parametrize("pooling", ["max", "avg"])
def test_gradcheck(pooling, random_convs) -> None:
    encoder = VGG("vgg16", random_convs("vgg16"), IMAGENET, pooling=pooling).double()
    image = noise(3, 4, 4, dtype=torch.float64).requires_grad_()
    layers = ("conv1_1", "relu1_1", "pool1", "relu2_1", "pool2")
    assert torch.autograd.gradcheck(lambda x: [f.sin().sum() for f in encoder(x, layers).values()], image)


@pytest.mark.parametrize("pooling", ["max", "avg"])
def test_what_else_is_asked_for_changes_neither_features_nor_gradient(pooling, random_convs) -> None:
    """A relu that nobody reads is taken after its pool: this must not show."""
    encoder = VGG("vgg16", random_convs("vgg16"), PLAIN, pooling=pooling)
    seen = []
    for others in ((), ("relu1_2", "conv2_2", "relu2_2")):
        image = noise(3, 12, 12).requires_grad_()
        features = encoder(image, ("pool1", "relu3_1", *others))
        (features["pool1"].sum() + features["relu3_1"].square().sum()).backward()
        seen.append((features["pool1"].detach(), features["relu3_1"].detach(), image.grad))
    for alone, together in zip(*seen):
        assert torch.equal(alone, together)


def test_weights_are_frozen(oxford) -> None:
    assert not any(p.requires_grad for p in oxford.parameters())
    assert not oxford(noise(3, 8, 8), ["relu1_1"])["relu1_1"].requires_grad


def test_what_makes_no_sense_is_said(oxford, random_convs) -> None:
    with pytest.raises(ConfigError, match="no layer relu9_1"):
        oxford(noise(3, 8, 8), ["relu9_1"])
    with pytest.raises(ConfigError, match=r"8 x 7 pixels is too small for layer relu4_1.*8 x 8"):
        oxford(noise(3, 7, 8), ["relu4_1"])
    with pytest.raises(ConfigError, match="choose max or avg"):
        VGG("vgg19", random_convs("vgg19"), PLAIN, pooling="min")
    with pytest.raises(ValueError, match=r"\(h, w\)|\(3, h, w\)"):
        oxford(noise(1, 8, 8), ["relu1_1"])
