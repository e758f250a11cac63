"""Frames a second of a turntable of the lighthouse at 512 x 512: drawing alone, and with encoding.

    python benchmarks/turntable.py

Prints a table, and last one line of JSON.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from common import ROOT, parser_for, report

from nst3d.cameras.orbits import Orbit
from nst3d.formats.mesh_files import load_mesh
from nst3d.pipeline.kinds.mesh.gallery import ColouredSurface, draw_frames, orbit_cameras
from nst3d.pipeline.kinds.mesh.shown import show_mesh
from nst3d.pipeline.settings.config import OutputOptions
from nst3d.video.encode import write_mp4

FRAMES = 96


def main() -> None:
    """Measure drawing frame by frame, then a whole video."""
    given = parser_for(__doc__).parse_args()
    orbit = Orbit(FRAMES)
    shown = show_mesh(load_mesh(ROOT / "scenes/lighthouse/lighthouse.glb"), orbit)
    cameras = orbit_cameras(shown, orbit)
    look = ColouredSurface(shown.renderer, shown.colours)
    list(draw_frames(look, cameras[:4], OutputOptions()))
    times = []
    last = time.perf_counter()
    for _ in draw_frames(look, cameras, OutputOptions()):
        times.append(time.perf_counter() - last)
        last = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        frames = draw_frames(look, cameras, OutputOptions())
        write_mp4(Path(folder) / "turntable.mp4", frames, 24)
        video = time.perf_counter() - start
    numbers = {
        "frame_ms": round(statistics.median(times) * 1e3, 1),
        "draw_fps": round(1 / statistics.median(times), 1),
        "video_fps": round(FRAMES / video, 1),
    }
    report("turntable, 512 x 512", numbers, given.save)


if __name__ == "__main__":
    main()
