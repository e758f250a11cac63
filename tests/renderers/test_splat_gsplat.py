"""The renderer that stands on gsplat, with plain twins of gsplat's routines, against the one on the CPU."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch
from gsplat_twins import plain_indices, plain_routines
from made_splats import random_splats, splats_at
from small_meshes import camera_at

import nst3d.renderers.splat_gsplat as module
from nst3d.cameras.lens import BrownConrady
from nst3d.cameras.pinhole import Camera
from nst3d.errors import MissingDependencyError
from nst3d.operators.checks import dot_test
from nst3d.renderers import radiance_renderer
from nst3d.renderers.gsplat_routines import gsplat_routines
from nst3d.renderers.splat_gsplat import GsplatRenderer
from nst3d.renderers.splats import SplatOptions, SplatRenderer
from nst3d.representations.splats import Splats
from nst3d.tensors import ImageSize

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
SIZE = ImageSize(37, 45)
CAMERAS = {
    "outside": camera_at((1, 2, 3), SIZE),
    "inside": camera_at((0.1, 0.05, 0.3), SIZE, 1.4),
    "off centre, oblong pixels": replace(camera_at((2, 0, 1), SIZE), centre=(10.0, 31.0), aspect=1.3),
    "lens": replace(camera_at((1, -1, 2), SIZE, 1.2), lens=BrownConrady(k1=-0.2, k2=0.05, p1=0.01)),
}
FRONT = Camera(np.eye(4), 40.0, (16.5, 16.5), ImageSize(33, 33))
"""At the origin, looking along z; pixel (16, 16) looks straight ahead."""


@pytest.fixture(params=CAMERAS.values(), ids=CAMERAS.keys())
def camera(request) -> Camera:
    return request.param


def on_twins(splats: Splats, options: SplatOptions | None = None, axes: int = 2) -> GsplatRenderer:
    return GsplatRenderer(splats, CPU, options, plain_routines(axes))


def worst(a, b) -> float:
    return float(np.abs(np.asarray(a) - np.asarray(b)).max())


@pytest.mark.parametrize(
    ("axes", "options"),
    [
        (1, SplatOptions(cutoff=0)),
        (2, SplatOptions(cutoff=0)),
        (2, SplatOptions()),
        (2, SplatOptions(cutoff=1 / 255, antialiased=True, near=0.5)),
    ],
)
def test_views_are_those_of_the_cpu(camera, axes, options) -> None:
    splats = random_splats(80)
    mine, expected = (
        on_twins(splats, options, axes).compile(camera),
        SplatRenderer(splats, options).compile(camera),
    )
    eye = torch.eye(len(splats))
    assert worst(mine.coverage, expected.coverage) < 2e-5
    # A weight at the cut-off may fall to either side, and the pixel's others take its place.
    assert ((mine.apply(eye) - expected.apply(eye)).abs() > 2e-5).float().mean() < 1e-3
    assert -10 * torch.log10((mine.apply(eye) - expected.apply(eye)).square().mean()) > 80
    assert (mine.coverage > 0.5).float().mean() > 0.05
    assert abs(mine.nbytes / expected.nbytes - 1) < 0.01


def test_frames_are_those_of_the_cpu(camera) -> None:
    splats = random_splats(80, degree=2)
    for specular in (0.0, 0.7):
        mine = on_twins(splats).draw(camera, splats.colours, specular)
        expected = SplatRenderer(splats).draw(camera, splats.colours, specular)
        assert worst(mine.colour, expected.colour) < 2e-5
        assert worst(mine.opacity, expected.opacity) < 2e-5
        far = np.isinf(expected.depth)
        assert np.array_equal(far, np.isinf(mine.depth))
        assert worst(mine.depth[~far], expected.depth[~far]) < 1e-4
        assert 0 < far.mean() < 1 or camera is CAMERAS["inside"]
        assert {a.dtype for a in (mine.colour, mine.opacity, mine.depth)} == {np.dtype(np.float32)}


def test_highlights_and_the_adjoint(camera) -> None:
    splats = random_splats(60, degree=1)
    mine, expected = on_twins(splats), SplatRenderer(splats)
    view = mine.compile(camera)
    assert worst(mine.specular(camera, view), expected.specular(camera, expected.compile(camera))) < 1e-3
    assert dot_test(view) < 1e-5
    assert mine.positions is splats.positions


@pytest.mark.parametrize("batch", [1, 200])
def test_bands_of_the_image_change_nothing(batch, monkeypatch) -> None:
    splats, camera = random_splats(80), CAMERAS["outside"]
    whole = on_twins(splats).compile(camera)
    heights = []

    def indices(*arguments):
        heights.append(arguments[7])
        return plain_indices(*arguments)

    monkeypatch.setattr(module, "_BATCH", batch)
    renderer = GsplatRenderer(splats, CPU, None, replace(plain_routines(), indices=indices))
    eye = torch.eye(len(splats))
    assert worst(renderer.compile(camera).apply(eye), whole.apply(eye)) < 2e-6
    assert heights == ([16, 16, 5] if batch == 1 else [16, 21])


def test_the_end_of_a_ray_and_the_median() -> None:
    """Opacities of 0.5: the second splat brings the opacity past a half; one that is opaque ends the ray."""
    splats = splats_at([(0, 0, z) for z in (2, 3, 4, 5)], [1.0] * 4, [0.5, 0.5, 1.0, 1.0])
    frame = on_twins(splats).draw(FRONT, np.eye(4, 3))
    assert frame.depth[16, 16] == 3
    assert worst(frame.colour[16, 16], [0.5, 0.25, 0.24975]) < 1e-6
    faint = splats_at([(0, 0, 2), (0, 0, 4)], [1.0, 1.0], [0.2, 0.2])
    mean = (0.2 * 2 + 0.16 * 4) / 0.36
    assert abs(on_twins(faint).draw(FRONT, np.ones((2, 3))).depth[16, 16] - mean) < 1e-5


def test_a_list_that_goes_on_too_long_is_cut() -> None:
    """Where gsplat lets a splat cover less, it lists more than the end of a ray lets through here."""
    splats = splats_at([(0, 0, z) for z in (2, 3, 4)], [5.0] * 3, [1.0] * 3)

    def indices(*arguments):
        pixels = torch.arange(arguments[6] * arguments[7]).repeat_interleave(3)
        return torch.arange(3).repeat(len(pixels) // 3), pixels, torch.zeros_like(pixels)

    renderer = GsplatRenderer(splats, CPU, None, replace(plain_routines(), indices=indices))
    expected = SplatRenderer(splats).compile(FRONT)
    assert worst(renderer.compile(FRONT).apply(torch.eye(3)), expected.apply(torch.eye(3))) < 2e-6


def test_bad_splats_do_not_harm_the_others() -> None:
    bad = random_splats(60)
    bad.positions[::4] = np.nan
    bad.scales[1::4] = np.inf
    bad.opacities[2::8] = np.nan
    camera = CAMERAS["outside"]
    frame, expected = on_twins(bad).draw(camera, bad.colours), SplatRenderer(bad).draw(camera, bad.colours)
    assert worst(frame.colour, expected.colour) < 1e-4


@pytest.mark.parametrize("count", [0, 3])
def test_where_nothing_is_seen(count) -> None:
    splats = splats_at([(0, 0, -2)] * count, [0.1] * count, [0.9] * count) if count else random_splats(0)
    renderer = on_twins(splats)
    assert not renderer.draw(FRONT, np.ones((count, 3))).opacity.any()
    assert not renderer.compile(FRONT).coverage.any()


def test_without_gsplat_splats_are_left_to_the_cpu(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "gsplat", None)
    with pytest.raises(
        MissingDependencyError, match=r"gsplat is not installed: pip install 'nst3d\[splats\]'"
    ):
        gsplat_routines()
    renderer = radiance_renderer(random_splats(3), CUDA)
    assert type(renderer) is SplatRenderer
    assert renderer.notes == (
        "splats are rendered on the CPU: gsplat is not installed: pip install 'nst3d[splats]'",
    )
    assert radiance_renderer(random_splats(3), CPU).notes == ()


def fake_gsplat(monkeypatch, kernels: object) -> ModuleType:
    gsplat, backend = ModuleType("gsplat"), ModuleType("gsplat.cuda._backend")
    routines = plain_routines()
    gsplat.fully_fused_projection, gsplat.isect_tiles = routines.project, routines.tiles
    gsplat.isect_offset_encode, gsplat.rasterize_to_indices_in_range = routines.offsets, routines.indices
    backend._C = kernels
    for made in (gsplat, ModuleType("gsplat.cuda"), backend):
        monkeypatch.setitem(sys.modules, made.__name__, made)
    return gsplat


def test_gsplat_without_kernels_says_what_is_missing(monkeypatch) -> None:
    fake_gsplat(monkeypatch, None)
    with pytest.raises(MissingDependencyError, match="no CUDA toolkit"):
        gsplat_routines()


def test_a_build_that_breaks_leaves_splats_to_the_cpu(monkeypatch) -> None:
    fake_gsplat(monkeypatch, None)
    found = importlib.import_module

    def broken(name: str) -> ModuleType:
        if name == "gsplat.cuda._backend":
            raise RuntimeError("Error building extension 'gsplat_cuda':\n" + "nvcc says no\n" * 100)
        return found(name)

    monkeypatch.setattr(importlib, "import_module", broken)
    (note,) = radiance_renderer(random_splats(3), CUDA).notes
    assert "RuntimeError: Error building extension 'gsplat_cuda': nvcc says no" in note
    assert len(note) < 500
    assert "\n" not in note


def test_gsplat_is_taken_on_cuda_alone(monkeypatch) -> None:
    gsplat = fake_gsplat(monkeypatch, object())
    assert gsplat_routines().tiles is gsplat.isect_tiles
    splats = random_splats(3)
    monkeypatch.setattr("nst3d.renderers.GsplatRenderer", lambda scene, device: (scene, device.type))
    assert radiance_renderer(splats, CUDA) == (splats, "cuda")
    assert type(radiance_renderer(splats, CPU)) is SplatRenderer
    assert type(radiance_renderer(splats)) is SplatRenderer
