"""Splat files by name and content, and that files which others made of one scene agree."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from splat_samples import (
    differences,
    other_colours,
    ply_bytes,
    ply_columns,
    same_geometry,
    some_splats,
    written,
)

from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.formats.splats.registry import is_splats, load_splats, painted, save_splats, suffix_of
from nst3d.representations.splats import Splats
from nst3d.tensors import Array

HAS_ZSTD = (
    importlib.util.find_spec("backports") is not None
    and importlib.util.find_spec("backports.zstd") is not None
)
CUBE = b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nend_header\n0 0\n"
PACKED = b"ply\nelement vertex 1\nproperty uint packed_position\nproperty uint packed_color\nend_header\n"
ATTRIBUTES = ("positions", "scales", "rotations", "opacities", "harmonics")


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.ply", ply_bytes(ply_columns(some_splats(1))), True),
        ("A.PLY", ply_bytes(ply_columns(some_splats(1))), True),
        ("a.ply", PACKED, True),
        ("a.ply", CUBE, False),
        ("a.ply", b"ply\nproperty float x\nend_header\n", False),
        ("a.ply", b"", False),
        ("a.splat", b"", True),
        ("a.spz", b"", True),
        ("a.sog", b"", True),
        ("a.ksplat", b"", True),
        ("meta.json", b'{"means": {}, "sh0": {}, "quats": {}}', True),
        ("meta.json", b'{"name": "no scene"}', False),
        ("meta.json", b"[", False),
        ("a.json", b'{"means": {}, "sh0": {}, "quats": {}}', False),
        ("a.glb", b"glTF", False),
    ],
)  # fmt: skip
def test_splats_are_told_from_others(name, data, expected, tmp_path) -> None:
    assert is_splats(written(tmp_path, data, name)) is expected


def test_folders_and_missing_files_are_no_splats(tmp_path) -> None:
    assert not is_splats(tmp_path)
    assert not is_splats(tmp_path / "missing.ply")
    (tmp_path / "folder.splat").mkdir()
    assert not is_splats(tmp_path / "folder.splat")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "a.ksplat",
            r"\.ksplat is not supported; convert it: npx @playcanvas/splat-transform a.ksplat a.ply",
        ),
        ("a.obj", "not a readable splat file; supported are"),
        ("a.ply", "has no x, y, z, .*"),
    ],
)
def test_other_files_are_refused(name, message, tmp_path) -> None:
    with pytest.raises(InputError, match=message):
        load_splats(written(tmp_path, b"ply\nformat ascii 1.0\nend_header\n", name))


@pytest.mark.parametrize("name", ["a.ply", "a.splat", "a.spz", "a.sog"])
def test_a_missing_file(name, tmp_path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_splats(tmp_path / name)


def test_a_folder_without_a_scene(tmp_path) -> None:
    with pytest.raises(InputError, match=r"folder without SOG's meta\.json"):
        load_splats(tmp_path)


def test_endings_that_are_not_written(tmp_path) -> None:
    splats = some_splats(2)
    with pytest.raises(ConfigError, match=r"splats are written as \.ply"):
        save_splats(tmp_path / "a.ksplat", splats, splats.colours)
    with pytest.raises(OutputError, match="cannot be written"):
        save_splats(tmp_path / "nowhere" / "a.ply", splats, splats.colours)


@pytest.mark.parametrize("suffix", [".ply", ".splat", ".spz"])
def test_broken_splats_keep_their_rows_in_other_formats(suffix, tmp_path) -> None:
    columns = ply_columns(some_splats(6))
    columns["x"][2], columns["f_dc_0"][4] = np.nan, np.inf
    splats = load_splats(written(tmp_path, ply_bytes(columns)))
    save_splats(tmp_path / f"b{suffix}", splats, other_colours(splats))
    again = load_splats(tmp_path / f"b{suffix}")
    assert len(again) == 6
    assert (again.opacities[[2, 4]] < 2e-6).all()
    assert (again.opacities[[0, 1, 3, 5]] > 0.01).all()


def test_splats_of_no_file_are_written(tmp_path) -> None:
    splats = some_splats(degree=3)
    assert suffix_of(splats) == ".ply"
    save_splats(tmp_path / "a.ply", splats, splats.colours, 1)
    assert differences(splats, load_splats(tmp_path / "a.ply"))["harmonics"] == 0
    save_splats(tmp_path / "a.ply", splats, splats.colours)
    assert load_splats(tmp_path / "a.ply").degree == 0


def test_painted_splats() -> None:
    splats = some_splats()
    colours = other_colours(splats)
    assert painted(splats, colours).degree == 0
    half = painted(splats, colours, 0.5)
    np.testing.assert_allclose(half.colours, colours, atol=1e-6)
    np.testing.assert_array_equal(half.harmonics[:, 1:], splats.harmonics[:, 1:] / 2)


def in_order_of(reference: Splats, splats: Splats) -> Splats:
    """Rows put into the reference's order by their nearest neighbours: programs sort them along a curve."""
    a, b = (
        np.concatenate([s.positions, s.colours / 50, s.opacities[:, None] / 50], axis=1).astype(np.float64)
        for s in (reference, splats)
    )
    squares = (b**2).sum(1)
    nearest = np.concatenate([(squares - 2 * part @ b.T).argmin(1) for part in np.array_split(a, 16)])
    assert len(set(nearest.tolist())) == len(splats)
    return Splats(**{k: getattr(splats, k)[nearest] for k in ATTRIBUTES})


def within(array: Array, low: float, high: float) -> Array:
    return ((array >= low) & (array <= high)).reshape(len(array), -1).all(1)


@pytest.fixture(scope="module")
def reference(data_dir) -> Splats:
    return load_splats(data_dir / "gaussians" / "derived" / "playbot_4_0.ply")


class TestOneSceneInAllFormats:
    """Tolerances: half a step of each format's quantisation, or a whole one where its writer rounds down."""

    def test_what_is_in_it(self, reference) -> None:
        assert len(reference) == 8406
        assert reference.degree == 2
        assert not reference.notes

    def test_unpacked_sog_is_where_it_came_from(self, reference, data_dir) -> None:
        splats = load_splats(data_dir / "gaussians" / "playcanvas" / "playbot" / "4_0")
        found = differences(reference, splats)
        assert max(found[k] for k in ("positions", "colours", "harmonics")) == 0
        assert max(found[k] for k in ("scales", "rotations", "opacities")) < 5e-7

    def test_sog(self, reference, data_dir) -> None:
        splats = load_splats(data_dir / "gaussians" / "derived" / "playbot_4_0.sog")
        found = differences(reference, in_order_of(reference, splats))
        assert found["positions"] <= 2 * 1.5 / 65535  # a step of logarithms, rounded down, at |x| ≤ 1.1
        assert found["scales"] <= 0.05  # a codebook of 256
        assert found["rotations"] <= 0.03  # bytes, rounded down
        assert found["opacities"] <= 1 / 255 + 1e-6  # rounded down
        assert found["colours"] <= 0.02
        assert found["harmonics"] <= 0.5  # a palette of 1024 for 8406 splats

    def test_compressed_ply(self, reference, data_dir) -> None:
        splats = load_splats(data_dir / "gaussians" / "derived" / "playbot_4_0.compressed.ply")
        found = differences(reference, in_order_of(reference, splats))
        assert found["positions"] <= 0.5 * 2.1 / 1023
        assert found["scales"] <= 0.5 * 10 / 1023
        assert found["rotations"] <= 0.005
        assert found["opacities"] <= 1e-6
        assert found["colours"] <= 0.5 * 3.2 / 255
        assert found["harmonics"] <= 8 / 512 + 1e-4

    @pytest.mark.parametrize(
        "name",
        [
            "playbot_4_0_v3.spz",
            pytest.param(
                "playbot_4_0.spz",
                marks=pytest.mark.skipif(not HAS_ZSTD, reason="version 4 needs the backports.zstd package"),
            ),
        ],
    )
    def test_spz(self, reference, data_dir, name) -> None:
        splats = load_splats(data_dir / "gaussians" / "derived" / name)
        # It has no levels for scales below e^−10, colours beyond 0.5 ± 0.94 and harmonics near ±1.
        fits = within(np.log(reference.scales), -10, 5) & within(reference.colours, -0.44, 1.44)
        fits &= within(reference.harmonics[:, 1:], -0.9, 0.9)
        assert fits.mean() > 0.85
        pair = [Splats(**{k: getattr(s, k)[fits] for k in ATTRIBUTES}) for s in (reference, splats)]
        found = differences(*pair)
        assert found["positions"] <= 0.5 / 4096 + 1e-6
        assert found["scales"] <= 0.5 / 16 + 1e-6
        assert found["rotations"] <= 0.004
        assert found["opacities"] <= 0.5 / 255
        assert found["colours"] <= 0.5 / 255 / 0.15 * 0.2821 + 1e-6
        assert found["harmonics"] <= 8.5 / 128 + 1e-6  # 8 bits, then 4 from degree 2 on, 5 at degree 1
        assert np.abs(pair[0].harmonics[:, 1:4] - pair[1].harmonics[:, 1:4]).max() <= 4.5 / 128 + 1e-6


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("derived/playbot_4_0.ply", 2e-7),
        ("derived/playbot_4_0.compressed.ply", 0.5 / 255 + 1e-6),
        ("derived/playbot_4_0.sog", 0.01),
        ("playcanvas/playbot/6_0", 0.01),
        ("derived/playbot_4_0_v3.spz", 0.0037),
        ("splat/spot_10k.splat", 0.5 / 255 + 1e-6),
    ],
)
def test_real_files_are_painted_and_nothing_else(name, tolerance, data_dir, tmp_path) -> None:
    source = data_dir / "gaussians" / name
    splats = load_splats(source)
    target = tmp_path / f"out{suffix_of(splats)}"
    if suffix_of(splats) != ".sog":
        save_splats(target, splats, splats.colours, 1)
        assert target.read_bytes() == source.read_bytes()
    colours = np.clip(splats.colours * 0.5 + 0.2, 0, 1)
    save_splats(target, splats, colours, 1)
    again = load_splats(target)
    assert np.abs(again.colours - colours).max() <= tolerance
    assert same_geometry(splats, again)
    np.testing.assert_array_equal(splats.harmonics[:, 1:], again.harmonics[:, 1:])
    save_splats(tmp_path / "plain.ply", splats, colours, 1)
    plain = load_splats(tmp_path / "plain.ply")
    np.testing.assert_allclose(plain.colours, colours, rtol=0, atol=2e-7)
    assert max(v for k, v in differences(splats, plain).items() if k != "colours") <= 2e-6
