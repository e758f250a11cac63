"""Makes the guide of a stage from a recipe: style targets once, content targets once per view."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError
from nst3d.features.encoder import Encoder
from nst3d.losses.content import ContentLoss
from nst3d.losses.observation import IMAGE
from nst3d.losses.partner import FindPartner
from nst3d.losses.registry import LOSSES, LossInputs
from nst3d.losses.rows import covered_positions
from nst3d.stylize.agreement import ViewMemory
from nst3d.stylize.feature_guide import FeatureGuide, Viewing, WeightedLoss, cell_mask
from nst3d.stylize.guide import Guide, GuideSum, Weighted
from nst3d.stylize.guides import FEATURES, GUIDES, GuideInputs
from nst3d.stylize.kept import Kept
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.style import Style, distinct
from nst3d.stylize.terms import Term
from nst3d.tensors import Features, Mask, Planes


@dataclass(frozen=True)
class StageInputs:
    """The inputs for a stage's guide."""

    styles: Sequence[Style]
    """The target styles."""
    scene: StageScene
    """The views of the stage."""
    size: int
    """Side of the square that frames a view (pictures: the long side), in pixels."""
    viewing: Viewing
    """Preprocessing of renders."""
    budget_bytes: float = math.inf
    """Memory for content features, and for those of other views; beyond it they are recomputed."""
    region: str | None = None
    """Region for terms without their own; None: everywhere."""
    others: Mapping[str, Weighted] = field(default_factory=dict)
    """Guides in addition to the recipe's."""


def build_guide(recipe: Recipe, encoder: Encoder, inputs: StageInputs) -> Guide:
    """The guide for a recipe. ConfigError for a term without a loss or guide, or if all weights are 0."""
    parts: dict[str, Weighted] = {}
    for name, term in _named(recipe.terms):
        if term.weight and term.name in GUIDES:
            made = GuideInputs(
                term.all_options, inputs.styles, inputs.scene, inputs.size, inputs.viewing.background
            )
            region = term.region or inputs.region
            parts[name] = Weighted(GUIDES.get(term.name).make(made), term.weight, region, term.schedule)
    losses = {n: t for n, t in _named(recipe.terms) if t.weight and t.name in LOSSES}
    for name, other in inputs.others.items():
        if name in parts or name in losses or name == FEATURES:
            raise ConfigError(f"guide {name!r}: the recipe has a part of that name; give it another name")
        parts[name] = replace(other, region=other.region or inputs.region)
    features = _feature_guide(recipe, encoder, inputs, losses) if losses or not parts else None
    if features is not None and not parts:
        return features
    own = {} if features is None else {FEATURES: Weighted(features)}
    return GuideSum({**own, **parts}, inputs.viewing.background)


def fitting_guide(
    scene: StageScene, viewing: Viewing, budget_bytes: float = math.inf, region: str | None = None
) -> FeatureGuide:
    """A guide of each view's mean squared distance to its content picture, in a region, without encoding."""
    pictures = _Contents(scene, lambda picture: {IMAGE: picture}, viewing.background.device, budget_bytes)
    loss = ContentLoss(pictures, (IMAGE,), normalise="mean")
    return FeatureGuide(None, {"fit": WeightedLoss(loss, region=region)}, viewing)


def _named(terms: Sequence[Term]) -> Iterator[tuple[str, Term]]:
    """Terms by name, with numbers for duplicates: gram, gram.2."""
    counts: dict[str, int] = {}
    for term in terms:
        counts[term.name] = counts.get(term.name, 0) + 1
        yield (term.name if counts[term.name] == 1 else f"{term.name}.{counts[term.name]}"), term


def _feature_guide(
    recipe: Recipe, encoder: Encoder, inputs: StageInputs, terms: Mapping[str, Term]
) -> FeatureGuide:
    targets = _Targets(recipe, encoder, inputs)
    losses: dict[str, WeightedLoss] = {}
    for name, term in terms.items():
        kind = LOSSES.get(term.name)
        loss = kind.make(
            LossInputs(
                name,
                term.layers or kind.layers,
                term.all_options,
                recipe.normalise,
                encoder,
                targets.styles,
                targets.contents,
                targets.partners,
                targets.pictures,
            )
        )
        if loss is not None:
            region = term.region or inputs.region
            losses[name] = WeightedLoss(loss, term.weight, region, term.schedule)
    return FeatureGuide(encoder, losses, inputs.viewing, targets.memory)


class _Targets:
    """Targets shared by a stage's losses: encoded styles and contents, and the memory of views."""

    def __init__(self, recipe: Recipe, encoder: Encoder, inputs: StageInputs) -> None:
        self._encoder, self._inputs = encoder, inputs
        self._scale = recipe.style_scale
        self._long = round(inputs.size * recipe.style_scale / recipe.reduce)
        self._styles: dict[str, Features] = {}
        self.memory: ViewMemory | None = None

    @torch.no_grad()
    def styles(self, layers: tuple[str, ...]) -> Mapping[str, Features]:
        """Layer to features (c, 1, n) of all styles: their positions, concatenated."""
        wanted = [layer for layer in layers if layer not in self._styles]
        if wanted:
            device = self._inputs.viewing.background.device
            styles = distinct(self._inputs.styles)
            heaviest = max(style.weight for style in styles)
            encoded = [
                (self._encoder(Planes(picture.to(device)), wanted), opacity, style.weight / heaviest)
                for style in styles
                for picture, opacity in zip(style.at(self._long), style.opacities_at(self._long))
            ]
            for layer in wanted:
                rows = [_thinned(self._opaque(e[layer], layer, seen), share) for e, seen, share in encoded]
                self._styles[layer] = torch.cat(rows, dim=1)[:, None]
        return {layer: self._styles[layer] for layer in layers}

    def pictures(self) -> list[tuple[Planes, Mask | None]]:
        """The styles' pictures (3, h, w) as large as they are for views that are not reduced, and opacities (h, w)."""
        device, long = self._inputs.viewing.background.device, round(self._inputs.size * self._scale)
        return [
            (Planes(picture.to(device)), None if opacity is None else opacity.to(device))
            for style in distinct(self._inputs.styles)
            for picture, opacity in zip(style.at(long), style.opacities_at(long))
        ]

    def _opaque(self, features: Features, layer: str, opacity: Mask | None) -> Features:
        """The positions (c, n) of a style's features (c, h, w) at which its picture is opaque."""
        if opacity is None:
            return features.flatten(1)
        mask = cell_mask(opacity.to(features.device), self._encoder.stride(layer))
        return features.flatten(1)[:, covered_positions(mask)]

    def contents(self, layers: tuple[str, ...]) -> Mapping[int, Mapping[str, Features]]:
        """The views' contents by layer."""
        reduce, device = self._inputs.viewing.reduce, self._inputs.viewing.background.device

        def encode(picture: Planes) -> dict[str, Features]:
            seen = Planes(F.avg_pool2d(picture[None], reduce)[0]) if reduce > 1 else picture
            deep = [layer for layer in layers if layer != IMAGE]
            return {
                **(self._encoder(seen, deep) if deep else {}),
                **({IMAGE: picture} if IMAGE in layers else {}),
            }

        return _Contents(self._inputs.scene, encode, device, self._inputs.budget_bytes)

    def partners(self, cells: Mapping[str, str], layers: tuple[str, ...] = ()) -> FindPartner | None:
        """A function that finds a view's partner; None if there is a single view."""
        scene = self._inputs.scene
        if scene.num_views < 2:
            return None
        if self.memory is None:
            self.memory = ViewMemory(scene.neighbours(), scene.correspond, self._inputs.budget_bytes)
        reduce = self._inputs.viewing.reduce
        self.memory.require({k: self._encoder.stride(layer) * reduce for k, layer in cells.items()}, layers)
        return self.memory.find_partner


def _thinned(features: Features, share: float) -> Features:
    """About `share` of the positions of features (c, n), spread evenly."""
    if share >= 1:
        return features
    count = max(1, round(features.shape[1] * share))
    return features[:, torch.linspace(0, features.shape[1] - 1, count).long().to(features.device)]


class _Contents(Mapping[int, Mapping[str, Features]]):
    """View to its content by layer, computed on demand and cached within the budget."""

    def __init__(
        self,
        scene: StageScene,
        encode: Callable[[Planes], dict[str, Features]],
        device: torch.device,
        budget_bytes: float,
    ) -> None:
        self._scene, self._encode, self._device = scene, encode, device
        self._known: Kept[int, dict[str, Features]] = Kept(budget_bytes)

    @torch.no_grad()
    def __getitem__(self, view: int) -> Mapping[str, Features]:
        if view not in self._known:
            self._known[view] = self._encode(Planes(self._scene.content(view).to(self._device)))
        return self._known[view]

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def __len__(self) -> int:
        return self._scene.num_views
