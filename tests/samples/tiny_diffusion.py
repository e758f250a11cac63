"""Tiny random latent diffusion models, in the folders that diffusers writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def tokenizer(folder: Path) -> None:
    """CLIP's byte-pair tokenizer with a few letters and words."""
    folder.mkdir(parents=True)
    letters = [chr(n) for n in range(ord("a"), ord("z") + 1)]
    merges = ["j a", "ja d", "jad e</w>", "w o", "wo o", "woo d</w>"]
    rows = [*letters, *(f"{c}</w>" for c in letters), "ja", "jad", "jade</w>", "wo", "woo", "wood</w>"]
    rows += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: k for k, word in enumerate(rows)}))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    settings = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": 77,
        "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def model(folder: Path, *, instructed: bool = False, prediction: str = "epsilon", seed: int = 0) -> Path:
    """A model of three levels in the U-net's place of four, and of a few channels; random weights."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(seed)
    tokenizer(folder / "tokenizer")
    text = CLIPTextConfig(
        vocab_size=60,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        projection_dim=16,
        bos_token_id=58,
        eos_token_id=59,
        pad_token_id=59,
    )
    CLIPTextModel(text).save_pretrained(folder / "text_encoder")
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8,) * 4,
        norm_num_groups=4,
    )
    vae.save_pretrained(folder / "vae")
    unet = UNet2DConditionModel(in_channels=8 if instructed else 4, out_channels=4, **blocks())
    unet.save_pretrained(folder / "unet")
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type=prediction,
    )
    scheduler.save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "StableDiffusionPipeline",
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "scheduler": ["diffusers", "PNDMScheduler"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def control(folder: Path, seed: int = 1) -> Path:
    """A ControlNet for such a model."""
    import torch
    from diffusers import ControlNetModel

    torch.manual_seed(seed)
    own = blocks()
    own.pop("up_block_types")
    own.pop("sample_size")
    net = ControlNetModel(in_channels=4, conditioning_embedding_out_channels=(4, 4, 8, 8), **own)
    with torch.no_grad():
        for parameter in net.parameters():  # a new one is all zeros at its ends, and would say nothing
            parameter += 0.5 * torch.randn_like(parameter)
    net.save_pretrained(folder)
    return folder


def blocks() -> dict[str, Any]:
    """What U-net and ControlNet have in common."""
    return {
        "sample_size": 16,
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": 16,
        "attention_head_dim": 2,
        "norm_num_groups": 4,
    }


def adapter(folder: Path, unet: Any, seed: int = 2) -> Path:
    """An IP-Adapter for a U-net, with four tokens and an encoder for pictures of 32 pixels; random weights."""
    import torch
    from safetensors.torch import save_file
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(seed)
    vision = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
        projection_dim=12,
    )
    CLIPVisionModelWithProjection(vision).save_pretrained(folder / "image_encoder")
    width = unet.config.cross_attention_dim
    tensors = {
        "image_proj.proj.weight": torch.randn(4 * width, 12),
        "image_proj.proj.bias": torch.randn(4 * width),
        "image_proj.norm.weight": 1 + 0.1 * torch.randn(width),
        "image_proj.norm.bias": 0.1 * torch.randn(width),
    }
    modules = dict(unet.named_modules())
    layers = [name for name in unet.attn_processors if name.endswith(".attn2.processor")]
    for number, name in enumerate(layers):
        out = modules[name.removesuffix(".processor")].to_k.out_features
        for each in "kv":
            tensors[f"ip_adapter.{2 * number + 1}.to_{each}_ip.weight"] = torch.randn(out, width)
    save_file(tensors, folder / "ip-adapter_sd15.safetensors")
    return folder
