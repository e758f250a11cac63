"""Paint goes on across the cuts of a texture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from small_meshes import cube, mesh_of, sphere

from nst3d.pipeline.kinds.mesh.asset import _seams
from nst3d.pipeline.kinds.mesh.level import levelled
from nst3d.representations.mesh import Material, Part, Texture
from nst3d.representations.surface import Surface, TexelBinding, build_surface
from nst3d.representations.texels import anchor_rows
from nst3d.representations.unwrap import TexelBudget, paint_textures
from nst3d.stylize.layout import Layout
from nst3d.tensors import Colours, ImageSize

SIZE = 64


def textured(part: Part) -> Surface:
    picture = Texture("skin", np.zeros((SIZE, SIZE, 3), np.float32), wrap=("clamp", "clamp"))
    mesh = mesh_of(part, materials=(Material("plain", texture=0),), textures=(picture,))
    return build_surface(mesh, paint_textures(mesh, TexelBudget(1.0, fixed=SIZE), "show"))


def islands(fold: float = 0.0) -> Part:
    """Two squares side by side, the second turned up by an angle where they meet, with UVs in halves of the texture."""
    vertices = np.array([[x, y, 0] for y in (-1, 1) for x in (-2, 0, 2)], float)
    vertices[[2, 5]] = [[2 * np.cos(fold), y, 2 * np.sin(fold)] for y in (-1, 1)]
    flat = np.array([[x, y] for y in (-1, 1) for x in (-2, 0, 2)], float)
    faces = np.array([[0, 1, 4], [0, 4, 3], [1, 2, 5], [1, 5, 4]], np.int32)
    uvs = (flat + np.array([2, 1])) / [4, 2] * [0.5, 0.5]
    corners = uvs[faces] + np.array([0, 0, 0.375, 0.375])[:, None, None]
    return Part("islands", vertices, faces, 0, uvs=corners)


def table(surface: Surface) -> Colours:
    """Blots of colour, some texels wide, which know nothing of each other in different islands."""
    assert surface.num_colours == SIZE**2
    blots = torch.rand(1, 3, SIZE // 4, SIZE // 4, generator=torch.Generator().manual_seed(0))
    planes = F.interpolate(blots, (SIZE, SIZE), mode="bicubic", antialias=True)[0].clamp(0, 1)
    return Colours(planes.permute(1, 2, 0).reshape(-1, 3).contiguous())


def mended(surface: Surface, colours: Colours) -> Colours:
    layout = Layout.of_images([ImageSize(SIZE, SIZE)])
    return levelled(colours, surface, layout, anchor_rows(surface))


def jump(surface: Surface, colours: Colours) -> float:
    seams = _seams(surface, colours.numpy())
    assert seams is not None
    return float(np.linalg.norm(seams.across[:, 0] - seams.across[:, 1], axis=1).mean())


def test_jumps_across_a_cut_vanish() -> None:
    surface = textured(islands())
    colours = table(surface)
    assert jump(surface, mended(surface, colours)) < 0.1 * jump(surface, colours)


def test_what_is_far_from_a_cut_stays() -> None:
    surface = textured(islands())
    colours = table(surface)
    change = (mended(surface, colours) - colours).abs().amax(1)
    anchors = anchor_rows(surface)
    places = np.full(len(change), np.nan)
    places[anchors.valid] = anchors.interpolate(surface.positions[surface.faces])[:, 0]
    texel = 2 * np.abs(surface.positions[:, 0]).max() / 32
    far = torch.from_numpy(np.abs(places) > 12 * texel)
    assert int(far.sum()) > 100
    assert float(change[far].max()) < 0.2 * float(change.max())
    assert float(change[far].mean()) < 0.05 * float(change.max())


def test_a_step_between_two_islands_becomes_a_slope() -> None:
    """Two flat colours: each side gives half of the step, less the farther from the cut."""
    surface = textured(islands())
    assert isinstance(surface.binding, TexelBinding)
    anchors = anchor_rows(surface)
    second = torch.from_numpy(np.isin(anchors.face, (2, 3)))
    colours = Colours(torch.where(second[:, None], 0.8, 0.2).expand(-1, 3).contiguous())
    found = mended(surface, colours)[:, 0]
    near = torch.sort(found[second & (found < 0.79)]).values
    assert float(near[0]) == pytest.approx(0.5, abs=0.06)
    assert len(torch.unique((near * 255).round())) > 20
    assert float(found.min()) >= 0.2 - 1e-6
    assert float(found.max()) <= 0.8 + 1e-6


@pytest.mark.parametrize("part", [islands(np.radians(60)), cube()], ids=["fold", "cube"])
def test_nothing_changes_at_creases(part: Part) -> None:
    surface = textured(part)
    colours = table(surface)
    assert torch.equal(mended(surface, colours), colours)


def test_equal_colours_stay_equal() -> None:
    surface = textured(sphere(12))
    colours = Colours(torch.full((surface.num_colours, 3), 0.3))
    torch.testing.assert_close(mended(surface, colours), colours, atol=1e-6, rtol=0)


def test_the_same_table_gives_the_same() -> None:
    surface = textured(sphere(12))
    assert torch.equal(mended(surface, table(surface)), mended(surface, table(surface)))
