"""Where a capture's scene lies."""

from __future__ import annotations

from nst3d.cameras.bounds import SceneFrame, scene_frame
from nst3d.representations.capture import Capture


def capture_frame(capture: Capture) -> SceneFrame:
    """The ball that a capture is about: bounded where photographs have alpha, else as its cameras say."""
    cameras = [photo.camera for photo in capture.photos]
    return scene_frame(cameras, "bounded" if capture.background is not None else None, capture.depths)
