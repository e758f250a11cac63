"""How far the painting of a video has come, on disk, so that it can be continued."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import torch

from nst3d.errors import ConfigError, InputError
from nst3d.files import write_bytes
from nst3d.stylize.clips.steady import Moment, Steadiness
from nst3d.tensors import Planes

_STATE, _PAIR = "state.npz", "pair_{:08d}.png"


@dataclass(frozen=True)
class Progress:
    """Where in the video the painting stands."""

    job: str
    """Identifies video, styles and settings."""
    done: int = 0
    """Frames painted."""
    shot: int = 0
    """Number of the first frame of the shot that the next frame belongs to."""
    shots: int = 0
    """Shots begun."""
    compared: int = 0
    """Frames that were compared with the one before."""
    shown: float = 0.0
    """Sum of their `Steadiness.shown`."""
    alone: float | None = 0.0
    """Sum of their `Steadiness.alone`; None without such."""
    finished: bool = False
    """Whether the last frame is painted."""

    def after(self, steadiness: Steadiness | None, end: int) -> Progress:
        """One frame further, in a shot that ends before frame `end`."""
        done = self.done + 1
        next_shot = done if done == end else self.shot
        if steadiness is None:
            return replace(self, done=done, shot=next_shot)
        return replace(
            self,
            done=done,
            shot=next_shot,
            compared=self.compared + 1,
            shown=self.shown + steadiness.shown,
            alone=None if self.alone is None or steadiness.alone is None else self.alone + steadiness.alone,
        )


class VideoState:
    """A folder of the parts of a video that are painted, and the state after the last of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def part(self, number: int) -> Path:
        """The path of a part."""
        return self.folder / f"part_{number:08d}.h264"

    def parts(self) -> list[Path]:
        """The parts, in order."""
        return sorted(self.folder.glob("part_*.h264"))

    def pair(self, number: int) -> Path:
        """The path of a picture of a frame before and after."""
        return self.folder / _PAIR.format(number)

    def pairs(self) -> list[Path]:
        """The pictures of frames before and after, in order."""
        return sorted(self.folder.glob("pair_*.png"))

    def painting(self, turn: int, number: int) -> Path:
        """The path of a frame above its picture, as a pass `turn` from 1 on left it."""
        return self.folder / f"pass_{turn:02d}_{number:08d}.png"

    def painted(self, turn: int, numbers: range) -> int:
        """How many of these frames a pass has painted."""
        return sum(self.painting(turn, number).exists() for number in numbers)

    def forget(self, turn: int, numbers: range) -> None:
        """Remove what a pass has painted of these frames."""
        for number in numbers:
            self.painting(turn, number).unlink(missing_ok=True)

    def _paintings(self) -> list[Path]:
        return sorted(self.folder.glob("pass_*.png"))

    @property
    def file(self) -> Path:
        """The path of the state."""
        return self.folder / _STATE

    def save(self, progress: Progress, last: Moment | None) -> None:
        """Write the state, whole or not at all; `last` is None at the start of a shot.

        What passes have painted of shots before that of the next frame is in parts by then, and is removed.
        """
        arrays = {"progress": np.frombuffer(msgspec.json.encode(progress), np.uint8)}
        if last is not None:
            arrays |= {"frame": last.frame, "alone": last.alone.numpy(), "picture": last.picture.numpy()}
            if last.memory is not None:
                arrays["memory"] = last.memory.numpy()
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        write_bytes(self.file, buffer.getvalue())
        for path in self._paintings():
            if int(path.stem.split("_")[-1]) < progress.shot:
                path.unlink()

    def load(self, job: str) -> tuple[Progress, Moment | None]:
        """The state of this job. InputError if it cannot be read, ConfigError if it is another job's."""
        try:
            with np.load(self.file) as arrays:
                progress = msgspec.json.decode(arrays["progress"].tobytes(), type=Progress)
                last = None
                if "frame" in arrays:
                    names = ("alone", "picture", "memory")
                    planes = [Planes(torch.from_numpy(arrays[name])) for name in names if name in arrays]
                    last = Moment(arrays["frame"], *planes)
        except (OSError, ValueError, KeyError, EOFError, msgspec.MsgspecError) as error:
            raise InputError(f"{self.file}: cannot be read ({error}); leave out `resume`") from None
        if progress.job != job:
            raise ConfigError(
                f"{self.folder}: was begun with another video, style or settings; give the same again, or leave out"
                " `resume`"
            )
        return progress, last

    def clear(self) -> None:
        """Remove the folder with all that is in it."""
        for path in [*self.parts(), *self.pairs(), *self._paintings(), self.file]:
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()
