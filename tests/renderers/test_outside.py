"""Which faces views show, and whether their alpha counts, judged from outside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_meshes import cube, mesh_of, quad, sphere

from nst3d.renderers.outside import seen_from_outside
from nst3d.representations.mesh import Instance, Material, Mesh
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import Surface, build_surface

ONE_SIDED = Material("sheet", double_sided=False)


def surface_of(mesh: Mesh) -> Surface:
    return build_surface(mesh, paint_vertices(mesh, np.inf, 0))


def turned(part):
    return replace(part, faces=part.faces[:, ::-1], uvs=None)


def test_a_closed_mesh_hides_its_backs() -> None:
    caster, notes = seen_from_outside(surface_of(mesh_of(sphere(6), materials=(ONE_SIDED,))))
    assert caster.surface.sides is not None
    assert notes == ()


def test_a_mesh_turned_inside_out_shows_both_sides_and_says_so() -> None:
    caster, notes = seen_from_outside(surface_of(mesh_of(turned(sphere(6)), materials=(ONE_SIDED,))))
    assert caster.surface.solid
    assert len(notes) == 1
    assert "inside out" in notes[0]


def test_sheets_back_to_back_are_not_inside_out() -> None:
    mesh = mesh_of(replace(quad(), uvs=None), turned(quad()), materials=(ONE_SIDED,))
    caster, notes = seen_from_outside(surface_of(mesh))
    assert caster.surface.sides is not None
    assert notes == ()


def test_a_few_faces_turned_inside_out_stay_hidden() -> None:
    aside = np.eye(4)
    aside[:3, :3] *= 0.3
    aside[0, 3] = 2
    mesh = mesh_of(
        sphere(6), turned(cube()), instances=(Instance(0), Instance(1, aside)), materials=(ONE_SIDED,)
    )
    assert seen_from_outside(surface_of(mesh))[0].surface.sides is not None


def test_both_sides_on_request() -> None:
    caster, notes = seen_from_outside(surface_of(mesh_of(sphere(6), materials=(ONE_SIDED,))), "both")
    assert caster.surface.solid
    assert notes == ()


@pytest.mark.parametrize(("alpha", "ignored"), [(0.0, True), (0.1, False)])
def test_what_would_be_invisible_is_shown(alpha, ignored) -> None:
    glass = Material("glass", alpha_mode="blend", alpha=alpha)
    caster, notes = seen_from_outside(surface_of(mesh_of(sphere(6), materials=(glass,))))
    assert caster.surface.solid == ignored
    assert len(notes) == ignored
