"""A guide that follows the words of styles, by CLIP, and their sounds, by Wav2CLIP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast, final, get_args

import torch
import torch.nn.functional as F

from nst3d.bounds import Within
from nst3d.errors import ConfigError, sparing
from nst3d.features.attention.clip import Clip, ClipName, load_clip
from nst3d.features.attention.tokens import load_vocabulary
from nst3d.networks.wav2clip import load_wav2clip
from nst3d.options import Declared
from nst3d.stylize.guide import Guide
from nst3d.stylize.guides import WORDS, GuideInputs, register_guide
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.words.crops import draw_corners, pieces, whole
from nst3d.stylize.words.hearing import sound_row
from nst3d.stylize.words.prompts import Goal, Hear, cut_off, goals_of
from nst3d.tensors import Planes
from nst3d.weights.find import need_weights

Way = Literal["direction", "match"]
_STILL = 0.01
"""A change of unit features that counts half of its direction: where nothing has changed yet, it has none."""
_CONTEXT = 77
"""Tokens of a text in all published networks."""


@dataclass(frozen=True)
class Judging:
    """How views and their pieces are judged: the options of the guide."""

    network: str = "clip-vit-b-32"
    """Name of weights, or a file."""
    way: Way = "direction"
    """Whether features should change as the words do, or be like them."""
    source: str = "a photo"
    """What the scene is, in words."""
    views: Annotated[int, Within(0, 256)] = 3
    """How often the whole view is seen at a tilt, beside once straight."""
    crops: Annotated[int, Within(0, 256)] = 20
    """Number of pieces."""
    crop: Annotated[float, Within(0.02, 1)] = 0.25
    """Side of a piece's square, of the view's short side."""
    tilt: Annotated[float, Within(0, 0.9)] = 0.5
    """How far corners may be moved towards the middle."""
    threshold: Annotated[float, Within(0, 2)] = 0.7
    """Loss below which a piece is good enough, so that a few do not end as nothing but style."""
    patches: Annotated[float, Within(0, 1e6)] = 18.0
    """Weight of the pieces, relative to the whole view's 1."""
    focus: Annotated[float, Within(0, 1)] = 0.0
    """How much more those pieces count whose content is like the words."""


@final
class WordsGuide(Guide):
    """How far views are from what words say, as a whole and in pieces.

    The way "direction" is CLIPstyler's (Kwon & Ye 2022, "CLIPstyler: image style transfer with a single text
    condition"): a view's features differ from its content's as the words' do from those of what the scene is, and so do
    those of pieces at random tilts, of which those that are good enough do not count. Its losses on content and
    smoothness are the terms `content` and `variation`. "match" is Text2Mesh's (Michel et al. 2022, "Text2Mesh:
    text-driven neural stylization for meshes"): features of views and pieces are like the words'. Both ways see the
    whole view at tilts, too, as only the second paper does, and the sum is divided by the weights.
    """

    def __init__(
        self,
        clip: Clip,
        goals: Sequence[Goal],
        content: Callable[[int], Planes],
        background: torch.Tensor,
        judging: Judging | None = None,
    ) -> None:
        """`content` maps a view to its content (3, h, w), which has the background (3,)."""
        self.background = background
        self._clip, self._goals, self._content = clip, list(goals), content
        self._judging = judging or Judging()
        self._before: dict[int, torch.Tensor] = {}

    def judge(self, look: Look) -> tuple[torch.Tensor, dict[str, float]]:
        """The loss, and its parts: of whole views, and of pieces. 0 to 2 without focus, in which weights of pieces have
        the mean 1."""
        own = self._judging
        with sparing(
            "term words", "fewer pieces (words.crops), fewer tilted views (words.views), or a smaller CLIP"
        ):
            rows = F.normalize(self._clip.picture_features(self._seen(look.image, look)), dim=1)
        losses = torch.stack([goal.weight * self._losses(look, goal, rows) for goal in self._goals])
        losses = (losses * self._counted(look)).sum(0)
        views = losses[: 1 + own.views].mean()
        parts = losses[1 + own.views :]
        total = 1 + own.patches * bool(own.crops)
        views = views / total
        parts = own.patches / total * parts.sum() / max(own.crops, 1)
        return views + parts, {"words": float(views.detach()), "words in pieces": float(parts.detach())}

    def _losses(self, look: Look, goal: Goal, rows: torch.Tensor) -> torch.Tensor:
        """1 - cos (n,) for a goal, 1 + cos for one to avoid; 0 for pieces that are good enough."""
        own = self._judging
        if own.way == "match":
            cosines = rows @ goal.words
        else:
            cosines = 1 - direction_losses(rows - self._bare(look), goal.direction)
        losses = 1 - goal.sign * cosines
        good = losses < own.threshold
        good[: 1 + own.views] = False
        return losses.masked_fill(good, 0.0)

    @torch.no_grad()
    def _counted(self, look: Look) -> torch.Tensor:
        """How much each picture counts for each goal, (goals, 1 + views + crops): 1 for whole views.

        With focus, a piece counts by the softmax, over the pieces, of how like the words its content is, in deviations
        from the mean, so that the temperature need not be known: what sounds like the sea is painted where there is
        water. The map of similarity is after Lee et al. 2022, "Sound-guided semantic image manipulation", who weight
        a generator's layers, not pieces of views.
        """
        own = self._judging
        counted = torch.ones(len(self._goals), 1 + own.views + own.crops, device=look.image.device)
        if not own.focus or own.crops < 2:
            return counted
        content = Planes(self._content(look.view).to(look.image))
        rows = F.normalize(self._clip.picture_features(self._seen(content, look)[1 + own.views :]), dim=1)
        for row, goal in zip(counted, self._goals):
            row[1 + own.views :] += own.focus * (focused(rows @ goal.words) - 1)
        return counted

    def _seen(self, shown: Planes, look: Look) -> torch.Tensor:
        """A picture of the look's view (1 + views + crops, 3, side, side): straight, at tilts, and in pieces."""
        own, side, generator = self._judging, self._clip.side, look.generator()
        image = self._shown(shown, look)
        square = whole(image, side, self.background)
        everywhere = torch.ones(side, side)
        tilted = draw_corners(everywhere, own.views, 1.0, own.tilt, generator)
        corners = draw_corners(look.coverage, own.crops, own.crop, own.tilt, generator)
        return torch.cat([square, pieces(Planes(square[0]), tilted, side), pieces(image, corners, side)])

    def _shown(self, image: Planes, look: Look) -> Planes:
        """A picture with only what the look covers, which may be a region, over the background."""
        inside = (2 * look.coverage).clamp(max=1).to(image)  # the borders of what is opaque stay as they are
        background = self.background.to(image)[:, None, None]
        return Planes(background + (image - background) * inside)

    @torch.no_grad()
    def _bare(self, look: Look) -> torch.Tensor:
        """The features (c,) of the unpainted view, found once."""
        if look.view not in self._before:
            picture = self._shown(Planes(self._content(look.view).to(look.image)), look)
            rows = self._clip.picture_features(whole(picture, self._clip.side, self.background))
            self._before[look.view] = F.normalize(rows[0], dim=0)
        return self._before[look.view]


def direction_losses(ways: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """1 − cos (n,) between ways (n, c) in a space of unit features and a direction (c,) of length 1; 0 to 2.

    Of a way shorter than about 0.01 the cosine counts less, and of none at all not, so that gradients stay finite.
    """
    lengths = (ways.square().sum(1) + _STILL**2).sqrt()
    return 1 - ways @ direction / lengths


def focused(cosines: torch.Tensor) -> torch.Tensor:
    """Weights (n,) of the mean 1: the softmax of cosines (n,) in deviations from their mean; 1 if they are alike."""
    deviation = cosines.std()
    return len(cosines) * torch.softmax((cosines - cosines.mean()) / deviation.clamp_min(1e-6), 0)


def _make(inputs: GuideInputs) -> WordsGuide:
    own, device = Judging(**inputs.options), inputs.background.device
    network = "words", own.network, str(device)
    clip = inputs.loaded.once(network, lambda: load_clip(*_named(own.network), device=device))

    def goals() -> list[Goal]:
        hear = _hearing(clip) if any(style.heard is not None for style in inputs.styles) else None
        return goals_of(clip, load_vocabulary(), inputs.styles, own.source, hear)

    wanted = tuple((style.text, style.avoid, style.weight, id(style.heard)) for style in inputs.styles)
    found = inputs.loaded.once((network, own.source, wanted), goals)
    return WordsGuide(clip, found, inputs.scene.content, inputs.background, own)


def _hearing(clip: Clip) -> Hear:
    """What maps sounds to CLIP's space."""
    network, device = load_wav2clip(), clip.text.places.device
    if network.joined != clip.text.sizes.joined:
        raise ConfigError(
            f"term words: sounds have {network.joined} features, and this CLIP has {clip.text.sizes.joined}: they"
            " belong to clip-vit-b-32"
        )
    return lambda samples: sound_row(network, samples.cpu()).to(device)


def _ready(options: Mapping[str, Any], styles: Sequence[Style]) -> list[str]:
    need_weights(*_named(options["network"]))
    if any(style.heard is not None for style in styles):
        if options["network"] in get_args(ClipName) and options["network"] != "clip-vit-b-32":
            raise ConfigError(
                f"term words: network is {options['network']!r}, and sounds are heard in the space of clip-vit-b-32"
            )
        need_weights("wav2clip")
    return cut_off(load_vocabulary(), styles, _CONTEXT)


def _named(network: str) -> tuple[ClipName, Path | None]:
    """The name of weights, and the file of others than those that have a name."""
    if network in get_args(ClipName):
        return cast(ClipName, network), None
    if not Path(network).exists():
        known = ", ".join(get_args(ClipName))
        raise ConfigError(
            f"term words: network is {network!r}, no file: choose one of {known}, or give a file"
        )
    return "clip-vit-b-32", Path(network)


register_guide(WORDS, _make, Declared(Judging), reads_words=True, ready=_ready)
