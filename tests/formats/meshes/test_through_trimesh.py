"""Formats that are read through trimesh, and what must not be given to it."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from nst3d.errors import InputError, MissingDependencyError
from nst3d.formats.mesh_files import load_mesh
from nst3d.images.io import write_image
from nst3d.limits import Limits, limited
from nst3d.representations.diagnose import problems

SQUARE = np.array([[0, 0, 0], [2, 0, 0], [2, 1, 0], [0, 1, 0]], float)
COLLADA = """<?xml version="1.0"?>
<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
<asset><unit meter="1"/><up_axis>Z_UP</up_axis></asset>
<library_images><image id="skin"><init_from>{image}</init_from></image></library_images>
<library_effects><effect id="e"><profile_COMMON>
<newparam sid="s"><surface type="2D"><init_from>skin</init_from></surface></newparam>
<newparam sid="t"><sampler2D><source>s</source></sampler2D></newparam>
<technique sid="c"><lambert><diffuse><texture texture="t" texcoord="u"/></diffuse></lambert></technique>
</profile_COMMON></effect></library_effects>
<library_materials><material id="m"><instance_effect url="#e"/></material></library_materials>
<library_geometries><geometry id="square"><mesh>
<source id="p"><float_array id="pa" count="12">0 0 0 2 0 0 2 1 0 0 1 0</float_array>
<technique_common><accessor source="#pa" count="4" stride="3">
<param name="X" type="float"/><param name="Y" type="float"/><param name="Z" type="float"/>
</accessor></technique_common></source>
<source id="q"><float_array id="qa" count="8">0 0 1 0 1 1 0 1</float_array>
<technique_common><accessor source="#qa" count="4" stride="2">
<param name="S" type="float"/><param name="T" type="float"/></accessor></technique_common></source>
<vertices id="v"><input semantic="POSITION" source="#p"/></vertices>
<triangles count="2" material="x"><input semantic="VERTEX" source="#v" offset="0"/>
<input semantic="TEXCOORD" source="#q" offset="1"/><p>0 0 1 1 2 2 0 0 2 2 3 3</p></triangles>
</mesh></geometry></library_geometries>
<library_nodes>{nodes}</library_nodes>
<library_visual_scenes><visual_scene id="scene"><node id="top"><translate>0 0 5</translate>
<instance_geometry url="#square"><bind_material><technique_common>
<instance_material symbol="x" target="#m"/></technique_common></bind_material></instance_geometry></node>
</visual_scene></library_visual_scenes><scene><instance_visual_scene url="#scene"/></scene></COLLADA>
"""
XAML = """<Viewport3D xmlns="http://schemas.microsoft.com/winfx/2006/xaml/presentation"><ModelVisual3D>
<ModelVisual3D.Content><GeometryModel3D><GeometryModel3D.Material><DiffuseMaterial><DiffuseMaterial.Brush>
<SolidColorBrush Color="#3366CC" Opacity="1"/></DiffuseMaterial.Brush></DiffuseMaterial></GeometryModel3D.Material>
<GeometryModel3D.Geometry><MeshGeometry3D Positions="0,0,0 2,0,0 2,1,0 0,1,0" Normals="0,0,1 0,0,1 0,0,1 0,0,1"
TriangleIndices="0,1,2 0,2,3"/></GeometryModel3D.Geometry></GeometryModel3D></ModelVisual3D.Content>
</ModelVisual3D></Viewport3D>
"""


def written(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def three_mf(model: str = "", **others: bytes) -> bytes:
    """Two bricks, one twice as long, as trimesh writes them; `model` replaces their description."""
    scene = trimesh.Scene({"brick": trimesh.creation.box()})
    scene.add_geometry(trimesh.creation.box(), node_name="long", transform=np.diag([2.0, 1, 1, 1]))
    data = scene.export(file_type="3mf")
    if not model and not others:
        return data
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in source.namelist():
            is_model = name.endswith(".model") and model
            new.writestr(name, model if is_model else source.read(name))
        for name, content in others.items():
            new.writestr(name, content)
    return buffer.getvalue()


def test_off_with_polygons_and_comments(tmp_path: Path) -> None:
    text = "# a square\nOFF\n4 1 0\n0 0 0\n2 0 0 # corner\n2 1 0\n0 1 0\n4 0 1 2 3\n"
    mesh = load_mesh(written(tmp_path, "a.off", text))
    np.testing.assert_array_equal(mesh.parts[0].vertices, SQUARE)
    assert (mesh.num_faces, mesh.up, mesh.notes) == (2, (0, 1, 0), ())


def test_colours_that_are_not_read_are_said(tmp_path: Path) -> None:
    rows = "".join(f"{x} {y} {z} 255 0 0 255\n" for x, y, z in SQUARE)
    mesh = load_mesh(written(tmp_path, "a.off", f"COFF\n4 1 0\n{rows}4 0 1 2 3\n"))
    assert mesh.notes == ("the colours of an OFF are not read; starting from grey",)


def test_3mf_scenes_stand_upright_with_all_their_items(tmp_path: Path) -> None:
    mesh = load_mesh(written(tmp_path, "a.3mf", three_mf()))
    assert mesh.up == (0, 0, 1)
    lengths = sorted(
        float(np.ptp(mesh.parts[i.part].vertices @ i.transform[:3, :3].T, axis=0)[0]) for i in mesh.instances
    )
    np.testing.assert_allclose(lengths, [1, 2])
    assert not [line for line in problems(mesh) if "edges" in line]


def test_collada_with_texture_axis_and_placement(tmp_path: Path) -> None:
    pixels = np.array([[[1, 0, 0], [0, 1, 0]], [[0, 0, 1], [1, 1, 0]]], np.float32)
    (tmp_path / "textures").mkdir()
    write_image(tmp_path / "textures" / "my skin.png", pixels)
    text = COLLADA.format(image="file:///C:/art/my%20skin.png", nodes="")
    mesh = load_mesh(written(tmp_path, "a.dae", text))
    part = mesh.parts[0]
    np.testing.assert_array_equal(part.vertices, SQUARE)
    np.testing.assert_array_equal(part.uvs[0], [[0, 0], [1, 0], [1, 1]])
    np.testing.assert_array_equal(mesh.textures[mesh.materials[part.material].texture].pixels, pixels)
    assert mesh.materials[part.material].factor == (1, 1, 1)
    np.testing.assert_array_equal(mesh.instances[0].transform[:3, 3], [0, 0, 5])
    assert (mesh.up, mesh.notes) == ((0, 0, 1), ())


def test_xml_of_windows_programs_is_read(tmp_path: Path) -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?>' + XAML
    plain, wide = (
        load_mesh(written(tmp_path, n, t)) for n, t in (("a.xaml", XAML), ("b.xaml", text.encode("utf-16")))
    )
    np.testing.assert_array_equal(wide.parts[0].vertices, plain.parts[0].vertices)
    with pytest.raises(InputError, match="declares a document type or entities"):
        load_mesh(written(tmp_path, "c.xaml", (ENTITIES + XAML).encode("utf-16")))


def test_xaml_has_colours(tmp_path: Path) -> None:
    mesh = load_mesh(written(tmp_path, "a.xaml", XAML))
    np.testing.assert_allclose(mesh.parts[0].colours, [(0.2, 0.4, 0.8)] * 4, atol=1e-6)
    np.testing.assert_array_equal(mesh.parts[0].vertices, SQUARE)


def test_a_texture_outside_or_of_another_kind_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_image(tmp_path / "secret.png", np.zeros((2, 2, 3), np.float32))
    mesh = load_mesh(written(tmp_path / "in", "a.dae", COLLADA.format(image="../secret.png", nodes="")))
    assert not mesh.textures
    assert len(mesh.notes) == 1
    assert "`allow_outside`" in mesh.notes[0]
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "EPS")  # Pillow would run Ghostscript
    written(tmp_path / "in", "skin.eps", buffer.getvalue())
    mesh = load_mesh(written(tmp_path / "in", "a.dae", COLLADA.format(image="skin.eps", nodes="")))
    assert not mesh.textures
    assert "skin.eps: not a readable picture" in mesh.notes[0]


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
DOUBLING = "".join(
    f'<node id="n{k}"><instance_node url="#n{k + 1}"/><instance_node url="#n{k + 1}"/></node>'
    for k in range(40)
)


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.off", "OFF\n4 1 0\n0 0 0\n", "truncated; it declares 4 vertices and 1 faces"),
        ("a.off", "OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n", "face index outside"),
        ("a.off", "OFF\n3 1 0\n0 0 0\nx 0 0\n0 1 0\n3 0 1 2\n", "not an OFF, broken or truncated"),
        ("a.dae", COLLADA.replace("<asset>", ENTITIES), "declares a document type or entities"),
        ("a.dae", COLLADA[:900], "not a COLLADA file, broken or truncated"),
        ("a.dae", "nothing", "not an XML file"),
        ("a.dae", COLLADA.replace("<asset>", ENTITIES).encode("utf-16-le"), "save it as UTF-8"),
        ("a.xaml", '<?xml version="1.0" encoding="utf-7"?>' + XAML, "save it as UTF-8"),
        ("a.dae", COLLADA.format(image="a.png", nodes=DOUBLING), "more than 100000 copies"),
        (
            "a.dae",
            COLLADA.format(image="a.png", nodes='<node id="n"><instance_node url="#n"/></node>'),
            "contain one another",
        ),
        ("a.xaml", ENTITIES + XAML, "declares a document type or entities"),
        ("a.xaml", XAML.replace("0,1,2", "0,1,x"), "not a XAML file, broken or truncated"),
        ("a.3mf", three_mf(ENTITIES + "<model/>"), "declares a document type or entities"),
        ("a.3mf", three_mf("<model/>"), "not a 3MF, broken or truncated"),
        ("a.3mf", three_mf()[:-30], "not a 3MF file, broken or truncated"),
        ("a.3mf", b"PK\x03\x04", "not a 3MF file, broken or truncated"),
    ],
)
def test_broken_and_hostile_files_give_one_line(
    tmp_path: Path, name: str, data, expected: str, capfd
) -> None:
    with pytest.raises(InputError) as error:
        load_mesh(written(tmp_path, name, data))
    assert str(error.value).startswith(f"{tmp_path / name}: ")
    assert expected in str(error.value)
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_an_archive_is_not_unpacked_beyond_the_limit(tmp_path: Path) -> None:
    path = written(tmp_path, "a.3mf", three_mf(zeros=bytes(3_000_000)))
    assert path.stat().st_size < 100_000
    with (
        limited(Limits(memory=0.002)),
        pytest.raises(InputError, match=r"a\.3mf: needs .* GiB of memory, more than 0\.002 GiB"),
    ):
        load_mesh(path)


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "collada", None)
    with pytest.raises(
        MissingDependencyError, match=r"a COLLADA file, which needs collada: pip install 'nst3d\[formats\]'"
    ):
        load_mesh(written(tmp_path, "a.dae", COLLADA.format(image="a.png", nodes="")))
