"""The colours that a mesh's file holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_meshes import cube, mesh_of, sphere

from nst3d.images.fill import fill
from nst3d.metrics.seams import seam_error
from nst3d.pipeline.kinds.asset import AssetTable
from nst3d.pipeline.kinds.mesh.asset import mesh_table
from nst3d.pipeline.kinds.mesh.scene import prepare_mesh
from nst3d.pipeline.settings.surface import RigOptions, SurfaceOptions
from nst3d.representations.mesh import Material, Mesh, Texture


def unwrapped(colour) -> Mesh:
    """A sphere in an atlas of many islands, whose texels have the colours (n, 3) of points (n, 3)."""
    options = SurfaceOptions(paint="texture", texture_size=128)
    rig = RigOptions(views=4, max_views=4)
    scene = prepare_mesh(mesh_of(replace(sphere(12), uvs=None)), options, rig, 64)
    surface, (slot,) = scene.surface, scene.paint.slots
    points = np.zeros((surface.num_colours, 3))
    points[scene.anchors.valid] = scene.anchors.interpolate(surface.positions[surface.faces])
    pixels = colour(points).reshape(*slot.size, 3).astype(np.float32)
    known = torch.from_numpy(scene.anchors.valid.reshape(slot.size)).float()[..., None]
    picture = Texture("atlas", fill(torch.from_numpy(pixels), known).numpy(), wrap=slot.wrap)
    part = replace(sphere(12), uvs=scene.paint.uvs[0])
    return mesh_of(part, materials=(Material("plain", texture=0),), textures=(picture,))


def error(table: AssetTable) -> float:
    seams = table.seams
    return seam_error(seams.across, seams.inside, seams.lengths, seams.inside_lengths)


def test_paint_that_is_smooth_in_space_has_no_seam() -> None:
    table = mesh_table(unwrapped(lambda points: 0.5 + 0.4 * np.sin(3 * points)))
    assert error(table) == pytest.approx(1, abs=0.25)


def test_islands_of_different_colours_have_seams() -> None:
    mesh = unwrapped(lambda points: 0.5 + 0.4 * np.sin(3 * points))
    pixels = mesh.textures[0].pixels.copy()
    pixels[:, : pixels.shape[1] // 2] *= 0.7
    table = mesh_table(replace(mesh, textures=(replace(mesh.textures[0], pixels=pixels),)))
    assert error(table) > 1.5


def test_texels_keep_their_number_and_their_colours() -> None:
    pixels = np.random.default_rng(0).random((64, 96, 3), dtype=np.float32)
    picture = Texture("skin", pixels)
    mesh = mesh_of(cube(), materials=(Material("plain", texture=0),), textures=(picture,))
    table = mesh_table(mesh)
    known = {tuple(colour) for colour in pixels.reshape(-1, 3)}
    assert all(tuple(colour) in known for colour in table.colours[::50])
    assert 0.5 * 6 * 24**2 < len(table.colours) < 1.2 * 6 * 24**2
    assert table.weights.sum() == pytest.approx(24 * mesh.frame.scale**2, rel=0.1)
    assert table.seams is None


def test_a_mesh_without_textures_has_the_colours_of_its_vertices() -> None:
    colours = np.random.default_rng(0).random((8, 3), dtype=np.float32)
    mesh = mesh_of(cube(colours=colours))
    table = mesh_table(mesh)
    np.testing.assert_allclose(table.colours, colours, atol=1e-5)
    assert table.weights.sum() == pytest.approx(24 * mesh.frame.scale**2)
    assert table.texels is None
    assert "no texture" in table.untextured
