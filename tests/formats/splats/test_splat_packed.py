"""PlayCanvas' compressed PLY: known words, and that only colour words and their bounds change."""

from __future__ import annotations

import numpy as np
import pytest
from splat_samples import other_colours, same_geometry, some_splats, written

from nst3d.errors import ConfigError, InputError
from nst3d.formats.splats.registry import load_splats, save_splats, suffix_of
from nst3d.tensors import Array

BOUNDS = [f"{side}_{n}" for side in ("min", "max") for n in "xyz"]
BOUNDS += [f"{side}_scale_{n}" for side in ("min", "max") for n in "xyz"]
COLOUR_BOUNDS = [f"{side}_{n}" for side in ("min", "max") for n in "rgb"]
WORDS = ["packed_position", "packed_rotation", "packed_scale", "packed_color"]


def packed(words: Array, sh: Array | None = None, colour_bounds: bool = True) -> bytes:
    """A compressed PLY of words (n, 4), with bounds −1 … 3 of positions, −4 … 0 of scales, 0.25 … 0.75 of colours."""
    names = BOUNDS + (COLOUR_BOUNDS if colour_bounds else [])
    values = [-1.0] * 3 + [3.0] * 3 + [-4.0] * 3 + [0.0] * 3 + [0.25] * 3 + [0.75] * 3
    count = -(-len(words) // 256)
    lines = ["ply", "format binary_little_endian 1.0", f"element chunk {count}"]
    lines += [f"property float {n}" for n in names] + [f"element vertex {len(words)}"]
    lines += [f"property uint {n}" for n in WORDS]
    if sh is not None:
        lines += [f"element sh {len(sh)}", *(f"property uchar f_rest_{k}" for k in range(sh.shape[1]))]
    body = np.tile(np.array(values[: len(names)], "<f4"), count).tobytes() + words.astype("<u4").tobytes()
    head = "\n".join([*lines, "end_header", ""]).encode()
    return head + body + (b"" if sh is None else sh.astype(np.uint8).tobytes())


def some_words(count: int = 600, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 1 << 32, (count, 4)).astype(np.uint32)


def some_bytes(count: int = 600, width: int = 9) -> Array:
    return np.random.default_rng(5).integers(0, 256, (count, width))


def test_known_words(tmp_path) -> None:
    half = 1 << 30 | 512 << 20 | 511 << 10 | 512
    words = np.array([[0, half, 0, 0x00FF00FF], [0xFFFFFFFF, 0, 0xFFFFFFFF, 0xFF0000FF]])
    splats = load_splats(written(tmp_path, packed(words)))
    assert suffix_of(splats) == ".compressed.ply"
    np.testing.assert_allclose(splats.positions, [[-1, -1, -1], [3, 3, 3]])
    np.testing.assert_allclose(splats.scales, np.exp([[-4.0] * 3, [0.0] * 3]), rtol=1e-6)
    np.testing.assert_allclose(splats.colours, [[0.25, 0.75, 0.25], [0.75, 0.25, 0.25]], atol=1e-7)
    np.testing.assert_array_equal(splats.opacities, [1, 1])
    # The largest is x; ten bits in steps of √2 / 1023 stand for w y z.
    step = 0.5 * 2**0.5 / 1023
    np.testing.assert_allclose(splats.rotations[0], [step, 1, -step, step], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(splats.rotations, axis=1), 1, atol=1e-6)


def test_positions_have_eleven_ten_eleven_bits(tmp_path) -> None:
    words = np.zeros((1, 4), np.uint32)
    words[0, 0] = 1 << 21 | 1 << 11 | 1
    splats = load_splats(written(tmp_path, packed(words)))
    np.testing.assert_allclose(splats.positions[0], [-1 + 4 / 2047, -1 + 4 / 1023, -1 + 4 / 2047], rtol=1e-6)


@pytest.mark.parametrize("sh", [None, some_bytes()], ids=["plain", "harmonics"])
@pytest.mark.parametrize("colour_bounds", [True, False], ids=["bounds", "no bounds"])
def test_painting_changes_colours_alone(sh, colour_bounds, tmp_path) -> None:
    data = packed(some_words(), sh, colour_bounds)
    splats = load_splats(written(tmp_path, data))
    target = tmp_path / "b.compressed.ply"
    save_splats(target, splats, splats.colours, 1)
    assert target.read_bytes() == data
    colours = other_colours(splats)
    save_splats(target, splats, colours, 1)
    again = load_splats(target)
    assert np.abs(again.colours - colours).max() <= 0.5 / 255 + 1e-6
    assert same_geometry(splats, again)
    np.testing.assert_array_equal(again.harmonics[:, 1:], splats.harmonics[:, 1:])
    before, after = (s.document.content.tables for s in (splats, again))
    assert splats.document.content.header == again.document.content.header
    for name in WORDS[:3]:
        np.testing.assert_array_equal(before["vertex"][name], after["vertex"][name])
    for name in BOUNDS:
        np.testing.assert_array_equal(before["chunk"][name], after["chunk"][name])


def test_chunks_that_are_not_painted_keep_their_bits(tmp_path) -> None:
    splats = load_splats(written(tmp_path, packed(some_words())))
    colours = splats.colours.copy()
    colours[300:310] = 1.5
    save_splats(tmp_path / "b.compressed.ply", splats, colours, 1)
    before = splats.document.content.tables
    after = load_splats(tmp_path / "b.compressed.ply").document.content.tables
    assert np.flatnonzero(before["chunk"] != after["chunk"]).tolist() == [1]
    changed = np.flatnonzero(before["vertex"] != after["vertex"])
    assert changed.min() >= 256
    assert changed.max() < 512
    assert after["chunk"]["max_r"][1] == 1.5


def test_one_colour_in_a_chunk(tmp_path) -> None:
    splats = load_splats(written(tmp_path, packed(some_words(3))))
    save_splats(tmp_path / "b.compressed.ply", splats, np.full((3, 3), 0.3, np.float32))
    np.testing.assert_allclose(load_splats(tmp_path / "b.compressed.ply").colours, 0.3, atol=1e-7)


def test_specular_scales_bytes_or_drops_them(tmp_path) -> None:
    sh = some_bytes(600, 24)
    splats = load_splats(written(tmp_path, packed(some_words(), sh)))
    assert splats.degree == 2
    level = (sh[0, 8] + 0.5) / 256 * 8 - 4
    np.testing.assert_allclose(splats.harmonics[0, 1, 1], level, rtol=1e-6)
    save_splats(tmp_path / "b.compressed.ply", splats, splats.colours, 0.5)
    again = load_splats(tmp_path / "b.compressed.ply")
    assert np.abs(again.harmonics[:, 1:] - splats.harmonics[:, 1:] / 2).max() <= 8 / 256
    # No byte means 0, so a file without view-dependence has no harmonics.
    save_splats(tmp_path / "c.compressed.ply", splats, splats.colours, 0)
    flat = load_splats(tmp_path / "c.compressed.ply")
    assert flat.degree == 0
    np.testing.assert_array_equal(flat.colours, splats.colours)
    assert b"f_rest" not in (tmp_path / "c.compressed.ply").read_bytes()


def test_a_plain_ply_can_be_made_of_it(tmp_path) -> None:
    splats = load_splats(written(tmp_path, packed(some_words(), some_bytes())))
    save_splats(tmp_path / "b.ply", splats, splats.colours, 1)
    again = load_splats(tmp_path / "b.ply")
    assert suffix_of(again) == ".ply"
    np.testing.assert_array_equal(again.positions, splats.positions)
    np.testing.assert_array_equal(again.harmonics[:, 1:], splats.harmonics[:, 1:])


def test_it_is_made_of_nothing_else(tmp_path) -> None:
    splats = some_splats(4)
    with pytest.raises(ConfigError, match=r"can only be written from \.compressed\.ply; use \.ply"):
        save_splats(tmp_path / "b.compressed.ply", splats, splats.colours)


BAD = {
    "a chunk too few": (packed(some_words(256)).replace(b"vertex 256", b"vertex 257") + bytes(16), "1 chunks for 257"),
    "truncated": (packed(some_words())[:-1], "truncated"),
    "no bounds": (packed(some_words()).replace(b"min_y", b"foo_y"), "has no min_y"),
    "no words": (packed(some_words()).replace(b"packed_scale", b"packed_shape"), "has no packed_scale"),
    "wrong words": (packed(some_words()).replace(b"uint packed_scale", b"float packed_scale"), "not uint"),
    "harmonics of others": (packed(some_words(), some_bytes(599)), "599 rows of 9 harmonics for 600"),
    "odd harmonics": (packed(some_words(), some_bytes(600, 10)), "600 rows of 10"),
    "no splats": (packed(some_words(0)), "no splats"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD)
def test_bad_files_give_one_clear_line(data, message, tmp_path) -> None:
    path = written(tmp_path, data)
    with pytest.raises(InputError, match=message) as caught:
        load_splats(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_specular_of_some_splats_leaves_the_bytes_of_others(tmp_path) -> None:
    splats = load_splats(written(tmp_path, packed(some_words(), some_bytes(600, 24))))
    share = np.resize(np.array([1, 0.5, 0], np.float32), 600)
    save_splats(tmp_path / "b.compressed.ply", splats, splats.colours, share)
    again = load_splats(tmp_path / "b.compressed.ply")
    np.testing.assert_array_equal(again.harmonics[::3], splats.harmonics[::3])
    assert np.abs(again.harmonics[:, 1:] - splats.harmonics[:, 1:] * share[:, None, None]).max() <= 8 / 256
