"""glTF documents whose vertices were moved."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from small_meshes import mesh_of, noise, sphere

from nst3d.formats.gltf.move import moved_document
from nst3d.formats.gltf.read import load_gltf
from nst3d.formats.gltf.write import save_gltf
from nst3d.representations.unwrap import TexelBudget, paint_textures


def repainted(path, mesh):
    paint = paint_textures(mesh, TexelBudget(0.1, fixed=64))
    save_gltf(path, mesh, paint, noise(paint.num_colours, 3))
    return load_gltf(path)


def shifted(mesh):
    moved = [
        dataclasses.replace(
            p, vertices=p.vertices * 1.5, normals=np.tile(np.float32([0, 1, 0]), (len(p.vertices), 1))
        )
        for p in mesh.parts
    ]
    return dataclasses.replace(mesh, parts=tuple(moved), document=moved_document(mesh.document, mesh, moved))


def test_positions_and_normals_are_new_and_the_rest_stays(tmp_path) -> None:
    mesh = repainted(tmp_path / "ball.glb", mesh_of(sphere(5)))
    found = repainted(tmp_path / "moved.glb", shifted(mesh))
    before, after = mesh.parts[0], found.parts[0]
    assert np.allclose(after.vertices, before.vertices * 1.5, rtol=1e-6)
    assert np.array_equal(after.normals, np.tile(np.float32([0, 1, 0]), (len(after.vertices), 1)))
    assert np.array_equal(after.faces, before.faces)
    assert np.allclose(after.uvs, before.uvs)
    kept = ("materials", "nodes", "scenes", "images", "asset")
    assert all(found.document.json[k] == mesh.document.json[k] for k in kept if k in mesh.document.json)
    primitive = found.document.json["meshes"][0]["primitives"][0]
    position = found.document.json["accessors"][primitive["attributes"]["POSITION"]]
    assert np.allclose(position["max"], after.vertices.max(0))


def test_positions_that_two_primitives_share_are_moved_for_each(data_dir, tmp_path) -> None:
    for name in ("CesiumMilkTruck.glb", "cakeBirthday.glb"):
        mesh = load_gltf(data_dir / "meshes" / "gltf" / name)
        found = repainted(tmp_path / name, shifted(mesh))
        for before, after in zip(mesh.parts, found.parts):
            corners, moved = before.vertices[before.faces] * 1.5, after.vertices[after.faces]
            assert np.allclose(corners, moved, rtol=1e-5, atol=1e-6 * np.abs(corners).max())


def test_tangents_go_with_the_normals_that_they_belonged_to(tmp_path) -> None:
    mesh = repainted(tmp_path / "ball.glb", mesh_of(sphere(5)))
    attributes = mesh.document.json["meshes"][0]["primitives"][0]["attributes"]
    attributes["TANGENT"] = attributes["POSITION"]
    moved = shifted(mesh).document.json["meshes"][0]["primitives"][0]["attributes"]
    assert "TANGENT" not in moved
    assert {"POSITION", "NORMAL"} <= set(moved)


@pytest.mark.parametrize("name", ["Fox.glb"])
def test_a_document_that_poses_its_vertices_elsewhere_cannot_hold_them(data_dir, name) -> None:
    mesh = load_gltf(data_dir / "meshes" / "gltf" / name)
    stays = moved_document(mesh.document, mesh, mesh.parts)
    still = dataclasses.replace(mesh.parts[0], vertices=mesh.parts[0].vertices + 1)
    assert moved_document(mesh.document, dataclasses.replace(mesh, parts=(still,)), mesh.parts) is None
    assert stays is None or stays.json["skins"] == mesh.document.json["skins"]
