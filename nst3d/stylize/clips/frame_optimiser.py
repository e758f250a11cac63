"""Optimises one frame of a video as a picture is painted, with the engine that paints scenes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nst3d.features.encoder import Encoder
from nst3d.flow.carried import Carried
from nst3d.stylize.canvas import TableOptions
from nst3d.stylize.clips.temporal_guide import TemporalGuide
from nst3d.stylize.coat import Coat
from nst3d.stylize.engine import Run
from nst3d.stylize.feature_guide import Viewing
from nst3d.stylize.guide import Guide, Weighted
from nst3d.stylize.layout import Layout
from nst3d.stylize.linear_canvas import LinearCanvas
from nst3d.stylize.loaded import Loaded
from nst3d.stylize.phases import Please
from nst3d.stylize.picture_stage import picture_stage
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.stylize.stage_guide import StageInputs, build_guide
from nst3d.stylize.style import Style
from nst3d.tensors import Colours, ImageSize, Planes, to_image, to_planes

_TEMPORAL = "temporal"
_FIRST_RATES = (0.03, 0.02, 0.006)
"""Step sizes of a frame painted anew: at half its size, and at its own from the start to the end."""
_NEXT_RATES = (0.012, 0.003)
"""Step sizes of a frame that begins with what is painted: large ones would undo it."""
_SHORTEST = 32
"""Shortest side that encoders take, in pixels."""
_COARSE = 0.75
"""Share of the steps that a frame painted anew takes at half its size."""


def fresh_schedule(size: ImageSize, steps: int) -> Schedule:
    """The schedule of a frame painted anew: coarse, then fine."""
    coarse = round(steps * _COARSE) if min(size) >= 2 * _SHORTEST else 0
    first, start, end = _FIRST_RATES
    own = Stage(max(size), steps - coarse, start, end)
    return Schedule((*([Stage(max(size) // 2, coarse, first)] if coarse else []), own))


def following_schedule(size: ImageSize, steps: int) -> Schedule:
    """The schedule of a frame that begins with what is painted."""
    return Schedule((Stage(max(size), steps, *_NEXT_RATES),))


@dataclass(frozen=True)
class FrameOptimiser:
    """Paints frames for a recipe's losses."""

    recipe: Recipe
    encoder: Encoder
    styles: Sequence[Style]
    table: TableOptions = field(default_factory=TableOptions)
    loaded: Loaded = field(default_factory=Loaded)
    """What guides of all frames share."""

    def paint(
        self,
        content: Planes,
        start: Planes,
        schedule: Schedule,
        held: Weighted | None = None,
        stepped: Callable[[float], None] = lambda cost: None,
    ) -> Planes:
        """A frame with the `content` (3, h, w), painted from `start` (3, h, w), in [0, 1].

        `held` is a guide beside the recipe's, for schedules of one stage. `stepped` is called after each step, with its
        cost in steps at the frame's size.
        """
        size = ImageSize(*content.shape[1:])
        layout = Layout.of_images([size])
        canvas = LinearCanvas(
            _table(start), layout, lambda scale: picture_stage(_table(content), layout, scale), self.table
        )
        background = self.styles[0].background

        def guide_of(stage: Stage) -> Guide:
            viewing = Viewing(background, reduce=self.recipe.reduce)
            others = {} if held is None else {_TEMPORAL: held}
            coats, scene = [Coat(self.styles)], canvas.stage
            inputs = StageInputs(coats, scene, stage.size, viewing, others=others, loaded=self.loaded)
            return build_guide(self.recipe, self.encoder, inputs)

        for progress in Run(canvas, [Please(schedule, guide_of)], schedule.seed):
            stepped((schedule.stages[progress.stage].size / schedule.finest) ** 2)
        painted = layout.split(canvas.finest_colours())[0]
        return Planes(to_planes(painted).contiguous())

    def held(self, carried: Carried, weight: float) -> Weighted:
        """The guide that holds a frame to a carried picture."""
        return Weighted(TemporalGuide(carried, self.styles[0].background), weight)


def _table(planes: Planes) -> Colours:
    return to_image(planes).reshape(-1, planes.shape[0]).clone()
