"""The cameras of a mesh, planned or as they were kept from an earlier painting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.pipeline.kinds.mesh.inside import Plan, plan_views
from nst3d.pipeline.kinds.mesh.rig import Rig
from nst3d.pipeline.runtime.scene_cache import SceneCache
from nst3d.pipeline.settings.surface import RigOptions
from nst3d.renderers.outside import SidesChoice
from nst3d.renderers.raycast import Raycaster
from nst3d.representations.surface import Surface
from nst3d.tensors import Array, ImageSize

_FORMS = {
    "poses": ("f", 3),
    "lenses": ("f", 2),
    "sizes": ("i", 2),
    "facts": ("f", 1),
    "around": ("i", 0),
    "unseen": ("i", 1),
    "shown": ("b", 1),
    "notes": ("U", 1),
}
"""Kind of number, and dimensions."""


def kept_plan(
    cache: SceneCache,
    surface: Surface,
    sides: SidesChoice,
    options: RigOptions,
    size: int,
    given: Sequence[Camera] = (),
) -> Plan:
    """What `plan_views` returns for the same arguments, and raises; `given` cameras are planned each time."""
    if given:
        return plan_views(surface, sides, options, size, given)
    made: list[Plan] = []

    def planned() -> Mapping[str, Array]:
        made.append(plan_views(surface, sides, options, size))
        return _arrays(made[-1])

    arrays = cache.of("plan", surface, sides, options, size).arrays(planned, _sound)
    return made[-1] if made else _restored(arrays, surface)


def _arrays(plan: Plan) -> Mapping[str, Array]:
    rig, shown = plan.rig, plan.caster.surface
    cameras = rig.cameras
    return {
        "poses": np.array([c.camera_to_world for c in cameras], np.float64).reshape(-1, 4, 4),
        "lenses": np.array([(c.focal, *c.centre, c.aspect) for c in cameras], np.float64).reshape(-1, 4),
        "sizes": np.array([c.size for c in cameras], np.int64).reshape(-1, 2),
        "facts": np.array([rig.distance, rig.coverage, rig.reachable, rig.pixel], np.float64),
        "around": np.array(len(rig.around)),
        "unseen": np.array(sorted(rig.unseen), np.int64),
        "shown": np.array([shown.sides is not None, shown.opacity is not None]),
        "notes": np.array(plan.notes, np.str_),
    }


def _sound(arrays: Mapping[str, Array]) -> bool:
    forms = {name: (array.dtype.kind, array.ndim) for name, array in arrays.items()}
    if forms != _FORMS or len(arrays["facts"]) != 4 or len(arrays["shown"]) != 2:
        return False
    count = len(arrays["poses"])
    shapes = {"poses": (count, 4, 4), "lenses": (count, 4), "sizes": (count, 2)}
    return all(arrays[name].shape == shape for name, shape in shapes.items())


def _restored(arrays: Mapping[str, Array], surface: Surface) -> Plan:
    cameras = tuple(
        Camera(
            pose, float(lens[0]), (float(lens[1]), float(lens[2])), ImageSize(*map(int, size)), float(lens[3])
        )
        for pose, lens, size in zip(arrays["poses"], arrays["lenses"], arrays["sizes"])
    )
    around, (distance, coverage, reachable, pixel) = int(arrays["around"]), map(float, arrays["facts"])
    unseen = frozenset(arrays["unseen"].tolist())
    rig = Rig(cameras[:around], distance, coverage, reachable, pixel, cameras[around:], unseen)
    sided, clear = map(bool, arrays["shown"])
    shown = replace(
        surface, sides=surface.sides if sided else None, opacity=surface.opacity if clear else None
    )
    return Plan(Raycaster(surface).seen_as(shown), rig, tuple(map(str, arrays["notes"])))
