"""UV sets of new atlases, variants, other scenes, animated colours and emission: what happens, and what is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gltf_samples import QUAD_UVS, Sample, encoded, noise, texture_paint

from nst3d.formats.gltf.accessors import read_rows, view_bytes
from nst3d.formats.gltf.notes import painting_notes
from nst3d.formats.gltf.read import load_gltf
from nst3d.formats.gltf.write import save_gltf
from nst3d.images.levels import from_bytes
from nst3d.tensors import ImageSize

VARIANTS, POINTER, MOVED = "KHR_materials_variants", "KHR_animation_pointer", "KHR_texture_transform"


def painted(sample: Sample, folder, fresh: bool | None = None):
    """The mesh of a sample, its painted document, and what is said."""
    mesh = load_gltf(sample.save(folder / "in.glb"))
    paint, table = texture_paint(mesh, fresh)
    save_gltf(folder / "out.glb", mesh, paint, table)
    return mesh, load_gltf(folder / "out.glb"), painting_notes(mesh, paint)


def test_an_atlas_takes_the_first_set_if_no_other_map_reads_it(tmp_path) -> None:
    sample = Sample()
    sample.add("materials", pbrMetallicRoughness={"baseColorTexture": {"index": sample.texture(noise(2, 2))}})
    sample.show(sample.quad(material=0))
    mesh, again, notes = painted(sample, tmp_path, fresh=True)
    assert notes == ()
    (primitive,) = again.document.json["meshes"][0]["primitives"]
    assert "texCoord" not in again.document.json["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    former = read_rows(again.document, primitive["attributes"]["TEXCOORD_1"])[again.parts[0].faces.ravel()]
    assert (former == QUAD_UVS[mesh.parts[0].faces.ravel()]).all()


@pytest.mark.parametrize("coord", [0, 1])
def test_the_set_of_an_atlas_beside_other_maps_is_said(tmp_path, coord) -> None:
    sample = Sample()
    info = {"index": sample.texture(noise(2, 2)), "texCoord": coord}
    sample.add("materials", name="brick", normalTexture=info)
    quad = sample.quad(material=0)
    quad["attributes"]["TEXCOORD_1"] = sample.accessor(QUAD_UVS)
    sample.show(quad)
    _, again, notes = painted(sample, tmp_path, fresh=True)
    shown = again.document.json["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    if coord:  # the first is free
        assert (notes, shown) == ((), {"index": 1})
        return
    (said,) = notes
    assert "the new UVs of 'brick' are set 2 (TEXCOORD_2)" in said
    assert shown == {"index": 1, "texCoord": 2}


def varied() -> Sample:
    """A square in a white material, which another square shows as a variant, and a variant in red of its own."""
    sample = Sample()
    for name in ("white", "red"):
        sample.add(
            "materials", name=name, pbrMetallicRoughness={"baseColorTexture": {"index": len(name) - 3}}
        )
    for number in range(3):
        sample.texture(noise(2, 2, number))
    first = [{"material": 0, "variants": [0]}, {"material": 1, "variants": [1]}]
    second = [{"material": 0, "variants": [1]}]
    sample.show(
        sample.quad(material=0, extensions={VARIANTS: {"mappings": first}}),
        sample.quad(extensions={VARIANTS: {"mappings": second}}),
    )
    sample.json["extensions"] = {VARIANTS: {"variants": [{"name": "day"}, {"name": "night"}]}}
    sample.json["extensionsUsed"] = [VARIANTS]
    return sample


def test_variants_that_are_not_painted_are_said_and_keep_their_material(tmp_path) -> None:
    mesh, again, notes = painted(varied(), tmp_path, fresh=True)
    assert any("variants 'night' keep their own colours" in note for note in notes)
    before, after = mesh.document.json, again.document.json
    assert after["materials"][:2] == before["materials"]
    first, second = after["meshes"][0]["primitives"]
    # The painted copy is the first variant too; the second still finds its materials and their UVs.
    shown = [m["material"] for m in first["extensions"][VARIANTS]["mappings"]]
    assert shown == [first["material"], 1]
    assert second["extensions"][VARIANTS]["mappings"][0]["material"] == 0
    assert (read_rows(again.document, first["attributes"]["TEXCOORD_0"]).max(0) == [1, 1]).all()


def test_meshes_outside_the_scene_are_said_unless_they_show_the_painted_image(tmp_path) -> None:
    def two_levels(shared: bool) -> Sample:
        sample = Sample()
        for number in range(2):
            info = {"index": sample.texture(noise(2, 2, number))}
            sample.add("materials", pbrMetallicRoughness={"baseColorTexture": info})
        far = sample.add("meshes", name="far", primitives=[sample.quad(material=0 if shared else 1)])
        far = sample.add("nodes", mesh=far)
        sample.show(sample.quad(material=0), extensions={"MSFT_lod": {"ids": [far]}})
        sample.json["extensionsUsed"] = ["MSFT_lod"]
        return sample

    assert painted(two_levels(True), tmp_path)[2] == ()
    (said,) = painted(two_levels(False), tmp_path)[2]
    assert "1 meshes outside the default scene" in said
    assert "'far'" in said


def pulsing(*pointers: str) -> Sample:
    """A tinted, shifted square with animations of properties."""
    sample = Sample()
    info = {"index": sample.texture(noise(2, 2)), "extensions": {MOVED: {"offset": [0, 0]}}}
    pbr = {"baseColorTexture": info, "baseColorFactor": [1, 0, 0, 1], "roughnessFactor": 0.5}
    sample.add("materials", pbrMetallicRoughness=pbr)
    sample.show(sample.quad(material=0))
    track = {"input": sample.accessor([0, 1]), "output": sample.accessor([[0, 0], [1, 1]])}
    for pointer in pointers:
        target = {"path": "pointer", "extensions": {POINTER: {"pointer": pointer}}}
        sample.add("animations", samplers=[track], channels=[{"sampler": 0, "target": target}])
    sample.json["extensionsUsed"] = [POINTER, MOVED]
    return sample


PBR = "/materials/0/pbrMetallicRoughness"
SHIFT = f"{PBR}/baseColorTexture/extensions/{MOVED}/offset"


@pytest.mark.parametrize(
    ("fresh", "kept"), [(None, [f"{PBR}/roughnessFactor", SHIFT]), (True, [f"{PBR}/roughnessFactor"])]
)
def test_animations_of_what_painting_changes_go(tmp_path, fresh, kept) -> None:
    sample = pulsing(f"{PBR}/baseColorFactor", f"{PBR}/roughnessFactor", SHIFT)
    _, again, notes = painted(sample, tmp_path, fresh)
    left = again.document.json["animations"]
    assert [a["channels"][0]["target"]["extensions"][POINTER]["pointer"] for a in left] == kept
    (said,) = notes
    assert said.startswith(f"{3 - len(kept)} animated base colours")
    assert POINTER in again.document.json["extensionsUsed"]


def test_a_file_whose_only_animation_goes_has_no_trace_of_it(tmp_path) -> None:
    _, again, _ = painted(pulsing(f"{PBR}/baseColorFactor"), tmp_path)
    assert "animations" not in again.document.json
    assert again.document.json["extensionsUsed"] == [MOVED]


def test_colours_in_the_emissive_map_are_painted_there(tmp_path) -> None:
    sample, pixels = Sample(), noise(4, 4)
    glow = {"emissiveTexture": {"index": sample.texture(pixels)}, "emissiveFactor": [1, 1, 0.5]}
    sample.add("materials", name="baked", pbrMetallicRoughness={"baseColorFactor": [0, 0, 0, 1]}, **glow)
    sample.show(sample.quad(material=0))
    mesh, again, _ = painted(sample, tmp_path)
    assert any("'baked' has its colours in its emissive map" in note for note in mesh.notes)
    assert (np.rint(from_bytes(mesh.textures[0].pixels) * 255) == pixels).all()
    (material,) = again.document.json["materials"]
    assert material == {
        "name": "baked",
        "pbrMetallicRoughness": {"baseColorFactor": [0, 0, 0, 1]},
        "emissiveFactor": [1, 1, 1],
        "emissiveTexture": {"index": 0},
    }


@pytest.mark.parametrize("thumbnail", [False, True])
def test_former_images_go_and_the_rest_is_renumbered(tmp_path, thumbnail) -> None:
    """Two materials go into one atlas; a third image, a file, stays. A thumbnail may be any image: none moves."""
    sample = Sample()
    (tmp_path / "normal.png").write_bytes(encoded(noise(2, 2)))
    first, second = sample.texture(noise(64, 64)), sample.texture(noise(64, 64, 1))
    file = sample.add("textures", source=sample.add("images", uri="normal.png"))
    for index in (first, second):
        pbr = {"baseColorTexture": {"index": index}}
        sample.add("materials", pbrMetallicRoughness=pbr, normalTexture={"index": file, "texCoord": 1})
    quads = [sample.quad(material=index) for index in range(2)]
    for quad in quads:
        quad["attributes"]["TEXCOORD_1"] = quad["attributes"]["TEXCOORD_0"]
    sample.show(*quads)
    if thumbnail:
        sample.json["extensions"] = {"VRMC_vrm": {"meta": {"thumbnailImage": 2}}}
    _, again, _ = painted(sample, tmp_path, fresh=True)
    content, count = again.document.json, 3 if thumbnail else 2
    assert [t["source"] for t in content["textures"]] == [0, 0, count - 1]
    assert len(content["images"]) == count
    view = content["images"][count - 1]["bufferView"]
    assert bytes(view_bytes(again.document, view)) == encoded(noise(2, 2))
    assert (tmp_path / "out.glb").stat().st_size < 5000 + 2000 * thumbnail  # the pictures had 24,000


def test_lines_keep_the_colour_that_they_share_with_painted_triangles(tmp_path) -> None:
    sample = Sample()
    sample.add("materials", name="ink", pbrMetallicRoughness={"baseColorFactor": [0, 0, 1, 1]})
    quad = sample.quad(material=0)
    line = {"attributes": {"POSITION": quad["attributes"]["POSITION"]}, "mode": 1, "material": 0}
    sample.show(quad, line)
    mesh, again, _ = painted(sample, tmp_path)
    assert again.document.json["materials"][0] == mesh.document.json["materials"][0]
    first, second = again.document.json["meshes"][0]["primitives"]
    assert (first["material"], second) == (1, line)


@pytest.mark.parametrize("spare", [True, False])
def test_a_dds_file_is_left_out_where_another_picture_shows_the_same(tmp_path: Path, spare: bool) -> None:
    sample = Sample()
    (tmp_path / "n.dds").write_bytes(b"DDS " + bytes(20))
    white = np.full((2, 2, 3), 255, np.uint8)
    colours, normals, dds = sample.texture(white), sample.image(white), sample.add("images", uri="n.dds")
    other = {"source": normals} if spare else {}
    bumps = sample.add("textures", extensions={"MSFT_texture_dds": {"source": dds}}, **other)
    base = {"baseColorTexture": {"index": colours}}
    material = sample.add("materials", pbrMetallicRoughness=base, normalTexture={"index": bumps})
    sample.json["extensionsUsed"] = ["MSFT_texture_dds"]
    sample.show(sample.quad(material=material))
    mesh = load_gltf(sample.save(tmp_path / "x.glb"))
    paint, table = texture_paint(mesh)
    said = [note for note in painting_notes(mesh, paint) if "DDS" in note]
    save_gltf(tmp_path / "out.glb", mesh, paint, table)
    written = load_gltf(tmp_path / "out.glb").document.json
    assert bool(said) == spare
    assert ("extensionsUsed" in written) != spare
    assert len(written["images"]) == (2 if spare else 3)
    texture = written["textures"][written["materials"][0]["normalTexture"]["index"]]
    if spare:
        assert written["images"][texture["source"]]["mimeType"] == "image/png"
    else:
        kept = written["images"][texture["extensions"]["MSFT_texture_dds"]["source"]]
        assert kept["mimeType"] == "image/vnd-ms.dds"


def test_materials_for_levels_of_detail_are_named(tmp_path: Path) -> None:
    sample = Sample()
    near, middle, far = (sample.add("materials", name=name) for name in ("near", "middle", "far"))
    sample.json["materials"][near]["extensions"] = {"MSFT_lod": {"ids": [middle, far]}}
    sample.show(sample.quad(material=near), sample.quad(material=middle))
    mesh = load_gltf(sample.save(tmp_path / "x.glb"))
    paint, table = texture_paint(mesh)
    notes = painting_notes(mesh, paint)
    assert "materials for levels of detail (MSFT_lod) keep their own colours: 'far'" in notes
    save_gltf(tmp_path / "out.glb", mesh, paint, table)
    materials = load_gltf(tmp_path / "out.glb").document.json["materials"]
    assert materials[near]["extensions"] == {"MSFT_lod": {"ids": [middle, far]}}
    assert materials[far] == {"name": "far"}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [((16, 32), (24, 48), True), ((16, 32), (8, 16), False), ((16, 24), (24, 40), False)],
)
def test_textures_that_are_no_powers_of_two_any_more_are_named(tmp_path: Path, before, after, said) -> None:
    sample = Sample()
    base = {"baseColorTexture": {"index": sample.texture(np.full((*before, 3), 255, np.uint8))}}
    sample.show(sample.quad(material=sample.add("materials", pbrMetallicRoughness=base)))
    mesh = load_gltf(sample.save(tmp_path / "x.glb"))
    paint, _ = texture_paint(mesh)
    paint = replace(paint, slots=(replace(paint.slots[0], size=ImageSize(*after)),))
    notes = [note for note in painting_notes(mesh, paint) if "powers of two" in note]
    assert len(notes) == said
    assert all(f"{after[1]} x {after[0]}" in note for note in notes)
