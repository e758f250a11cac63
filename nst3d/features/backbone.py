"""Any network of torch as a feature encoder: its modules' outputs, by their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import nn

from nst3d.errors import ConfigError
from nst3d.features.layers import check_layers, own_layers
from nst3d.features.normalisation import Normalisation
from nst3d.features.survey import Place

Pooling = Literal["max", "avg"]


class _Enough(Exception):  # noqa: N818
    """The deepest layer is done."""


class Backbone(nn.Module):
    """A frozen network, of which only as much is run as the layers need; gradients flow only to the image."""

    def __init__(
        self,
        body: nn.Module,
        places: Mapping[str, Place],
        blocks: Mapping[int, str],
        normalisation: Normalisation,
        *,
        pooling: Pooling = "max",
        name: str = "",
    ) -> None:
        """Take over the `body`.

        `places`: its layers, a part of its `survey`. `blocks`: the layer in place of each of VGG's blocks.
        """
        super().__init__()
        body.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.body = body.eval().requires_grad_(False)
        self.places, self.blocks, self.normalisation = dict(places), dict(blocks), normalisation
        self.layers, self.unit, self.name = tuple(places), normalisation.unit, name or type(body).__name__
        self._set_pooling(pooling)
        for module in body.modules():  # what a hook saw must not change afterwards
            if getattr(module, "inplace", False):
                module.inplace = False  # type: ignore[assignment]

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of weights and features."""
        return next(self.body.parameters()).dtype

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return next(self.body.parameters()).device

    def stride(self, layer: str) -> int:
        """Stride of `layer` in image pixels."""
        check_layers((layer,), self.layers, self.name)
        return self.places[layer].stride

    def own(self, layers: Sequence[str]) -> tuple[str, ...]:
        """The layers in place of those of VGG-19; see `own_layers`."""
        return own_layers(layers, self.layers, self.blocks)

    def forward(self, image: torch.Tensor, layers: Iterable[str]) -> dict[str, torch.Tensor]:
        """Features of an image at the named layers.

        `image` is (b, 3, h, w) or (3, h, w), sRGB-encoded RGB in [0, 1]. The result maps each name to
        (b, c, h', w') or (c, h', w') in the encoder's dtype, where h' and w' are h and w divided by `stride`, rounded
        down: what a network has beyond is cut off, and where it has less, its last row and column are repeated.
        Raises ConfigError for an unknown layer and for an image too small for the deepest one.
        """
        wanted = tuple(dict.fromkeys(layers))
        check_layers(wanted, self.layers, self.name)
        if image.dim() not in (3, 4) or image.shape[-3] != 3:
            raise ValueError(f"the image has shape {tuple(image.shape)}, expected (3, h, w) or (b, 3, h, w)")
        if not wanted:
            return {}
        found = self._run(self.normalisation(image if image.dim() == 4 else image[None]), wanted)
        height, width = image.shape[-2:]
        fitted = {}
        for layer in self.layers:
            if layer in wanted:
                stride = self.places[layer].stride
                fitted[layer] = _fitted(found[layer], height // stride, width // stride)
        return fitted if image.dim() == 4 else {layer: f.squeeze(0) for layer, f in fitted.items()}

    def _run(self, batch: torch.Tensor, wanted: Sequence[str]) -> dict[str, torch.Tensor]:
        found: dict[str, torch.Tensor] = {}
        deepest = max(wanted, key=self.layers.index)

        def keep(layer: str) -> Any:
            def note(module: nn.Module, given: Any, output: torch.Tensor) -> None:
                found.setdefault(layer, output)
                if layer == deepest:
                    raise _Enough

            return note

        handles = [self.body.get_submodule(layer).register_forward_hook(keep(layer)) for layer in wanted]
        try:
            self.body(batch.to(self.device, self.dtype, memory_format=torch.channels_last))
        except _Enough:
            pass
        except RuntimeError as error:
            least = self.places[deepest].stride
            if min(batch.shape[-2:]) >= 2 * least:
                raise
            height, width = batch.shape[-2:]
            raise ConfigError(
                f"an image of {width} x {height} pixels is too small for layer {deepest} of {self.name};"
                f" choose a larger size or a shallower layer ({error})"
            ) from None
        finally:
            for handle in handles:
                handle.remove()
        return found

    def _set_pooling(self, pooling: Pooling) -> None:
        if pooling not in ("max", "avg"):
            raise ConfigError(f"unknown pooling {pooling!r}: choose max or avg")
        if pooling == "max":
            return
        for name, module in list(self.body.named_modules()):
            if isinstance(module, nn.MaxPool2d):
                mean = nn.AvgPool2d(
                    module.kernel_size,
                    module.stride,
                    module.padding,
                    ceil_mode=module.ceil_mode,
                    count_include_pad=False,
                )
                parent, _, own = name.rpartition(".")
                setattr(self.body.get_submodule(parent), own, mean)


def _fitted(features: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Features (b, c, h, w) of a given size: cut, or with their last row and column repeated."""
    features = features[..., :height, :width]
    down, right = height - features.shape[-2], width - features.shape[-1]
    return F.pad(features, (0, right, 0, down), mode="replicate") if down or right else features
