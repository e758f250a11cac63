"""The bounds of a capture's scene."""

from __future__ import annotations

from nst3d.cameras.bounds import SceneFrame, scene_frame
from nst3d.representations.capture import Capture


def capture_frame(capture: Capture) -> SceneFrame:
    """The ball around a capture's subject: bounded if photographs have alpha, otherwise estimated."""
    cameras = [photo.camera for photo in capture.photos]
    return scene_frame(cameras, "bounded" if capture.background is not None else None, capture.depths)
