"""--dataparser: captures that nerfstudio reads for us."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from nst3d.errors import ConfigError
from nst3d.integrations.nerfstudio.dataparsers import load_with
from nst3d.pipeline.capture_reader import OWN_READER, CaptureReader


def capture_reader(dataparser: str | None, cameras: Path | None) -> CaptureReader:
    """What reads the capture `cameras`. Raises ConfigError for a dataparser with nothing to read."""
    if dataparser is None:
        return OWN_READER
    if cameras is None:
        raise ConfigError(
            f"--dataparser {dataparser}: says how a capture is read; give it with --cameras CAPTURE"
        )
    return CaptureReader(dataparser, partial(load_with, dataparser))
