"""How much is held at once, and what is said where that is too much."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from nst3d import limits
from nst3d.errors import NoMemoryError, TooLargeError
from nst3d.stylize.diffusion.networks import Networks, load_networks, prompts_of
from nst3d.stylize.diffusion.score import ScoreGuide, Scoring
from nst3d.stylize.diffusion.teacher import Diffusion, Editing
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.tensors import Image, Planes
from nst3d.weights.saved import count_numbers

SIDE = 64
JADE = Style(text="jade")


@pytest.fixture
def networks(models: Path) -> Networks:
    return load_networks(str(models / "plain"), "option model")


def looks(count: int) -> list[Look]:
    generator = torch.Generator().manual_seed(0)
    return [
        Look(Planes(torch.rand(3, SIDE, SIDE, generator=generator)), torch.ones(SIDE, SIDE), k)
        for k in range(count)
    ]


def teach(networks: Networks, views: list[Look], **options: Any) -> None:
    editing = Editing(**{"steps": 2, "strength": 1.0, **options})
    Diffusion(networks, editing).teach([Image(k.image.permute(1, 2, 0)) for k in views], views, [JADE])


def watched(networks: Networks, call: Callable[[tuple[Any, ...]], None]) -> None:
    networks.unet.register_forward_pre_hook(lambda net, inputs: call(inputs))


def held() -> int:
    """Bytes of all tensors that there are."""
    storages = {}
    for thing in gc.get_objects():
        if issubclass(type(thing), torch.Tensor):  # isinstance asks lazy modules for their class
            storage = thing.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
    return sum(storages.values())


@pytest.mark.parametrize(("grid", "rows"), [(1, 8), (2, 16)])
def test_the_network_sees_one_view_or_grid_at_a_time(networks: Networks, grid: int, rows: int) -> None:
    shapes = set()
    watched(networks, lambda inputs: shapes.add(tuple(inputs[0].shape)))
    teach(networks, looks(5), grid=grid)
    assert shapes == {(2, 4, rows, rows)}  # with the words and without them


def test_more_views_need_more_latents_alone(networks: Networks) -> None:
    found: list[int] = []
    watched(networks, lambda inputs: found.append(held()))
    most = {}
    for count in (2, 6):
        views = looks(count)
        found.clear()
        teach(networks, views)
        pictures = count * 4 * SIDE * SIDE * 4  # three colours and the coverage, which the caller holds
        most[count] = max(found) - pictures
    latents = 4 * (SIDE // 8) ** 2 * 4
    assert most[6] - most[2] <= 4 * 6 * latents  # as encoded, noise, noised, and three within a step


def exhausted(*_: Any) -> None:
    raise torch.cuda.OutOfMemoryError("Tried to allocate 2.00 GiB")


def test_a_full_gpu_is_told_by_teacher_and_guide(networks: Networks) -> None:
    watched(networks, exhausted)
    with pytest.raises(
        NoMemoryError, match=r"^teacher diffusion: the GPU's memory is full; use a smaller `size`, or"
    ):
        teach(networks, looks(1))
    with pytest.raises(NoMemoryError, match=r"`size` or option grid, or `device='cpu'`$"):
        teach(networks, looks(1), grid=2)
    (view,) = looks(1)
    guide = ScoreGuide(networks, prompts_of(networks, [JADE]), torch.zeros(3), Scoring(way="vsd"))
    with pytest.raises(NoMemoryError, match=r"^term score: the GPU's memory is full; .*score\.size"):
        guide.judge(view)
    with pytest.raises(NoMemoryError, match="another way than vsd"):
        guide.note(view)


def test_a_model_that_does_not_fit_is_not_loaded(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need = 4 * sum(
        count_numbers(next((models / "plain" / part).glob("*.safetensors")))
        for part in ("unet", "vae", "text_encoder")
    )
    more = 4 * count_numbers(next((models / "control").glob("*.safetensors")))
    monkeypatch.setattr(limits, "free_memory", lambda: need)
    load_networks(str(models / "plain"), "option model")
    with pytest.raises(
        TooLargeError, match=r"plain: needs .* are free; close other programs, give a smaller model"
    ):
        load_networks(str(models / "plain"), "option model", str(models / "control"))
    monkeypatch.setattr(limits, "free_memory", lambda: need + more)
    load_networks(str(models / "plain"), "option model", str(models / "control"))
