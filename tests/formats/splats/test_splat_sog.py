"""SOG: known pixels, as an archive and unpacked, and that only the colours' picture and codebook change."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from splat_samples import other_colours, same_geometry, some_splats, written

from nst3d.errors import ConfigError, InputError
from nst3d.formats.splats.registry import load_splats, save_splats, suffix_of
from nst3d.formats.splats.sog import codebook_for
from nst3d.formats.splats.sog_fade import faded_palette
from nst3d.formats.splats.sog_parts import SogFiles, encode_webp, zip_members
from nst3d.representations.harmonics import C0

COUNT, SIDE = 30, 6


def some_members(**changes) -> dict[str, bytes]:
    """A scene of 30 splats in pictures of 6 × 6; opacities count up from 0."""
    rng = np.random.default_rng(0)
    pictures = {
        n: rng.integers(0, 256, (SIDE, SIDE, 4)).astype(np.uint8)
        for n in ("means_l", "means_u", "scales", "quats", "sh0", "shN_labels")
    }
    pictures["quats"][..., 3] = 252 + np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 4
    pictures["sh0"][..., 3] = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    pictures["shN_labels"][..., :2] = np.arange(SIDE * SIDE * 2).reshape(SIDE, SIDE, 2) % 3 * [1, 0]
    pictures["shN_centroids"] = rng.integers(0, 256, (1, 64 * 3, 4)).astype(np.uint8)
    book = np.linspace(-2, 2, 256).tolist()
    meta = {
        "version": 2,
        "asset": {"generator": "by hand"},
        "count": COUNT,
        "means": {"mins": [-1, -2, 0], "maxs": [1, 2, 3], "files": ["means_l.webp", "means_u.webp"]},
        "scales": {"codebook": book, "files": ["scales.webp"]},
        "quats": {"files": ["quats.webp"]},
        "sh0": {"codebook": book, "files": ["sh0.webp"]},
        "shN": {"count": 3, "bands": 1, "codebook": book, "files": ["shN_centroids.webp", "shN_labels.webp"]},
    }
    for section, values in changes.items():
        meta[section] = meta[section] | values if isinstance(values, dict) else values
    members = {f"{n}.webp": encode_webp(p) for n, p in pictures.items()}
    return members | {"meta.json": json.dumps(meta).encode()}


def sog(**changes) -> bytes:
    return zip_members(some_members(**changes))


def test_lossless_pictures_keep_colours_under_clear_alpha() -> None:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 4)).astype(np.uint8)
    pixels[..., 3] *= np.arange(7, dtype=np.uint8) % 2
    np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(encode_webp(pixels)))), pixels)


def test_known_pixels(tmp_path) -> None:
    splats = load_splats(written(tmp_path, sog(), "a.sog"))
    rng = np.random.default_rng(0)
    low, high, scales, _, colours, _ = (rng.integers(0, 256, (36, 4)) for _ in range(6))
    share = (low[:30, :3] + 256 * high[:30, :3]) / 65535
    logs = np.array([-1, -2, 0]) + share * [2, 4, 3]
    np.testing.assert_allclose(splats.positions, np.sign(logs) * np.expm1(np.abs(logs)), rtol=1e-6)
    np.testing.assert_allclose(splats.scales, np.exp(scales[:30, :3] / 255 * 4 - 2), rtol=1e-6)
    np.testing.assert_allclose(splats.colours, 0.5 + C0 * (colours[:30, :3] / 255 * 4 - 2), rtol=1e-5)
    np.testing.assert_allclose(splats.opacities, np.arange(30) / 255)
    np.testing.assert_allclose(np.linalg.norm(splats.rotations, axis=1), 1, rtol=1e-6)
    # Alpha 252 leaves out w, 255 z: the largest, and positive.
    assert (splats.rotations[np.arange(30), np.arange(30) % 4] >= 0).all()
    assert splats.degree == 1
    np.testing.assert_array_equal(splats.harmonics[0, 1:], splats.harmonics[3, 1:])
    assert suffix_of(splats) == ".sog"


def test_painting_changes_colours_alone(tmp_path) -> None:
    splats = load_splats(written(tmp_path, sog(), "a.sog"))
    colours = other_colours(splats)
    save_splats(tmp_path / "b.sog", splats, colours, 1)
    again = load_splats(tmp_path / "b.sog")
    # 90 values have room in 256 levels.
    assert np.abs(again.colours - colours).max() <= 0.004
    assert same_geometry(splats, again)
    np.testing.assert_array_equal(again.harmonics[:, 1:], splats.harmonics[:, 1:])
    before, after = (s.document.content.members for s in (splats, again))
    assert list(before) == list(after)
    assert [n for n in before if before[n] != after[n]] == ["sh0.webp", "meta.json"]
    old, new = (json.loads(m["meta.json"]) for m in (before, after))
    old["sh0"]["codebook"] = new["sh0"]["codebook"]
    assert old == new


def test_unpainted_members_are_the_same(tmp_path) -> None:
    splats = load_splats(written(tmp_path, sog(), "a.sog"))
    save_splats(tmp_path / "b.sog", splats, splats.colours, 1)
    assert load_splats(tmp_path / "b.sog").document.content.members == some_members()


def test_specular_scales_the_codebook(tmp_path) -> None:
    splats = load_splats(written(tmp_path, sog(), "a.sog"))
    save_splats(tmp_path / "b.sog", splats, splats.colours, 0.5)
    again = load_splats(tmp_path / "b.sog")
    np.testing.assert_allclose(again.harmonics[:, 1:], splats.harmonics[:, 1:] / 2, rtol=1e-6)
    np.testing.assert_array_equal(again.harmonics[:, 0], splats.harmonics[:, 0])


def test_unpacked(tmp_path) -> None:
    source = load_splats(written(tmp_path, sog(), "a.sog"))
    folder = tmp_path / "scene"
    folder.mkdir()
    paths = save_splats(folder / "meta.json", source, source.colours, 1)
    assert paths[-1] == folder / "meta.json"
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == some_members()
    for path in (folder, folder / "meta.json"):
        assert load_splats(path).document.content.members == some_members()


def test_it_is_made_of_nothing_else(tmp_path) -> None:
    splats = some_splats(4)
    with pytest.raises(ConfigError, match=r"can only be written from \.sog"):
        save_splats(tmp_path / "b.sog", splats, splats.colours)


def test_codebooks() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0, 0.05, 9000), rng.uniform(-3, 3, 300)])
    book = codebook_for(values)
    nearest = book[np.abs(values[:, None] - book).argmin(1)]
    assert book.shape == (256,)
    assert (np.diff(book) >= 0).all()
    even = np.linspace(values.min(), values.max(), 256)
    evenly = even[np.abs(values[:, None] - even).argmin(1)]
    assert ((nearest - values) ** 2).mean() < 0.5 * ((evenly - values) ** 2).mean()
    assert np.abs(nearest - values).max() < 0.1
    few = np.array([0.25, -1.0, 0.25, 3.0])
    assert np.abs(few[:, None] - codebook_for(few)).min(1).max() < 1e-6


def archive(**members: bytes) -> bytes:
    return zip_members({n.replace("_json", ".json"): d for n, d in members.items()})


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("a", "b"):
            file.writestr(name, bytes(40_000_000))
    return buffer.getvalue()


SMALL = {n: d for n, d in some_members().items() if n != "sh0.webp"}
BAD = {
    "no archive": (b"not a zip", "not a SOG scene, broken or truncated"),
    "truncated": (sog()[:-30], "broken or truncated"),
    "a flipped byte": (sog().replace(b"VP8L", b"VP8X", 1), "broken or truncated"),
    "no meta": (archive(readme=b"hello"), "without meta.json"),
    "broken meta": (archive(meta_json=b"{"), "meta.json is broken"),
    "meta of something": (archive(meta_json=b'{"version": 2}'), "not a SOG scene's"),
    "version 1": (sog(version=1), "SOG version 1 is not supported, only 2"),
    "a missing picture": (zip_members(SMALL), "sh0.webp is missing"),
    "a broken picture": (zip_members(SMALL | {"sh0.webp": b"RIFF"}), "sh0.webp is broken"),
    "a file elsewhere": (sog(quats={"files": ["../quats.webp"]}), "refers to files outside its folder"),
    "too many": (sog(count=37), "36 pixels for 37 splats"),
    "absurd count": (sog(count=10**12), "36 pixels for 1000000000000"),
    "no count": (sog(count="many"), "has no count"),
    "none": (sog(count=0), "no splats"),
    "a short codebook": (sog(sh0={"codebook": [0.0] * 9}), "does not have 256 numbers at sh0.codebook"),
    "words for bounds": (sog(means={"mins": ["a", "b", "c"]}), "does not have 3 numbers at means.mins"),
    "odd bands": (sog(shN={"bands": 7}), "shN has 7 bands"),
    "a small palette": (sog(shN={"count": 65}), "does not have 65 entries"),
    "a bomb": (bomb(), "unpack to far more"),
}


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD)
def test_bad_files_give_one_clear_line(data, message, tmp_path) -> None:
    path = written(tmp_path, data, "a.sog")
    with pytest.raises(InputError, match=message) as caught:
        load_splats(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("entries", [3, 64])
def test_specular_of_some_splats_gets_entries_of_its_own(entries, tmp_path) -> None:
    splats = load_splats(written(tmp_path, sog(shN={"count": entries}), "a.sog"))
    share = np.resize(np.array([1, 0.5, 0], np.float32), COUNT)
    save_splats(tmp_path / "b.sog", splats, splats.colours, share)
    again = load_splats(tmp_path / "b.sog")
    np.testing.assert_array_equal(again.harmonics[::3], splats.harmonics[::3])
    expected = splats.harmonics[:, 1:] * share[:, None, None]
    assert np.abs(again.harmonics[:, 1:] - expected).max() <= 2 / 255 + 1e-6


def test_splats_lose_their_harmonics_where_labels_run_out() -> None:
    pictures = {
        "c": np.zeros((1024, 64 * 3, 4), np.uint8),
        "l": np.zeros((1, 4, 4), np.uint8),
    }
    pictures["c"].reshape(-1, 3, 4)[:] = np.arange(1 << 16)[:, None, None] % 251 + 4
    pictures["l"][0, :, 0] = [7, 8, 9, 10]
    section = {"count": 1 << 16, "bands": 1, "codebook": np.arange(256.0).tolist(), "files": ["c", "l"]}
    files = SogFiles({k: encode_webp(v) for k, v in pictures.items()}, {"shN": section}, "full.sog")
    palette, labels, count = faded_palette(files, np.array([1, 0, 0.5, 1]))
    chosen = palette.reshape(-1, 3, 4)[labels[0, :, 0] + 256 * labels[0, :, 1].astype(int)]
    assert count == 1 << 16
    np.testing.assert_array_equal(chosen[..., 0], np.repeat([[11], [4], [4], [14]], 3, axis=1))
