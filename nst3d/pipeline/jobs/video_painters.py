"""Makes what paints the frames of a video, as its options say."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from nst3d.flow.choose import choose_flow
from nst3d.flow.method import FlowMethod
from nst3d.pipeline.jobs.video_frames import FrameTask, ShotPainter, TaughtShots
from nst3d.pipeline.jobs.video_passes import OptimisedShots
from nst3d.pipeline.jobs.video_state import Progress, VideoState
from nst3d.pipeline.jobs.video_tally import Tally
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.settings.config import load_preset
from nst3d.pipeline.settings.video import VideoOptions
from nst3d.pipeline.styles import find_encoder
from nst3d.stylize.clips.frame_optimiser import FrameOptimiser
from nst3d.stylize.clips.optimised import OptimisedFrames
from nst3d.stylize.clips.painter import TaughtPainter
from nst3d.stylize.clips.palette import PaletteFrames
from nst3d.stylize.clips.steady import SteadyPainter
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import TEACHERS, make_teacher, teacher_notes


class Painters:
    """The painter of a job, with its flow and networks, which are made once."""

    def __init__(self, options: VideoOptions, styles: Sequence[Style], size: int, events: Events) -> None:
        """`size`: long side of the frames. MissingDependencyError without weights that are needed, or a flow."""
        self._options, self._events = options, events
        self.flow: FlowMethod | None = choose_flow(options.flow) if options.steady else None
        self._steady: SteadyPainter | None = None
        self._frames: OptimisedFrames | None = None
        taught: TaughtPainter | None = None
        if options.teaches:
            taught = _taught(options, styles, size, events)
        if options.way == "optimise":
            self._frames = _optimised(options, styles, taught, self.flow, events)
        else:
            assert taught is not None
            self._steady = SteadyPainter(taught, self.flow, options.steady)

    def of(self, task: FrameTask, state: VideoState, progress: Progress) -> ShotPainter:
        """The painter of the frames that are left."""
        frames = task.clip.frames
        if self._frames is None:
            assert self._steady is not None
            return TaughtShots(
                self._steady, self._options.teacher, Tally(frames, progress.done, self._events)
            )
        tally = Tally(frames * task.passes, progress.shot * task.passes, self._events)
        return OptimisedShots(self._frames, self.flow, task, state, tally)


def _taught(options: VideoOptions, styles: Sequence[Style], size: int, events: Events) -> TaughtPainter:
    name = options.teacher
    given = {**TEACHERS.get(name).for_frames, **options.teacher_options}
    for text in teacher_notes(name, given, size, [style.name for style in styles]):
        events.note(text)
    return TaughtPainter(make_teacher(name, given), styles)


def _optimised(
    options: VideoOptions,
    styles: Sequence[Style],
    taught: TaughtPainter | None,
    flow: FlowMethod | None,
    events: Events,
) -> OptimisedFrames:
    """Paints frames as the preset for pictures paints one."""
    config = load_preset("picture")
    encoder = find_encoder(config, torch.device("cpu"), events)
    optimiser = FrameOptimiser(config.recipe, encoder, styles, config.table)
    pictured = next((style for style in styles if style.images), styles[0])
    content = PaletteFrames(pictured, config.recipe.palette_before)
    return OptimisedFrames(optimiser, content, taught or content, flow, options.iterations, options.steady)
