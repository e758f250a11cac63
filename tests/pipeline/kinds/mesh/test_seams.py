"""Paint that is smooth in space must look smooth on the surface, across the borders of UV islands too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_meshes import camera_at, cube, mesh_of, sphere

from nst3d.pipeline.kinds.mesh.scene import prepare_mesh, rebound
from nst3d.pipeline.kinds.mesh.subject import MeshSubject
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.surface import RigOptions, SurfaceOptions
from nst3d.renderers import MeshRenderer
from nst3d.representations.surface import TexelBinding
from nst3d.stylize.coat import Coat
from nst3d.stylize.layout import resampled
from nst3d.stylize.linear_canvas import LinearCanvas
from nst3d.stylize.style import Style

SIZE = 96
SCENES = {
    "cube": (cube(), SurfaceOptions(paint="texture", texture_size=96)),
    "sphere": (sphere(8), SurfaceOptions(paint="texture", texture_size=96)),
    "atlas": (replace(sphere(6), uvs=None), SurfaceOptions(paint="texture", texture_size=128)),
}


def field(points: np.ndarray) -> np.ndarray:
    """A smooth colour at each point (…, 3)."""
    return (0.5 + 0.45 * np.sin(points @ np.array([[2.0, 0.7, -1], [-1, 1.8, 0.6], [0.5, 1, 2.1]]))).astype(
        np.float32
    )


class Baked:
    """A scene whose table was fitted to the field as its views see it, and finished like any paint."""

    def __init__(self, name: str) -> None:
        part, options = SCENES[name]
        self.scene = prepare_mesh(mesh_of(part), options, RigOptions(views=14, max_views=20), SIZE)
        style = torch.rand(8, 8, 3, generator=torch.Generator().manual_seed(0))
        subject = MeshSubject(self.scene, Path(f"{name}.glb"), [Coat([Style((style,))])], PaintConfig())
        canvas = LinearCanvas(subject.start, subject.layout, subject.stage)
        canvas.enter(1.0)
        views = canvas.stage.views
        pictures = [torch.from_numpy(self.truth(c)[0]) for c in canvas.stage.cameras]
        self.raw = least_squares(views, pictures)
        self.coverage = canvas.colour_coverage()
        self.colours = subject.finished(self.raw, self.coverage, canvas.stage)

    def truth(self, camera) -> tuple[np.ndarray, np.ndarray]:
        """The field in a view, premultiplied (h, w, 3), and each pixel's samples' faces (h, w, 4)."""
        caster = self.scene.renderer.caster
        hits = caster.view(camera, 2)
        origin, directions = camera.scaled(2).rays()
        points = origin + directions * np.where(hits.face >= 0, hits.depth, 0)[..., None]
        colours = field(points) * (hits.face >= 0)[..., None]
        h, w = camera.size
        faces = hits.face.reshape(h, 2, w, 2).transpose(0, 2, 1, 3).reshape(h, w, 4)
        return colours.reshape(h, 2, w, 2, 3).mean((1, 3)).astype(np.float32), faces

    def errors(self, colours, surface=None) -> tuple[np.ndarray, np.ndarray]:
        """The error of each fully covered pixel in views that were not painted, and whether it is at a seam."""
        surface = surface or self.scene.surface
        renderer = MeshRenderer(surface, self.scene.renderer.caster)
        island = islands(surface)
        errors, seams = [], []
        for position in ((1.5, 1.1, 2), (-2, 0.6, 1.6), (0.4, -1.7, -2), (1.9, -0.2, -1.8)):
            camera = camera_at(position, SIZE, 0.9)
            truth, faces = self.truth(camera)
            view = renderer.compile(camera)
            error = np.abs(view.apply(colours).numpy() - truth).max(-1)
            full = (faces >= 0).all(-1)
            ids = island[faces]
            near = (ids != ids[..., :1]).any(-1)
            for axis in (0, 1):  # the pixels beside a border belong to it
                change = np.diff(ids[..., 0], axis=axis, append=np.take(ids[..., 0], [-1], axis)) != 0
                near |= change | np.roll(change, 1, axis)
            errors.append(error[full])
            seams.append(near[full])
        return np.concatenate(errors), np.concatenate(seams)


def islands(surface) -> np.ndarray:
    """Which UV island each face lies in: faces that share an edge in space and in UV."""
    assert isinstance(surface.binding, TexelBinding)
    corners = surface.binding.corners
    island = np.arange(len(surface.faces))
    edges: dict[tuple, int] = {}
    for f, face in enumerate(surface.faces):
        for k in range(3):
            pair = sorted((int(face[i]), *np.round(corners[f, i].astype(float), 5)) for i in (k, (k + 1) % 3))
            other = edges.setdefault(tuple(pair), f)
            island[island == island[f]] = island[other]
    if (island == island[0]).all():  # one island, sewn together where u = 0 = 1: its halves meet there
        return (corners[..., 0].mean(1) > 0.5).astype(int)
    return island


def least_squares(views, pictures, steps: int = 30) -> torch.Tensor:
    """Colours whose views come closest to the pictures: conjugate gradient on Σ AᵀA, from black."""
    residual = sum(v.adjoint(p) for v, p in zip(views, pictures))
    colours, direction = torch.zeros_like(residual), residual.clone()
    size = residual.square().sum()
    for _ in range(steps):
        product = sum(v.adjoint(v.apply(direction)) for v in views)
        length = size / (direction * product).sum()
        colours += length * direction
        residual -= length * product
        previous, size = size, residual.square().sum()
        direction = residual + size / previous * direction
    return colours


@pytest.fixture(scope="module", params=SCENES)
def baked(request) -> Baked:
    return Baked(request.param)


def test_no_seam_is_seen_where_islands_meet(baked) -> None:
    error, seam = baked.errors(baked.colours)
    inside = error[~seam]
    assert np.median(inside) < 0.01
    assert seam.sum() > 200
    assert np.percentile(error[seam], 95) < max(1.5 * np.percentile(inside, 95), 0.02)
    assert error[seam].mean() < max(1.5 * inside.mean(), 0.01)
    assert error[seam].max() < 0.08


@pytest.mark.parametrize("factor", [2, 4])
def test_smaller_textures_do_not_bleed(baked, factor) -> None:
    """As mipmaps are made: what lies between islands must not come in at their borders."""
    layout = baked.scene.layout
    small = layout.scaled(1 / factor)
    surface = rebound(baked.scene.surface, small)
    error, seam = baked.errors(resampled(baked.colours, layout, small), surface)
    bare = torch.where(baked.coverage > 0, baked.raw, torch.zeros(()))
    bleeding, _ = baked.errors(resampled(bare, layout, small), surface)
    assert error[seam].mean() < 0.012 * factor
    assert error[seam].max() < 0.1 * factor
    if not baked.scene.anchors.valid.all():
        assert bleeding[seam].mean() > 1.5 * error[seam].mean()  # what the padding is for


def test_texels_that_no_view_saw_take_their_neighbours_colours(baked) -> None:
    unseen = baked.coverage[:, 0] == 0
    if not unseen.any():
        return
    assert baked.raw[unseen].abs().max() == 0
    assert baked.colours[unseen].min() > -0.1
    assert baked.colours[unseen].mean() > 0.2
    sure = baked.coverage[:, 0] > 0.1 * baked.coverage[baked.coverage > 0].median()
    torch.testing.assert_close(baked.colours[sure], baked.raw[sure], atol=1e-5, rtol=0)
