"""The teacher that paints with MicroAST."""

from __future__ import annotations

import pytest
import torch
from microast_samples import picture, write_random

from nst3d.errors import ConfigError, MissingDependencyError
from nst3d.networks.microast import MicroAST, load_microast
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.microast import MicroASTTeacher
from nst3d.stylize.teachers.registry import make_teacher


@pytest.fixture
def network(tmp_path) -> MicroAST:
    return load_microast(path=write_random(tmp_path))


def look(image: torch.Tensor, coverage: torch.Tensor) -> Look:
    return Look(image, coverage)


def style(seed: int, weight: float = 1.0, opacities: tuple[torch.Tensor, ...] = ()) -> Style:
    return Style((picture(32, 32, seed).permute(1, 2, 0),), weight=weight, opacities=opacities)


def taught(teacher: MicroASTTeacher, image: torch.Tensor, coverage: torch.Tensor, *styles: Style):
    return teacher.teach([image.permute(1, 2, 0)], [look(image, coverage)], styles)[0]


def test_pictures_keep_size_and_range(network) -> None:
    painted = taught(MicroASTTeacher(network), picture(21, 30), torch.ones(21, 30), style(1))
    assert painted.shape == (21, 30, 3)
    assert painted.min() >= 0
    assert painted.max() <= 1


def test_the_background_and_transparent_parts_have_no_say(network) -> None:
    """Up to the reach of the network, whose middle and far left are compared."""
    teacher, image = MicroASTTeacher(network), picture(16, 320)
    covered = (torch.arange(320) < 120).float().expand(16, 320)
    other = torch.cat([image[..., :200], 1 - image[..., 200:]], 2)
    one, same = (taught(teacher, x, covered, style(1)) for x in (image, other))
    torch.testing.assert_close(one[:, :100], same[:, :100])
    all_count = taught(teacher, other, torch.ones(16, 320), style(1))
    assert (all_count - one)[:, :100].abs().max() > 1e-3


def test_the_weights_of_styles_count(network) -> None:
    teacher, image, all_of_it = MicroASTTeacher(network), picture(24, 24), torch.ones(24, 24)
    alone = taught(teacher, image, all_of_it, style(1))
    nearly = taught(teacher, image, all_of_it, style(1), style(2, weight=1e-9))
    both = taught(teacher, image, all_of_it, style(1), style(2))
    torch.testing.assert_close(nearly, alone, rtol=1e-4, atol=1e-4)
    assert (both - alone).abs().max() > 1e-3


def test_strength_0_ignores_the_style(network) -> None:
    teacher, image = MicroASTTeacher(network, strength=0), picture(24, 24)
    one, other = (taught(teacher, image, torch.ones(24, 24), style(seed)) for seed in (1, 2))
    torch.testing.assert_close(one, other)


def test_views_of_nothing_stay_as_they_are(network) -> None:
    image = picture(24, 24)
    painted = taught(MicroASTTeacher(network), image, torch.zeros(24, 24), style(1))
    torch.testing.assert_close(painted, image.permute(1, 2, 0))


def test_a_strength_beyond_its_range_is_refused(network) -> None:
    with pytest.raises(ConfigError, match=r"strength is 1\.5: expected 0 to 1"):
        MicroASTTeacher(network, strength=1.5)


def test_missing_weights_say_how_to_get_them(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(MissingDependencyError, match="run `nst3d weights fetch microast`"):
        make_teacher("microast", {})
