"""Normals from exact depth, and the colours in which a ControlNet sees them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nst3d.cameras.lens import BrownConrady, Lens
from nst3d.cameras.pinhole import Camera, look_at, perspective
from nst3d.errors import ConfigError
from nst3d.stylize.diffusion.controls import control_picture
from nst3d.stylize.diffusion.normals import FRONT, normal_picture, normals
from nst3d.stylize.look import Look
from nst3d.stylize.teachers.registry import make_teacher
from nst3d.tensors import Image, ImageSize, Planes

SIZE = ImageSize(48, 64)
POSE = look_at(np.array([3.0, 1.0, 2.0]), np.zeros(3), np.array([0.0, 1.0, 0.0]))
CAMERA = perspective(POSE, SIZE, math.radians(50))
TILTS = ([0.0, 0.0, -1.0], [0.6, 0.0, -0.8], [-0.3, 0.7, -0.6], [0.1, -0.8, -0.6])


def unit(values: list[float]) -> torch.Tensor:
    found = torch.tensor(values, dtype=torch.float64)
    return found / found.norm()


def rays(camera: Camera) -> torch.Tensor:
    """The directions (h, w, 3) in the camera's axes."""
    return torch.from_numpy(camera.rays()[1] @ camera.camera_to_world[:3, :3])


def plane(normal: torch.Tensor, camera: Camera = CAMERA, distance: float = 4.0) -> torch.Tensor:
    """The depth of a plane with this normal in the camera's axes, through a point straight ahead."""
    depth = distance * normal[2] / (rays(camera) @ normal)
    return torch.where(depth > 0, depth, torch.inf).float()


@pytest.mark.parametrize("tilt", TILTS)
@pytest.mark.parametrize("lens", [None, BrownConrady(-0.1, 0.02, 0.001, -0.002)])
def test_a_plane_has_its_normal_at_every_pixel(tilt: list[float], lens: Lens | None) -> None:
    camera = replace(CAMERA, lens=lens, aspect=1.1)
    depth = plane(unit(tilt), camera)
    assert bool(depth.isfinite().all())
    found = normals(depth, camera)
    torch.testing.assert_close(found, unit(tilt).expand_as(found), atol=1e-3, rtol=0)


def sphere(radius: float = 1.0, distance: float = 4.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Depth of a sphere straight ahead, and its exact normals."""
    along, centre = rays(CAMERA), torch.tensor([0.0, 0.0, distance], dtype=torch.float64)
    a, b = along.square().sum(2), along @ centre
    inside = b.square() - a * (distance**2 - radius**2)
    depth = torch.where(inside > 0, (b - inside.clamp_min(0).sqrt()) / a, torch.inf)
    return depth.float(), (along * depth[..., None].nan_to_num(posinf=0) - centre) / radius


def test_a_sphere_has_the_normals_of_a_sphere() -> None:
    depth, wanted = sphere()
    found, seen = normals(depth, CAMERA), depth.isfinite()
    known = found.isfinite().all(2)
    assert not (known & ~seen).any()
    assert float(known[seen].double().mean()) > 0.9
    facing = known & (wanted[..., 2] < -0.8)
    assert float((found * wanted).sum(2)[facing].min()) > math.cos(math.radians(0.5))
    assert float((found * wanted).sum(2)[known].min()) > math.cos(math.radians(10))  # at the silhouette
    torch.testing.assert_close(found[known].norm(dim=1), torch.ones(int(known.sum()), dtype=torch.float64))


def test_no_normal_reaches_across_a_jump() -> None:
    """A near plane in front of a far one: both keep their own normals up to the border."""
    near, far = unit(TILTS[1]), unit(TILTS[0])
    depth = plane(far, distance=9.0)
    depth[:, :30] = plane(near)[:, :30]
    found = normals(depth, CAMERA)
    torch.testing.assert_close(found[:, :30], near.expand(48, 30, 3), atol=1e-3, rtol=0)
    torch.testing.assert_close(found[:, 30:], far.expand(48, 34, 3), atol=1e-3, rtol=0)


def test_a_pixel_between_others_has_none() -> None:
    depth = torch.full(SIZE, torch.inf)
    depth[5:40, 20] = plane(unit(TILTS[0]))[5:40, 20]  # a line one pixel wide
    assert not normals(depth, CAMERA).isfinite().any()
    picture = normal_picture(depth, CAMERA)
    assert torch.equal(picture, torch.tensor(FRONT)[:, None, None].expand(3, *SIZE))


def test_left_is_red_up_is_green_and_the_camera_blue() -> None:
    """What the README of ControlNet 1.1 asks of pictures of normals."""
    depth, _ = sphere()
    red, green, blue = normal_picture(depth, CAMERA)
    row, column = SIZE.height // 2, SIZE.width // 2
    assert red[row, column - 10] > 0.7 > 0.3 > red[row, column + 10]
    assert green[row - 10, column] > 0.7 > 0.3 > green[row + 10, column]
    assert blue[row, column] == pytest.approx(1, abs=0.01)
    assert float(blue.min()) >= 0.5  # nothing that is seen faces away


def look(depth: torch.Tensor | None, camera: Camera | None = CAMERA) -> Look:
    given = None if depth is None else lambda: depth
    return Look(Planes(torch.rand(3, *SIZE)), torch.ones(SIZE), camera=camera, depth=given)


def test_what_is_added_to_a_view_shows_nothing() -> None:
    depth = plane(unit(TILTS[1]))
    found = control_picture(look(depth), "normal", (64, 80), "owner")
    assert torch.equal(found[:, :48, :64], normal_picture(depth, CAMERA))
    assert torch.equal(found[:, 60, 70], torch.tensor(FRONT))
    assert not control_picture(look(depth), "depth", (64, 80), "owner")[:, 48:].any()
    for view in (look(None), look(depth, None)):
        with pytest.raises(ConfigError, match="owner: a ControlNet needs views with depth"):
            control_picture(view, "normal", (64, 80), "owner")


def test_a_controlnet_sees_normals_in_place_of_depth(models: Path) -> None:
    from nst3d.stylize.style import Style

    own = {
        "model": str(models / "plain"),
        "steps": 2,
        "way": "controlnet",
        "control": str(models / "control"),
    }
    depth = plane(unit(TILTS[1]))
    picture = Image(torch.rand(*SIZE, 3, generator=torch.Generator().manual_seed(0)))

    def painted(of: str, depth: torch.Tensor = depth) -> Image:
        given = [replace(look(depth), image=Planes(picture.permute(2, 0, 1)))]
        return make_teacher("diffusion", own | {"control_of": of}).teach(
            [picture], given, [Style(text="jade")]
        )[0]

    normal = painted("normal")
    assert float((normal - painted("depth")).abs().max()) > 1e-3
    torch.testing.assert_close(
        normal, painted("normal", 3 * depth), atol=1e-3, rtol=0
    )  # normals have no unit
    assert float((normal - painted("normal", plane(unit(TILTS[2])))).abs().max()) > 1e-3
    with pytest.raises(ConfigError, match="control_of=normal"):
        make_teacher("diffusion", {"model": str(models / "plain"), "control_of": "normal"})
