"""Regions of meshes: names of materials, nodes and groups, masks on UVs, and places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from gltf_samples import Sample
from small_meshes import cube, mesh_of, quad

from nst3d.errors import ConfigError, InputError
from nst3d.features.vgg import VGG
from nst3d.formats.gltf.read import load_gltf
from nst3d.formats.meshes.obj_read import load_obj
from nst3d.images.io import write_image
from nst3d.pipeline.kinds.mesh.regions import (
    material_region,
    material_shares,
    mesh_selectors,
    node_region,
    node_shares,
    row_places,
    untouched_materials,
    uv_region,
)
from nst3d.pipeline.kinds.mesh.scene import MeshScene, prepare_mesh
from nst3d.pipeline.kinds.regions import region_column
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.surface import RigOptions, SurfaceOptions
from nst3d.representations.blocks import BlockGrid
from nst3d.representations.mesh import Instance, Material, Mesh


def placed(x: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[0, 3] = x
    return matrix


def prepared(mesh: Mesh, **surface) -> MeshScene:
    rig = RigOptions(views=2, max_views=2, inside="never")
    return prepare_mesh(mesh, SurfaceOptions(**surface), rig, 32)


def unheard(text: str) -> None:
    raise AssertionError(text)


@pytest.fixture(scope="module")
def street() -> MeshScene:
    """Three houses in a row, the two outer ones one part, of which the right belongs to a group; 4, 1, 4 wide."""
    parts = (cube(material=0), cube(material=1))
    instances = (
        Instance(0, placed(-4), "left"),
        Instance(1, placed(0), "middle", ("block", "town")),
        Instance(0, placed(4), "right", ("town",)),
    )
    return prepared(mesh_of(*parts, instances=instances, materials=(Material("brick"), Material("wood"))))


def at(scene: MeshScene, column: torch.Tensor) -> set[float]:
    """The x of the houses whose rows have all weight; none has a part of it."""
    places, weights = row_places(scene), column[:, 0].numpy()
    known = np.isfinite(places[:, 0])
    houses = (places[known, 0] / 4).round() * 4
    means = {x: weights[known][houses == x].mean() for x in np.unique(houses)}
    assert set(means.values()) <= {0, 1}
    return {float(x) for x, mean in means.items() if mean}


def test_materials(street) -> None:
    assert at(street, material_region(street, "wood")) == {0}
    assert material_shares(street) == {"brick": pytest.approx(2 / 3), "wood": pytest.approx(1 / 3)}
    assert untouched_materials(street, material_region(street, "wood")) == {0}
    with pytest.raises(
        ConfigError, match=r"no material 'woof'; did you mean 'wood'\? Its materials are brick, wood"
    ):
        material_region(street, "woof")


def test_nodes_and_those_below_them(street) -> None:
    assert at(street, node_region(street, "middle", unheard)) == {0}
    assert at(street, node_region(street, "block", unheard)) == {0}
    shares = node_shares(street)
    assert list(shares) == ["left", "middle", "block", "town", "right"]
    assert shares["town"] == pytest.approx(2 / 3)
    with pytest.raises(ConfigError, match="no node 'roof'; its nodes are block, left, middle, right, town"):
        node_region(street, "roof", unheard)


def test_nodes_that_share_a_surface_are_chosen_together_which_is_said(street) -> None:
    notes: list[str] = []
    column = node_region(street, "right", notes.append)
    torch.testing.assert_close(column, material_region(street, "brick"))
    assert notes == ["region node:right: shares its colours with left, which are chosen with it"]


def test_places_are_in_the_coordinates_of_the_file(street) -> None:
    places = row_places(street)
    low, high = np.nanmin(places, 0), np.nanmax(places, 0)
    np.testing.assert_allclose(low[1:], -1, atol=0.1)
    np.testing.assert_allclose(high[1:], 1, atol=0.1)
    assert low[0] >= -5.001
    assert np.isnan(places[~street.anchors.valid]).all()


def test_nodes_of_a_gltf(tmp_path) -> None:
    sample = Sample()
    for number in range(3):
        sample.show(sample.quad(), translation=[1.5 * number, 0, 0])
    nodes = sample.json["nodes"]
    for node, name in zip(nodes, ("a", "b", "c")):
        node["name"] = name
    nodes.append({"name": "both", "children": [0, 1]})
    sample.json["scenes"][0]["nodes"] = [3, 2]
    mesh = load_gltf(sample.save(tmp_path / "three.glb"))
    assert [(i.name, i.above) for i in mesh.instances] == [("a", ("both",)), ("b", ("both",)), ("c", ())]


OBJ = """
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 2 0 0
v 2 1 0
{0}f 1 2 3 4
{1}f 2 5 6 3
"""


@pytest.mark.parametrize("paint", ["vertex", "texture"])
def test_objects_and_groups_of_an_obj(paint, tmp_path) -> None:
    (tmp_path / "two.obj").write_text(OBJ.format("o house\ng walls lit\n", "g roof\n"))
    scene = prepared(load_obj(tmp_path / "two.obj"), paint=paint)
    assert node_shares(scene) == {
        "house": pytest.approx(1),
        "walls": pytest.approx(0.5),
        "lit": pytest.approx(0.5),
        "roof": pytest.approx(0.5),
    }
    x = row_places(scene)[:, 0]
    roof = node_region(scene, "roof", unheard)[:, 0].numpy()
    assert (roof[x > 1.05] == 1).all()
    assert (roof[x < 0.95] == 0).all()
    assert (node_region(scene, "lit", unheard)[:, 0].numpy()[x < 0.95] == 1).all()


def test_an_obj_without_groups_has_parts_for_nodes(tmp_path) -> None:
    (tmp_path / "two.obj").write_text(OBJ.format("usemtl a\n", "usemtl b\n"))
    mesh = load_obj(tmp_path / "two.obj")
    assert mesh.groups == ()
    assert set(node_shares(prepared(mesh))) == {"a", "b"}


def test_a_mask_on_the_own_uvs(tmp_path) -> None:
    """UVs from 0 to 1 with their origin at the bottom left; the mask's right half is white, and its top too."""
    scene = prepared(mesh_of(quad()))
    mask = np.zeros((16, 16, 3), np.float32)
    mask[:, 8:] = mask[:4] = 1
    write_image(tmp_path / "mask.png", mask)
    column, places = uv_region(scene, tmp_path / "mask.png")[:, 0].numpy(), row_places(scene)
    inside, outside = (
        (places[:, 0] > 0.2) | (places[:, 1] > 0.7),
        (places[:, 0] < -0.2) & (places[:, 1] < 0.3),
    )
    assert column[inside].min() == 1
    assert column[outside].max() == 0
    with pytest.raises(ConfigError, match="the mesh has no UVs"):
        uv_region(prepared(mesh_of(replace(quad(), uvs=None))), tmp_path / "mask.png")
    with pytest.raises(InputError, match=r"none\.png: no such file"):
        uv_region(scene, tmp_path / "none.png")


def encoder() -> VGG:
    raise AssertionError("no region here needs features")


def test_texels_between_islands_and_copies_of_vertices_follow_those_that_show(street) -> None:
    own = torch.full((street.layout.num_colours, 3), 0.5)
    selectors = mesh_selectors(street, own, PaintConfig(), encoder, unheard)
    column = region_column("material:wood", selectors)
    assert set(selectors.names) == {"material", "node"}
    assert (column[~torch.from_numpy(street.anchors.valid)] > 0).any()
    split = replace(
        quad(),
        vertices=quad().vertices[[0, 1, 2, 0, 2, 3]],
        faces=np.arange(6).reshape(2, 3).astype(np.int32),
    )
    scene = prepared(mesh_of(split), paint="vertex")
    own = torch.full((scene.layout.num_colours, 3), 0.5)
    whole = region_column("material:plain", mesh_selectors(scene, own, PaintConfig(), encoder, unheard))
    assert (whole == 1).all()


def test_voxels_are_where_their_middle_is() -> None:
    cells = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]])
    scene = prepared(mesh_of(BlockGrid(cells).part("blocks", 0, None), up=(0.0, 0.0, 1.0)))
    np.testing.assert_allclose(row_places(scene), cells + 0.5, atol=1e-5)
