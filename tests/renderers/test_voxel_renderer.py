"""Voxel fields: pictures and compiled views against the torch twin, and what must hold of both."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pytest
import torch
from small_fields import CENTRE, camera, noisy_field

from nst3d.cameras.pinhole import Camera, look_at
from nst3d.formats.fields.paint import painted_harmonics
from nst3d.operators import dot_test
from nst3d.renderers.march import EMPTY, frame_of
from nst3d.renderers.voxel_reference import Marched, ReferenceGrid, ReferenceRays, march_reference
from nst3d.renderers.voxels import VoxelOptions, VoxelRenderer
from nst3d.representations.field import VoxelField
from nst3d.representations.harmonics import basis, from_colours

STEP = 0.5
OPTIONS = VoxelOptions(step=STEP, drawn_step=STEP)
CASES = [(c, a, h) for c in (False, True) for a in ("relu", "softplus") for h in (0.0, 0.3)]


def reference(field: VoxelField, view: Camera) -> Marched:
    """What the twin sees, with full view-dependence."""
    grid = ReferenceGrid(
        frame_of(field.space, field.links.shape, field.near),
        torch.from_numpy(field.links),
        EMPTY[field.activation],
        field.activation == "softplus",
        field.density_scale,
    )
    origin, directions = view.rays()
    flat = directions.reshape(-1, 3)
    weights = basis(flat / np.linalg.norm(flat, axis=1, keepdims=True), field.degree)
    weights[:, 0] = 1
    rays = ReferenceRays(
        torch.from_numpy(origin).expand(len(flat), 3),
        torch.from_numpy(flat),
        torch.from_numpy(weights.astype(np.float32)),
        torch.full((len(flat),), 0.5),
        STEP,
    )
    table = np.concatenate([field.colours[:, None], field.harmonics[:, 1:]], axis=1)
    values = torch.from_numpy(table.reshape(len(field), -1).astype(np.float32))
    return march_reference(grid, rays, torch.from_numpy(field.density), values)


@pytest.mark.parametrize(("contracted", "activation", "holes"), CASES)
def test_pictures_are_those_of_the_twin(contracted, activation, holes) -> None:
    field, view = noisy_field(contracted, activation, holes=holes), camera()
    frame = VoxelRenderer(field, OPTIONS).draw(view, field.colours, 1.0)
    twin = reference(field, view)
    # The kernels stop at a thousandth of the light and pass over faint samples.
    np.testing.assert_allclose(frame.opacity.ravel(), 1 - twin.light.numpy(), atol=2e-3)
    np.testing.assert_allclose(frame.colour.reshape(-1, 3), twin.image.numpy(), atol=1e-2)


@pytest.mark.parametrize("contracted", [False, True])
def test_compiled_views_show_what_is_drawn(contracted) -> None:
    field, view = smooth_field(contracted), camera(24)
    renderer = VoxelRenderer(field, OPTIONS)
    frame, compiled = renderer.draw(view, field.colours), renderer.compile(view)
    shown = compiled.apply(torch.from_numpy(field.colours.astype(np.float32))).numpy()
    assert np.sqrt(np.mean((shown - frame.colour) ** 2)) < 0.01
    coverage, dense = compiled.coverage[..., 0].numpy(), frame.opacity > 0.03
    np.testing.assert_allclose(coverage[dense], frame.opacity[dense], atol=2e-3)
    assert coverage[~dense].max(initial=0) < 0.03  # what falls below the cutoff everywhere is left out
    exact = renderer.compile(view).stored()
    torch.testing.assert_close(exact.apply(torch.ones(len(field), 1)), compiled.coverage, rtol=0, atol=1e-5)


def smooth_field(contracted: bool) -> VoxelField:
    """A soft ball whose colours change slowly."""
    field = noisy_field(contracted, degree=0, nodes=24)
    points = field.space.to_world(np.argwhere(field.links >= 0).astype(float), field.links.shape)
    away = np.linalg.norm(points - CENTRE, axis=1)
    colours = 0.5 + 0.3 * np.sin(points)
    return replace(
        field,
        density=(6 - 6 * away).clip(-10).astype(np.float32),
        harmonics=from_colours(colours)[:, None].astype(np.float32),
    )


def test_a_compiled_view_is_linear_and_white_stays_white() -> None:
    field = noisy_field(holes=0.4)
    view = VoxelRenderer(field).compile(camera())
    assert dot_test(view) < 1e-12
    white = view.render(torch.ones(len(field), 3), 1.0)
    torch.testing.assert_close(white, torch.ones_like(white), rtol=0, atol=1e-6)


def test_the_end_of_a_contracted_space_is_opaque() -> None:
    field, view = noisy_field(contracted=True), camera()
    renderer = VoxelRenderer(replace(field, density=np.full_like(field.density, -9)))
    assert renderer.draw(view, field.colours).opacity.min() > 0.999
    assert renderer.compile(view).coverage.min() > 0.999


@pytest.mark.parametrize("contracted", [False, True])
def test_empty_blocks_are_passed_without_a_trace(contracted) -> None:
    """A field whose empty nodes are missing looks as with them stored as empty."""
    field, view = noisy_field(contracted, "relu", degree=0, nodes=32), camera()
    grid = np.argwhere(field.links >= 0)
    near = np.linalg.norm(grid - [20, 12, 15], axis=1) < 4
    if contracted:  # what lies at infinity stays
        near |= np.abs(grid - 15.5).max(1) > 13.5
    whole = replace(field, density=np.where(near, 3, 0).astype(np.float32))
    links = np.full_like(field.links, -1)
    links[tuple(grid[near].T)] = np.arange(near.sum())
    part = replace(whole, links=links, density=whole.density[near], harmonics=whole.harmonics[near])
    plain = np.full((len(whole), 3), 0.6, np.float32)
    frames = [VoxelRenderer(f, OPTIONS).draw(view, plain[: len(f)]) for f in (whole, part)]
    assert len(part) < len(whole) / 2
    # Steps are placed anew after a jump, so an edge is sampled elsewhere.
    assert np.abs(frames[0].opacity - frames[1].opacity).mean() < 0.01
    assert (frames[0].opacity > 0.5).sum() == pytest.approx((frames[1].opacity > 0.5).sum(), abs=6)


def test_specular_is_what_the_higher_harmonics_add() -> None:
    field, view = noisy_field(degree=2), camera()
    renderer = VoxelRenderer(field)
    plain, half, full = (renderer.draw(view, field.colours, s).colour for s in (0.0, 0.5, 1.0))
    added = renderer.specular(view, renderer.compile(view)).numpy()
    np.testing.assert_allclose(full - plain, added, atol=1e-4)
    np.testing.assert_allclose(half - plain, added / 2, atol=1e-4)


def test_each_node_keeps_its_own_share_of_harmonics() -> None:
    field, view = noisy_field(degree=2), camera()
    share = np.resize(np.array([1, 0.5, 0], np.float32), len(field))
    faded = replace(field, harmonics=painted_harmonics(field.harmonics, None, share))
    some, whole = VoxelRenderer(field), VoxelRenderer(faded)
    frames = [r.draw(view, field.colours, s).colour for r, s in ((some, share), (whole, 1.0))]
    np.testing.assert_allclose(*frames, atol=1e-6)
    compiled = some.compile(view)
    np.testing.assert_allclose(
        some.specular(view, compiled, share), whole.specular(view, compiled), atol=1e-6
    )


def test_what_looks_away_sees_nothing() -> None:
    view = camera()
    away = replace(view, camera_to_world=look_at(view.position, 2 * view.position - CENTRE, np.eye(3)[2]))
    frame = VoxelRenderer(noisy_field()).draw(away, noisy_field().colours)
    assert frame.opacity.max() == 0
    assert np.isinf(frame.depth).all()


def test_threads_change_nothing() -> None:
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("numba was started with one thread")
    field, view = noisy_field(holes=0.3), camera(40)
    before, results = numba.get_num_threads(), []
    for threads in (1, 2):
        numba.set_num_threads(threads)
        renderer = VoxelRenderer(field)
        frame, compiled = renderer.draw(view, field.colours, 1.0), renderer.compile(view)
        gathered = compiled.adjoint(torch.ones(*view.size, 3))
        results.append([frame.colour.tobytes(), frame.depth.tobytes(), gathered.numpy().tobytes()])
    numba.set_num_threads(before)
    assert results[0] == results[1]
