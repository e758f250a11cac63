"""glTF documents whose triangles were subdivided."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
from small_meshes import mesh_of, noise, sphere

from nst3d.formats.gltf.cut import cut_document
from nst3d.formats.gltf.move import moved_document
from nst3d.formats.gltf.read import load_gltf
from nst3d.formats.gltf.write import save_gltf
from nst3d.representations.mesh import Mesh
from nst3d.representations.subdivide import even_parts
from nst3d.representations.unwrap import TexelBudget, paint_textures


def repainted(path, mesh: Mesh, colours=None) -> Mesh:
    paint = paint_textures(mesh, TexelBudget(0.1, fixed=64))
    save_gltf(path, mesh, paint, noise(paint.num_colours, 3) if colours is None else colours)
    return load_gltf(path)


def cut(mesh: Mesh, edge: float = 0.1) -> Mesh:
    parts, rounds = even_parts(mesh, edge, 200_000)
    document = cut_document(mesh.document, parts, rounds)
    return dataclasses.replace(mesh, parts=parts, document=document)


@pytest.mark.parametrize(
    "name", ["CesiumMilkTruck.glb", "cakeBirthday.glb", "mode5.gltf", "no_indices_3storybuilding.glb"]
)
def test_a_cut_file_is_read_as_its_parts_were_cut(data_dir, tmp_path, name) -> None:
    mesh = load_gltf(data_dir / "meshes" / "gltf" / name)
    fine = cut(mesh, 0.2)
    assert fine.num_faces > mesh.num_faces
    assert moved_document(fine.document, fine, fine.parts) is not None  # rows are those of the parts
    found = repainted(tmp_path / "cut.glb", fine)
    assert len(found.parts) == len(fine.parts)
    for one, other in zip(fine.parts, found.parts):
        corners, read = one.vertices[one.faces], other.vertices[other.faces]
        assert np.allclose(corners, read, rtol=1e-5, atol=1e-5 * np.abs(corners).max())
        if one.normals is not None:
            assert np.allclose(one.normals[one.faces], other.normals[other.faces], atol=1e-3)
    kept = ("nodes", "animations", "scenes", "skins")
    assert all(found.document.json[k] == mesh.document.json[k] for k in kept if k in mesh.document.json)


def test_texture_coordinates_and_colours_follow_and_numbers_are_not_mixed(tmp_path) -> None:
    mesh = repainted(tmp_path / "ball.glb", mesh_of(sphere(5)))
    document = mesh.document
    attributes = document.json["meshes"][0]["primitives"][0]["attributes"]
    attributes["TEXCOORD_1"] = attributes["TEXCOORD_0"]
    ids = copy.deepcopy(document.json["accessors"][attributes["TEXCOORD_0"]])
    # The same bytes read as pairs of whole numbers: what identifies vertices.
    document.json["accessors"].append(ids | {"componentType": 5125})
    attributes["_IDS"] = len(document.json["accessors"]) - 1
    attributes["TANGENT"] = attributes["POSITION"]
    fine = cut(mesh)
    primitive = fine.document.json["meshes"][0]["primitives"][0]
    assert "TANGENT" not in primitive["attributes"]
    accessors = [fine.document.json["accessors"][i] for i in primitive["attributes"].values()]
    assert {a["count"] for a in accessors} == {len(fine.parts[0].vertices)}
    stored = fine.document.json["accessors"][primitive["attributes"]["_IDS"]]
    assert stored["componentType"] == 5125
    read = load_gltf(saved(tmp_path / "fine.glb", fine))
    assert np.allclose(read.parts[0].uvs, fine.parts[0].uvs, atol=1e-6)


def saved(path, mesh: Mesh):
    repainted(path, mesh)
    return path


@pytest.mark.parametrize("held", ["JOINTS_0", "targets"])
def test_what_joints_or_targets_hold_cannot_be_cut(tmp_path, held) -> None:
    mesh = repainted(tmp_path / "ball.glb", mesh_of(sphere(5)))
    primitive = mesh.document.json["meshes"][0]["primitives"][0]
    if held == "targets":
        primitive["targets"] = [{"POSITION": primitive["attributes"]["POSITION"]}]
    else:
        primitive["attributes"][held] = primitive["attributes"]["POSITION"]
    assert cut(mesh).document is None
