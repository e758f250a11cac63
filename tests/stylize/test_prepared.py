"""Teachers that are prepared for the pictures of a scene or a shot."""

from __future__ import annotations

import pytest
import torch
from conditional_samples import MeanColour, random_net
from microast_samples import write_random
from pair_samples import random_weights

from nst3d.networks.any_pair import LEVELS
from nst3d.networks.magenta import Magenta
from nst3d.networks.microast import load_microast
from nst3d.networks.multistyle import STYLES
from nst3d.networks.pairs import load_pairs
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.magenta import MagentaTeacher
from nst3d.stylize.teachers.microast import MicroASTTeacher
from nst3d.stylize.teachers.monge import Monge
from nst3d.stylize.teachers.multistyle import Multistyle
from nst3d.stylize.teachers.registry import Preparable
from nst3d.tensors import Image, to_planes

STYLE = Style((Image(torch.rand(40, 40, 3, generator=torch.Generator().manual_seed(9)) ** 3),))


def monge(folder, **options) -> Monge:
    torch.manual_seed(0)
    for level in LEVELS:
        random_weights(folder, level)
    return Monge(load_pairs(path=folder), **options)


TEACHERS = {
    "monge": lambda folder: monge(folder),
    "magenta": lambda folder: MagentaTeacher(Magenta(MeanColour(), random_net(3)), 0.8),
    "microast": lambda folder: MicroASTTeacher(load_microast(path=write_random(folder)), 0.8),
    "multistyle": lambda folder: Multistyle(random_net(STYLES), "3"),
}


@pytest.fixture(params=TEACHERS)
def teacher(request, tmp_path):
    return TEACHERS[request.param](tmp_path)


def views(*seeds: int) -> tuple[list[Image], list[Look]]:
    """Pictures of about the brightness of their number, covered but for a border."""
    pictures = []
    for seed in seeds:
        noise = torch.rand(40, 48, 3, generator=torch.Generator().manual_seed(seed))
        pictures.append(Image(noise * 0.4 + 0.1 * seed))
    coverage = torch.zeros(40, 48)
    coverage[4:, 8:] = 1
    return pictures, [Look(to_planes(p), coverage, k) for k, p in enumerate(pictures)]


def test_prepared_for_its_own_pictures_it_is_the_teacher(teacher) -> None:
    given = views(1, 3, 5)
    prepared = teacher.prepared(*given, [STYLE])
    for one, other in zip(teacher.teach(*given, [STYLE]), prepared.teach(*given, [STYLE])):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_picture_is_painted_the_same_whichever_others_are(teacher) -> None:
    assert isinstance(teacher, Preparable)
    prepared = teacher.prepared(*views(1, 3, 5), [STYLE])
    (alone,) = prepared.teach(*views(2), [STYLE])
    among = prepared.teach(*views(4, 2, 0), [STYLE])[1]
    assert torch.equal(alone, among)
    assert 0 <= alone.min() <= alone.max() <= 1
    (by_itself,) = teacher.teach(*views(2), [STYLE])
    assert (by_itself - alone).abs().max() > 1e-3
