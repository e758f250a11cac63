"""OBJ: what is read, what a save keeps, and that coordinates survive exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from nst3d.errors import InputError, OutputError
from nst3d.formats.meshes.mtl import MapOptions, parse_mtl, repaint_mtl, split_map
from nst3d.formats.meshes.obj_read import load_obj
from nst3d.formats.meshes.obj_write import save_obj
from nst3d.images.io import read_image, write_image
from nst3d.images.levels import from_bytes
from nst3d.limits import Limits, limited
from nst3d.representations.mesh import Instance, Mesh
from nst3d.representations.paint import TexturePaint, TextureSlot, VertexPaint
from nst3d.tensors import ImageSize

SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
TWO_COLOURS = (
    "# a box lid\nmtllib lid.mtl\no lid\n" + SQUARE + "vn 0 0 1\ns 1\nusemtl red side\nf 1/1/1 2/2/1 3/3/1\n"
    "g right\nusemtl blue\nf 1/1/1 3/3/1 4/4/1\n"
)
LIBRARY = "newmtl red side\nKd 1 0 0\nKs 0.5 0.5 0.5\nmap_Bump dents.png\n\nnewmtl blue\nKd 0 0 1\nillum 2\n"


def written(folder: Path, text: str, name: str = "a.obj") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def own_paint(mesh: Mesh) -> tuple[TexturePaint, np.ndarray]:
    """A slot for each part, on the parts' own UVs, and colours that 8 bits hold exactly."""
    size, rows = ImageSize(2, 3), 6
    slots = tuple(
        TextureSlot(f"slot {k}", size, k * rows, ("repeat", "repeat"), (p.material,), None)
        for k, p in enumerate(mesh.parts)
    )
    uvs = tuple(np.zeros((len(p.faces), 3, 2)) if p.uvs is None else p.uvs for p in mesh.parts)
    paint = TexturePaint(slots, tuple(range(len(slots))), uvs, (False,) * len(slots))
    levels = np.random.default_rng(0).integers(0, 256, (paint.num_colours, 3))
    return paint, (levels / 255).astype(np.float32)


def test_groups_by_material_in_the_order_of_use(tmp_path: Path) -> None:
    written(tmp_path, LIBRARY, "lid.mtl")
    mesh = load_obj(written(tmp_path, TWO_COLOURS))
    assert [m.name for m in mesh.materials] == ["red side", "blue"]
    assert [m.factor for m in mesh.materials] == [(1, 0, 0), (0, 0, 1)]
    assert [p.faces.tolist() for p in mesh.parts] == [[[0, 1, 2]], [[0, 1, 2]]]
    np.testing.assert_array_equal(mesh.parts[1].uvs, [[[0, 0], [1, 1], [0, 1]]])
    np.testing.assert_array_equal(mesh.parts[0].normals, [[0, 0, 1]] * 3)
    assert mesh.notes == ()


def test_negative_indices_count_from_their_own_line(tmp_path: Path) -> None:
    text = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\nv 5 0 0\nv 6 0 0\nv 5 1 0\nf -3//  -2// -1//\n"
    mesh = load_obj(written(tmp_path, text.replace("//  ", "// ")))
    np.testing.assert_array_equal(mesh.parts[0].faces, [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize(
    "text",
    [
        SQUARE.replace("\n", "\r\n") + "f 1/1 2/2 3/3 4/4\r\n",
        "  " + SQUARE.replace("\n", " # note\n\t") + "f 1/1 2/2 \\\n 3/3 4/4",
        "\ufeff" + SQUARE.replace("v 0 0 0", "v 0 0 0 1.0") + "f 1/1 2/2 3/3 4/4",
    ],
    ids=["crlf", "indents, comments, continuation, no last newline", "bom and w"],
)
def test_spellings_of_the_same_square(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.obj"
    path.write_bytes(text.encode())
    part = load_obj(path).parts[0]
    np.testing.assert_array_equal(part.vertices, [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    np.testing.assert_array_equal(part.uvs, part.vertices[part.faces][..., :2])


def test_vertices_split_at_normals_but_not_at_uvs(tmp_path: Path) -> None:
    fold = SQUARE + "vn 0 0 1\nvn 0 1 0\nvn 0 0 2\nf 1/1/1 2/2/1 3/3/1\nf 1/2/{n} 3/1/{n} 4/4/{n}\n"
    smooth = load_obj(written(tmp_path, fold.format(n=1))).parts[0]
    assert len(smooth.vertices) == 4
    creased = load_obj(written(tmp_path, fold.format(n=2))).parts[0]
    assert len(creased.vertices) == 6
    np.testing.assert_array_equal(creased.normals[creased.faces[1]], [[0, 1, 0]] * 3)


def test_vertex_colours_and_those_that_are_not_numbers(tmp_path: Path) -> None:
    text = "v 0 0 0 1 0 0\nv 1 0 0 0 1 0\nv 0 1 0 nan nan nan\nf 1 2 3\n"
    mesh = load_obj(written(tmp_path, text))
    np.testing.assert_array_equal(mesh.parts[0].colours, [[1, 0, 0], [0, 1, 0], [0.5, 0.5, 0.5]])
    assert mesh.materials[0].factor == (1, 1, 1)
    assert any(n.endswith("set to mid grey: 1") for n in mesh.notes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no faces, it is empty"),
        ("v 0 0 0\nv 1 0 0\n", "points or lines alone"),
        ("v 0 0 0\nv 1 x 0\nf 1 2 1\n", "'1 x 0'"),
        ("v 0 0\nv 1 0 0\nf 1 2 1\n", "fewer than 3 coordinates"),
        (SQUARE + "f 1 2 9\n", "a missing vertex"),
        (SQUARE + "f 1 2 -9\n", "a missing vertex"),
        (SQUARE + "f 1 2 0\n", "a missing vertex"),
        (SQUARE + "f 1 2 3/1x\n", "expected numbers"),
        (SQUARE + "f 1 2\n", "no faces"),
        (SQUARE + "f 1 1 2\n", "no faces that can be painted"),
        ("v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "1 of 1 faces use vertices that are not finite"),
    ],
)
def test_broken_files_give_one_line(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(InputError) as error:
        load_obj(written(tmp_path, text))
    assert expected in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "a.obj"))
    assert "\n" not in str(error.value)


def test_missing_files_become_grey_and_are_noted(tmp_path: Path) -> None:
    mesh = load_obj(written(tmp_path, TWO_COLOURS))
    assert [m.factor for m in mesh.materials] == [(0.5, 0.5, 0.5)] * 2
    assert any("'lid.mtl' was not found" in n for n in mesh.notes)
    written(tmp_path, LIBRARY + "map_Kd gone.png\n", "lid.mtl")
    mesh = load_obj(tmp_path / "a.obj")
    assert [m.factor for m in mesh.materials] == [(1, 0, 0), (0.5, 0.5, 0.5)]
    assert mesh.notes == ("texture 'gone.png' was not found beside the mesh; using mid grey",)


@pytest.mark.parametrize(
    "name",
    [
        "my skin.png",
        ".\\My Skin.PNG",
        '"my skin.png"',
        "C:\\art\\my skin.png",
        "-clamp off -s 1 1 1 my skin.png",
    ],
)
def test_textures_are_found_as_authors_write_them(tmp_path: Path, name: str) -> None:
    pixels = np.full((2, 2, 3), 0.2, np.float32)
    write_image(tmp_path / "my skin.png", pixels)
    written(tmp_path, LIBRARY + f"map_Kd {name}\n", "lid.mtl")
    mesh = load_obj(written(tmp_path, TWO_COLOURS))
    assert [m.texture for m in mesh.materials] == [None, 0]
    np.testing.assert_array_equal(from_bytes(mesh.textures[0].pixels), pixels)
    assert mesh.notes == ()


def test_map_options() -> None:
    assert split_map("-s 2 2 -o 0.5 -mm 0 1 a b.png") == (
        {"-s": ["2", "2"], "-o": ["0.5"], "-mm": ["0", "1"]},
        "a b.png",
    )
    assert split_map("-o 1 2 3 4.png") == ({"-o": ["1", "2", "3"]}, "4.png")
    entry = parse_mtl(b"newmtl a\r\n\tKd 2\r\nmap_Kd -s 2 2 1 -clamp on b.png\r\n")["a"]
    assert (entry.diffuse, entry.image) == ((1, 1, 1), "b.png")
    assert entry.options == MapOptions(scale=(2, 2), clamp=True)
    odd = parse_mtl(b"newmtl a\nmap_Kd -s 3 -o 1e999 0.5 -mm x 2 -t 0 0 .1 b.png\n")["a"].options
    assert odd == MapOptions(offset=(0, 0.5), scale=(3, 1), tone=(0, 2), turbulent=True)
    assert parse_mtl(b"newmtl a\nKd spectral x.rfl\n")["a"].diffuse == (0.8, 0.8, 0.8)


def test_maps_are_placed_and_toned_by_their_options(tmp_path: Path) -> None:
    write_image(tmp_path / "skin.png", np.full((2, 2, 3), 0.4, np.float32))
    options = "-s 2 3 1 -o 0.25 -0.5 0 -mm 0.1 0.5 -clamp on"
    written(tmp_path, f"newmtl blue\nmap_Kd {options} skin.png\n", "lid.mtl")
    mesh = load_obj(
        written(tmp_path, "mtllib lid.mtl\n" + SQUARE + "usemtl blue\nf 1/1 2/2 3/3\nf 1/1 3/3 4/4\n")
    )
    assert mesh.notes == ()
    (part,) = mesh.parts
    np.testing.assert_allclose(part.uvs[0], [[0.25, -0.5], [2.25, -0.5], [2.25, 2.5]])
    np.testing.assert_allclose(from_bytes(mesh.textures[0].pixels), 0.3, atol=1e-3)
    assert mesh.textures[0].wrap == ("clamp", "clamp")
    save_obj(tmp_path / "b.obj", mesh, *own_paint(mesh))
    again = load_obj(tmp_path / "b.obj")
    np.testing.assert_array_equal(again.parts[0].uvs, part.uvs)
    assert again.textures[0].wrap == ("clamp", "clamp")
    assert "-mm" not in (tmp_path / "b.mtl").read_text()


def test_turbulence_is_said(tmp_path: Path) -> None:
    write_image(tmp_path / "skin.png", np.full((2, 2, 3), 0.4, np.float32))
    written(tmp_path, "newmtl red side\nnewmtl blue\nmap_Kd -t 1 1 1 skin.png\n", "lid.mtl")
    mesh = load_obj(written(tmp_path, TWO_COLOURS))
    assert mesh.notes == ("material 'blue' disturbs its texture (-t); this is not applied",)
    assert mesh.materials[1].texture == 0


def test_the_only_material_is_that_of_faces_without_usemtl(tmp_path: Path) -> None:
    write_image(tmp_path / "skin.png", np.full((2, 2, 3), 0.4, np.float32))
    written(tmp_path, "newmtl skin\nmap_Kd skin.png\n", "lid.mtl")
    path = written(tmp_path, "mtllib lid.mtl\n" + SQUARE + "f 1/1 2/2 3/3\nf 1/1 3/3 4/4\n")
    mesh = load_obj(path)
    assert [(m.name, m.texture) for m in mesh.materials] == [("skin", 0)]
    assert mesh.notes == ("no face names a material (usemtl); using the only one, 'skin'",)
    save_obj(tmp_path / "b.obj", mesh, *own_paint(mesh))
    assert (
        tmp_path / "b.obj"
    ).read_text() == "mtllib b.mtl\n" + SQUARE + "usemtl skin\nf 1/1 2/2 3/3\nf 1/1 3/3 4/4\n"
    assert load_obj(tmp_path / "b.obj").notes == ()
    written(tmp_path, "newmtl skin\nnewmtl hair\n", "lid.mtl")
    mesh = load_obj(path)
    assert mesh.materials[0].texture is None
    assert mesh.notes == ("no face names a material (usemtl) and there are 2; using light grey",)


def test_repaint_changes_only_kd_and_map_kd() -> None:
    rest = b"map_Bump -bm 2 b.png\nnewmtl b\nKd 0 1 0\n"
    text = b"# made by hand\nnewmtl a\nNs 3\nKd 1 0 0\nmap_Kd old.png\n" + rest
    expected = b"# made by hand\nnewmtl a\nKd 1 1 1\nmap_Kd new.png\nNs 3\n" + rest
    assert repaint_mtl(text, {"a": "new.png"}, {}) == expected


def test_own_uvs_keep_the_text(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    write_image(source / "dents.png", np.zeros((1, 1, 3), np.float32))
    written(source, LIBRARY, "lid.mtl")
    mesh = load_obj(written(source, TWO_COLOURS))
    paint, colours = own_paint(mesh)
    target = tmp_path / "out" / "größer deckel.obj"
    target.parent.mkdir()
    files = save_obj(target, mesh, paint, colours)
    assert [f.name for f in files] == [
        "größer deckel.obj",
        "größer_deckel.mtl",
        "größer_deckel_slot_0.png",
        "größer_deckel_slot_1.png",
        "dents.png",
    ]
    assert sorted(files) == sorted(target.parent.iterdir())
    assert target.read_text("utf-8") == TWO_COLOURS.replace("lid.mtl", "größer_deckel.mtl")
    back = load_obj(target)
    assert [m.factor for m in back.materials] == [(1, 1, 1)] * 2
    for k, part in enumerate(back.parts):
        pixels = from_bytes(back.textures[back.materials[part.material].texture].pixels)
        np.testing.assert_array_equal(pixels.reshape(-1, 3), colours[6 * k : 6 * k + 6])
    assert "Ks 0.5 0.5 0.5\nmap_Bump dents.png" in (target.parent / "größer_deckel.mtl").read_text("utf-8")


def test_text_without_materials_gets_one(tmp_path: Path) -> None:
    mesh = load_obj(written(tmp_path, SQUARE + "usemtl\nf 1/1 2/2 3/3\nf 1/1 3/3 4/4\n"))
    paint, colours = own_paint(mesh)
    save_obj(tmp_path / "b.obj", mesh, paint, colours)
    text = (tmp_path / "b.obj").read_text()
    assert text == "mtllib b.mtl\n" + SQUARE + "usemtl painted\nf 1/1 2/2 3/3\nf 1/1 3/3 4/4\n"
    mesh = load_obj(written(tmp_path, SQUARE + "f 1/1 2/2 3/3\n"))
    save_obj(tmp_path / "b.obj", mesh, paint, colours)
    assert (tmp_path / "b.obj").read_text() == "mtllib b.mtl\n" + SQUARE + "usemtl painted\nf 1/1 2/2 3/3\n"
    assert load_obj(tmp_path / "b.obj").materials[0].texture == 0


def test_maps_above_the_folder_are_brought_along_if_allowed(tmp_path: Path) -> None:
    (tmp_path / "art" / "obj").mkdir(parents=True)
    (tmp_path / "art" / "maps").mkdir()
    write_image(tmp_path / "art" / "maps" / "dents.png", np.zeros((1, 1, 3), np.float32))
    (tmp_path / "secret.txt").write_text("no")
    text = LIBRARY.replace("dents.png", "../maps/dents.png") + "map_Ks ../../secret.txt\n"
    written(tmp_path / "art" / "obj", text, "lid.mtl")
    (tmp_path / "out").mkdir()
    mesh = load_obj(written(tmp_path / "art" / "obj", TWO_COLOURS))
    assert any("'../maps/dents.png', outside this folder" in n and "`allow_outside`" in n for n in mesh.notes)
    files = save_obj(tmp_path / "out" / "b.obj", mesh, *own_paint(mesh))
    assert not [f for f in files if "dents" in f.name or "secret" in f.name]
    with limited(Limits(outside=True)):
        mesh = load_obj(tmp_path / "art" / "obj" / "a.obj")
        files = save_obj(tmp_path / "out" / "b.obj", mesh, *own_paint(mesh))
    assert tmp_path / "out" / "dents.png" in files
    assert "map_Bump dents.png\n" in (tmp_path / "out" / "b.mtl").read_text()
    assert not list((tmp_path / "out").rglob("secret*"))


def test_new_atlas_is_written_anew_with_instances(tmp_path: Path) -> None:
    mesh = load_obj(written(tmp_path, SQUARE + "f 1 2 3\nf 1 3 4\n"))
    mirror = np.diag([-2.0, 2, 2, 1])
    mirror[:3, 3] = [10, 0, 0]
    mesh = Mesh(mesh.parts, (Instance(0, name="a"), Instance(0, mirror, "a")), mesh.materials, (), mesh.frame)
    uvs = np.random.default_rng(1).random((2, 3, 2))
    slot = TextureSlot("atlas", ImageSize(1, 1), 0, ("clamp", "clamp"), (0,), None, np.full((1, 1), 0.2))
    paint = TexturePaint((slot,), (0,), (uvs,), (True,))
    files = save_obj(tmp_path / "b.obj", mesh, paint, np.ones((1, 3), np.float32))
    assert [f.name for f in files] == ["b.obj", "b.mtl", "b_atlas.png"]
    assert read_image(files[2]).alpha is not None
    assert "o a\n" in files[0].read_text()
    assert "o a_2\n" in files[0].read_text()
    part = load_obj(files[0]).parts[0]
    np.testing.assert_array_equal(part.uvs[:2], uvs)
    np.testing.assert_array_equal(part.uvs[2:], uvs[:, ::-1])
    np.testing.assert_array_equal(part.vertices[4:], mesh.parts[0].vertices * [-2, 2, 2] + [10, 0, 0])
    a, b, c = (part.vertices[part.faces[:, k]] for k in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()


def test_vertex_paint_is_written_as_coloured_vertices(tmp_path: Path) -> None:
    mesh = load_obj(written(tmp_path, SQUARE + "vn 0 0 1\nf 1/1/1 2/2/1 3/3/1 4/4/1\n"))
    colours = np.asarray([[0, 0.25, 1], [1, 1, 1], [0.1, 0.2, 0.3], [2, -1, 0]], np.float32)
    assert save_obj(tmp_path / "b.obj", mesh, VertexPaint(mesh.parts, (0,)), colours) == [tmp_path / "b.obj"]
    part = load_obj(tmp_path / "b.obj").parts[0]
    np.testing.assert_allclose(part.colours, np.clip(colours, 0, 1), atol=1e-5)
    for name in ("vertices", "faces", "uvs", "normals"):
        np.testing.assert_array_equal(getattr(part, name), getattr(mesh.parts[0], name))


def test_vertex_colours_do_not_tint_the_new_texture(tmp_path: Path) -> None:
    mesh = load_obj(written(tmp_path, SQUARE.replace("0 0\nv", "0 0 1 0 0\nv") + "f 1/1 2/2 3/3\n"))
    assert mesh.parts[0].colours is not None
    save_obj(tmp_path / "b.obj", mesh, *own_paint(mesh))
    assert load_obj(tmp_path / "b.obj").parts[0].colours is None


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    mesh = load_obj(written(tmp_path, SQUARE + "f 1/1 2/2 3/3\n"))
    with pytest.raises(OutputError, match="cannot be written"):
        save_obj(tmp_path / "none" / "b.obj", mesh, *own_paint(mesh))


@pytest.mark.parametrize("name", ["spot_utm_offset.obj", "spot_tiny_1e-6.obj"])
@pytest.mark.parametrize("kind", ["own", "atlas", "vertex"])
def test_real_coordinates_survive_exactly(data_dir: Path, tmp_path: Path, name: str, kind: str) -> None:
    source = data_dir / "meshes" / "derived" / "ugly" / name
    rows = [line.split()[1:] for line in source.read_text().splitlines() if line.startswith("v ")]
    original = np.asarray(rows, dtype=np.float64)
    mesh = load_obj(source)
    paint, colours = own_paint(mesh)
    if kind == "atlas":
        paint = TexturePaint(paint.slots, paint.slot_of_part, paint.uvs, (True,))
    if kind == "vertex":
        colours = np.zeros((len(mesh.parts[0].vertices), 3), np.float32)
        paint = VertexPaint(mesh.parts, (0,))
    save_obj(tmp_path / name, mesh, paint, colours)
    np.testing.assert_array_equal(load_obj(tmp_path / name).parts[0].vertices, original)


@pytest.mark.parametrize(
    ("name", "parts", "textures", "faces"),
    [
        ("textured/spider/spider.obj", 4, 4, 1312),
        ("textured/fuze/fuze.obj", 1, 1, 1000),
        ("textured/spot/spot_triangulated.obj", 1, 0, 5856),
        ("textured/spot/spot_quadrangulated.obj", 1, 0, 5856),
        ("derived/spot_mtl/spot.obj", 1, 1, 5856),
        ("textured/rabbit/rabbit.obj", 1, 0, 1252),
        ("textured/capsule/capsule.obj", 1, 1, 10000),
        ("ugly/assimp/concave_polygon.obj", 1, 0, 64),
        ("ugly/trimesh/negative_indices.obj", 1, 0, 12),
        ("ugly/assimp/empty_mat.obj", 1, 0, 256),
        ("derived/ugly/spot_dup_and_degenerate_faces.obj", 1, 1, 5856),
    ],
)
def test_real_files_hold_what_they_should(
    data_dir: Path, tmp_path: Path, name: str, parts: int, textures: int, faces: int
) -> None:
    mesh = load_obj(data_dir / "meshes" / name)
    assert (len(mesh.parts), len(mesh.materials), len(mesh.textures)) == (parts, parts, textures)
    assert mesh.num_faces == faces
    save_obj(tmp_path / "b.obj", mesh, *own_paint(mesh))
    back = load_obj(tmp_path / "b.obj")
    assert (len(back.parts), len(back.textures), back.num_faces) == (parts, parts, faces)


def test_real_concave_polygon_keeps_its_area(data_dir: Path) -> None:
    part = load_obj(data_dir / "meshes/ugly/assimp/concave_polygon.obj").parts[0]
    a, b, c = (part.vertices[part.faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    radius = np.hypot(part.vertices[:, 1] - 2.4, part.vertices[:, 2] - 2.348)
    assert (normals[:, 0] > 0).all()
    # Two 32-gons, one the hole in the other.
    ring = 16 * np.sin(np.pi / 16) * (np.sort(radius)[-32:].mean() ** 2 - np.sort(radius)[:32].mean() ** 2)
    assert np.linalg.norm(normals, axis=1).sum() / 2 == pytest.approx(ring, rel=1e-3)


def test_another_library_reads_the_same(data_dir: Path, tmp_path: Path) -> None:
    mesh = load_obj(data_dir / "meshes/textured/fuze/fuze.obj")
    paint, colours = own_paint(mesh)
    save_obj(tmp_path / "b.obj", mesh, paint, colours)
    other = trimesh.load_mesh(tmp_path / "b.obj", process=False, maintain_order=True)
    assert len(other.faces) == mesh.num_faces
    np.testing.assert_array_equal(other.triangles, mesh.parts[0].vertices[mesh.parts[0].faces])
    levels = np.asarray(other.visual.material.image.convert("RGB")).reshape(-1, 3)
    np.testing.assert_array_equal(levels, np.round(colours * 255))
