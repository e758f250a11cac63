"""Alpha in new atlases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_meshes import mesh_of, noise, quad

from nst3d.renderers.opacity import opacity_at
from nst3d.representations.carried_alpha import carry_alpha
from nst3d.representations.mesh import Instance, Material, Mesh, Texture
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import Surface, build_surface
from nst3d.representations.unwrap import TexelBudget, paint_textures
from nst3d.tensors import Array

LEAF = Material("leaf", texture=0, alpha_mode="mask")


def disc(side: int = 96) -> Array:
    """Alpha (side, side): a disc with a soft border."""
    y, x = (np.mgrid[:side, :side] + 0.5) / side - 0.5
    return np.clip((0.35 - np.hypot(x, y)) * side / 4 + 0.5, 0, 1).astype(np.float32)


def cards(material: Material, *more: Material) -> Mesh:
    """Two cards that share the UVs of one picture, and a plain one of each further material."""
    parts = [quad(), quad(), *(replace(quad(material=k + 1), uvs=None) for k in range(len(more)))]
    places = []
    for k in range(len(parts)):
        matrix = np.eye(4)
        matrix[:3, 3] = (2.5 * k, 0, 0)
        places.append(Instance(k, matrix))
    picture = Texture("leaf", noise(96, 96, 3), disc())
    fields = {"instances": tuple(places), "materials": (material, *more), "textures": (picture,)}
    return mesh_of(*parts, **fields)


def painted(mesh: Mesh, budget: TexelBudget) -> tuple[Mesh, Surface]:
    """The mesh as a file of its paint would show it, with the atlas as its texture, and its surface."""
    paint = paint_textures(mesh, budget)
    paint = carry_alpha(mesh, paint, build_surface(mesh, paint))
    assert all(paint.fresh)
    (slot,) = paint.slots
    parts = tuple(replace(p, uvs=uvs) for p, uvs in zip(mesh.parts, paint.uvs))
    texture = Texture("atlas", noise(*slot.size, 3), slot.alpha, slot.wrap)
    materials = tuple(replace(m, texture=0) for m in mesh.materials)
    mesh = replace(mesh, parts=parts, materials=materials, textures=(texture,))
    return mesh, build_surface(mesh, paint_vertices(mesh, np.inf, 0))


def points(surface: Surface, count: int = 100_000) -> tuple[Array, Array, Array]:
    generator = np.random.default_rng(0)
    u, v = generator.random((2, count))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    return generator.integers(len(surface.faces), size=count).astype(np.int32), u, v


@pytest.mark.parametrize("texels", [0.1, 0.02])
@pytest.mark.parametrize("mode", ["mask", "blend"])
def test_the_surface_stays_as_opaque_as_it_was(texels, mode) -> None:
    mesh = cards(replace(LEAF, alpha_mode=mode))
    before = build_surface(mesh, paint_vertices(mesh, np.inf, 0))
    after = painted(mesh, TexelBudget(texels, smallest=16))[1]
    places = points(before)
    one, other = opacity_at(before, *places), opacity_at(after, *places)
    assert 0.3 < one.mean() < 0.5
    assert other.mean() == pytest.approx(one.mean(), abs=1 / 255)
    assert np.abs(one - other).mean() < 0.01


def test_parts_without_alpha_stay_opaque_in_a_shared_atlas() -> None:
    mesh = cards(LEAF, Material("wood"))
    paint = paint_textures(mesh, TexelBudget(0.05))
    paint = carry_alpha(mesh, paint, build_surface(mesh, paint))
    alpha = paint.slots[0].alpha
    u, v = paint.uvs[2].reshape(-1, 2).mean(0)
    assert alpha[int((1 - v) * alpha.shape[0]), int(u * alpha.shape[1])] == 1
    assert alpha.min() == 0


def test_alpha_that_does_not_count_is_not_carried() -> None:
    mesh = cards(replace(LEAF, alpha_mode="opaque"))
    paint = paint_textures(mesh, TexelBudget(0.05))
    assert carry_alpha(mesh, paint, build_surface(mesh, paint)) == paint
