"""Painting of a nerfacto step by step, for an external loop such as nerfstudio's trainer.

Imports nerfstudio: import this module locally, after `need_nerfstudio`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from nst3d.formats.nerfstudio.run import NerfstudioRun, save_run
from nst3d.integrations.nerfstudio.model.colour_net import ColourNet
from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto
from nst3d.integrations.nerfstudio.native.subject import NativeSubject
from nst3d.pipeline.jobs.painter import Painter
from nst3d.pipeline.runtime.checkpoints import Keeper
from nst3d.pipeline.runtime.events import Events, Stepped
from nst3d.pipeline.settings.config import PaintConfig, load_preset
from nst3d.pipeline.styles import read_style
from nst3d.representations.capture import Capture
from nst3d.stylize.coat import Coat


@dataclass(frozen=True)
class LiveOptions:
    """Options for painting a nerfacto."""

    style: Path
    """Style image."""
    preset: str = "capture"
    """Preset of nst3d, or a .yaml file with settings."""
    size: int = 480
    """Maximum long side of the finest views, pixels."""
    part: Literal["native", "head"] = "native"
    """Part to train; see the setting `nerf` of a paint job."""
    keep_specular: float = 0.0
    """Fraction of the view-dependence to keep, 0 to 1."""
    steps: int = 360
    """Total number of steps, divided among the stages as in the preset."""
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
    """The same painting as in a paint job, advanced step by step on request."""

    def __init__(self, run: NerfstudioRun, capture: Capture, options: LiveOptions) -> None:
        """The capture is in the run's frame. Raises Nst3dError for what a paint job refuses."""
        coats = [Coat([read_style(options.style, Events())])]
        self._run = run
        self._subject = NativeSubject(
            Nerfacto(run, torch.device(options.device)), capture, coats, options.config()
        )
        config = self._subject.config
        config = replace(config, schedule=config.schedule.shared_out(options.steps))
        self._painter = Painter(config, self._subject, coats, Keeper(Path(), "", 0, False), Events())

    @property
    def net(self) -> ColourNet:
        """The colours in their current state."""
        return self._subject.net

    def steps(self) -> Iterator[Stepped]:
        """Paint, one view per step."""
        return self._painter.steps()

    def save(self, folder: Path, names: dict[str, str], data: Path) -> list[Path]:
        """Write the painted run in nerfstudio's folder structure, with other names and its data's location."""
        run = replace(self._run, config={**self._run.config, **names})
        edits = self.net.edits() | {"pipeline.datamanager.data": data}
        return save_run(folder, run, self.net.state(), edits)
