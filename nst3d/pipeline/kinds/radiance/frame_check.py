"""Whether a capture's cameras are in a scene's world: its renders are compared with the photographs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from nst3d.cameras.crowd import spread_out
from nst3d.errors import InputError
from nst3d.formats.captures.photos import area_average, load_photo, load_small
from nst3d.images.resize import fitted_size
from nst3d.renderers.radiance import Frame, RadianceRenderer
from nst3d.representations.capture import Capture, Photo
from nst3d.tensors import Array, ImageSize

_VIEWS, _FEWEST = 6, 3
_SIDE = 64
"""Long side of the compared views, in pixels."""
_PIXELS = 320 * 240
"""Size at which photographs are read."""
_NOTHING = 0.005
"""Mean opacity of views that show nothing."""
_ALIKE = 0.15
"""Share of the photographs' contrast that must differ between them, so that they can be told apart."""
_BETTER = 0.1
"""By how much a render's correlation with its own photograph must exceed that with others."""
_REMEDY = (
    "; they may be of another scene, or of one that was moved, turned or scaled since: give the capture that the"
    " scene was made from, or none"
)


def frame_note(renderer: RadianceRenderer, colours: Array, capture: Capture) -> tuple[str, ...]:
    """A note if renders with the colours (n, 3) do not show what the capture's photographs do.

    Six views far apart are rendered with 64 pixels. In the right frame, a render predicts its own photograph better
    than the others; any linear map of colours is allowed, so that a painted scene still fits its photographs.
    Without three photographs that can be read and differ, there is nothing to compare, and no note.
    """
    photos = _alike([p for p in capture.photos if p.has_picture])
    photos = [photos[i] for i in spread_out([p.camera for p in photos], _VIEWS)] if photos else []
    if len(photos) < _FEWEST:
        return ()
    size = fitted_size(photos[0].camera.size, min(_SIDE, max(photos[0].camera.size)))
    frames = [renderer.draw(p.camera.resized(size), colours) for p in photos]
    if max(float(f.opacity.mean()) for f in frames) < _NOTHING:
        return (f"the cameras of {capture.source} see nothing of the scene{_REMEDY}",)
    try:
        pictures = np.stack([_picture(p, size, capture) for p in photos])
    except InputError:
        return ()
    return () if _agree(frames, pictures) else (
        f"the cameras of {capture.source} do not fit the scene: rendered from them, it does not look like their"
        f" photographs ({photos[0].name} …){_REMEDY}",
    )  # fmt: skip


def _alike(photos: Sequence[Photo]) -> list[Photo]:
    """Those of the most common size."""
    sizes = Counter(p.camera.size for p in photos).most_common(1)
    return [p for p in photos if p.camera.size == sizes[0][0]]


def _agree(frames: Sequence[Frame], pictures: Array) -> bool:
    """Whether frames fit their own pictures (n, h, w, 3) better than others, as far as those can be told apart."""
    common = pictures.mean(0)
    apart = pictures - common
    if apart.std() < _ALIKE * pictures.std():
        return True
    # Over what all pictures share: where a frame is transparent, it then differs from nothing.
    shown = np.stack([f.colour - f.opacity[..., None] * common for f in frames])
    own, *others = (_correlation(shown, np.roll(apart, k, axis=0)) for k in range(len(frames)))
    return own - float(np.mean(others)) > _BETTER


def _correlation(given: Array, wanted: Array) -> float:
    """The multiple correlation of all pixels' channels with their best linear prediction, 0 to 1."""
    known = given.reshape(-1, given.shape[-1]).astype(np.float64)
    known = np.concatenate([known, np.ones((len(known), 1))], axis=1)
    target = wanted.reshape(-1, 3).astype(np.float64)
    target = target - target.mean(0)
    weights = np.linalg.lstsq(known, target, rcond=None)[0]
    left = ((target - known @ weights) ** 2).sum() / max((target**2).sum(), 1e-12)
    return float(np.sqrt(max(1 - left, 0)))


def _picture(photo: Photo, size: ImageSize, capture: Capture) -> Array:
    """The photograph (h, w, 3), decoded no larger than needed if it is stored upright."""
    pixels, alpha = load_small(photo, _PIXELS)
    if (pixels.shape[0] > pixels.shape[1]) != (size.height > size.width):
        return load_photo(photo, size, capture.background)
    if alpha is not None:
        behind = np.asarray(capture.background or (1.0, 1.0, 1.0), np.float32)
        pixels = pixels * alpha[..., None] + (1 - alpha[..., None]) * behind
    return area_average(pixels, size)
