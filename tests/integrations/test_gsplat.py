"""The renderer on gsplat, with the package's own plain versions of its routines, which need no GPU.

The last of the four routines gsplat has for CUDA alone; its place takes the twin of the other tests.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gsplat_twins import plain_indices, plain_offsets, plain_projection, plain_tiles
from small_meshes import camera_at
from small_splats import ball

from nst3d.cameras.pinhole import Camera
from nst3d.errors import MissingDependencyError
from nst3d.metrics.image import psnr
from nst3d.renderers.gsplat_routines import Routines, gsplat_routines
from nst3d.renderers.splat_gsplat import GsplatRenderer
from nst3d.renderers.splats import SplatOptions, SplatRenderer
from nst3d.representations.splats import Splats
from nst3d.tensors import ImageSize

reason = "gsplat is not installed: pip install 'nst3d[splats]'"
gsplat = pytest.importorskip("gsplat", reason=reason)
own = pytest.importorskip("gsplat.cuda._torch_impl", reason=reason)

CPU = torch.device("cpu")
SIZE = ImageSize(50, 70)
CAMERAS = [
    camera_at((4, 2, 3), SIZE),
    replace(camera_at((2.5, 0, 1.3), SIZE, 1.3), centre=(20.0, 31.0), aspect=1.2),
]


@pytest.fixture(params=CAMERAS, ids=["outside", "inside"])
def camera(request) -> Camera:
    return request.param


@pytest.fixture(params=["ball", "shapes"])
def splats(request) -> Splats:
    made = ball(150)
    if request.param == "ball":
        return made
    rng = np.random.default_rng(1)
    turns = rng.standard_normal((150, 4))
    return replace(
        made,
        scales=(made.scales * np.exp(rng.standard_normal((150, 3)))).astype(np.float32),
        rotations=(turns / np.linalg.norm(turns, axis=1, keepdims=True)).astype(np.float32),
        opacities=rng.uniform(0.02, 1, 150).astype(np.float32),
    )


def projection(means, covars, quats, scales, *rest, **options):
    """`fully_fused_projection` on the CPU: gsplat's plain version takes covariances."""
    assert covars is None
    matrices, _ = own._quat_scale_to_covar_preci(quats, scales, compute_preci=False)
    return own._fully_fused_projection(means, matrices, *rest, **options)


ROUTINES = Routines(projection, own._isect_tiles, own._isect_offset_encode, plain_indices)


@pytest.mark.parametrize("options", [SplatOptions(), SplatOptions(cutoff=0, antialiased=True)])
def test_pictures_are_those_of_the_cpu(splats, camera, options) -> None:
    mine, expected = GsplatRenderer(splats, CPU, options, ROUTINES), SplatRenderer(splats, options)
    view, own_view = mine.compile(camera), expected.compile(camera)
    colours = torch.from_numpy(splats.colours.astype(np.float32))
    assert psnr(view.apply(colours).numpy(), own_view.apply(colours).numpy()) > 60
    assert psnr(view.coverage.numpy(), own_view.coverage.numpy()) > 60
    frame, own_frame = (r.draw(camera, splats.colours, 1.0) for r in (mine, expected))
    assert psnr(frame.colour, own_frame.colour) > 60
    seen = np.isfinite(frame.depth) & np.isfinite(own_frame.depth)
    assert seen.mean() > 0.2
    # Medians jump where the faint rims that gsplat 1.4 leaves out decide them.
    assert (np.abs(frame.depth[seen] - own_frame.depth[seen]) > 1e-3).mean() < 1e-2


def test_the_twins_are_gsplats(splats, camera) -> None:
    """What tests without gsplat stand on does what gsplat does."""
    seen = SimpleNamespace()

    def keep(name, routine):
        def kept(*arguments, **options):
            setattr(seen, name, (arguments, options, routine(*arguments, **options)))
            return getattr(seen, name)[2]

        return kept

    routines = Routines(
        keep("project", projection), keep("tiles", own._isect_tiles), keep("offsets", own._isect_offset_encode),
        plain_indices,
    )  # fmt: skip
    GsplatRenderer(splats, CPU, None, routines).compile(camera)
    arguments, options, (radii, *found) = seen.project
    twin_radii, *twins = plain_projection(*arguments, **options)
    # Before 1.5 a footprint reached 3 deviations to all sides, not 3.33 along each: they differ at the edges.
    mine, theirs = (twin_radii[0] > 0).all(1), (radii[0] > 0).reshape(len(splats), -1).all(1)
    shown = mine & theirs
    assert shown.sum() > 0.8 * (mine | theirs).sum() > 0
    for a, b in zip(found[:3], twins[:3]):
        torch.testing.assert_close(a[0, shown], b[0, shown], rtol=2e-3, atol=1e-4)
    arguments, _, (counts, keys, entries) = seen.tiles
    twin_counts, twin_keys, twin_entries = plain_tiles(*arguments)
    assert torch.equal(keys, twin_keys)
    assert torch.equal(counts, twin_counts)
    assert (entries != twin_entries).float().mean() < 0.05  # equal depths in any order
    arguments, _, offsets = seen.offsets
    assert torch.equal(offsets, plain_offsets(*arguments))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="gsplat's own kernels need a CUDA device")
def test_kernels_draw_what_the_cpu_does(splats, camera) -> None:
    try:
        routines = gsplat_routines()
    except MissingDependencyError as error:
        pytest.skip(str(error))
    mine, expected = GsplatRenderer(splats, torch.device("cuda"), None, routines), SplatRenderer(splats)
    colours = torch.from_numpy(splats.colours.astype(np.float32))
    view, own_view = mine.compile(camera), expected.compile(camera)
    assert psnr(view.apply(colours).numpy(), own_view.apply(colours).numpy()) > 60
    assert psnr(view.coverage.numpy(), own_view.coverage.numpy()) > 60
    frame, own_frame = (r.draw(camera, splats.colours, 1.0) for r in (mine, expected))
    assert psnr(frame.colour, own_frame.colour) > 60
