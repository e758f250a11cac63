""".spz: versions 1 to 4, stored axes, and that only the colour stream changes."""

from __future__ import annotations

import gzip
import importlib.util
import struct
from dataclasses import fields, replace

import numpy as np
import pytest
from splat_samples import differences, other_colours, same_geometry, some_splats, written

from nst3d.errors import InputError
from nst3d.formats.splats.registry import load_splats, save_splats
from nst3d.formats.splats.rows import Rows, flipped
from nst3d.formats.splats.spz_container import NAMES, Spz
from nst3d.representations.splats import Splats

needs_zstd = pytest.mark.skipif(
    importlib.util.find_spec("backports") is None or importlib.util.find_spec("backports.zstd") is None,
    reason="version 4 needs the backports.zstd package",
)
VERSIONS = [1, 2, 3, pytest.param(4, marks=needs_zstd)]

PRECISION = {
    "positions": 2**-21,  # half a step at 20 fractional bits
    "scales": 0.5 / 16,
    "rotations": 0.003,  # three components of 9 bits and a sign
    "opacities": 0.5 / 255,
    "colours": 0.5 / 255 / 0.15 * 0.2821,
    "harmonics": 0.5 / 128,
}
"""The largest difference after one round through version 3 as it is written here."""


def spz_of(splats: Splats, folder, version: int = 3) -> Spz:
    """The streams of a file; versions 1 and 2 get rotations of bytes, 1 positions of half floats."""
    save_splats(folder / "source.spz", splats, splats.colours, 1)
    spz = load_splats(folder / "source.spz").document.content
    streams = dict(spz.streams)
    if version == 1:
        stored = splats.positions * np.array([1, -1, -1])
        streams["positions"] = stored.astype("<f2").tobytes()
    if version < 3:
        w, x, y, z = splats.rotations.T
        turned = np.stack([x, -y, -z], axis=1) * np.where(w < 0, -1, 1)[:, None]
        streams["rotations"] = np.rint((turned + 1) * 127.5).astype(np.uint8).tobytes()
    return replace(spz, version=version, streams=streams)


@pytest.mark.parametrize("degree", [0, 1, 3])
@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_written_is_read(version, degree, tmp_path) -> None:
    splats = some_splats(degree=degree)
    again = load_splats(written(tmp_path, spz_of(splats, tmp_path, version).to_bytes(), "a.spz"))
    assert again.degree == degree
    for name, difference in differences(splats, again).items():
        # Before version 3, w is √(1 − x² − y² − z²): near 0 bytes make that √(6 / 255) wrong.
        loose = 60 if version < 3 and name == "rotations" else 1
        if (version, name) == (1, "positions"):
            loose = 2**11  # half floats below 4: 2⁻¹⁰
        assert difference <= PRECISION[name] * loose + 1e-6, name


@pytest.mark.parametrize("version", VERSIONS)
def test_painting_changes_colours_alone(version, tmp_path) -> None:
    data = spz_of(some_splats(), tmp_path, version).to_bytes()
    splats = load_splats(written(tmp_path, data, "a.spz"))
    save_splats(tmp_path / "b.spz", splats, splats.colours, 1)
    assert (tmp_path / "b.spz").read_bytes() == data
    colours = other_colours(splats)
    save_splats(tmp_path / "b.spz", splats, colours, 1)
    again = load_splats(tmp_path / "b.spz")
    assert np.abs(again.colours - colours).max() <= PRECISION["colours"] + 1e-6
    assert same_geometry(splats, again)
    before, after = splats.document.content, again.document.content
    assert [n for n in NAMES if before.streams[n] != after.streams[n]] == ["colours"]
    assert [n for n in before.packed if before.packed[n] != after.packed[n]] == ["colours"] * (version == 4)


def test_specular_scales_the_harmonics(tmp_path) -> None:
    splats = load_splats(written(tmp_path, spz_of(some_splats(), tmp_path).to_bytes(), "a.spz"))
    save_splats(tmp_path / "b.spz", splats, splats.colours, 0.5)
    half = load_splats(tmp_path / "b.spz")
    assert np.abs(half.harmonics[:, 1:] - splats.harmonics[:, 1:] / 2).max() <= 0.5 / 128
    save_splats(tmp_path / "b.spz", splats, splats.colours, 0)
    assert (load_splats(tmp_path / "b.spz").harmonics[:, 1:] == 0).all()


@pytest.mark.parametrize("system", range(1, 9))
@pytest.mark.parametrize("version", VERSIONS[2:])
def test_axes_that_a_record_names_are_turned(version, system, tmp_path) -> None:
    """Systems 1 to 8 are LDB RDB LUB RUB LDF RDF LUF RUF: signs of right, down, forward."""
    splats = some_splats()
    name = ("LDB", "RDB", "LUB", "RUB", "LDF", "RDF", "LUF", "RUF")[system - 1]
    signs = tuple(1 if letter in "RDF" else -1 for letter in name)
    # What is written is right, up, back: store it so that this comes to lie along the named axes.
    turn = (signs[0], -signs[1], -signs[2])
    rows = flipped(Rows(**{f.name: getattr(splats, f.name) for f in fields(Rows)}), turn)
    spz = spz_of(replace(splats, **vars(rows)), tmp_path, version)
    record = struct.pack("<IIfff", 0xADBE0002, 12, 0, 1, 2) + struct.pack("<III", 0xADBE0003, 4, system)
    path = written(tmp_path, replace(spz, records=record, flags=2).to_bytes(), "a.spz")
    again = load_splats(path)
    for key, difference in differences(splats, again).items():
        assert difference <= PRECISION[key] + 1e-6, key
    save_splats(tmp_path / "b.spz", again, other_colours(again))
    assert load_splats(tmp_path / "b.spz").document.content.records == record


def test_rotated_axes_are_refused(tmp_path) -> None:
    spz = replace(spz_of(some_splats(), tmp_path), records=struct.pack("<III", 0xADBE0003, 4, 10), flags=2)
    with pytest.raises(InputError, match=r"axes are rotated \(system 10\)"):
        load_splats(written(tmp_path, spz.to_bytes(), "a.spz"))


def test_harmonics_of_degree_four_are_kept_but_not_read(tmp_path) -> None:
    spz = spz_of(some_splats(degree=3), tmp_path)
    streams = spz.streams | {"harmonics": np.arange(300 * 72).astype(np.uint8).tobytes()}
    data = replace(spz, degree=4, streams=streams).to_bytes()
    splats = load_splats(written(tmp_path, data, "a.spz"))
    assert splats.degree == 3
    assert "degree 4" in splats.notes[0]
    save_splats(tmp_path / "b.spz", splats, other_colours(splats), 1)
    assert load_splats(tmp_path / "b.spz").document.content.streams["harmonics"] == streams["harmonics"]


def legacy(version=3, count=300, degree=2, magic=b"NGSP", body=b"") -> bytes:
    return gzip.compress(struct.pack("<4sIIBBBx", magic, version, count, degree, 12, 0) + body)


BAD = {
    "version 0": (legacy(0), "version 0 is not supported, only 1 to 4; convert it"),
    "version 9": (legacy(9), "version 9"),
    "degree 7": (legacy(degree=7), "degree 7"),
    "no splats": (legacy(count=0), "no splats"),
    "absurd count": (legacy(count=0xFFFFFFFF), "more than the file can hold"),
    "too few": (legacy(body=bytes(300 * 20)), "its header declares 300 splats"),
    "a bomb": (legacy(count=1, degree=0, body=bytes(1 << 23)), "far more than the 1 splats"),
    "other gzip": (legacy(magic=b"JUNK"), "not a .spz file inside"),
    "short gzip": (gzip.compress(b"NGSP"), "truncated"),
    "no spz": (b"PK\x03\x04 and so on", "starts neither as gzip nor with NGSP"),
    "short header": (b"NGSP\4\0\0\0", "truncated"),
    "a table outside": (
        struct.pack("<4sIIBBBBI12x", b"NGSP", 4, 9, 0, 12, 0, 6, 1 << 30),
        "table of streams",
    ),
    "future version": (struct.pack("<4sIIBBBBI12x", b"NGSP", 5, 9, 0, 12, 0, 6, 32), "version 5"),
}


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD)
def test_bad_files_give_one_clear_line(data, message, tmp_path) -> None:
    path = written(tmp_path, data, "a.spz")
    with pytest.raises(InputError, match=message) as caught:
        load_splats(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_file_cut_short(version, share, tmp_path) -> None:
    data = spz_of(some_splats(), tmp_path, version).to_bytes()
    with pytest.raises(InputError, match="truncated"):
        load_splats(written(tmp_path, data[: int(len(data) * share)], "a.spz"))


@needs_zstd
def test_streams_of_the_wrong_size(tmp_path) -> None:
    spz = spz_of(some_splats(), tmp_path, 4)
    for name, size, message in [
        ("colours", 899, "its colours do not fit 300"),
        ("scales", 901, "its scales"),
    ]:
        data = replace(spz, streams=spz.streams | {name: bytes(size)}).to_bytes()
        with pytest.raises(InputError, match=message):
            load_splats(written(tmp_path, data, "a.spz"))
    honest = spz.with_streams({}).to_bytes()
    swapped = replace(spz, packed={"colours": spz.to_bytes()[-50:]}).to_bytes()
    assert honest != swapped
    with pytest.raises(InputError, match="broken"):
        load_splats(written(tmp_path, swapped, "a.spz"))


@pytest.mark.parametrize("version", [1, 2, 3])
def test_earlier_versions_may_be_unpacked(version, tmp_path) -> None:
    packed = spz_of(some_splats(), tmp_path, version).to_bytes()
    first = load_splats(written(tmp_path, packed, "a.spz"))
    second = load_splats(written(tmp_path, gzip.decompress(packed), "b.spz"))
    assert same_geometry(first, second)
    np.testing.assert_array_equal(first.harmonics, second.harmonics)
    save_splats(tmp_path / "c.spz", second, second.colours, 1)
    assert (tmp_path / "c.spz").read_bytes() == gzip.decompress(packed)  # nothing has changed
