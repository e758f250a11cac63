"""compile_view: from frozen geometry and a camera to a linear operator. One file a kind of scene."""

from __future__ import annotations

from collections.abc import Callable

from nst3d.cameras.pinhole import Camera
from nst3d.operators.base import ViewOperator
from nst3d.operators.identity import IdentityView
from nst3d.renderers.mesh import MeshRenderer, MeshViewOptions
from nst3d.representations.surface import Surface
from nst3d.tensors import ImageSize

__all__ = ["MeshRenderer", "MeshViewOptions", "compile_view"]


def compile_view(
    representation: Surface | ImageSize, camera: Camera | None = None, options: MeshViewOptions | None = None
) -> ViewOperator:
    """The linear operator of one view of a scene's frozen geometry.

    Of a picture, the geometry is its size: the view is the identity, whatever the camera. For many views
    of one surface make a `MeshRenderer` and let it compile them: it builds its tree once. TypeError for
    anything else, and for a surface without a camera.
    """
    compilers: dict[type, Callable[..., ViewOperator]] = {Surface: _surface_view, ImageSize: _picture_view}
    if type(representation) not in compilers:
        known = ", ".join(kind.__name__ for kind in compilers)
        raise TypeError(f"{type(representation).__name__} cannot be rendered: expected {known}")
    return compilers[type(representation)](representation, camera, options)


def _surface_view(surface: Surface, camera: Camera | None, options: MeshViewOptions | None) -> ViewOperator:
    if camera is None:
        raise TypeError("a surface is seen by a camera: give one")
    return MeshRenderer(surface).compile(camera, options)


def _picture_view(size: ImageSize, camera: Camera | None, options: MeshViewOptions | None) -> ViewOperator:
    return IdentityView(size)
