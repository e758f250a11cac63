"""Frames of a mesh whose rays are kept from one painting to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.pipeline.runtime.scene_cache import SceneCache
from nst3d.renderers.frames import FrameRays, frame_rays, without_depth
from nst3d.renderers.layers import Layers
from nst3d.renderers.mesh import MeshRenderer
from nst3d.renderers.raycast import Hits
from nst3d.tensors import Array, ImageSize

Arrays = Mapping[str, Array]


def rays_through(cache: SceneCache, renderer: MeshRenderer) -> Callable[[Camera], FrameRays | None]:
    """`frame_rays` of a renderer, cast or as they were kept."""
    own = cache.of("frame", renderer.made_of)

    def found(camera: Camera) -> FrameRays | None:
        faces = len(renderer.surface.faces)
        arrays = own.of(camera).arrays(
            lambda: _arrays(frame_rays(renderer, camera)), lambda kept: _sound(kept, camera.size, faces)
        )
        return _restored(arrays, camera)

    return found


def _arrays(rays: FrameRays | None) -> Arrays:
    if rays is None:
        return {"box": np.zeros(4, np.int64)}
    arrays = {"box": np.array([*rays.corner, *rays.view.size]), "rough": rays.rough}
    for name, layers in (("flat", rays.flat), ("fine", rays.fine)):
        face, u, v, _ = layers.hits.arrays()
        arrays |= {f"{name}_face": face, f"{name}_u": u, f"{name}_v": v}
        if layers.weight is not None:
            arrays[f"{name}_weight"] = layers.weight
    return arrays


def _restored(arrays: Arrays, camera: Camera) -> FrameRays | None:
    top, left, height, width = map(int, arrays["box"])
    if height == 0:
        return None
    flat, fine = (_layers(arrays, name) for name in ("flat", "fine"))
    view = camera.cropped(top, left, ImageSize(height, width))
    return FrameRays(view, (top, left), flat, arrays["rough"], fine)


def _layers(arrays: Arrays, name: str) -> Layers:
    face, u, v = (arrays[f"{name}_{part}"] for part in ("face", "u", "v"))
    return without_depth(Layers(Hits(face, u, v, face), arrays.get(f"{name}_weight")))


def _sound(arrays: Arrays, size: ImageSize, faces: int) -> bool:
    """Whether arrays are the rays of a frame of this size, of a surface with so many faces."""
    box = arrays.get("box")
    if box is None or box.dtype != np.int64 or box.shape != (4,) or bool((box < 0).any()):
        return False
    top, left, height, width = map(int, box)
    if height == 0:
        return True
    if top + height > size.height or left + width > size.width or "rough" not in arrays:
        return False
    rough = arrays["rough"]
    inside = rough.dtype == np.int64 and rough.ndim == 2 and rough.shape[1] == 2
    if not inside or bool((rough < 0).any() or (rough >= (height, width)).any()):
        return False
    shapes = {"flat": (height, width), "fine": (3 * len(rough), 3)}
    return all(_sound_layers(arrays, name, shape, faces) for name, shape in shapes.items())


def _sound_layers(arrays: Arrays, name: str, shape: tuple[int, int], faces: int) -> bool:
    values = [arrays.get(f"{name}_{part}") for part in ("face", "u", "v", "weight")]
    face = values[0]
    if face is None or face.dtype != np.int32 or face.ndim != 3 or face.shape[1:] != shape:
        return False
    if face.size and not -1 <= int(face.min()) <= int(face.max()) < faces:
        return False
    others = values[1:] if values[3] is not None else values[1:3]
    return all(a is not None and a.dtype == np.float32 and a.shape == face.shape for a in others)
