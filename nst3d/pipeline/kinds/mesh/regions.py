"""Regions of meshes: columns of weights beside the colour table."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch

from nst3d.errors import ConfigError
from nst3d.features.encoder import Encoder
from nst3d.operators.cache import CacheTally
from nst3d.pipeline.kinds.mesh.scene import MeshScene, filled
from nst3d.pipeline.kinds.mesh.views import MeshViews
from nst3d.pipeline.kinds.regions import Select, Selectors
from nst3d.pipeline.kinds.selectors.colour import colour_region
from nst3d.pipeline.kinds.selectors.masks import read_mask
from nst3d.pipeline.kinds.selectors.part_names import NamedPart
from nst3d.pipeline.kinds.selectors.places import place_selectors
from nst3d.pipeline.kinds.selectors.seen import Note, Sights, sight_selectors
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.region_text import quoted
from nst3d.renderers.visibility import sample_points, sees
from nst3d.representations.mesh import Part
from nst3d.representations.paint import VertexPaint
from nst3d.representations.surface import VertexBinding, welded_rows
from nst3d.stylize.stage_scene import TableStage
from nst3d.tensors import Array, Colours

_SAMPLES = 40_000
"""Points on the whole surface, so that there are some hundred on a small region."""
_BEHIND = 0.5
"""Background of the views in which deep features are compared, grey."""


def mesh_selectors(
    scene: MeshScene, own: Colours, config: PaintConfig, encoder: Callable[[], Encoder], note: Note
) -> Selectors:
    """What chooses regions of a mesh: names, masks on its UVs, places, `own` colours (n, 3), and what views show."""

    @cache
    def stage() -> TableStage:
        start = (own, torch.full((3,), _BEHIND))
        return MeshViews(scene, 1.0, config, start, CacheTally()).stage(scene.layout, [], True)

    @cache
    def places() -> Array:
        return row_places(scene)

    frame = scene.mesh.frame
    names = {"material": partial(material_shares, scene), "node": partial(node_shares, scene)}
    select: dict[str, Select] = {
        "material": partial(material_region, scene),
        "node": partial(node_region, scene, note=note),
    }
    silent = select | {"node": partial(node_region, scene, note=lambda text: None)}

    @cache
    def named() -> Sequence[NamedPart]:
        return [
            NamedPart(
                f"{selector}:{quoted(name)}",
                name,
                share,
                partial(select[selector], name),
                partial(silent[selector], name),
            )
            for selector, listed in names.items()
            for name, share in listed().items()
            if share > 0
        ]

    def pixel() -> float:
        return scene.rig.pixel / frame.scale

    sights = Sights(stage, places, pixel, partial(_depth, scene), encoder, note, named=named)
    by_name: dict[str, Select] = {
        **select,
        "uv": lambda path: uv_region(scene, Path(path)),
        **place_selectors(places),
        "colour": partial(colour_region, own),
        **sight_selectors(sights),
    }
    return Selectors(by_name, places, pixel, names, partial(_settled, scene), stage.cache_clear)


def row_places(scene: MeshScene) -> Array:
    """The positions (n, 3) of the paint's rows in the file's coordinates, of voxels their middle; NaN: on no face."""
    places = np.full((scene.layout.num_colours, 3), np.nan)
    surface, frame, valid = scene.surface, scene.mesh.frame, scene.anchors.valid
    corners = surface.positions[surface.faces].astype(np.float64)
    points = scene.anchors.interpolate(corners)
    if isinstance(surface.binding, VertexBinding):
        face = scene.anchors.face[valid]
        voxels = np.array([part.cells is not None for part in scene.mesh.parts])[surface.part[face]]
        points[voxels] = _middles(corners[face[voxels]], surface.normals[face[voxels], 0])
    places[valid] = points / frame.scale + frame.centre
    return places


def _middles(triangles: Array, normals: Array) -> Array:
    """The middles (n, 3) of cubes, from half of a side of each, (n, 3, 3), and its outward normal (n, 3)."""
    edges = np.linalg.norm(triangles - np.roll(triangles, -1, axis=1), axis=2)
    longest, each = edges.argmax(1), np.arange(len(triangles))
    side = (triangles[each, longest] + triangles[each, (longest + 1) % 3]) / 2
    return np.asarray(side - normals * edges.min(1, keepdims=True) / 2)


def material_region(scene: MeshScene, name: str) -> Colours:
    """Weights (n, 1): 1 for rows of parts with a material of that name, 0 elsewhere.

    ConfigError, listing all materials, for any other name.
    """
    names = [material.name for material in scene.mesh.materials]
    _check_name(name, names, "material")
    wanted = np.array([names[part.material] == name for part in scene.mesh.parts])
    return _of_faces(scene, wanted[scene.surface.part])


def node_region(scene: MeshScene, name: str, note: Note) -> Colours:
    """Weights (n, 1): 1 for rows that a node of that name, or one below it, shows, 0 elsewhere.

    In an OBJ these are its objects and groups. A surface that several nodes show has one table, so that the others of
    them are chosen, too, which is said. ConfigError, listing all nodes, for any other name.
    """
    labels, label = _labels(scene)
    _check_name(name, [n for names in labels for n in names], "node")
    wanted = np.array([name in names for names in labels])[label]
    source = _sources(scene)
    picked = np.zeros(source.max() + 1, bool)
    picked[source[wanted]] = True
    also = {n for k in np.unique(label[picked[source] & ~wanted]) for n in labels[k][:1]}
    if also:
        note(f"region node:{name}: shares its colours with {_listed(also)}, which are chosen with it")
    return _of_faces(scene, picked[source])


def uv_region(scene: MeshScene, path: Path) -> Colours:
    """Weights (n, 1) from a mask over the asset's own UVs, white inside, repeated outside of it.

    Parts without UVs have none. ConfigError if that is all of them, InputError for a file that cannot be read.
    """
    parts = _painted_parts(scene)
    if all(part.uvs is None for part in parts):
        raise ConfigError(f"region uv:{path}: the mesh has no UVs")
    mask = read_mask(path)[..., 0].numpy()
    surface, anchors, valid = scene.surface, scene.anchors, scene.anchors.valid
    face, weights = anchors.face[valid], anchors.weights[valid]
    column = np.zeros(len(face), np.float32)
    for number, part in enumerate(parts):
        mine = surface.part[face] == number
        if part.uvs is not None and mine.any():
            corners = part.uvs[surface.local_face[face[mine]]]
            column[mine] = _sampled(mask, np.einsum("nk,nkc->nc", weights[mine], corners))
    return _of_rows(scene, column)


def untouched_materials(scene: MeshScene, weights: Colours) -> frozenset[int]:
    """Materials on whose parts no row of the table has weight, (n, 1)."""
    parts = scene.mesh.parts
    return frozenset(p.material for p in parts) - {parts[i].material for i in _touched(scene, weights)}


def region_coverage(scene: MeshScene, weights: Colours) -> float:
    """Fraction, by area, that the cameras see of the parts on which rows have weight (n, 1), in [0, 1]."""
    points = sample_points(scene.surface, _SAMPLES)
    points = points.at(np.flatnonzero(np.isin(scene.surface.part[points.face], _touched(scene, weights))))
    if not len(points.positions):
        return scene.rig.coverage
    seen = [sees(scene.renderer.caster, camera, points) for camera in scene.rig.cameras]
    return float(np.any(seen, axis=0).mean())


def _touched(scene: MeshScene, weights: Colours) -> Array:
    """The parts on which rows of the table have weight (n, 1)."""
    rows = scene.anchors.valid & (weights[:, 0] > 0).cpu().numpy()
    return np.unique(scene.surface.part[scene.anchors.face[rows]])


def material_shares(scene: MeshScene) -> Mapping[str, float]:
    """The share of the surface of each material with a name, in the file's order."""
    names = [scene.mesh.materials[part.material].name for part in scene.mesh.parts]
    return _shares(scene, [(name,) for name in names], scene.surface.part)


def node_shares(scene: MeshScene) -> Mapping[str, float]:
    """The share of the surface that each node with a name shows, itself or below it, in the file's order."""
    return _shares(scene, *_labels(scene))


def _shares(scene: MeshScene, labels: Sequence[tuple[str, ...]], label: Array) -> Mapping[str, float]:
    areas = np.bincount(label, scene.surface.areas(), len(labels))
    found = dict.fromkeys((name for names in labels for name in names if name), 0.0)
    for names, area in zip(labels, areas):
        for name in filter(None, set(names)):
            found[name] += float(area) / max(float(areas.sum()), 1e-30)
    return found


def _labels(scene: MeshScene) -> tuple[Sequence[tuple[str, ...]], Array]:
    """What faces are called, by nodes or groups, and the index of that for each face of the surface."""
    mesh, parts = scene.mesh, _painted_parts(scene)
    if mesh.groups:
        of_parts = [p.groups if p.groups is not None else np.zeros(len(p.faces), int) for p in parts]
        return mesh.groups, np.concatenate([of_parts[i.part] for i in mesh.instances])
    names = [(i.name or parts[i.part].name, *i.above) for i in mesh.instances]
    return names, np.repeat(np.arange(len(names)), [len(parts[i.part].faces) for i in mesh.instances])


def _sources(scene: MeshScene) -> Array:
    """The face of the file, numbered over all parts, of each face of the surface."""
    starts = np.cumsum([0, *(len(part.faces) for part in _painted_parts(scene))])
    return np.asarray(starts[scene.surface.part] + scene.surface.local_face)


def _check_name(name: str, names: Sequence[str], what: str) -> None:
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}? Its {what}s are" if near else f"its {what}s are"
    raise ConfigError(
        f"the mesh has no {what} {name!r}; {hint} {_listed(n for n in names if n) or 'without names'}"
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))


def _painted_parts(scene: MeshScene) -> Sequence[Part]:
    """The parts to which the surface's `local_face` refers."""
    return scene.paint.parts if isinstance(scene.paint, VertexPaint) else scene.mesh.parts


def _of_faces(scene: MeshScene, wanted: Array) -> Colours:
    """The column (n, 1): 1 for rows on faces of the surface that are `wanted`, (f,) bool."""
    return _of_rows(scene, wanted[scene.anchors.face[scene.anchors.valid]])


def _of_rows(scene: MeshScene, values: Array) -> Colours:
    """The column (n, 1) of values for the rows that are on a face."""
    column = torch.zeros(scene.layout.num_colours, 1)
    column[torch.from_numpy(scene.anchors.valid)] = torch.from_numpy(values).float()[:, None]
    return column


def _settled(scene: MeshScene, column: Colours) -> Colours:
    """The column with texels between islands like their neighbours, and copies of a vertex like that which is shown."""
    if isinstance(scene.paint, VertexPaint):
        return column[torch.from_numpy(welded_rows(scene.paint)).long()]
    valid = torch.from_numpy(scene.anchors.valid)
    return filled(column.expand(-1, 3), scene.layout, valid)[:, :1].clamp(0, 1).contiguous()


def _sampled(mask: Array, uvs: Array) -> Array:
    """Values of a mask (h, w) at UVs (n, 2), bilinear. Beyond 0 to 1 it is repeated, but not blended with itself."""
    uvs = np.where((uvs >= 0) & (uvs <= 1), uvs, uvs - np.floor(uvs))
    most = np.array(mask.shape[::-1]) - 1
    spots = np.clip(np.stack([uvs[:, 0], 1 - uvs[:, 1]], 1) * mask.shape[::-1] - 0.5, 0, most)
    low = np.floor(spots).astype(np.int64)
    (left, top), (right, down) = low.T, np.minimum(low + 1, most).T
    across, along = (spots - low).T
    above = mask[top, left] * (1 - across) + mask[top, right] * across
    below = mask[down, left] * (1 - across) + mask[down, right] * across
    return np.asarray(above * (1 - along) + below * along, np.float32)


def _depth(scene: MeshScene, stage: TableStage, view: int) -> Array:
    """The depth (h, w) of a view in the file's units, inf where there is no surface."""
    hits = scene.renderer.look(stage.cameras[view], 1).median()
    return np.where(hits.face >= 0, hits.depth / scene.mesh.frame.scale, np.inf)
