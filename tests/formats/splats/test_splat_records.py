""".splat: known bytes, and that only colour bytes change."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from splat_samples import differences, other_colours, same_geometry, some_splats, written

from nst3d.errors import InputError
from nst3d.formats.splats.registry import load_splats, save_splats


def test_known_bytes(tmp_path) -> None:
    record = struct.pack("<6f8B", 1, -2, 3, 0.5, 0.25, 2, 255, 51, 0, 128, 255, 128, 128, 128)
    splats = load_splats(written(tmp_path, record, "a.splat"))
    np.testing.assert_array_equal(splats.positions, [[1, -2, 3]])
    np.testing.assert_array_equal(splats.scales, [[0.5, 0.25, 2]])
    np.testing.assert_array_equal(splats.rotations, [[1, 0, 0, 0]])
    np.testing.assert_allclose(splats.colours, [[1, 0.2, 0]], atol=1e-6)
    assert splats.opacities[0] == np.float32(128 / 255)
    assert splats.degree == 0


def test_a_new_file_is_exact_but_for_its_bytes(tmp_path) -> None:
    splats = some_splats()
    colours = other_colours(splats)
    save_splats(tmp_path / "a.splat", splats, colours)
    again = load_splats(tmp_path / "a.splat")
    found = differences(splats, again)
    assert found["positions"] == 0
    assert found["scales"] == 0
    assert found["opacities"] <= 0.5 / 255 + 1e-7
    assert found["rotations"] <= 0.04
    assert np.abs(again.colours - colours).max() <= 0.5 / 255 + 1e-6


def test_painting_changes_colours_alone(tmp_path) -> None:
    data = np.random.default_rng(0).integers(0, 256, (50, 32)).astype(np.uint8)
    data[:, :24] = np.random.default_rng(1).uniform(0.1, 2, (50, 6)).astype("<f4").view(np.uint8)
    splats = load_splats(written(tmp_path, data.tobytes(), "a.splat"))
    save_splats(tmp_path / "b.splat", splats, splats.colours)
    assert (tmp_path / "b.splat").read_bytes() == data.tobytes()
    save_splats(tmp_path / "b.splat", splats, np.tile(np.float32([-1, 0.5, 2]), (50, 1)))
    data[:, 24:27] = (0, 128, 255)
    assert (tmp_path / "b.splat").read_bytes() == data.tobytes()
    assert same_geometry(splats, load_splats(tmp_path / "b.splat"))


def test_broken_splats_keep_their_bytes(tmp_path) -> None:
    good = struct.pack("<6f8B", 1, 2, 3, 1, 1, 1, 9, 9, 9, 9, 255, 128, 128, 128)
    bad = struct.pack("<6f8B", 1, np.nan, 3, 1, 1, 1, 9, 9, 9, 9, 255, 128, 128, 128)
    worse = struct.pack("<6f8B", 1, 2, 3, 1, -1, 1, 9, 9, 9, 9, 255, 128, 128, 128)
    splats = load_splats(written(tmp_path, bad + good + worse, "a.splat"))
    np.testing.assert_array_equal(splats.opacities > 0, [False, True, False])
    save_splats(tmp_path / "b.splat", splats, np.ones((3, 3), np.float32))
    data = (tmp_path / "b.splat").read_bytes()
    assert (data[:32], data[64:]) == (bad, worse)
    assert data[56:59] == b"\xff" * 3


@pytest.mark.parametrize(
    ("size", "message"), [(0, "no splats"), (33, "not a multiple of 32"), (64, "none of its 2")]
)
def test_bad_files_give_one_clear_line(size, message, tmp_path) -> None:
    with pytest.raises(InputError, match=message):
        load_splats(written(tmp_path, b"\xff" * size, "a.splat"))
