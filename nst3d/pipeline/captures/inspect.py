"""Inspects a capture: its contents, how they will be used, and which photographs are suspect."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.cameras.bounds import SceneFrame, look_away
from nst3d.cameras.pinhole import Camera
from nst3d.pipeline.captures.quality import Quality, measure_quality
from nst3d.pipeline.captures.reader import OWN_READER, CaptureReader
from nst3d.pipeline.runtime.findings import Report
from nst3d.representations.capture import Capture
from nst3d.representations.capture_frame import capture_frame
from nst3d.tensors import Array

_COEFFICIENTS = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
_TOLD = 8
_RANKED = 3
_FAR = 10.0
"""Multiple of the median distance from the scene's centre beyond which a camera is reported."""
_GLANCE = 64
"""Pixels along the longer side of an image when its rays are checked."""


def inspect_capture(path: Path, reader: CaptureReader = OWN_READER) -> Report:
    """The contents and problems of a capture; each photograph is read once, at reduced size.

    Raises InputError for a capture that cannot be read.
    """
    capture = reader(path)
    frame = capture_frame(capture)
    here = all(photo.has_picture for photo in capture.photos)
    quality = measure_quality(capture.photos) if here else None
    wrong = [*capture.notes, *_pose_problems(capture, frame)]
    wrong += [] if quality is None else _photo_problems(capture, quality)
    return Report(
        tuple(_lines(capture, frame, quality)),
        tuple(wrong),
        _facts(capture, frame, quality) | {"problems": wrong},
    )


def _lines(capture: Capture, frame: SceneFrame, quality: Quality | None) -> list[str]:
    photos = capture.photos
    sizes = Counter(p.camera.size for p in photos).most_common()
    told = ", ".join(
        f"{s.width}x{s.height}" + (f" ({n})" if len(sizes) > 1 else "") for s, n in sizes[:_TOLD]
    )
    distances = _distances(capture, frame)
    lines = [
        f"kind: capture ({capture.kind})",
        f"photographs: {len(photos)}, {told}; {len(capture.of('train'))} to train, {len(capture.of('test'))} held out",
        *(f"camera: {line}" for line in _camera_lines(capture)),
        f"scene: {frame.kind}, a ball of radius {frame.radius:.3g} around {_vector(frame.centre)}",
        f"cameras: {distances.min():.3g} to {distances.max():.3g} from its middle",
        f"up: {_vector(capture.up)}",
    ]
    if capture.background is not None:
        lines.append("alpha: yes, laid over white")
    if quality is None:
        return lines
    worst = [f"{photos[i].name} ({quality.sharpness[i]:.0%})" for i in quality.blurriest()[:_RANKED]]
    return [*lines, f"least sharp beside their neighbours: {', '.join(worst)}"]


def _camera_lines(capture: Capture) -> list[str]:
    """Each different camera once."""
    seen = Counter(_describe(p.camera) for p in capture.photos).most_common()
    lines = [text if len(seen) == 1 else f"{text} ({count})" for text, count in seen[:_RANKED]]
    return lines if len(seen) <= _RANKED else [*lines, f"and {len(seen) - _RANKED} more"]


def _describe(camera: Camera) -> str:
    vertical = camera.focal * camera.aspect
    centre = np.array([[0, camera.size.height / 2], [camera.size.width, camera.size.height / 2]])
    upright = np.array([[camera.size.width / 2, 0], [camera.size.width / 2, camera.size.height]])
    across, down = (_angle(*camera.directions(edge)) for edge in (centre, upright))
    lens = "no distortion"
    if camera.lens is not None:
        values = " ".join(f"{k} {v:.4g}" for k, v in vars(camera.lens).items() if k in _COEFFICIENTS and v)
        lens = f"{type(camera.lens).__name__} lens {values}".rstrip()
    return (
        f"focal length {camera.focal:.1f} x {vertical:.1f} pixels, {across:.0f} x {down:.0f} degrees, {lens}"
    )


def _angle(a: Array, b: Array) -> float:
    """The angle between two directions, in degrees."""
    return math.degrees(math.acos(float(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))))


def _pose_problems(capture: Capture, frame: SceneFrame) -> list[str]:
    cameras, photos = [p.camera for p in capture.photos], capture.photos
    wrong = [
        f"{photos[i].name}: points away from what the other cameras view"
        for i in look_away(cameras, frame.centre)
    ]
    distances = _distances(capture, frame)
    wrong += [
        f"{photos[i].name}: its camera is {distances[i] / np.median(distances):.0f} times as far away as the others"
        for i in np.flatnonzero(distances > _FAR * np.median(distances))
    ]
    positions = np.stack([c.position for c in cameras])
    if np.ptp(positions, axis=0).max() < 1e-6 * (1 + np.abs(positions).max()):
        wrong.append("all cameras are at one place and only rotate: depth cannot be recovered")
    blind = [p.name for p in photos if p.camera.lens is not None and not _small(p.camera).valid().all()]
    if blind:
        wrong.append(
            f"{len(blind)} photographs ({blind[0]} …) extend beyond the valid range of their lens model"
        )
    return _shortened(wrong)


def _photo_problems(capture: Capture, quality: Quality) -> list[str]:
    names = [p.name for p in capture.photos]
    jumps = [
        f"{names[i]}: {abs(quality.exposure[i]):.1f} stops {'brighter' if quality.exposure[i] > 0 else 'darker'}"
        " than its neighbours"
        for i in quality.jumps()
    ]
    blurred = [
        f"{names[i]}: blurred, {quality.sharpness[i]:.0%} of its neighbours' sharpness"
        for i in quality.blurred()
    ]
    return _shortened(jumps) + _shortened(blurred)


def _small(camera: Camera) -> Camera:
    return camera.scaled(min(1.0, _GLANCE / max(camera.size)))


def _distances(capture: Capture, frame: SceneFrame) -> Array:
    return np.linalg.norm(np.stack([p.camera.position for p in capture.photos]) - frame.centre, axis=1)


def _facts(capture: Capture, frame: SceneFrame, quality: Quality | None) -> dict[str, Any]:
    return {
        "file": str(capture.source),
        "kind": "capture",
        "format": capture.kind,
        "photographs": len(capture.photos),
        "train": len(capture.of("train")),
        "test": len(capture.of("test")),
        "alpha": capture.background is not None,
        "up": [float(v) for v in capture.up],
        "scene": {
            "kind": frame.kind,
            "centre": [float(v) for v in frame.centre],
            "radius": float(frame.radius),
        },
        "photos": [
            {
                "name": p.name,
                "width": p.camera.size.width,
                "height": p.camera.size.height,
                "focal": [float(p.camera.focal), float(p.camera.focal * p.camera.aspect)],
                "lens": None if p.camera.lens is None else _lens_facts(p.camera),
                "split": p.split,
                **measures,
            }
            for p, measures in zip(capture.photos, _quality_facts(quality, len(capture.photos)))
        ],
    }


def _quality_facts(quality: Quality | None, count: int) -> list[dict[str, Any]]:
    """The measures of each photograph; none without photographs."""
    if quality is None:
        return [{}] * count
    blurred, jumps = set(quality.blurred()), set(quality.jumps())
    return [
        {
            "exposure": float(quality.exposure[i]),
            "sharpness": float(quality.sharpness[i]),
            "exposure_jump": i in jumps,
            "blurred": i in blurred,
        }
        for i in range(count)
    ]


def _lens_facts(camera: Camera) -> dict[str, Any]:
    values = {k: float(v) for k, v in vars(camera.lens).items() if k in _COEFFICIENTS}
    return {"model": type(camera.lens).__name__} | values


def _vector(values: Array) -> str:
    return "(" + ", ".join(f"{v:.2f}" for v in values) + ")"


def _shortened(lines: list[str]) -> list[str]:
    more = len(lines) - _TOLD
    return lines if more <= 0 else [*lines[:_TOLD], f"and {more} more like that"]
