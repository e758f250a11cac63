"""What a view attends to besides itself: anchors, a style's pictures, and words by step and layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import final

import torch

from nst3d.stylize.diffusion.anchors import Anchored, spread
from nst3d.stylize.diffusion.attention import Attending, Heads, Recorder, Rule, installed, layers_of
from nst3d.stylize.diffusion.denoise import Denoiser, Hints, Predictor, steps_from
from nst3d.stylize.diffusion.editing import Editing
from nst3d.stylize.diffusion.image_prompt import Adapter, ImagePrompt
from nst3d.stylize.diffusion.injection import Injecting, Injection, last_layers
from nst3d.stylize.diffusion.inversion import inverted
from nst3d.stylize.diffusion.layered_words import LayeredWords
from nst3d.stylize.diffusion.networks import Latents, Networks
from nst3d.tensors import Planes

Pictures = Sequence[tuple[Planes, float]]
"""Pictures (3, h, w) of styles in [0, 1], and their weights."""


@dataclass(frozen=True)
class Reference:
    """A style's picture on its way from noise to what it is."""

    latents: Mapping[int, Latents]
    """Step to its latents, as noisy as at that step."""
    hints: Hints


@dataclass(frozen=True)
class Companions:
    """The rules by which views attend, in order, and what these look at."""

    words: LayeredWords | None = None
    prompt: ImagePrompt | None = None
    injection: Injection | None = None
    references: Sequence[Reference] = ()
    """The pictures whose keys and values are injected."""
    anchored: Anchored | None = None
    anchors: int = 0
    """How many views are anchors, at most."""

    @property
    def rules(self) -> list[Rule]:
        """Those that there are."""
        every = (self.words, self.prompt, self.injection, self.anchored)
        return [rule for rule in every if rule is not None]


def references_of(
    denoiser: Denoiser, networks: Networks, pictures: Pictures, steps: Sequence[int]
) -> list[Reference]:
    """The pictures inverted without words, at each of these steps."""
    empty, found = networks.read(""), []
    for picture, _ in pictures:
        latents = networks.encode(picture)
        shown = latents / networks.vae.config.scaling_factor if networks.instructed else None
        hints = Hints(picture=shown)
        predict = partial(denoiser.plain, hints=hints, words=empty)
        way = inverted(predict, networks, latents, steps)
        found.append(Reference(way, hints))
    return found


def companions_of(
    own: Editing,
    networks: Networks,
    adapter: Adapter | None,
    pictures: Pictures,
    references: Sequence[Reference],
) -> Companions:
    """What the options ask for."""
    words = prompt = injection = anchored = None
    if own.words_vary:
        every = steps_from(networks, own.steps, 1.0)
        acting = every[len(every) - round(len(every) * own.words_from) :]
        acting = acting[: len(acting) - round(len(every) * own.words_to)]
        words = LayeredWords(networks.read(own.source), own.words_coarse, own.words_fine, set(acting))
    if adapter is not None and own.adapter_weight:
        prompt = ImagePrompt(adapter, pictures, own.adapter_weight)
    if own.inject:
        injecting = Injecting(own.inject, own.inject_query, own.inject_sharpness)
        layers = last_layers(layers_of({"unet": networks.unet}), own.inject_layers)
        injection = Injection(injecting, layers, [weight for _, weight in pictures])
    if own.views_attend:
        anchored = Anchored(own.views_attend)
    return Companions(words, prompt, injection, references, anchored, own.anchors)


@contextmanager
def attentive(denoiser: Denoiser, networks: Networks, companions: Companions) -> Iterator[Predictor]:
    """Within it the networks attend to the companions, by the predictor that it gives; afterwards as before."""
    if not companions.rules:
        yield denoiser
        return
    parts = {"unet": networks.unet}
    if networks.control is not None:
        parts["control"] = networks.control
    with installed(parts, companions.rules) as attending:
        yield Attentive(denoiser, networks.read(""), attending, companions)


@final
class Attentive(Predictor):
    """Predicts noise with companions.

    Before each step their keys and values are found, one picture at a time, and those of the step before are dropped:
    memory does not grow with the number of views.
    """

    def __init__(
        self, denoiser: Denoiser, empty: torch.Tensor, attending: Attending, companions: Companions
    ) -> None:
        """`empty` (1, tokens, c) is read where there are no words."""
        self._denoiser, self._empty = denoiser, empty
        self._attending, self._companions = attending, companions

    def prepare(self, latents: Sequence[Latents], step: int, hints: Sequence[Hints]) -> None:
        """Find the keys and values of the companions at a step."""
        own = self._companions
        if own.words is not None:
            own.words.step = step
        if own.anchored is not None:
            own.anchored.kept = ()
        if own.injection is not None:
            own.injection.styles = ()
            own.injection.styles = [
                self._plain(each.latents[step], step, each.hints, Recorder(own.injection.inside))
                for each in own.references
            ]
        if own.anchored is not None:
            few = spread(len(latents), own.anchors)
            own.anchored.kept = [self._anchor(latents[k], step, hints[k]) for k in few]

    def noise(self, latents: Latents, step: int, hints: Hints) -> Latents:
        """The denoiser's prediction, once the queries of what the view showed before painting are found."""
        injection = self._companions.injection
        if injection is not None and injection.injecting.query and hints.content is not None:
            recorder = Recorder(injection.inside, queries=True)
            injection.content = self._plain(hints.content(step), step, hints, recorder)
        return self._denoiser.noise(latents, step, hints)

    def _plain(self, latents: Latents, step: int, hints: Hints, recorder: Recorder) -> Mapping[str, Heads]:
        """What is recorded in a pass without words and other companions."""
        with self._attending.by(recorder):
            self._denoiser.plain(latents, step, hints, self._empty)
        return recorder.kept

    def _anchor(self, latents: Latents, step: int, hints: Hints) -> Mapping[str, Heads]:
        """What is recorded of an anchor, in a pass with all companions but anchors, as there are none yet."""
        recorder = Recorder()
        with self._attending.by(*self._companions.rules, recorder):
            self.noise(latents, step, hints)
        return recorder.kept
