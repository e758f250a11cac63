"""How the diffusion teacher edits views: its options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from nst3d.bounds import Within
from nst3d.errors import ConfigError
from nst3d.stylize.diffusion.controls import ControlOf
from nst3d.stylize.style import Style

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
    control_of: ControlOf = "depth"
    """What the ControlNet sees of the scene."""
    control_weight: Annotated[float, Within(0, 10)] = 1.0
    """How strongly views follow the ControlNet."""
    lora: str = ""
    """A .safetensors file of a LoRA for the model, or a folder with one."""
    lora_weight: Annotated[float, Within(-10, 10)] = 1.0
    """How strongly it counts; 0 is the model as it was."""
    blend: Annotated[float, Within(0, 1)] = 0.0
    """How far the latents of all views move to those of one table, after each step."""
    grid: Annotated[int, Within(1, 4)] = 1
    """So many views by so many are edited as one picture."""
    adain: Annotated[float, Within(0, 1)] = 0.0
    """How far views begin with the mean and deviation of a style's latents; with `inject`, of its inverted latents."""
    views_attend: Annotated[float, Within(0, 1)] = 0.0
    """How far views attend to the anchors in place of themselves."""
    anchors: Annotated[int, Within(1, 16)] = 4
    """So many views, at most, are anchors."""
    inject: Annotated[float, Within(0, 1)] = 0.0
    """How far views attend to the keys and values of a style's picture in place of their own."""
    inject_query: Annotated[float, Within(0, 1)] = 0.75
    """Share of the queries that are those of what a view showed before painting."""
    inject_sharpness: Annotated[float, Within(0.1, 10)] = 1.5
    """A factor on the likeness of queries and the style's keys."""
    inject_layers: Annotated[int, Within(1, 100)] = 5
    """So many self-attention layers of the network, counted from its end, see the style."""
    words_from: Annotated[float, Within(0, 1)] = 1.0
    """Share of the noise levels, from none to nothing but noise, up to which the words act,"""
    words_to: Annotated[float, Within(0, 1)] = 0.0
    """and down to which they do."""
    words_coarse: Annotated[float, Within(0, 1)] = 1.0
    """How far the words act in the layers with the coarsest maps,"""
    words_fine: Annotated[float, Within(0, 1)] = 1.0
    """and in those with the finest; what lies between changes linearly."""
    source: str = ""
    """What the scene is, in words, which is read where the others do not act; empty: the empty text."""
    adapter: str = ""
    """Folder of an IP-Adapter, or its name on Hugging Face."""
    adapter_weight: Annotated[float, Within(0, 2)] = 1.0
    """How strongly views follow the pictures of styles through the IP-Adapter."""

    def __post_init__(self) -> None:
        """Raise ConfigError for options that contradict each other."""
        if bool(self.control) != (self.way == "controlnet"):
            raise ConfigError(
                "teacher diffusion: way=controlnet and control=FOLDER, a ControlNet for depth or normals, are given"
                " together"
            )
        if self.control_of != "depth" and not self.control:
            raise ConfigError(
                f"teacher diffusion: control_of={self.control_of} says what a ControlNet sees: give control=FOLDER, too"
            )
        if self.words_to >= self.words_from:
            raise ConfigError(
                f"teacher diffusion: option words_to is {self.words_to:g}: expected less than words_from, which is"
                f" {self.words_from:g}, as noise falls from there"
            )
        if self.source and not self.words_vary:
            raise ConfigError(
                "teacher diffusion: option source is read where the words do not act: set words_from, words_to,"
                " words_coarse or words_fine, too"
            )

    @property
    def words_vary(self) -> bool:
        """Whether the words act more in some steps or layers than in others."""
        return (self.words_from, self.words_to, self.words_coarse, self.words_fine) != (1, 0, 1, 1)

    @property
    def pictured(self) -> bool:
        """Whether a style's pictures guide views as words do, so that it may have no words."""
        return bool(self.inject or (self.adapter and self.adapter_weight))

    def check(self, styles: Sequence[Style]) -> None:
        """Raise ConfigError for styles without what these options need."""
        if not self.pictured and not any(style.words for style in styles):
            raise ConfigError(
                "teacher diffusion paints what words say, and the styles have none: give `text`, such as 'carved jade',"
                " or let their pictures guide it by the option inject or adapter"
            )
        asked = {"adain": self.adain, "inject": self.inject, "adapter": self.adapter}
        for option, value in asked.items():
            if value and not any(style.images for style in styles):
                remedy = "leave it out" if option == "adapter" else "set 0"
                raise ConfigError(
                    f"teacher diffusion: option {option} needs a style with a picture: give one, or {remedy}"
                )
        if self.words_to >= max(self.strength, self.last):
            raise ConfigError(
                f"teacher diffusion: the words act down to words_to, {self.words_to:g}, and views begin with a strength"
                f" of {max(self.strength, self.last):g}, so that they never would: set words_to lower"
            )
