"""A diffusion model as a teacher: it edits each view as words say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, final

import torch

from nst3d.errors import ConfigError, sparing
from nst3d.options import Declared
from nst3d.stylize.diffusion.companions import Pictures, Reference, attentive, companions_of, references_of
from nst3d.stylize.diffusion.controls import control_picture
from nst3d.stylize.diffusion.denoise import Agree, Denoiser, Guidance, Hints, denoised, noised, steps_from
from nst3d.stylize.diffusion.editing import Editing
from nst3d.stylize.diffusion.files import check_adapter, place_of, read_json
from nst3d.stylize.diffusion.image_prompt import Adapter, load_adapter
from nst3d.stylize.diffusion.lora import Lora
from nst3d.stylize.diffusion.networks import Latents, Networks, cut_off, load_networks, prompts_of
from nst3d.stylize.diffusion.surface_noise import surface_noise
from nst3d.stylize.diffusion.views import agreed, least_size, pictures_of, pooled, restyled, tiled, untiled
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import register_teacher
from nst3d.tensors import Image, Planes, to_image, to_planes

_FAR = 1.5
"""Ratio of sizes from which a network paints well no more."""
_WANTED, _ADAPTER = "teacher diffusion: option model", "teacher diffusion: option adapter"


@final
class Diffusion:
    """Edits all views by a latent diffusion model, from the same noise on the surface.

    Rounds are those of Haque et al. 2023, "Instruct-NeRF2NeRF", whose dataset is updated a view at a time while the
    scene is fitted to it. Here each round edits all views of what the scene has learnt so far, and the scene learns
    them together; the noise is shared by the views and DDIM adds none, where theirs is new for each; and the strength
    is the same for all views of a round and falls from round to round, where theirs is drawn for each view.
    """

    def __init__(self, networks: Networks, editing: Editing, adapter: Adapter | None = None) -> None:
        """With an IP-Adapter, if the options ask for one. ConfigError for a model that cannot edit in this way."""
        self._networks, self._editing, self._adapter = networks, editing, adapter
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
            self._adapter,
        )

    @torch.no_grad()
    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The pictures as the styles say, where the looks cover them. ConfigError for styles that do not do."""
        smaller = "a smaller `size`" + (" or option grid" if self._editing.grid > 1 else "")
        with sparing("teacher diffusion", smaller):
            return self._taught(pictures, looks, styles)

    def _taught(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        own, device = self._editing, pictures[0].device
        own.check(styles)
        networks = self._networks.to(device)
        denoiser = Denoiser(
            networks,
            prompts_of(networks, styles, own.pictured),
            Guidance(own.guidance, own.picture, own.control_weight),
        )
        steps = steps_from(networks, own.steps, own.strength)
        shown = pictures_of(styles, looks)
        references = references_of(denoiser, networks, shown, steps) if own.inject else []
        begin, hints = self._begun(pictures, looks, shown, references, steps[0])
        adapter = self._adapter and self._adapter.to(device, networks.dtype)
        companions = companions_of(own, networks, adapter, shown, references)
        with attentive(denoiser, networks, companions) as predictor:
            grids = denoised(predictor, networks, begin, hints, steps, self._agree(looks))
        found = untiled(grids, own.grid, len(looks))
        return [self._shown(p, look, latent) for p, look, latent in zip(pictures, looks, found)]

    def _begun(
        self,
        pictures: Sequence[Image],
        looks: Sequence[Look],
        shown: Pictures,
        references: Sequence[Reference],
        step: int,
    ) -> tuple[list[Latents], list[Hints]]:
        """The latents at a step from which the grids of views begin, and what the network sees beside them."""
        own, networks = self._editing, self._networks
        least = least_size(looks, own.grid)
        latents = [networks.encode(to_planes(picture), least) for picture in pictures]
        weights = [weight for _, weight in shown]
        if own.adain and not references:
            wanted = pooled([networks.encode(picture) for picture, _ in shown], weights)
            latents = restyled(latents, looks, networks.stride, wanted, own.adain)
        sizes = [(latent.shape[1], latent.shape[2]) for latent in latents]
        noise = [
            each.to(latent)
            for each, latent in zip(surface_noise(looks, sizes, len(latents[0]), networks.stride), latents)
        ]
        begin = [noised(networks, latent, each, step) for latent, each in zip(latents, noise)]
        if own.adain and references:
            wanted = pooled([each.latents[step] for each in references], weights)
            begin = restyled(begin, looks, networks.stride, wanted, own.adain)
        hints = self._tiled([self._hints(look, latent) for look, latent in zip(looks, latents)])
        if own.inject and own.inject_query:
            before = tiled([self._before(look, latent) for look, latent in zip(looks, latents)], own.grid)
            hints = [
                replace(hint, content=partial(noised, networks, latent, each))
                for hint, latent, each in zip(hints, before, tiled(noise, own.grid))
            ]
        return tiled(begin, own.grid), hints

    def _shown(self, picture: Image, look: Look, latents: Latents) -> Image:
        """The edited picture where the scene covers it, so that what was made of the background is left out."""
        painted = self._networks.decode(latents, *picture.shape[:2])
        return Image(torch.lerp(picture, to_image(painted).to(picture), look.coverage[..., None].to(picture)))

    def _hints(self, look: Look, latents: Latents) -> Hints:
        networks = self._networks
        size = (latents.shape[1] * networks.stride, latents.shape[2] * networks.stride)
        if self._editing.way == "instruct":
            return Hints(picture=self._before(look, latents) / networks.vae.config.scaling_factor)
        if self._editing.way == "controlnet":
            shown_as = control_picture(
                look, self._editing.control_of, size, "teacher diffusion: way=controlnet"
            )
            return Hints(control=shown_as)
        return Hints()

    def _before(self, look: Look, latents: Latents) -> Latents:
        """The latents, of the size of these, of what a view showed before painting, where the scene covers it."""
        stride = self._networks.stride
        before = look.image if look.content is None else look.content().to(look.image)
        shown = Planes(torch.lerp(look.image, before, look.coverage.to(look.image)))
        return self._networks.encode(shown, (latents.shape[1] * stride, latents.shape[2] * stride))

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
    if editing.adapter:  # before a model is read, which takes longer
        check_adapter(place_of(editing.adapter, _ADAPTER, "an IP-Adapter"))
    lora = Lora(editing.lora, editing.lora_weight)
    networks = load_networks(editing.model, _WANTED, editing.control, lora)
    adapter = load_adapter(editing.adapter, _ADAPTER, networks) if editing.adapter else None
    return Diffusion(networks, editing, adapter)


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
    own.check(styles)
    read = [*styles, Style(text=own.source)] if own.source else styles
    return cut_off(own.model, _WANTED, read)


register_teacher("diffusion", _make, Declared(Editing), _notes, reads_words=True, ready=_ready)
