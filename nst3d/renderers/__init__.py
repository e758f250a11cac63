"""compile_view: from frozen geometry and a camera to a linear operator. One file per kind of scene."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from nst3d.cameras.pinhole import Camera
from nst3d.errors import MissingDependencyError
from nst3d.operators.base import ViewOperator
from nst3d.operators.identity import IdentityView
from nst3d.renderers.mesh import MeshRenderer, MeshViewOptions
from nst3d.renderers.radiance import RadianceRenderer
from nst3d.renderers.splat_gsplat import GsplatRenderer
from nst3d.renderers.splats import SplatRenderer
from nst3d.renderers.voxels import VoxelRenderer
from nst3d.representations.field import VoxelField
from nst3d.representations.splats import Splats
from nst3d.representations.surface import Surface
from nst3d.tensors import ImageSize

__all__ = ["MeshRenderer", "MeshViewOptions", "compile_view", "radiance_renderer"]


def compile_view(
    representation: Surface | Splats | VoxelField | ImageSize,
    camera: Camera | None = None,
    options: Any = None,
) -> ViewOperator:
    """The linear operator of one view of a scene's frozen geometry.

    `options` are `MeshViewOptions`, `SplatOptions` or `VoxelOptions`, to match the scene; None: the defaults.
    A picture's geometry is its size, and its view is the identity for any camera. For many views of one
    scene, create its renderer (`MeshRenderer`, `radiance_renderer`), which prepares the scene once. Raises
    TypeError for other kinds of scene, and if `camera` is missing for a scene that is not a picture.
    """
    if isinstance(representation, ImageSize):
        return IdentityView(representation)
    compilers: dict[type, Callable[[Any, Camera], ViewOperator]] = {
        Surface: lambda surface, camera: MeshRenderer(surface).compile(camera, options),
        Splats: lambda splats, camera: SplatRenderer(splats, options).compile(camera),
        VoxelField: lambda field, camera: VoxelRenderer(field, options).compile(camera),
    }
    kind = type(representation).__name__
    if type(representation) not in compilers:
        known = ", ".join(k.__name__ for k in (*compilers, ImageSize))
        raise TypeError(f"{kind} cannot be rendered: expected {known}")
    if camera is None:
        raise TypeError(f"a {kind} needs a camera")
    return compilers[type(representation)](representation, camera)


def radiance_renderer(scene: Splats | VoxelField, device: torch.device | None = None) -> RadianceRenderer:
    """The renderer of a radiance scene, with default options.

    Splats are rendered by gsplat on a CUDA device; without gsplat they are rendered on the CPU, with a note.
    """
    if isinstance(scene, VoxelField):
        return VoxelRenderer(scene)
    if device is None or device.type != "cuda":
        return SplatRenderer(scene)
    try:
        return GsplatRenderer(scene, device)
    except MissingDependencyError as error:
        renderer = SplatRenderer(scene)
        renderer.notes = (f"splats are rendered on the CPU: {error}",)
        return renderer
