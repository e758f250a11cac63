"""Small random networks of CLIP's and DINO's architectures, under the names and in the files of their publishers."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

TEXT_WIDTH, JOINED = 64, 32
Tensors = dict[str, torch.Tensor]


class Draw:
    """Random tensors of a size that keeps features moderate."""

    def __init__(self, seed: int = 0) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def matrix(self, *shape: int) -> torch.Tensor:
        fan = torch.Size(shape[1:]).numel() or 1
        return torch.randn(shape, generator=self.generator) / fan**0.5

    def vector(self, count: int, around: float = 0.0) -> torch.Tensor:
        return around + 0.1 * torch.randn(count, generator=self.generator)


def openai_blocks(draw: Draw, prefix: str, width: int, layers: int) -> Tensors:
    found = {}
    for layer in range(layers):
        own = f"{prefix}transformer.resblocks.{layer}."
        for norm in ("ln_1", "ln_2"):
            found |= {f"{own}{norm}.weight": draw.vector(width, 1), f"{own}{norm}.bias": draw.vector(width)}
        found |= {
            f"{own}attn.in_proj_weight": draw.matrix(3 * width, width),
            f"{own}attn.in_proj_bias": draw.vector(3 * width),
            f"{own}attn.out_proj.weight": draw.matrix(width, width),
            f"{own}attn.out_proj.bias": draw.vector(width),
            f"{own}mlp.c_fc.weight": draw.matrix(4 * width, width),
            f"{own}mlp.c_fc.bias": draw.vector(4 * width),
            f"{own}mlp.c_proj.weight": draw.matrix(width, 4 * width),
            f"{own}mlp.c_proj.bias": draw.vector(width),
        }
    return found


def openai_text(draw: Draw, vocabulary: int, layers: int) -> Tensors:
    return {
        "token_embedding.weight": draw.matrix(vocabulary, TEXT_WIDTH),
        "positional_embedding": draw.matrix(77, TEXT_WIDTH),
        "text_projection": draw.matrix(TEXT_WIDTH, JOINED),
        "ln_final.weight": draw.vector(TEXT_WIDTH, 1),
        "ln_final.bias": draw.vector(TEXT_WIDTH),
        "logit_scale": torch.tensor(4.6),
        **openai_blocks(draw, "", TEXT_WIDTH, layers),
    }


def openai_vit(vocabulary: int = 49408, width: int = 128, layers: int = 2, seed: int = 0) -> Tensors:
    """A CLIP with a vision transformer of 16-pixel patches, trained on 64 pixels, by OpenAI's names."""
    draw = Draw(seed)
    return openai_text(draw, vocabulary, layers) | {
        "visual.class_embedding": draw.vector(width),
        "visual.positional_embedding": draw.matrix(17, width),
        "visual.proj": draw.matrix(width, JOINED),
        "visual.conv1.weight": draw.matrix(width, 3, 16, 16),
        **{f"visual.{n}.weight": draw.vector(width, 1) for n in ("ln_pre", "ln_post")},
        **{f"visual.{n}.bias": draw.vector(width) for n in ("ln_pre", "ln_post")},
        **openai_blocks(draw, "visual.", width, layers),
    }


def openai_resnet(vocabulary: int = 49408, width: int = 8, seed: int = 0) -> Tensors:
    """A CLIP with a residual network of 1, 2, 1 and 1 blocks, trained on 64 pixels, by OpenAI's names."""
    draw, found = Draw(seed), {}

    def normed(conv: str, norm: str, *shape: int) -> None:
        found[f"visual.{conv}.weight"] = draw.matrix(*shape)
        found[f"visual.{norm}.weight"] = draw.vector(shape[0], 1)
        found[f"visual.{norm}.bias"] = draw.vector(shape[0])
        found[f"visual.{norm}.running_mean"] = draw.vector(shape[0])
        found[f"visual.{norm}.running_var"] = draw.vector(shape[0], 1).abs()
        found[f"visual.{norm}.num_batches_tracked"] = torch.tensor(7)

    half, inside = width // 2, width
    normed("conv1", "bn1", half, 3, 3, 3)
    normed("conv2", "bn2", half, half, 3, 3)
    normed("conv3", "bn3", width, half, 3, 3)
    for stage, blocks in enumerate((1, 2, 1, 1)):
        inner = width * 2**stage
        for block in range(blocks):
            own = f"layer{stage + 1}.{block}"
            normed(f"{own}.conv1", f"{own}.bn1", inner, inside, 1, 1)
            normed(f"{own}.conv2", f"{own}.bn2", inner, inner, 3, 3)
            normed(f"{own}.conv3", f"{own}.bn3", 4 * inner, inner, 1, 1)
            if block == 0:
                normed(f"{own}.downsample.0", f"{own}.downsample.1", 4 * inner, inside, 1, 1)
            inside = 4 * inner
    pool = "visual.attnpool"
    for part, out in (("q", inside), ("k", inside), ("v", inside), ("c", JOINED)):
        found[f"{pool}.{part}_proj.weight"] = draw.matrix(out, inside)
        found[f"{pool}.{part}_proj.bias"] = draw.vector(out)
    found[f"{pool}.positional_embedding"] = draw.matrix(5, inside)
    return openai_text(draw, vocabulary, 2) | found


def hugging_face(tensors: Tensors) -> Tensors:
    """The tensors of a CLIP with a vision transformer by Hugging Face's names."""
    names = {
        "token_embedding": "text_model.embeddings.token_embedding",
        "positional_embedding": "text_model.embeddings.position_embedding.weight",
        "ln_final": "text_model.final_layer_norm",
        "transformer": "text_model.encoder",
        "visual.transformer": "vision_model.encoder",
        "visual.class_embedding": "vision_model.embeddings.class_embedding",
        "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
        "visual.conv1": "vision_model.embeddings.patch_embedding",
        "visual.ln_pre": "vision_model.pre_layrnorm",
        "visual.ln_post": "vision_model.post_layernorm",
    }
    inner = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}
    found = {
        "text_projection.weight": tensors["text_projection"].T.contiguous(),
        "visual_projection.weight": tensors["visual.proj"].T.contiguous(),
        "logit_scale": tensors["logit_scale"],
    }
    for name, tensor in tensors.items():
        start = max((each for each in names if name.startswith(each)), key=len, default=None)
        if start is None:
            continue
        own = names[start] + name[len(start) :].replace("resblocks", "layers")
        for part, other in inner.items():
            own = own.replace(f".{part}.", f".{other}.")
        if "attn.in_proj_" in own:
            for each, chunk in zip("qkv", tensor.chunk(3)):
                found[own.replace("attn.in_proj_", f"self_attn.{each}_proj.")] = chunk.contiguous()
        else:
            found[own.replace(".attn.", ".self_attn.")] = tensor
    return found


def dino_official(
    width: int = 128, layers: int = 2, grid: int = 4, patch: int = 14, registers: int = 0
) -> Tensors:
    """A DINOv2 by Meta's names."""
    draw = Draw(1)
    found = {
        "cls_token": draw.matrix(1, 1, width),
        "mask_token": draw.matrix(1, width),
        "pos_embed": draw.matrix(1, 1 + grid**2, width),
        "patch_embed.proj.weight": draw.matrix(width, 3, patch, patch),
        "patch_embed.proj.bias": draw.vector(width),
        "norm.weight": draw.vector(width, 1),
        "norm.bias": draw.vector(width),
    }
    if registers:
        found["register_tokens"] = draw.matrix(1, registers, width)
    for layer in range(layers):
        own = f"blocks.{layer}."
        for norm in ("norm1", "norm2"):
            found |= {f"{own}{norm}.weight": draw.vector(width, 1), f"{own}{norm}.bias": draw.vector(width)}
        for name, out, inside in (
            ("attn.qkv", 3 * width, width),
            ("attn.proj", width, width),
            ("mlp.fc1", 4 * width, width),
            ("mlp.fc2", width, 4 * width),
        ):
            found |= {f"{own}{name}.weight": draw.matrix(out, inside), f"{own}{name}.bias": draw.vector(out)}
        found |= {f"{own}ls1.gamma": draw.vector(width, 0.5), f"{own}ls2.gamma": draw.vector(width, 0.5)}
    return found


def dino_hugging_face(tensors: Tensors) -> Tensors:
    """The tensors of a DINOv2 by Hugging Face's names."""
    parts = {
        "blocks.": "encoder.layer.",
        "cls_token": "embeddings.cls_token",
        "mask_token": "embeddings.mask_token",
        "pos_embed": "embeddings.position_embeddings",
        "patch_embed.proj": "embeddings.patch_embeddings.projection",
        "attn.proj": "attention.output.dense",
        "ls1.gamma": "layer_scale1.lambda1",
        "ls2.gamma": "layer_scale2.lambda1",
    }
    found = {}
    for name, tensor in tensors.items():
        own = f"layernorm{name[4:]}" if name.startswith("norm.") else name
        for part, other in parts.items():
            own = own.replace(part, other)
        if "attn.qkv" in own:
            for each, chunk in zip(("query", "key", "value"), tensor.chunk(3)):
                found[own.replace("attn.qkv", f"attention.attention.{each}")] = chunk.contiguous()
        else:
            found[own] = tensor
    return found


class _Holder(nn.Module):
    """Tensors by name, as modules within modules, so that they can be traced."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


def save_traced(path: Path, tensors: Tensors, half: bool = True) -> None:
    """A TorchScript archive as OpenAI's, in half precision unless it is not asked for."""
    root = _Holder()
    for name, tensor in tensors.items():
        module: nn.Module = root
        *folders, own = name.split(".")
        for folder in folders:
            if folder not in module._modules:
                module.add_module(folder, _Holder())
            module = module._modules[folder]
        stored = tensor.half() if half and tensor.is_floating_point() else tensor
        if stored.is_floating_point() and "running" not in own:
            module.register_parameter(own, nn.Parameter(stored))
        else:
            module.register_buffer(own, stored)
    for name, value in (("input_resolution", 64), ("context_length", 77), ("vocab_size", 49408)):
        root.register_buffer(name, torch.tensor(value))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions of torch prefer another format
        torch.jit.trace(root, torch.zeros(1)).save(str(path))
