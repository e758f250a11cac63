"""A diffusion model as a teacher: it edits each view as words say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError
from nst3d.options import Declared
from nst3d.stylize.diffusion.denoise import Agree, Denoiser, Guidance, Hints, denoised, noised, steps_from
from nst3d.stylize.diffusion.editing import Editing
from nst3d.stylize.diffusion.files import read_json
from nst3d.stylize.diffusion.networks import (
    Latents,
    Networks,
    check_worded,
    cut_off,
    load_networks,
    prompts_of,
)
from nst3d.stylize.diffusion.surface_noise import surface_noise
from nst3d.stylize.diffusion.views import agreed, least_size, nearness, restyled, tiled, untiled
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import register_teacher
from nst3d.tensors import Image, Planes, to_image, to_planes

_FAR = 1.5
"""Ratio of sizes from which a network paints well no more."""
_WANTED = "teacher diffusion: option model"


@final
class Diffusion:
    """Edits all views by a latent diffusion model, from the same noise on the surface.

    Rounds are those of Haque et al. 2023, "Instruct-NeRF2NeRF", whose dataset is updated a view at a time while the
    scene is fitted to it. Here each round edits all views of what the scene has learnt so far, and the scene learns
    them together; the noise is shared by the views and DDIM adds none, where theirs is new for each; and the strength
    is the same for all views of a round and falls from round to round, where theirs is drawn for each view.
    """

    def __init__(self, networks: Networks, editing: Editing) -> None:
        """ConfigError for a model that cannot edit in this way."""
        self._networks, self._editing = networks, editing
        if networks.instructed != (editing.way == "instruct"):
            other = (
                "is made to follow instructions: set way=instruct"
                if networks.instructed
                else "sees no picture beside the latents, as way=instruct needs: give one such as InstructPix2Pix"
            )
            raise ConfigError(f"teacher diffusion: this model {other}")

    def in_round(self, number: int, rounds: int) -> Diffusion:
        """The teacher of a round, 0 to rounds - 1, with its strength."""
        own = self._editing
        share = number / max(rounds - 1, 1)
        return Diffusion(
            self._networks,
            replace(own, strength=own.strength + (own.last - own.strength) * share, last=own.last),
        )

    @torch.no_grad()
    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The pictures as the styles' words say, where the looks cover them. ConfigError without words."""
        own, device = self._editing, pictures[0].device
        networks = self._networks.to(device)
        prompts = prompts_of(networks, styles)
        least = least_size(looks, own.grid)
        latents = [networks.encode(to_planes(picture), least) for picture in pictures]
        if own.adain:
            latents = restyled(latents, looks, networks, styles, own.adain)
        sizes = [(latent.shape[1], latent.shape[2]) for latent in latents]
        noise = surface_noise(looks, sizes, len(latents[0]), networks.stride)
        steps = steps_from(networks, own.steps, own.strength)
        begin = [noised(networks, latent, each, steps[0]) for latent, each in zip(latents, noise)]
        hints = [self._hints(look, latent) for look, latent in zip(looks, latents)]
        denoiser = Denoiser(networks, prompts, Guidance(own.guidance, own.picture, own.control_weight))
        grids = denoised(
            denoiser, networks, tiled(begin, own.grid), self._tiled(hints), steps, self._agree(looks)
        )
        found = untiled(grids, own.grid, len(looks))
        return [self._shown(p, look, latent) for p, look, latent in zip(pictures, looks, found)]

    def _shown(self, picture: Image, look: Look, latents: Latents) -> Image:
        """The edited picture where the scene covers it, so that what was made of the background is left out."""
        painted = self._networks.decode(latents, *picture.shape[:2])
        return Image(torch.lerp(picture, to_image(painted).to(picture), look.coverage[..., None].to(picture)))

    def _hints(self, look: Look, latents: Latents) -> Hints:
        networks, height, width = self._networks, *look.image.shape[1:]
        size = (latents.shape[1] * networks.stride, latents.shape[2] * networks.stride)
        if self._editing.way == "instruct":
            before = look.image if look.content is None else look.content().to(look.image)
            inside = look.coverage.to(look.image)
            shown = Planes(torch.lerp(look.image, before, inside))
            return Hints(picture=networks.encode(shown, size) / networks.vae.config.scaling_factor)
        if self._editing.way == "controlnet":
            if look.depth is None:
                raise ConfigError(
                    "teacher diffusion: way=controlnet needs views with depth, which pictures lack"
                )
            margins = (0, size[1] - width, 0, size[0] - height)
            return Hints(control=F.pad(nearness(look.depth()), margins))
        return Hints()

    def _tiled(self, hints: Sequence[Hints]) -> list[Hints]:
        side = self._editing.grid
        if hints[0].picture is not None:
            return [
                Hints(picture=each)
                for each in tiled([h.picture for h in hints if h.picture is not None], side)
            ]
        if hints[0].control is not None:
            return [
                Hints(control=each)
                for each in tiled([h.control for h in hints if h.control is not None], side)
            ]
        return [Hints()] * -(-len(hints) // side**2)

    def _agree(self, looks: Sequence[Look]) -> Agree | None:
        own, stride = self._editing, self._networks.stride
        if not own.blend:
            return None

        def agree(grids: list[Latents]) -> list[Latents]:
            latents = untiled(grids, own.grid, len(looks))
            return tiled(agreed(latents, looks, own.blend, stride), own.grid)

        return agree


def _make(options: Mapping[str, Any]) -> Diffusion:
    editing = Editing(**options)
    return Diffusion(load_networks(editing.model, _WANTED, editing.control), editing)


def _notes(options: Mapping[str, Any], size: int, styles: Sequence[str]) -> list[str]:
    """A note if views have quite another size than the network learnt."""
    path = Path(options["model"]) / "unet" / "config.json"
    if not path.is_file():
        return []
    config = read_json(path, "the configuration of a network")
    own = config.get("sample_size")
    if not isinstance(own, int) or own <= 0:
        return []
    own *= 8
    if max(own, size) < _FAR * min(own, size):
        return []
    return [
        f"{options['model']}: learnt pictures of {own} pixels and edits views of {size}, which it may do badly; use"
        f" `size={own}`"
    ]


def _ready(options: Mapping[str, Any], styles: Sequence[Style]) -> list[str]:
    own = Editing(**options)
    check_worded(styles)
    return cut_off(own.model, _WANTED, styles)


register_teacher("diffusion", _make, Declared(Editing), _notes, reads_words=True, ready=_ready)
