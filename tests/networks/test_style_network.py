"""Files of trained networks: what is written is read, and anything else is refused in one line."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch

from nst3d.errors import ConfigError, InputError
from nst3d.networks.generator import Generator, GeneratorShape
from nst3d.networks.style_network import StyleNetwork, load_style_network, save_style_network
from nst3d.weights.saved import read_told, write_tensors
from nst3d.weights.tensors import read_tensors


@pytest.fixture
def network() -> StyleNetwork:
    torch.manual_seed(0)
    generator = Generator(GeneratorShape((4, 6, 8), blocks=1, styles=2)).half().float()
    return StyleNetwork(generator.requires_grad_(False), ("wave", "scream"), 128)


@pytest.fixture
def file(network, tmp_path) -> Path:
    save_style_network(tmp_path / "n.safetensors", network)
    return tmp_path / "n.safetensors"


def changed(file: Path, **told: str) -> Path:
    """The file with other text about its tensors."""
    write_tensors(file, read_tensors(file), read_told(file) | told)
    return file


def test_a_network_is_read_as_it_was_written(network, file) -> None:
    found = load_style_network(file)
    assert (found.styles, found.size) == (network.styles, network.size)
    assert found.generator.shape == network.generator.shape
    picture = torch.rand(1, 3, 24, 24)
    torch.testing.assert_close(found.generator(picture, [0.3, 0.7]), network.generator(picture, [0.3, 0.7]))


def test_a_recurrent_network_is_read_as_one(tmp_path) -> None:
    generator = Generator(GeneratorShape((4, 6, 8), blocks=1, recurrent=True))
    save_style_network(tmp_path / "n.safetensors", StyleNetwork(generator, ("wave",), 128))
    assert load_style_network(tmp_path / "n.safetensors").generator.shape.recurrent


def test_a_recurrent_network_needs_its_memory(file) -> None:
    with pytest.raises(InputError, match="has no memory"):
        load_style_network(changed(file, recurrent="true"))


def test_files_of_earlier_versions_are_not_recurrent(file) -> None:
    told = {k: v for k, v in read_told(file).items() if k != "recurrent"}
    write_tensors(file, read_tensors(file), told)
    assert not load_style_network(file).generator.shape.recurrent


def test_shares_sum_to_one_by_name_and_in_order(network) -> None:
    assert network.shares({"scream": 2}) == [0, 1]
    assert network.shares([1, 3]) == [0.25, 0.75]


@pytest.mark.parametrize(
    ("mix", "told"),
    [
        ({"monet": 1}, "no style 'monet'; its styles are: wave, scream"),
        ([1], "1 weights for a network of 2 styles"),
        ([0, 0], "at least one above 0"),
        ([1, -0.5], "0 or more"),
        ([float("nan"), 1], "0 or more"),
    ],
)
def test_impossible_mixes_are_refused(network, mix, told) -> None:
    with pytest.raises(ConfigError, match=told):
        network.shares(mix)


def test_a_missing_file_and_another_format_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_style_network(tmp_path / "none.safetensors")
    torch.save({}, tmp_path / "n.pth")
    with pytest.raises(InputError, match=r"expected a \.safetensors file"):
        load_style_network(tmp_path / "n.pth")


def test_other_networks_are_refused(file) -> None:
    with pytest.raises(
        InputError, match="says that it is 'something else'; expected 'nst3d style network 2'"
    ):
        load_style_network(changed(file, kind="something else"))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"blocks": "2"}, r"has no blocks\.1\..*not the expected weights"),
        ({"widths": "[4, 6, 16]"}, r"down\.2\.scale has the shape \(2, 8\), expected \(2, 16\)"),
        ({"widths": "[4, 6, 100000]"}, "description is damaged"),
        ({"widths": "4"}, "description is damaged"),
        ({"styles": "[]"}, "description is damaged"),
        ({"size": "-1"}, "description is damaged"),
        ({"size": "many"}, "description is damaged"),
        ({"recurrent": "1"}, "description is damaged"),
    ],
)
def test_a_description_that_does_not_fit_the_tensors_is_refused(file, told, message) -> None:
    with pytest.raises(InputError, match=message):
        load_style_network(changed(file, **told))


@pytest.mark.parametrize("cut", [0, 4, 100, -10])
def test_a_file_that_is_cut_off_is_refused(file, cut) -> None:
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(InputError, match=r"cannot be read as a safetensors file|does not say what it is"):
        load_style_network(file)


def test_values_that_are_not_finite_are_refused(file) -> None:
    tensors = read_tensors(file)
    tensors["last.bias"][1] = float("nan")
    write_tensors(file, tensors, read_told(file))
    with pytest.raises(InputError, match=r"last\.bias contains non-finite values"):
        load_style_network(file)


def test_tensors_are_aligned_and_described_as_the_format_says(file) -> None:
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert length % 8 == 0
    assert header.pop("__metadata__")["styles"] == '["wave", "scream"]'
    ends = [entry["data_offsets"][1] for entry in header.values()]
    assert max(ends) == len(data) - 8 - length
    assert {entry["dtype"] for entry in header.values()} == {"F16"}
