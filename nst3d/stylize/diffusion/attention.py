"""What the attention layers of a network see, changed for the duration of a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class Layer:
    """An attention layer of a network."""

    name: str
    """Its network's name and its own, such as "unet.up_blocks.1.attentions.0.transformer_blocks.0.attn1"."""
    depth: float
    """0 where the network's maps are finest, 1 where they are coarsest."""

    @property
    def crossed(self) -> bool:
        """Whether it attends to words; otherwise a picture attends to itself."""
        return self.name.endswith(".attn2")

    @property
    def decodes(self) -> bool:
        """Whether it lies in the second half of the U-net."""
        return self.name.startswith("unet.up_blocks.")

    @property
    def edits(self) -> bool:
        """Whether it lies in the network that edits, and not in a ControlNet beside it."""
        return self.name.startswith("unet.")


@dataclass(frozen=True, eq=False)
class Heads:
    """What a layer attends with: (n, heads, positions, c) each."""

    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor


class Rule:
    """How layers attend otherwise than they would; this one changes nothing.

    Of the n rows that go through the network together, the last is the one with the words.
    """

    def words(self, layer: Layer, rows: torch.Tensor) -> torch.Tensor:
        """What a layer reads in place of the words (n, tokens, c), if it attends to words."""
        return rows

    def attended(self, layer: Layer, heads: Heads, found: torch.Tensor) -> torch.Tensor:
        """What a layer finds, (n, heads, positions, c), in place of what it would, or of what an earlier rule gave."""
        return found


@final
class Recorder(Rule):
    """Keeps what self-attention layers attend with in one pass, and changes nothing."""

    def __init__(self, wanted: Callable[[Layer], bool] = lambda layer: True, queries: bool = False) -> None:
        """Of the layers that are wanted: keys and values, or queries alone."""
        self.kept: dict[str, Heads] = {}
        """By the names of layers, in the CPU's memory; what is not kept has no positions."""
        self._wanted, self._queries = wanted, queries

    def attended(self, layer: Layer, heads: Heads, found: torch.Tensor) -> torch.Tensor:
        """`found`."""
        if not layer.crossed and self._wanted(layer):
            parts = (heads.query, heads.key, heads.value)
            kept = (self._queries, not self._queries, not self._queries)
            self.kept[layer.name] = Heads(*((p if k else p[:, :, :0]).cpu() for p, k in zip(parts, kept)))
        return found


@final
class Attending:
    """The rules by which the layers of networks attend, in order."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        """Those that hold now."""

    @contextmanager
    def by(self, *rules: Rule) -> Iterator[None]:
        """Within it these rules hold in place of the others."""
        before, self.rules = self.rules, rules
        try:
            yield
        finally:
            self.rules = before


@contextmanager
def installed(networks: Mapping[str, Any], rules: Sequence[Rule]) -> Iterator[Attending]:
    """Within it the layers of diffusers' networks, by name, attend by rules; afterwards they do as before."""
    attending = Attending(rules)
    before = {name: dict(network.attn_processors) for name, network in networks.items()}
    try:
        for name, network in networks.items():
            network.set_attn_processor(
                {
                    key: _Processor(_layer_of(name, key, network), attending)
                    if ".transformer_blocks." in key
                    else old
                    for key, old in before[name].items()
                }
            )
        yield attending
    finally:
        for name, network in networks.items():
            network.set_attn_processor(dict(before[name]))


def layers_of(networks: Mapping[str, Any]) -> list[Layer]:
    """All layers that rules can change, in the order of the networks' files."""
    return [
        _layer_of(name, key, network)
        for name, network in networks.items()
        for key in network.attn_processors
        if ".transformer_blocks." in key
    ]


def seen(
    query: torch.Tensor, others: Sequence[Heads], weights: Sequence[float], sharpness: float = 1.0
) -> torch.Tensor:
    """Σ w softmax(s q kᵀ / √c) v over the keys and values of others, by their shares of all weights.

    Others may have one row for all n of the query's.
    """
    total, found = sum(weights), torch.zeros_like(query)
    for other, weight in zip(others, weights, strict=True):
        key, value = (part.to(query).expand(len(query), *part.shape[1:]) for part in (other.key, other.value))
        scale = sharpness * query.shape[-1] ** -0.5
        found = found + weight / total * F.scaled_dot_product_attention(query, key, value, scale=scale)
    return found


def in_heads(rows: torch.Tensor, count: int) -> torch.Tensor:
    """Rows (n, positions, count · c) as (n, count, positions, c)."""
    return rows.unflatten(2, (count, -1)).transpose(1, 2)


def _layer_of(network: str, key: str, module: Any) -> Layer:
    block, number, *_ = key.split(".")
    last = max(len(module.config.block_out_channels) - 1, 1)
    level = last
    if block == "down_blocks":
        level = int(number)
    elif block == "up_blocks":
        level = last - int(number)
    return Layer(f"{network}.{key.removesuffix('.processor')}", level / last)


class _Processor:
    """What diffusers calls in place of its own processor of a layer."""

    def __init__(self, layer: Layer, attending: Attending) -> None:
        self._layer, self._attending = layer, attending

    def __call__(
        self,
        attn: Any,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The layer's output (n, positions, c); the names are those by which diffusers passes its inputs."""
        assert attention_mask is None
        rules, layer = self._attending.rules, self._layer
        rows = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        if layer.crossed:
            for rule in rules:
                rows = rule.words(layer, rows)
        query, key, value = (
            in_heads(part, attn.heads)
            for part in (attn.to_q(hidden_states), attn.to_k(rows), attn.to_v(rows))
        )
        found = F.scaled_dot_product_attention(query, key, value)
        for rule in rules:
            found = rule.attended(layer, Heads(query, key, value), found)
        joined: torch.Tensor = attn.to_out[0](found.transpose(1, 2).flatten(2))
        output: torch.Tensor = attn.to_out[1](joined)
        return output
