"""The teacher that paints with a trained network: mixes, strength, and what it refuses or notes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nst3d.errors import ConfigError, InputError
from nst3d.networks.generator import Generator, GeneratorShape
from nst3d.networks.style_network import StyleNetwork, save_style_network
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.network import NetworkTeacher
from nst3d.stylize.teachers.registry import make_teacher, teacher_notes
from nst3d.tensors import Image

PICTURE = Image(torch.rand(24, 20, 3, generator=torch.Generator().manual_seed(0)))


@pytest.fixture
def network() -> StyleNetwork:
    torch.manual_seed(0)
    generator = Generator(GeneratorShape((4, 6, 8), blocks=1, styles=2)).half().float()
    generator.up[1].shift.data[1] = 2.0
    return StyleNetwork(generator.requires_grad_(False), ("wave", "scream"), 128)


@pytest.fixture
def file(network, tmp_path) -> str:
    save_style_network(tmp_path / "n.safetensors", network)
    return str(tmp_path / "n.safetensors")


def painted(teacher: NetworkTeacher, *names: str) -> torch.Tensor:
    return teacher.teach([PICTURE], [], [Style((PICTURE,), name) for name in names])[0]


def test_the_teacher_paints_as_the_network_does(network, file) -> None:
    found = painted(make_teacher("network", {"file": file, "mix": {"scream": 1}}), "other")
    expected = network.generator(PICTURE.permute(2, 0, 1)[None], [0, 1])[0].permute(1, 2, 0)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("names", "mix"),
    [(["scream"], [0, 1]), (["x", "wave"], [1, 0]), (["x"], [1, 1]), (["scream", "wave"], [1, 1])],
)
def test_styles_are_chosen_by_the_names_of_the_paintings_styles(network, names, mix) -> None:
    found = painted(NetworkTeacher(network), *names)
    torch.testing.assert_close(found, painted(NetworkTeacher(network, mix), "other"))
    other = painted(NetworkTeacher(network, [0.9, 0.1]), "other")
    assert (found - other).abs().max() > 1e-3


def test_strength_blends_with_the_picture(network) -> None:
    full, half, none = (painted(NetworkTeacher(network, strength=s), "wave") for s in (1.0, 0.5, 0.0))
    torch.testing.assert_close(half, (full + PICTURE) / 2)
    torch.testing.assert_close(none, PICTURE)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "needs its option file"),
        ({"mix": "scream"}, "option mix is 'scream'"),
        ({"mix": {"scream": "much"}}, "option mix is"),
        ({"mix": {"monet": 1}}, "no style 'monet'"),
        ({"strength": 1.5}, "strength is 1.5: expected a number from 0 to 1"),
        ({"strength": "high"}, "expected a number"),
    ],
)
def test_impossible_options_are_refused(file, options, told) -> None:
    given = {"file": file, **options} if options else {}
    with pytest.raises(ConfigError, match=told):
        make_teacher("network", given)


def test_a_missing_network_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.safetensors: no such file"):
        make_teacher("network", {"file": str(tmp_path / "none.safetensors")})


def test_another_size_than_trained_is_noted(file) -> None:
    assert teacher_notes("network", {"file": file}, 150) == []
    (large,) = teacher_notes("network", {"file": file}, 512)
    assert "trained at 128 pixels and paints views of 512: its strokes are smaller" in large
    (small,) = teacher_notes("network", {"file": file}, 64)
    assert "larger" in small
    assert teacher_notes("posterise", {}, 512) == ()


def test_a_style_that_it_was_not_trained_in_is_noted(file) -> None:
    (none,) = teacher_notes("network", {"file": file}, 128, ["starry"])
    assert "was not trained in the style starry; it paints in wave, scream" in none
    (one,) = teacher_notes("network", {"file": file}, 128, ["starry", "scream"])
    assert one.endswith("it paints in scream")
    assert teacher_notes("network", {"file": file}, 128, ["wave"]) == []
    assert teacher_notes("network", {"file": file, "mix": [1, 0]}, 128, ["starry"]) == []
