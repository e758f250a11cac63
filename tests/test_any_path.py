"""Everything public that takes a path takes a plain string or another package's path, too."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from capture_samples import write_transforms
from npz_samples import field_of
from small_meshes import cube, mesh_of
from small_splats import ball

from nst3d import Job, PaintConfig, RenderJob, load_mesh, save_mesh
from nst3d.errors import ConfigError
from nst3d.files import write_bytes
from nst3d.formats.captures.registry import is_capture, load_capture
from nst3d.formats.fields.registry import is_field, load_field, save_field
from nst3d.formats.mesh_files import is_mesh
from nst3d.formats.picture import is_picture, load_picture, save_picture
from nst3d.formats.splats.registry import is_splats, load_splats, save_splats
from nst3d.images.header import read_header
from nst3d.pipeline.jobs.blend import BlendJob
from nst3d.pipeline.jobs.capture import CaptureJob
from nst3d.pipeline.jobs.export import ExportJob
from nst3d.pipeline.jobs.inspect import inspect_file
from nst3d.pipeline.jobs.reconstruct import ReconstructJob
from nst3d.pipeline.jobs.render_options import Compare
from nst3d.pipeline.kinds.registry import open_path
from nst3d.pipeline.settings.shown import SceneOptions
from nst3d.pipeline.settings.surface import SurfaceOptions
from nst3d.representations.subdivide import paint_vertices
from nst3d.video.decode import read_frames
from nst3d.video.encode import write_mp4
from nst3d.video.passes import write_depth_scale


class Elsewhere:
    """A path of some other package."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return self._path


@pytest.fixture(params=[str, Elsewhere, Path])
def given(request, tmp_path):
    """Makes a path in an empty folder, of one of the types that are taken."""
    return lambda name: request.param(os.path.join(tmp_path, name))


def test_meshes(given, tmp_path) -> None:
    mesh = mesh_of(cube())
    paint = paint_vertices(mesh, np.inf, 0)
    colours = np.full((paint.num_colours, 3), 0.5, np.float32)
    for name in ("a.glb", "a.obj", "a.ply"):
        assert save_mesh(given(name), mesh, paint, colours)[0] == tmp_path / name
        assert load_mesh(given(name)).num_faces == 12
        assert is_mesh(given(name))
        assert not is_picture(given(name))
        assert open_path(given(name)).kind.name == "mesh"
    config = PaintConfig(surface=SurfaceOptions(max_vertices=100))
    assert inspect_file(given("a.glb"), config) == inspect_file(tmp_path / "a.glb", config)


def test_splats_and_fields(given, tmp_path) -> None:
    splats, field = ball(20), field_of()
    for name in ("a.ply", "a.splat", "a.spz"):
        assert save_splats(given(name), splats, splats.colours) == [tmp_path / name]
        assert load_splats(given(name)).source == tmp_path / name
        assert is_splats(given(name))
    assert save_field(given("a.npz"), field) == [tmp_path / "a.npz"]
    assert is_field(given("a.npz"))
    assert len(load_field(given("a.npz"))) == len(field)


def test_pictures_videos_and_bytes(given, tmp_path) -> None:
    pixels = np.zeros((16, 16, 3), np.float32)
    assert save_picture(given("a.png"), pixels) == [tmp_path / "a.png"]
    assert load_picture(given("a.png")).pixels.shape == (16, 16, 3)
    assert read_header(given("a.png")).size == (16, 16)
    assert write_mp4(given("a.mp4"), [pixels], 24) == 1
    assert [frame.shape for frame in read_frames(given("a.mp4"), [0])] == [(16, 16, 3)]
    write_depth_scale(given("depth.json"), 1.0)
    write_bytes(given("a.bin"), b"a")
    assert {p.name for p in tmp_path.iterdir()} == {"a.png", "a.mp4", "depth.json", "a.bin"}


def test_captures(given, tmp_path) -> None:
    write_transforms(tmp_path / "c")
    assert is_capture(given("c"))
    assert load_capture(given("c")).source == load_capture(tmp_path / "c").source


@pytest.mark.parametrize(
    ("kind", "required", "optional"),
    [
        (Job, {"scene": "a", "styles": ("s",), "out": "o"}, {"cameras": "c", "data": "d"}),
        (RenderJob, {"scene": "a", "out": "o"}, {}),
        (CaptureJob, {"source": "a", "out": "o"}, {}),
        (ReconstructJob, {"capture": "a", "out": "o"}, {}),
        (ExportJob, {"scene": "a", "out": "o"}, {"cameras": "c"}),
        (BlendJob, {"scenes": ("a", "b"), "weights": (0.5, 0.5), "out": "o"}, {}),
        (SceneOptions, {}, {"cameras": "c", "data": "d"}),
        (Compare, {}, {"before": "b"}),
    ],
)
def test_jobs_hold_paths_whatever_they_are_given(kind, required, optional) -> None:
    made = kind(**required, **optional)
    for name, value in {**required, **optional}.items():
        held = getattr(made, name)
        if isinstance(value, str):
            assert held == Path(value)
            assert isinstance(held, Path)
        elif name != "weights":
            assert held == tuple(map(Path, value))
    plain = kind(**required)
    assert all(getattr(plain, name) is None for name in optional)
    assert dataclasses.replace(made) == made
    assert dataclasses.replace(made, **dict.fromkeys(optional)) == plain
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, next(iter({**required, **optional})), "b")
    if required:
        with pytest.raises(TypeError, match="missing"):
            kind()


def test_one_style_may_stand_by_itself() -> None:
    assert Job("a", "s", "o").styles == (Path("s"),)
    assert Job("a", ["s", Path("t")], "o").styles == (Path("s"), Path("t"))
    with pytest.raises(ConfigError, match="no style"):
        Job("a", (), "o")
