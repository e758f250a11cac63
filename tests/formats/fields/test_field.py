"""Voxel fields in .npz archives: nst3d's own and svox2's."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from npz_samples import field_of, links_of, svox2_arrays, write_npz

from nst3d.errors import InputError, OutputError, TooLargeError
from nst3d.formats.fields.registry import is_field, load_field, save_field
from nst3d.limits import Limits, limited
from nst3d.representations.field import Space
from nst3d.representations.harmonics import C0, basis

OWN = ("links", "density", "harmonics", "up")


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_an_own_field_comes_back_bit_for_bit(tmp_path, degree):
    field = field_of(degree=degree)
    assert save_field(tmp_path / "a.npz", field) == [tmp_path / "a.npz"]
    assert is_field(tmp_path / "a.npz")
    back = load_field(tmp_path / "a.npz")
    for name in OWN:
        assert np.array_equal(getattr(back, name), getattr(field, name))
        assert getattr(back, name).dtype == getattr(field, name).dtype
    for name in ("activation", "background", "capture", "notes"):
        assert getattr(back, name) == getattr(field, name)
    assert back.space.contracted
    assert np.array_equal(back.space.centre, field.space.centre)
    assert np.array_equal(back.space.radius, field.space.radius)
    for one, other in zip(field.cameras, back.cameras, strict=True):
        assert np.array_equal(one.camera_to_world, other.camera_to_world)
        assert replace(one, camera_to_world=other.camera_to_world) == other


def test_a_field_without_cameras_and_notes_comes_back(tmp_path):
    field = field_of(cameras=(), notes=(), capture="")
    back = load_field(*save_field(tmp_path / "a.npz", field))
    assert back.cameras == ()
    assert back.notes == ()
    assert back.capture == ""


def test_the_same_field_gives_the_same_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        save_field(tmp_path / name, field_of())
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_colours_replace_the_constant_terms_alone(tmp_path):
    field = field_of()
    colours = field.colours.copy()
    colours[10:] = np.random.default_rng(1).random((50, 3))
    back = load_field(*save_field(tmp_path / "a.npz", field, colours, specular=0.5))
    assert np.abs(back.colours - colours).max() < 1e-6
    assert np.array_equal(back.harmonics[:10, 0], field.harmonics[:10, 0])
    assert np.array_equal(back.harmonics[:, 1:], field.harmonics[:, 1:] * np.float32(0.5))
    assert np.array_equal(back.density, field.density)


def test_nothing_is_left_behind_where_a_field_cannot_be_written(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        save_field(tmp_path / "missing" / "a.npz", field_of())
    assert list(tmp_path.iterdir()) == []


def test_a_svox2_field_is_placed_as_svox2_places_it(tmp_path):
    arrays = svox2_arrays()
    field = load_field(write_npz(tmp_path / "a.npz", arrays))
    shape = np.array(arrays["links"].shape)
    nodes = np.argwhere(arrays["links"] >= 0)
    # Its grid2world: nodes × 2 radius / shape + radius (1 / shape − 1) + centre.
    world = nodes * (2 * arrays["radius"] / shape) + arrays["radius"] * (1 / shape - 1) + arrays["center"]
    assert np.abs(field.space.to_world(nodes, field.links.shape) - world).max() < 1e-6
    assert np.abs(field.space.to_grid(world, field.links.shape) - nodes).max() < 1e-6
    assert field.activation == "relu"
    assert field.links.min() == -1
    assert np.array_equal(field.links >= 0, arrays["links"] >= 0)
    assert np.array_equal(field.density, arrays["density_data"][:, 0])


def test_a_svox2_field_has_the_colours_that_svox2_shows(tmp_path):
    arrays = svox2_arrays()
    field = load_field(write_npz(tmp_path / "a.npz", arrays))
    direction = np.array([0.6, 0.0, 0.8])
    rows = arrays["sh_data"].astype(np.float64).reshape(40, 3, 9)
    expected = (rows * basis(direction, 2)).sum(-1) + 0.5
    assert np.abs(np.einsum("nkc,k->nc", field.harmonics, basis(direction, 2)) + 0.5 - expected).max() < 1e-6
    assert np.abs(field.colours - (rows[:, :, 0] * C0 + 0.5)).max() < 1e-6


@pytest.mark.parametrize("bases", [1, 4, 9, 16])
@pytest.mark.parametrize("precision", [np.float16, np.float32])
def test_an_unpainted_svox2_field_is_written_back_bit_for_bit(tmp_path, bases, precision):
    arrays = svox2_arrays(bases=bases)
    arrays["sh_data"] = arrays["sh_data"].astype(precision)
    field = load_field(write_npz(tmp_path / "a.npz", arrays))
    save_field(tmp_path / "b.npz", field, field.colours)
    with np.load(tmp_path / "a.npz") as before, np.load(tmp_path / "b.npz") as after:
        assert before.files == after.files
        for name in before.files:
            assert before[name].dtype == after[name].dtype
            assert before[name].tobytes() == after[name].tobytes()


def test_painting_a_svox2_field_changes_nothing_but_colours(tmp_path):
    arrays = svox2_arrays(bases=16)
    field = load_field(write_npz(tmp_path / "a.npz", arrays))
    assert len(field.notes) == 3  # up and background, degree, background layers
    colours = np.random.default_rng(1).random((40, 3)).astype(np.float32)
    save_field(tmp_path / "b.npz", field, colours, specular=0.0)
    with np.load(tmp_path / "b.npz") as after:
        for name in arrays:
            if name != "sh_data":
                assert np.asarray(arrays[name]).tobytes() == after[name].tobytes()
        rows = after["sh_data"].reshape(40, 3, 16)
        assert rows.dtype == np.float16
        assert not rows[:, :, 1:].any()
    assert np.abs(load_field(tmp_path / "b.npz").colours - colours).max() < 5e-4


def test_a_compressed_svox2_archive_stays_compressed(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", **svox2_arrays())
    save_field(tmp_path / "b.npz", load_field(tmp_path / "a.npz"))
    with zipfile.ZipFile(tmp_path / "b.npz") as archive:
        assert all(i.compress_type == zipfile.ZIP_DEFLATED for i in archive.infolist())


def test_other_archives_are_no_fields(tmp_path):
    write_npz(tmp_path / "a.npz", {"images": np.zeros((1, 2, 2, 3)), "poses": np.zeros((1, 4, 4))})
    (tmp_path / "a.ply").write_bytes(b"ply\n")
    assert not is_field(tmp_path / "a.npz")
    assert not is_field(tmp_path / "a.ply")
    assert not is_field(tmp_path / "missing.npz")
    assert not is_field(tmp_path)
    with pytest.raises(InputError, match="contains images, poses"):
        load_field(tmp_path / "a.npz")


def own_arrays(tmp_path: Path) -> dict[str, np.ndarray]:
    save_field(tmp_path / "own.npz", field_of())
    with np.load(tmp_path / "own.npz") as arrays:
        return dict(arrays)


def nan_at(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flat[0] = np.nan
    return array


OWN_ERRORS = {
    "missing array": (lambda a: {"density": None}, "without density"),
    "other version": (lambda a: {"nst3d_field": np.int64(9)}, "version 9"),
    "wrong shape": (lambda a: {"harmonics": a["harmonics"][:, :, :2]}, "harmonics is"),
    "wrong kind": (lambda a: {"links": a["links"].astype(np.float32)}, "links is"),
    "no degree": (lambda a: {"harmonics": a["harmonics"][:, :5]}, "1, 4 or 9"),
    "fewer densities": (lambda a: {"density": a["density"][1:]}, "harmonics are"),
    "nan density": (lambda a: {"density": nan_at(a["density"])}, "1 of 60 values of density"),
    "nan harmonics": (lambda a: {"harmonics": nan_at(a["harmonics"])}, "of harmonics are not finite"),
    "row beyond": (lambda a: {"links": np.where(a["links"] == 5, 77, a["links"])}, "row 77"),
    "row twice": (lambda a: {"links": np.where(a["links"] == 5, 6, a["links"])}, "that is already linked"),
    "row unused": (lambda a: {"links": np.where(a["links"] == 5, -1, a["links"])}, "to 1 of its 60"),
    "flat grid": (lambda a: {"links": a["links"][:1]}, "each side must have"),
    "no radius": (lambda a: {"radius": np.zeros(3)}, "do not define a grid"),
    "nan centre": (lambda a: {"centre": np.full(3, np.nan)}, "do not define a grid"),
    "oblong contraction": (lambda a: {"radius": np.array([1.0, 2, 1])}, "differs between axes"),
    "activation": (lambda a: {"activation": np.array("exp")}, "expected relu or softplus"),
    "lengths": (lambda a: {"camera_sizes": a["camera_sizes"][1:]}, "different lengths"),
    "no focal": (lambda a: {"camera_optics": a["camera_optics"] * 0}, "no focal length"),
    "nan pose": (lambda a: {"camera_poses": nan_at(a["camera_poses"])}, "camera_poses are not finite"),
    "lens": (lambda a: {"camera_lenses": a["camera_lenses"] + 5}, "unknown lens"),
    "empty": (
        lambda a: {"links": a["links"] * 0 - 1, "density": a["density"][:0], "harmonics": a["harmonics"][:0]},
        "is empty",
    ),
}


@pytest.mark.parametrize("case", OWN_ERRORS)
def test_an_inconsistent_own_field_gives_one_clear_line(tmp_path, case):
    change, words = OWN_ERRORS[case]
    arrays = own_arrays(tmp_path)
    path = write_npz(tmp_path / "bad.npz", arrays | change(arrays))
    with pytest.raises(InputError, match=words) as caught:
        load_field(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


SVOX2_ERRORS = {
    "no densities": ({"density_data": None}, "without density_data"),
    "learned basis": ({"basis_type": 4}, "a learned texture"),
    "network": ({"basis_type": 255}, "a network"),
    "early learned basis": ({"basis_data": np.zeros((2, 2, 2, 9), np.float32)}, "a learned texture"),
    "columns": ({"sh_data": np.zeros((40, 26), np.float16)}, "26 columns"),
    "density rows": ({"density_data": np.zeros((39, 1), np.float32)}, "39 densities for 40"),
    "capacity": ({"links": links_of((4, 5, 6), 41)}, "row 40"),
    "radius": ({"radius": np.array([1.0, -1, 1], np.float32)}, "do not define a grid"),
    "center": ({"center": np.zeros(2)}, "expected 3 numbers"),
    "inf": ({"sh_data": np.full((40, 27), np.inf, np.float16)}, "1080 of 1080 values of sh_data"),
}


@pytest.mark.parametrize("case", SVOX2_ERRORS)
def test_a_broken_svox2_field_gives_one_clear_line(tmp_path, case):
    change, words = SVOX2_ERRORS[case]
    with pytest.raises(InputError, match=words):
        load_field(write_npz(tmp_path / "bad.npz", svox2_arrays() | change))


def test_pickles_are_not_loaded(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was executed",))

    np.savez(tmp_path / "a.npz", nst3d_field=np.array([Trap()], dtype=object))
    with pytest.raises(InputError, match="never loaded"):
        load_field(tmp_path / "a.npz")


def header_alone(path: Path, name: str, shape: tuple[int, ...], extra: bytes = b"") -> None:
    """Append an array of zeros of which there is only the header (and `extra` bytes)."""
    with zipfile.ZipFile(path, "a") as archive, archive.open(f"{name}.npy", "w") as file:
        declared = {"descr": "<i4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, declared)
        file.write(extra)


def test_an_array_that_is_shorter_than_announced_is_not_allocated(tmp_path):
    path = write_npz(tmp_path / "a.npz", svox2_arrays(links=None))
    header_alone(path, "links", (2**20, 2**20, 2**20), b"\0" * 64)
    with pytest.raises(InputError, match="links declares 4611686018427387904 bytes but has 64"):
        load_field(path)


def test_a_grid_that_needs_too_much_memory_is_not_loaded(tmp_path):
    path = write_npz(tmp_path / "a.npz", svox2_arrays())
    with limited(Limits(memory=4000 / 2**30)), pytest.raises(TooLargeError, match=r"4 x 5 x 6 with 40 nodes"):
        load_field(path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_an_archive_cut_short_is_told(tmp_path, share):
    path = write_npz(tmp_path / "a.npz", svox2_arrays())
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match="broken or truncated"):
        load_field(path)


@pytest.mark.parametrize("header", [b"{'descr': (", b"{'descr'", b"{'shape': 1e999}", b"\x00" * 8, b"{1: }"])
def test_a_damaged_header_is_told(tmp_path, header):
    text = header.ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("links.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
    with pytest.raises(InputError, match=r"a\.npz"):
        load_field(tmp_path / "a.npz")


def test_damaged_bytes_are_told(tmp_path):
    told = 0
    for seed in range(40):
        path = write_npz(tmp_path / "a.npz", svox2_arrays())
        data = bytearray(path.read_bytes())
        rng = np.random.default_rng(seed)
        for place in rng.integers(0, len(data), 5):
            data[place] ^= int(rng.integers(1, 256))
        path.write_bytes(data)
        try:
            load_field(path)
        except InputError:
            told += 1
    assert told > 20  # what is left hit names or times that nobody reads


def test_files_that_are_missing_or_no_archives_are_told(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"hello")
    with pytest.raises(InputError, match=r"not an \.npz archive"):
        load_field(tmp_path / "a.npz")
    with pytest.raises(InputError, match="no such file"):
        load_field(tmp_path / "missing.npz")
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("links.txt", "hello")
    with pytest.raises(InputError, match=r"contains 'links.txt'"):
        load_field(tmp_path / "b.npz")


def test_a_space_is_not_contracted_where_svox2_made_it(tmp_path):
    field = load_field(write_npz(tmp_path / "a.npz", svox2_arrays()))
    assert isinstance(field.space, Space)
    assert not field.space.contracted
