"""How the diffusion teacher edits views: its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from nst3d.bounds import Within
from nst3d.errors import ConfigError

Way = Literal["img2img", "instruct", "controlnet"]


@dataclass(frozen=True)
class Editing:
    """How views are edited: the options of the teacher."""

    model: str = ""
    """Folder of a diffusers model, or its name on Hugging Face."""
    way: Way = "img2img"
    strength: Annotated[float, Within(0, 1)] = 0.6
    """Share of the noise levels, from none to nothing but noise, from which a view begins, in the first round."""
    last: Annotated[float, Within(0, 1)] = 0.3
    """The same in the last of several rounds; what lies between changes linearly."""
    steps: Annotated[int, Within(1, 1000)] = 20
    """Steps from nothing but noise to none, of which the last `strength` are taken."""
    guidance: Annotated[float, Within(0, 100)] = 7.5
    """How strongly views follow the words: 1 is what the network predicts, more is exaggerated."""
    picture: Annotated[float, Within(0, 100)] = 1.5
    """The same of the picture that a network sees beside the latents."""
    control: str = ""
    """Folder of a ControlNet, or its name on Hugging Face."""
    control_weight: Annotated[float, Within(0, 10)] = 1.0
    """How strongly views follow the ControlNet."""
    blend: Annotated[float, Within(0, 1)] = 0.0
    """How far the latents of all views move to those of one table, after each step."""
    grid: Annotated[int, Within(1, 4)] = 1
    """So many views by so many are edited as one picture."""
    adain: Annotated[float, Within(0, 1)] = 0.0
    """How far views begin with the mean and deviation of a style's latents."""

    def __post_init__(self) -> None:
        """Raise ConfigError for options that contradict each other."""
        if bool(self.control) != (self.way == "controlnet"):
            raise ConfigError(
                "teacher diffusion: way=controlnet and control=FOLDER, a ControlNet for depth, are given together"
            )
