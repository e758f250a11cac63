"""The targets of a stage's losses: encoded styles, the contents of views, and the memory of other views."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from nst3d.features.encoder import Encoder
from nst3d.losses.observation import IMAGE, Observation
from nst3d.losses.partner import FindPartner
from nst3d.losses.rows import covered_positions, spread_positions
from nst3d.stylize.agreement import ViewMemory
from nst3d.stylize.feature_guide import Viewing, cell_mask
from nst3d.stylize.kept import Kept
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.style import Style, distinct
from nst3d.tensors import Features, Mask, Planes


@dataclass(frozen=True)
class Seen:
    """How targets are encoded: as the stage's views are."""

    encoder: Encoder
    size: int
    """Side of the square that frames a view (pictures: the long side), in pixels."""
    style_scale: float
    """Long side of a style's picture relative to that."""
    viewing: Viewing

    @property
    def device(self) -> torch.device:
        """Where targets are."""
        return self.viewing.background.device


class StyleTargets:
    """The styles of a coat, encoded once."""

    def __init__(self, seen: Seen, styles: Sequence[Style]) -> None:
        self._seen, self._styles = seen, [style for style in distinct(styles) if style.images]
        self._known: dict[str, Features] = {}
        self.asked = False
        """Whether it has been asked for anything, since this was last set to False."""

    @torch.no_grad()
    def features(self, layers: tuple[str, ...]) -> Mapping[str, Features]:
        """Layer to features (c, 1, n) of all styles: their positions, concatenated."""
        self.asked = True
        wanted = tuple(layer for layer in layers if layer not in self._known)
        if wanted:
            encoded = self._encoded(wanted)
            for layer in wanted:
                among = self._counting(layer)
                heaviest = max(style.weight for style in among)
                rows = [
                    _thinned(_opaque(seen, layer), style.weight / heaviest)
                    for style, seen in encoded
                    if style in among
                ]
                self._known[layer] = torch.cat(rows, dim=1)[:, None]
        return {layer: self._known[layer] for layer in layers}

    def pictures(self) -> list[tuple[Planes, Mask | None]]:
        """The styles' pictures (3, h, w) as large as they are for views that are not reduced, and opacities (h, w)."""
        self.asked = True
        device, long = self._seen.device, round(self._seen.size * self._seen.style_scale)
        return [
            (Planes(picture.to(device)), None if opacity is None else opacity.to(device))
            for style in self._counting(IMAGE)
            for picture, opacity in zip(style.at(long), style.opacities_at(long))
        ]

    @torch.no_grad()
    def encoded(self, layers: tuple[str, ...]) -> list[tuple[Observation, float]]:
        """Each of the styles' pictures, encoded, and the share of its positions that counts by its style's weight.

        Styles are those that count in the deepest of the layers.
        """
        self.asked = True
        among = self._counting(max(layers, key=self._seen.encoder.stride))
        heaviest = max(style.weight for style in among)
        return [(seen, style.weight / heaviest) for style, seen in self._encoded(layers) if style in among]

    def _encoded(self, layers: tuple[str, ...]) -> list[tuple[Style, Observation]]:
        long = round(self._seen.size * self._seen.style_scale / self._seen.viewing.reduce)
        return [
            (style, self._observed(Planes(picture.to(self._seen.device)), opacity, layers))
            for style in self._styles
            for picture, opacity in zip(style.at(long), style.opacities_at(long))
        ]

    def _counting(self, layer: str) -> list[Style]:
        """The styles that count in a layer, by how many of the view's pixels its positions are apart."""
        stride = 1 if layer == IMAGE else self._seen.encoder.stride(layer) * self._seen.viewing.reduce
        return [style for style in self._styles if style.counts(stride)]

    def _observed(self, picture: Planes, opacity: Mask | None, layers: tuple[str, ...]) -> Observation:
        """A style's picture, encoded, with masks of the positions at which it is opaque."""
        encoder, masks = self._seen.encoder, {}
        if opacity is not None:
            opacity = opacity.to(picture.device)
            masks = {layer: cell_mask(opacity, encoder.stride(layer)) for layer in layers}
        return Observation(encoder(picture, layers), masks)


class SceneTargets:
    """The contents of a stage's views, and the memory of what they last showed; all coats share them."""

    def __init__(self, seen: Seen, scene: StageScene, budget_bytes: float) -> None:
        self._seen, self._scene, self._budget = seen, scene, budget_bytes
        self._contents: dict[tuple[str, ...], Contents] = {}
        self._depths: Kept[int, tuple[torch.Tensor]] = Kept(budget_bytes / 8)
        self.memory: ViewMemory | None = None

    @property
    def depth(self) -> Callable[[int], torch.Tensor] | None:
        """Maps a view to its depth (h, w); None: views have none."""
        return None if self._scene.depth is None else self._depth

    def _depth(self, view: int) -> torch.Tensor:
        if view not in self._depths:
            assert self._scene.depth is not None
            self._depths[view] = (self._scene.depth(view).to(self._seen.device),)
        return self._depths[view][0]

    def contents(self, layers: tuple[str, ...]) -> Mapping[int, Mapping[str, Features]]:
        """The views' contents by layer."""
        if layers not in self._contents:
            encode = _encoding(self._seen, layers)
            self._contents[layers] = Contents(self._scene, encode, self._seen.device, self._budget)
        return self._contents[layers]

    def partners(self, cells: Mapping[str, str], layers: tuple[str, ...] = ()) -> FindPartner | None:
        """A function that finds a view's partner; None if there is a single view."""
        scene = self._scene
        if scene.num_views < 2:
            return None
        if self.memory is None:
            self.memory = ViewMemory(scene.neighbours(), scene.correspond, self._budget)
        reduce, stride = self._seen.viewing.reduce, self._seen.encoder.stride
        self.memory.require({k: stride(layer) * reduce for k, layer in cells.items()}, layers)
        return self.memory.find_partner


def _encoding(seen: Seen, layers: tuple[str, ...]) -> Callable[[Planes], dict[str, Features]]:
    """What encodes a content."""
    reduce, deep = seen.viewing.reduce, [layer for layer in layers if layer != IMAGE]

    def encode(picture: Planes) -> dict[str, Features]:
        small = Planes(F.avg_pool2d(picture[None], reduce)[0]) if reduce > 1 else picture
        own = {IMAGE: picture} if IMAGE in layers else {}
        return {**(seen.encoder(small, deep) if deep else {}), **own}

    return encode


def _opaque(seen: Observation, layer: str) -> Features:
    """The positions (c, n) of a style's features at which its picture is opaque."""
    features, mask = seen.features[layer].flatten(1), seen.mask(layer)
    return features if mask is None else features[:, covered_positions(mask)]


def _thinned(features: Features, share: float) -> Features:
    """About `share` of the positions of features (c, n), spread evenly."""
    if share >= 1:
        return features
    return features[:, spread_positions(features.shape[1], share).to(features.device)]


class Contents(Mapping[int, Mapping[str, Features]]):
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
