"""Pictures of splats for people: they fill their tiles, over what `nst3d render` shows behind them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from small_splats import ball

from nst3d.formats.splats.registry import save_splats
from nst3d.images.io import read_image
from nst3d.pipeline.kinds.radiance.gallery import write_comparison
from nst3d.pipeline.kinds.radiance.scene import open_splats
from nst3d.pipeline.kinds.radiance.shown import show_splats
from nst3d.pipeline.settings.config import OutputOptions, PaintConfig

SIDE = 48


def test_a_sheet_is_filled_whatever_floats_about(tmp_path: Path) -> None:
    body = replace(ball(), scales=np.full((300, 3), 0.05, np.float32))
    strays = replace(ball(4), opacities=np.full(4, 0.3, np.float32))
    strays = replace(strays, positions=(strays.positions - np.array([2, 0, 1], np.float32)) * 30)
    rows = ("positions", "scales", "rotations", "opacities", "harmonics")
    both = {name: np.concatenate([getattr(body, name), getattr(strays, name)]) for name in rows}
    scene = replace(body, **both)
    save_splats(tmp_path / "a.ply", scene, scene.colours, 1.0)
    opened = open_splats(tmp_path / "a.ply", None, PaintConfig())
    output = OutputOptions(size=SIDE)
    sheet = read_image(write_comparison(tmp_path / "a.png", opened, [(opened.colours, 0.0)], output)).pixels
    tiles = sheet.reshape(2, SIDE, 4, SIDE, 3).swapaxes(1, 2).reshape(8, SIDE, SIDE, 3)
    for tile in tiles:
        seen = np.argwhere(np.abs(tile - 1).max(-1) > 0.1)
        assert (np.ptp(seen, axis=0) > 0.85 * SIDE).all()
    shown = show_splats(tmp_path / "a.ply")
    assert shown.background == output.background == tuple(sheet[0, 0])
