"""Chooses how much to paint by how fast this machine is, where the command line leaves it open."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from nst3d.errors import Nst3dError
from nst3d.features.speed import convolution_rate
from nst3d.pipeline.runtime.machine import resolve_device, use_threads
from nst3d.pipeline.settings.config import PaintConfig, load_preset
from nst3d.pipeline.styles import encoder_dtype

PAINTING_SECONDS = 95.0
"""Time for painting, which leaves 25 seconds of two minutes for reading, preparing and the pictures."""


def paced(config: PaintConfig) -> tuple[PaintConfig, str]:
    """The settings, smaller if this machine would paint longer than `PAINTING_SECONDS`, and a note that says so.

    The note is empty if they are as before. GPUs are never too slow.
    """
    device = resolve_device(config.device)
    if device.type != "cpu":
        return config, ""
    use_threads(config.threads)
    rate = convolution_rate(encoder_dtype(config, device), device)
    smaller = config.within(PAINTING_SECONDS, rate)
    if smaller is config:
        return config, ""
    size, steps = smaller.schedule.finest, smaller.schedule.total
    return smaller, (
        f"this CPU does {rate / 1e12:.2g} TFLOP/s: painting at {size} pixels with {steps} steps;"
        f" give `size` or `iterations` to override ({config.schedule.finest} is the full preset's size)"
    )


def as_before(config: PaintConfig, recorded: Path) -> PaintConfig | None:
    """The settings as `paced` made them for an earlier run, by its config.yaml; None if they were not its choice."""
    if not recorded.is_file():
        return None
    with suppress(Nst3dError):  # a damaged or foreign file: measure again
        schedule = load_preset(str(recorded)).schedule
        return next((rung for rung in config.rungs() if rung.schedule == schedule), None)
    return None
