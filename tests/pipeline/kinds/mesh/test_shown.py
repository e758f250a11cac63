"""A mesh is shown in all its own colours, with and without UVs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from small_meshes import cube, mesh_of, noise, quad

from nst3d.cameras.orbits import Orbit
from nst3d.pipeline.kinds.mesh.gallery import orbit_cameras
from nst3d.pipeline.kinds.mesh.shown import show_mesh
from nst3d.representations.mesh import Instance, Material, Texture
from nst3d.tensors import ImageSize

SIZE = ImageSize(48, 48)


def beside(x: float) -> np.ndarray:
    place = np.eye(4)
    place[0, 3] = x
    return place


def test_parts_without_uvs_show_their_colour_beside_textures() -> None:
    red = (0.8, 0.1, 0.2)
    mesh = mesh_of(
        quad(),
        replace(cube(), uvs=None, material=1),
        materials=(Material("picture", texture=0), Material("red", red)),
        textures=(Texture("image", noise(8, 8, 3)),),
        instances=(Instance(0), Instance(1, beside(3))),
    )
    shown = show_mesh(mesh, Orbit(1, SIZE), "none")
    assert len(shown.colours) > 64  # there is a texture, too
    rows = shown.renderer.look(orbit_cameras(shown, Orbit(1, SIZE))[0], 1)
    of_cube = np.isin(rows.hits.face[0], np.flatnonzero(shown.surface.part == 1))
    frame = shown.frame(orbit_cameras(shown, Orbit(1, SIZE))[0])
    inside = of_cube & (frame.opacity == 1)
    assert inside.any()
    np.testing.assert_allclose(frame.colour[inside], np.tile(red, (inside.sum(), 1)), atol=1e-5)


def test_a_picture_about_as_fine_as_the_pixels_is_shown_texel_for_texel() -> None:
    pixels = noise(80, 72, 3)
    mesh = mesh_of(quad(), materials=(Material("a", texture=0),), textures=(Texture("image", pixels),))
    shown = show_mesh(mesh, Orbit(1, ImageSize(128, 128)))
    np.testing.assert_allclose(shown.colours, pixels.reshape(-1, 3), atol=1e-6)
