"""How publishers call the tensors of CLIP, and with which activation each trained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from nst3d.errors import InputError
from nst3d.features.attention.blocks import Activation
from nst3d.weights.schemes import Scheme

_BLOCKS = {
    ".norm1.": ".ln_1.",
    ".attention.qkv.": ".attn.in_proj_",
    ".attention.out.": ".attn.out_proj.",
    ".norm2.": ".ln_2.",
    ".mlp_in.": ".mlp.c_fc.",
    ".mlp_out.": ".mlp.c_proj.",
}
_PICTURES = {
    "visual.patches.": "visual.conv1.",
    "visual.class_token": "visual.class_embedding",
    "visual.places": "visual.positional_embedding",
    "visual.norm_first.": "visual.ln_pre.",
    "visual.norm_last.": "visual.ln_post.",
    "visual.blocks.": "visual.transformer.resblocks.",
    "visual.projection.weight": "visual.proj",
}


def _of_openai(prefix: str) -> Scheme:
    words = {
        "text.words.": f"{prefix}token_embedding.",
        "text.places": f"{prefix}positional_embedding",
        "text.norm_last.": f"{prefix}ln_final.",
        "text.blocks.": f"{prefix}transformer.resblocks.",
        "text.projection.weight": f"{prefix}text_projection",
    }
    return Scheme(
        words | _PICTURES | _BLOCKS, frozenset(("text.projection.weight", "visual.projection.weight"))
    )


OPENAI, OPEN_CLIP = _of_openai(""), _of_openai("text.")
"""OpenAI's names, which open_clip took over, and those that it gives to texts in its later networks."""
HUGGING_FACE = Scheme(
    {
        "text.words.": "text_model.embeddings.token_embedding.",
        "text.places": "text_model.embeddings.position_embedding.weight",
        "text.norm_last.": "text_model.final_layer_norm.",
        "text.blocks.": "text_model.encoder.layers.",
        "text.projection.": "text_projection.",
        "visual.patches.": "vision_model.embeddings.patch_embedding.",
        "visual.class_token": "vision_model.embeddings.class_embedding",
        "visual.places": "vision_model.embeddings.position_embedding.weight",
        "visual.norm_first.": "vision_model.pre_layrnorm.",  # so in the files
        "visual.norm_last.": "vision_model.post_layernorm.",
        "visual.blocks.": "vision_model.encoder.layers.",
        "visual.projection.": "visual_projection.",
        ".norm1.": ".layer_norm1.",
        ".norm2.": ".layer_norm2.",
        ".attention.qkv.": ".self_attn.{q,k,v}_proj.",
        ".attention.out.": ".self_attn.out_proj.",
        ".mlp_in.": ".mlp.fc1.",
        ".mlp_out.": ".mlp.fc2.",
    }
)
"""The names in the package transformers."""
_SCHEMES = {
    "token_embedding.weight": OPENAI,
    "text.token_embedding.weight": OPEN_CLIP,
    "text_model.embeddings.token_embedding.weight": HUGGING_FACE,
}
"""Schemes by a tensor that only their files have."""
_OPENAI_ONLY = "input_resolution"
"""What is in OpenAI's own archives, and in copies of them, alone."""
_LONGEST = 1_000_000


def scheme_of(path: Path, tensors: Mapping[str, torch.Tensor]) -> Scheme:
    """The scheme of a file's tensors. InputError if they are not those of a CLIP."""
    for name, scheme in _SCHEMES.items():
        if name in tensors:
            return scheme
    wanted = ", ".join(_SCHEMES)
    raise InputError(f"{path}: is no CLIP: expected one of the tensors {wanted}")


def activation_of(path: Path, tensors: Mapping[str, torch.Tensor], scheme: Scheme) -> Activation:
    """The activation that a file's network was trained with, as far as can be told.

    No tensor depends on it. It is what config.json or open_clip_config.json beside the file says; without them,
    "quick" for OpenAI's archives, for Hugging Face's names, which most of OpenAI's copies have, and for files with
    "quickgelu" or "openai" in their names, otherwise "exact".
    """
    told = _told(path)
    if told is not None:
        return told
    named = any(word in path.name.lower() for word in ("quickgelu", "openai"))
    is_quick = named or _OPENAI_ONLY in tensors or scheme is HUGGING_FACE
    return "quick" if is_quick else "exact"


def _told(path: Path) -> Activation | None:
    """What the configuration beside a file says; None without one that says something."""
    ours = _read(path.with_name("open_clip_config.json")).get("model_cfg")
    if isinstance(ours, dict):
        return "quick" if ours.get("quick_gelu") else "exact"
    theirs = _read(path.with_name("config.json")).get("vision_config")
    if isinstance(theirs, dict):  # which leaves out what is as in OpenAI's networks
        return "quick" if theirs.get("hidden_act", "quick_gelu") == "quick_gelu" else "exact"
    return None


def _read(path: Path) -> dict[str, object]:
    """A JSON object; empty if there is none."""
    try:
        if path.stat().st_size > _LONGEST:
            return {}
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
