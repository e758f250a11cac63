"""A nerfacto painted a step at a time, in somebody else's loop: nerfstudio's trainer has one.

Imports nerfstudio: import this module where one is needed, after `need_nerfstudio`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from nst3d.formats.nerfstudio.run import NerfstudioRun, save_run
from nst3d.images.io import read_image
from nst3d.integrations.nerfstudio.model.colour_net import ColourNet
from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto
from nst3d.integrations.nerfstudio.native.subject import NativeSubject
from nst3d.pipeline.jobs.painter import Painter
from nst3d.pipeline.runtime.checkpoints import Keeper
from nst3d.pipeline.runtime.report import Silent
from nst3d.pipeline.settings.config import PaintConfig, load_preset
from nst3d.representations.capture import Capture
from nst3d.stylize.engine import Progress
from nst3d.stylize.style import Style


@dataclass(frozen=True)
class LiveOptions:
    """How a nerfacto is painted."""

    style: Path
    """The style image."""
    preset: str = "capture"
    """nst3d's, or a .yaml file with settings."""
    size: int = 480
    """Long side of the finest views at most, pixels."""
    part: Literal["native", "head"] = "native"
    """What is trained; see the setting `nerf` of a paint job."""
    keep_specular: float = 0.0
    """How much of the dependence on the viewing direction stays, 0 to 1."""
    steps: int = 360
    """Shared out among the stages as the preset has them."""
    seed: int = 0
    device: str = "auto"

    def config(self) -> PaintConfig:
        """The paint job's settings."""
        base = load_preset(self.preset)
        return replace(
            base,
            schedule=replace(base.schedule.at_most(self.size), seed=self.seed),
            nerf=self.part,
            keep_specular=self.keep_specular,
            device=self.device,
        )


class LivePainting:
    """The same painting as that of a paint job, whose steps are taken when they are asked for."""

    def __init__(self, run: NerfstudioRun, capture: Capture, options: LiveOptions) -> None:
        """The capture is in the run's frame. Raises Nst3dError for what a paint job refuses."""
        style = Style((torch.from_numpy(read_image(options.style).pixels),))
        self._run = run
        self._subject = NativeSubject(
            Nerfacto(run, torch.device(options.device)), capture, style, options.config()
        )
        config = self._subject.config
        config = replace(config, schedule=config.schedule.shared_out(options.steps))
        self._painter = Painter(config, self._subject, [style], Keeper(Path(), "", 0, False), Silent())

    @property
    def net(self) -> ColourNet:
        """The colours as they are now."""
        return self._subject.net

    def steps(self) -> Iterator[Progress]:
        """Paint: a view a step."""
        return self._painter.steps()

    def save(self, folder: Path, names: dict[str, str], data: Path) -> list[Path]:
        """The painted run as nerfstudio's own runs lie, with other names and the place of its data."""
        run = replace(self._run, config={**self._run.config, **names})
        edits = self.net.edits() | {"pipeline.datamanager.data": data}
        return save_run(folder, run, self.net.state(), edits)
