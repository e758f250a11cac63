"""Readers of captures: our own, which detects the format, or another package's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nst3d.files import PathLike
from nst3d.formats.captures.registry import load_capture
from nst3d.formats.io.peek import Peek
from nst3d.formats.nerfstudio.frame import in_frame_of
from nst3d.representations.capture import Capture


@dataclass(frozen=True)
class CaptureReader:
    """Reads captures; called with a folder or file, it returns the capture or raises an Nst3dError."""

    name: str = ""
    """Its name on the command line; empty: the format is detected from the files."""
    read: Callable[[Path], Capture] = load_capture

    def __call__(self, path: Path) -> Capture:
        """The capture at a path."""
        return self.read(path)

    def for_scene(self, path: Path, scene: PathLike | Peek) -> Capture:
        """The capture with its cameras in the world of a scene; nerfstudio runs have their own.

        Captures read by nerfstudio are already in it.
        """
        capture = self(path)
        return capture if self.name else in_frame_of(scene, capture)


OWN_READER = CaptureReader()
"""Detects the format from the files."""
