"""MagicaVoxel files: what they show, and what is written back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from vox_samples import chunk, group, ints, material, model, rgba, shape, text, transform, vox

from nst3d.errors import ConfigError, InputError
from nst3d.formats.mesh_files import load_mesh, save_mesh
from nst3d.formats.voxels.vox import load_vox, save_vox
from nst3d.formats.voxels.vox_palette import default_palette
from nst3d.representations.mesh import Mesh
from nst3d.representations.paint import VertexPaint
from nst3d.representations.subdivide import paint_vertices

BAR = model((3, 1, 1), [(2, 0, 0, 7), (0, 0, 0, 9), (1, 0, 0, 7)])
COLOURS = rgba({7: (255, 0, 0), 9: (0, 128, 255)})


def write(path: Path, *chunks: bytes) -> Path:
    path.write_bytes(vox(*chunks))
    return path


def painted(mesh: Mesh, seed: int = 0, levels: int = 256) -> tuple[VertexPaint, np.ndarray]:
    paint = paint_vertices(mesh, np.inf, 0)
    table = np.random.default_rng(seed).integers(0, levels, (paint.num_colours, 3)) * (255 // (levels - 1))
    return paint, (table / 255).astype(np.float32)


def placed(mesh: Mesh, number: int = 0) -> np.ndarray:
    instance = mesh.instances[number]
    return mesh.parts[instance.part].vertices @ instance.transform[:3, :3].T + instance.transform[:3, 3]


def test_voxels_have_their_palette_colours(tmp_path):
    mesh = load_mesh(write(tmp_path / "a.vox", BAR, COLOURS))
    (part,) = mesh.parts
    assert mesh.up == (0, 0, 1)
    assert mesh.notes == ()
    assert part.num_paint_rows == 3
    assert mesh.num_faces == 2 * 14
    for row, (x, colour) in enumerate([(2, (1, 0, 0)), (0, (0, 128 / 255, 1)), (1, (1, 0, 0))]):
        here = part.cells == row
        assert part.vertices[here][:, 0].min() == x
        assert np.allclose(part.colours[here], colour)


def test_the_default_palette_is_magicavoxels():
    palette = default_palette()
    assert palette.shape == (256, 4)
    assert palette[0].tolist() == [0, 0, 0, 0]
    # As its format description lists them: 0xAABBGGRR.
    for index, code in {
        1: 0xFFFFFFFF, 2: 0xFFCCFFFF, 6: 0xFF00FFFF, 7: 0xFFFFCCFF, 37: 0xFFFFFFCC, 215: 0xFF330000,
        216: 0xFF0000EE, 225: 0xFF000011, 226: 0xFF00EE00, 236: 0xFFEE0000, 246: 0xFFEEEEEE, 255: 0xFF111111,
    }.items():  # fmt: skip
        assert palette[index].tolist() == list(code.to_bytes(4, "little"))


def test_painting_changes_colour_indices_and_palette_alone(tmp_path):
    extra = [chunk(b"NOTE", b"hello"), chunk(b"IMAP", bytes(range(256))), chunk(b"rOBJ", ints(0))]
    path = write(tmp_path / "a.vox", chunk(b"PACK", ints(1)), BAR, extra[0], COLOURS, *extra[1:])
    path.write_bytes(path.read_bytes() + b"trailing")
    mesh = load_vox(path)
    paint, colours = painted(mesh)
    assert save_vox(tmp_path / "b.vox", mesh, paint, colours) == [tmp_path / "b.vox"]
    before, after = path.read_bytes(), (tmp_path / "b.vox").read_bytes()
    changed = np.flatnonzero(np.frombuffer(before, np.uint8) != np.frombuffer(after, np.uint8))
    voxels, table = before.index(b"XYZI") + 16, before.index(b"RGBA") + 12
    allowed = {voxels + 4 * k + 3 for k in range(3)} | {
        table + 4 * k + c for k in range(255) for c in range(3)
    }
    assert len(before) == len(after)
    assert set(changed.tolist()) <= allowed
    # The entries that were used come first: no other one is replaced but for the third colour.
    assert {(int(at) - table) // 4 + 1 for at in changed if at >= table} == {1, 7, 9}
    back = load_vox(tmp_path / "b.vox")
    assert np.abs(back.parts[0].colours - colours[back.parts[0].cells]).max() < 1e-6


def test_an_unpainted_file_stays_byte_for_byte(tmp_path):
    path = write(tmp_path / "a.vox", BAR, COLOURS)
    mesh = load_vox(path)
    own = np.array([(1, 0, 0), (0, 128 / 255, 1), (1, 0, 0)], np.float32)
    save_vox(tmp_path / "b.vox", mesh, paint_vertices(mesh, np.inf, 0), own)
    assert (tmp_path / "b.vox").read_bytes() == path.read_bytes()


def test_a_file_without_a_palette_gets_one(tmp_path):
    path = write(tmp_path / "a.vox", BAR)
    path.write_bytes(path.read_bytes() + b"trailing")
    mesh = load_vox(path)
    assert np.allclose(mesh.parts[0].colours[mesh.parts[0].cells == 0], default_palette()[7, :3] / 255)
    paint, colours = painted(mesh)
    save_vox(tmp_path / "b.vox", mesh, paint, colours)
    data = (tmp_path / "b.vox").read_bytes()
    assert data.endswith(b"trailing")
    back = load_vox(tmp_path / "b.vox")
    assert np.abs(back.parts[0].colours - colours[back.parts[0].cells]).max() < 1e-6


def test_many_colours_are_brought_to_255(tmp_path):
    cells = np.argwhere(np.random.default_rng(0).random((16, 16, 16)) < 0.3)
    voxels = np.concatenate([cells, np.ones((len(cells), 1), int)], axis=1)
    mesh = load_vox(write(tmp_path / "a.vox", model((16, 16, 16), voxels), COLOURS))
    paint, colours = painted(mesh)
    smooth = 0.5 + 0.3 * np.sin(colours * 3)
    save_vox(tmp_path / "b.vox", mesh, paint, smooth.astype(np.float32))
    back = load_vox(tmp_path / "b.vox")
    error = back.parts[0].colours - smooth[back.parts[0].cells]
    assert np.sqrt(np.square(error).mean()) < 0.02
    assert len(np.unique(back.parts[0].colours, axis=0)) <= 255
    assert np.array_equal(back.document.models[0].cells, mesh.document.models[0].cells)


def test_voxels_inside_and_entries_without_a_colour_are_minded(tmp_path):
    cells = np.argwhere(np.ones((3, 3, 3)))
    voxels = np.concatenate([cells, np.full((27, 1), 4)], axis=1)
    voxels[5, 3] = 0  # no voxel
    path = write(tmp_path / "a.vox", model((3, 3, 3), voxels), COLOURS)
    mesh = load_vox(path)
    assert mesh.parts[0].num_paint_rows == 25
    paint, _ = painted(mesh)
    save_vox(tmp_path / "b.vox", mesh, paint, np.full((25, 3), 0.2, np.float32))
    (after,) = load_vox(tmp_path / "b.vox").document.models
    assert after.indices[5] == 0
    assert set(np.delete(after.indices, 5).tolist()) == {4}  # the one inside too


def test_voxels_keep_their_material(tmp_path):
    glass = {"_type": "_glass", "_alpha": "0.5"}
    looks = [material(k, **glass) for k in (10, 11)] + [material(12, _type="_emit")]
    looks += [material(7, _type="_diffuse", _weight="0.3"), material(300, _type="_glass")]
    voxels = [(x, 0, 0, index) for x, index in enumerate([10] * 4 + [12] * 4 + [7] * 4)]
    mesh = load_vox(write(tmp_path / "a.vox", model((12, 1, 1), voxels), COLOURS, *looks))
    paint, colours = painted(mesh)
    save_vox(tmp_path / "b.vox", mesh, paint, colours)
    (after,) = load_vox(tmp_path / "b.vox").document.models
    assert set(after.indices[:4].tolist()) == {10, 11}
    assert set(after.indices[4:8].tolist()) == {12}
    assert not {10, 11, 12} & set(after.indices[8:].tolist())
    assert len(set(after.indices[8:].tolist())) == 4


def test_old_materials_count_too(tmp_path):
    metal = chunk(b"MATT", ints(9, 1, 0, 0))
    mesh = load_vox(write(tmp_path / "a.vox", BAR, COLOURS, metal, chunk(b"MATT", ints(7, 0, 0, 0))))
    assert mesh.document.materials[9] > 0
    assert mesh.document.materials[7] == 0


SCENE = (
    model((3, 2, 1), [(0, 0, 0, 7), (1, 0, 0, 7), (2, 0, 0, 7), (0, 1, 0, 9)]),
    model((1, 1, 1), [(0, 0, 0, 9)]),
    transform(0, 1),
    group(1, 2, 4, 6),
    transform(2, 3, frame={"_t": "10 20 30"}, _name="table"),
    shape(3, 0),
    # x' = −y, y' = x, z' = z
    transform(4, 3, frame={"_t": "0 0 5", "_r": str(1 | 0 << 2 | 1 << 4)}),
    transform(6, 7, layer=3),
    shape(7, 1),
    COLOURS,
)


def test_models_stand_where_the_scene_has_them(tmp_path):
    mesh = load_vox(write(tmp_path / "a.vox", *SCENE))
    assert len(mesh.parts) == 2
    assert [i.name for i in mesh.instances] == ["table", "model 0", "model 1"]
    # Models turn about the corner at half their size, rounded down: (1, 1, 0).
    assert placed(mesh, 0).min(0).tolist() == [9, 19, 30]
    assert placed(mesh, 0).max(0).tolist() == [12, 21, 31]
    assert placed(mesh, 1).min(0).tolist() == [-1, -1, 5]
    assert placed(mesh, 1).max(0).tolist() == [1, 2, 6]
    assert placed(mesh, 2).min(0).tolist() == [0, 0, 0]
    # The voxel at (0, 1, 0) went to −y = 0 … −1, x = −1 … 0.
    lone = mesh.parts[0].cells == 3
    assert placed(mesh, 1)[lone].min(0).tolist() == [-1, -1, 5]


def test_the_rotation_of_the_format_description(tmp_path):
    code = (1 << 0) | (2 << 2) | (0 << 4) | (1 << 5) | (1 << 6)
    scene = (model((1, 1, 1), [(0, 0, 0, 1)]), transform(0, 1, frame={"_r": str(code)}), shape(1, 0))
    mesh = load_vox(write(tmp_path / "a.vox", *scene))
    assert mesh.instances[0].transform[:3, :3].tolist() == [[0, 1, 0], [0, 0, -1], [-1, 0, 0]]


def test_hidden_layers_are_left_out_and_keep_their_colours(tmp_path):
    hidden = chunk(b"LAYR", ints(3, 1) + text("_hidden") + text("1") + ints(-1))
    mesh = load_vox(write(tmp_path / "a.vox", *SCENE, hidden))
    assert len(mesh.parts) == 1
    assert mesh.notes == ("models hidden in the scene, which keep their colours: 1",)
    paint, colours = painted(mesh)
    save_vox(tmp_path / "b.vox", mesh, paint, colours)
    after = load_vox(tmp_path / "b.vox").document
    assert np.allclose(after.palette[after.models[1].indices[0], :3], (0, 128, 255))


def test_a_scene_that_is_all_hidden_is_painted_nevertheless(tmp_path):
    scene = (BAR, transform(0, 1, _hidden="1"), shape(1, 0))
    mesh = load_vox(write(tmp_path / "a.vox", *scene))
    assert "anyway" in mesh.notes[0]


def test_models_without_a_scene_stand_side_by_side(tmp_path):
    mesh = load_vox(write(tmp_path / "a.vox", chunk(b"PACK", ints(2)), BAR, BAR, COLOURS))
    assert placed(mesh, 0)[:, 0].max() < placed(mesh, 1)[:, 0].min()
    assert mesh.notes == ("models without a scene, painted side by side",)


def test_an_animation_is_told(tmp_path):
    two = chunk(b"nSHP", ints(1, 0, 2, 0) + attributes_of_frame(0) + ints(1) + attributes_of_frame(5))
    mesh = load_vox(write(tmp_path / "a.vox", BAR, BAR, transform(0, 1), two))
    assert len(mesh.parts) == 1
    assert any("first frame" in note for note in mesh.notes)


def attributes_of_frame(number: int) -> bytes:
    return ints(1) + text("_f") + text(str(number))


def test_painted_voxels_go_into_other_formats_too(tmp_path):
    mesh = load_vox(write(tmp_path / "a.vox", *SCENE))
    paint, colours = painted(mesh, levels=2)
    for name in ("b.glb", "b.ply", "b.obj"):
        save_mesh(tmp_path / name, mesh, paint, colours)
        back = load_mesh(tmp_path / name)
        assert back.num_faces == mesh.num_faces
    glb = load_mesh(tmp_path / "b.glb")
    assert np.abs(glb.parts[0].colours - paint.at_vertices(0, colours)).max() < 1e-4


def test_only_voxels_are_written(tmp_path):
    mesh = load_vox(write(tmp_path / "a.vox", BAR))
    paint, colours = painted(mesh)
    save_mesh(tmp_path / "b.ply", mesh, paint, colours)
    other = load_mesh(tmp_path / "b.ply")
    with pytest.raises(ConfigError, match="stores only voxels"):
        save_mesh(tmp_path / "c.vox", other, paint_vertices(other, np.inf, 0), other.parts[0].colours)


ERRORS = {
    "other magic": (b"RIFF" + vox(BAR)[4:], "does not start with 'VOX '"),
    "no MAIN": (b"VOX " + ints(150), "expected a MAIN chunk"),
    "no voxels": (vox(model((1, 1, 1), [])), "holds no voxels"),
    "no model": (vox(COLOURS), "holds no voxels"),
    "all empty": (vox(model((1, 1, 1), [(0, 0, 0, 0)])), "holds no voxels"),
    "huge size": (vox(chunk(b"SIZE", ints(100000, 1, 2**31 - 1)), BAR), "100000 x 1 x 2147483647"),
    "negative size": (vox(chunk(b"SIZE", ints(-1, 1, 1))), "-1 x 1 x 1"),
    "outside": (vox(model((2, 1, 1), [(0, 0, 0, 1), (2, 0, 0, 1)])), "1 of 2 voxels are outside"),
    "no size": (vox(chunk(b"XYZI", ints(0))), "without a preceding SIZE"),
    "count": (
        vox(chunk(b"SIZE", ints(1, 1, 1)), chunk(b"XYZI", ints(2**30))),
        "declares 1073741824 entries",
    ),
    "negative count": (vox(chunk(b"SIZE", ints(1, 1, 1)), chunk(b"XYZI", ints(-5))), "declares -5 entries"),
    "short chunk": (vox(chunk(b"SIZE", ints(1))), "ends too early"),
    "beyond": (vox(b"SIZE" + ints(2**30, 0) + bytes(12)), "extends beyond the end of MAIN"),
    "no node": (vox(BAR, transform(0, 5)), "a missing node 5"),
    "no such model": (vox(BAR, transform(0, 1), shape(1, 3)), "refers to model 3 of 1"),
    "loop": (vox(BAR, transform(0, 1), group(1, 2), transform(2, 1)), "or a loop"),
    "no root": (vox(BAR, transform(2, 1), group(1, 2)), "shows no voxels"),
    "rotation": (vox(BAR, transform(0, 1, frame={"_r": "0"}), shape(1, 0)), "has rotation 0"),
    "words": (vox(BAR, transform(0, 1, frame={"_t": "a b c"}), shape(1, 0)), "is not a number"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_a_broken_file_gives_one_clear_line(tmp_path, case):
    data, words = ERRORS[case]
    path = tmp_path / "a.vox"
    path.write_bytes(data)
    with pytest.raises(InputError, match=words) as caught:
        load_vox(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_file_cut_short_anywhere_is_told(tmp_path):
    data = vox(*SCENE)
    for length in range(0, len(data), 37):
        (tmp_path / "a.vox").write_bytes(data[:length])
        with pytest.raises(InputError):
            load_mesh(tmp_path / "a.vox")


def test_damaged_bytes_are_told_or_read(tmp_path):
    data, told = vox(*SCENE), 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        bad = bytearray(data)
        for place in rng.integers(0, 700, 3):
            bad[place] = int(rng.integers(0, 256))
        (tmp_path / "a.vox").write_bytes(bad)
        try:
            load_mesh(tmp_path / "a.vox")
        except InputError:
            told += 1
    assert 0 < told < 300


def test_too_many_sides_are_not_built(tmp_path, monkeypatch):
    monkeypatch.setattr("nst3d.formats.voxels.block_mesh._MOST_SIDES", 13)
    with pytest.raises(InputError, match="have 14 exposed faces, at most 13"):
        load_vox(write(tmp_path / "a.vox", BAR))
