from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_meshes import (
    CUBE_TEXTURE,
    camera_at,
    cube,
    mesh_of,
    noise,
    quad,
    sphere,
    texel_surface,
    texture_paint,
    vertex_surface,
)
from small_splats import ball

from nst3d.operators import Cropped, IdentityView, Resampled, Shaded
from nst3d.renderers import MeshRenderer, MeshViewOptions, compile_view, radiance_renderer
from nst3d.renderers.splats import SplatRenderer
from nst3d.renderers.voxels import VoxelRenderer
from nst3d.representations.field import Space, VoxelField
from nst3d.representations.mesh import Instance
from nst3d.representations.surface import build_surface
from nst3d.tensors import ImageSize

VIEWS = [(1, 2, 3), (0, 0, 3), (-2, 0.3, 1)]
SURFACES = {
    "cube texels": lambda: texel_surface(cube(), CUBE_TEXTURE),
    "cube vertices": lambda: vertex_surface(cube()),
    "sphere texels": lambda: texel_surface(sphere(), ImageSize(16, 32)),
    "sphere vertices": lambda: vertex_surface(sphere(), 0.2),
}


@pytest.fixture(params=SURFACES.values(), ids=SURFACES.keys())
def surface(request):
    return request.param()


def facing(size: int):
    """A camera that sees the square [-1, 1]² fill its picture exactly (the quad in its frame)."""
    half = 2**-0.5  # the frame gives the quad a half diagonal of 1
    return camera_at((0, 0, 2), size, 2 * np.arctan(half / 2))


@pytest.mark.parametrize("position", VIEWS)
def test_white_furnace(surface, position) -> None:
    """White colours on white give exactly white: coverage adds up the very weights that colours get."""
    view = MeshRenderer(surface).compile(camera_at(position, 33))
    for operator in (view, Cropped(view, 3, 5, ImageSize(20, 17)), Resampled(view, 2), Resampled(view, 5)):
        white = operator.render(torch.ones(operator.num_colours, 3), 1.0)
        assert torch.equal(white, torch.ones(*operator.size, 3))
    assert 0.1 < view.coverage.mean() < 0.9
    in_doubles = view.render(torch.ones(view.num_colours, 3).double(), 1.0)
    assert (in_doubles - 1).abs().max() < 1e-7  # weights are stored in float32


def test_a_quad_that_fills_the_picture_is_its_texture() -> None:
    size = ImageSize(8, 8)
    texture = noise(8, 8, 3)
    renderer = MeshRenderer(texel_surface(quad(), size, ("clamp", "clamp")))
    view = renderer.compile(facing(8), MeshViewOptions(samples=1))
    image = view.render(torch.from_numpy(texture.reshape(-1, 3)), 0.0)
    np.testing.assert_allclose(image.numpy(), texture, atol=1e-5)
    assert torch.equal(view.coverage, torch.ones(8, 8, 1))


def test_vertex_colours_are_interpolated_linearly() -> None:
    surface = vertex_surface(quad())
    view = MeshRenderer(surface).compile(facing(8))
    columns = torch.from_numpy(surface.positions[:, :1]) * 2**0.5
    ramp = view.render(columns, 0.0)[..., 0]
    expected = (torch.arange(8) + 0.5) / 4 - 1
    torch.testing.assert_close(ramp, expected.expand(8, 8), atol=1e-5, rtol=0)


def test_supersampling_averages() -> None:
    surface = texel_surface(cube(), CUBE_TEXTURE)
    renderer = MeshRenderer(surface)
    colours = torch.from_numpy(noise(surface.num_colours, 3))
    camera = camera_at((1, 2, 3), 20)
    fine = Resampled(renderer.compile(camera.scaled(3), MeshViewOptions(samples=1)), 3)
    view = renderer.compile(camera, MeshViewOptions(samples=3))
    torch.testing.assert_close(view.apply(colours), fine.apply(colours), atol=1e-5, rtol=0)
    torch.testing.assert_close(view.coverage, fine.coverage, atol=1e-6, rtol=0)
    assert 0 < ((view.coverage > 0.01) & (view.coverage < 0.99)).float().mean() < 0.3


@pytest.mark.parametrize("lighting", ["none", "headlight", "studio"])
def test_drawing_equals_the_operator(surface, lighting) -> None:
    renderer = MeshRenderer(surface)
    options = MeshViewOptions(2, lighting)
    camera = camera_at((1, 2, 3), 24)
    colours = noise(surface.num_colours, 3)
    view = renderer.compile(camera, options)
    drawn = renderer.paint_samples(renderer.look(camera, 2), 2, camera, colours, lighting)
    np.testing.assert_allclose(drawn[..., 3:], view.coverage.numpy(), atol=1e-6)
    linear = view.apply(torch.from_numpy(colours)).numpy()
    # The operator shades a pixel by the mean over its samples, which differs only where light breaks.
    close = np.abs(drawn[..., :3] - linear).max(-1) < (1e-5 if lighting == "none" else 0.02)
    assert close.mean() > (0.999 if lighting == "none" else 0.97)


def test_lit_views_share_their_matrix_and_keep_their_opacity() -> None:
    renderer = MeshRenderer(vertex_surface(sphere()))
    plain, head, studio = renderer.compile_lit(camera_at((1, 2, 3), 24), 2, ("none", "headlight", "studio"))
    assert isinstance(head, Shaded)
    for lit in (head, studio):
        assert torch.equal(lit.coverage, plain.coverage)
        factors = lit.apply(torch.ones(plain.num_colours, 1))[plain.coverage > 0.99]
        assert 0.2 <= factors.min() < factors.max() <= 1.3
    white = head.apply(torch.ones(plain.num_colours, 1))
    assert white[12, 12] == pytest.approx(1, abs=0.02)  # faces the lamp
    assert white.max() <= 1.001


def test_light_falls_on_both_sides() -> None:
    surface = vertex_surface(quad())
    renderer = MeshRenderer(surface)
    sides = [
        renderer.compile(camera_at(at, 9), MeshViewOptions(1, "headlight")).apply(torch.ones(4, 1))[4, 4]
        for at in ((0, 0, 3), (0, 0, -3))
    ]
    assert sides[0] == pytest.approx(1, abs=1e-4)
    assert sides[1] == pytest.approx(1, abs=1e-4)


def test_same_bytes_twice(surface) -> None:
    camera = camera_at((1, 2, 3), 24)
    colours = torch.from_numpy(noise(surface.num_colours, 3))
    first, second = (MeshRenderer(surface).compile(camera) for _ in range(2))
    assert torch.equal(first.apply(colours), second.apply(colours))
    image = first.apply(colours)
    assert torch.equal(first.adjoint(image), second.adjoint(image))


def test_a_camera_that_sees_nothing(surface) -> None:
    view = MeshRenderer(surface).compile(camera_at((0, 0, 3)).cropped(0, 0, ImageSize(2, 2)))
    assert view.coverage.max() == 0
    assert torch.equal(view.render(torch.ones(view.num_colours, 3), 0.5), torch.full((2, 2, 3), 0.5))


def test_instances_share_their_rows() -> None:
    away = np.eye(4)
    away[0, 3] = 3.0
    mesh = mesh_of(quad(), instances=(Instance(0), Instance(0, away)))
    surface = build_surface(mesh, texture_paint(mesh, ImageSize(4, 4)))
    assert surface.num_colours == 16
    camera = camera_at((0, 0, 4), ImageSize(20, 40))
    camera = replace(camera, focal=20 * 4 / (3 * mesh.frame.scale))  # the two stand 20 pixels apart
    view = MeshRenderer(surface).compile(camera)
    image = view.render(torch.from_numpy(noise(16, 3)), 0.0)
    assert image.std() > 0.1
    torch.testing.assert_close(image[:, :20], image[:, 20:], atol=1e-4, rtol=0)


def test_compile_view_dispatches_by_type() -> None:
    surface = vertex_surface(quad())
    view = compile_view(surface, facing(8), MeshViewOptions(samples=1))
    torch.testing.assert_close(view.coverage, torch.ones(8, 8, 1))
    picture = compile_view(ImageSize(3, 5))
    assert isinstance(picture, IdentityView)
    assert picture.size == (3, 5)
    with pytest.raises(TypeError, match="expected Surface, Splats, VoxelField, ImageSize"):
        compile_view("cube.obj")
    with pytest.raises(TypeError, match="camera"):
        compile_view(surface)


def test_radiance_scenes_are_dispatched_too() -> None:
    splats = ball(20)
    camera = camera_at((0, 0, 3), 16)
    colours = torch.from_numpy(splats.colours)
    expected = SplatRenderer(splats).compile(camera).apply(colours)
    assert torch.equal(compile_view(splats, camera).apply(colours), expected)
    assert torch.equal(radiance_renderer(splats).compile(camera).apply(colours), expected)
    links = np.arange(64, dtype=np.int32).reshape(4, 4, 4)
    space = Space(np.zeros(3), np.ones(3))
    field = VoxelField(space, links, np.ones(64, np.float32), np.zeros((64, 1, 3), np.float32))
    assert compile_view(field, camera).num_colours == 64
    assert isinstance(radiance_renderer(field), VoxelRenderer)
