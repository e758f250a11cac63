"""CLIP: the same network in all containers, its sizes, what is refused, and gradients to pictures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny_clips
import torch
from tiny_clips import Tensors, hugging_face, openai_resnet, openai_vit, save_traced

from nst3d.errors import InputError, MissingDependencyError, TooLargeError
from nst3d.features.attention.clip import Clip, centre_square, load_clip
from nst3d.features.attention.clip_names import activation_of, scheme_of
from nst3d.limits import Limits, limited
from nst3d.weights.saved import write_tensors

WORDS = 1000
"""Tokens of the networks here; CLIP's own count takes a second to draw."""


@pytest.fixture(scope="module")
def vit() -> Tensors:
    return openai_vit(WORDS)


@pytest.fixture(scope="module")
def resnet() -> Tensors:
    return openai_resnet(WORDS)


def saved(path: Path, tensors: Tensors) -> Path:
    """The tensors in the container that a file's name asks for."""
    if path.suffix == ".safetensors":
        write_tensors(path, {k: v.contiguous() for k, v in tensors.items() if v.is_floating_point()}, {})
    elif path.stem == "traced":
        save_traced(path, tensors, half=False)
    else:
        torch.save(tensors, path)
    return path


def load(path: Path) -> Clip:
    return load_clip(path=path, activation="quick", dtype=torch.float32)


def pictures(height: int = 64, width: int = 64) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(3))


def texts() -> torch.Tensor:
    ids = torch.zeros(2, 77, dtype=torch.long)
    ids[0, :4] = torch.tensor([WORDS - 2, 5, 17, WORDS - 1])
    ids[1, :3] = torch.tensor([WORDS - 2, 5, WORDS - 1])
    return ids


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_all_containers_give_the_same(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    tensors = request.getfixturevalue(kind)
    clip = load(saved(tmp_path / "state.pt", tensors))
    wanted, words = clip.picture_features(pictures()), clip.text_features(texts())
    assert wanted.shape == words.shape == (2, tiny_clips.JOINED)
    assert (clip.side, clip.context) == (64, 77)
    others = {
        "traced.pt": tensors,
        "plain.safetensors": tensors,
        "wrapped.pt": {"state_dict": {f"module.{k}": v for k, v in tensors.items()}, "epoch": 3},
        "later.pt": {k if "visual" in k else f"text.{k}": v for k, v in tensors.items()},
    }
    if kind == "vit":
        others["theirs.safetensors"] = hugging_face(tensors)
    for name, each in others.items():
        found = load(saved(tmp_path / name, each))
        for own, same in (
            (found.picture_features(pictures()), wanted),
            (found.text_features(texts()), words),
        ):
            torch.testing.assert_close(own, same, atol=1e-5, rtol=0, msg=name)


def test_half_precision_is_near(vit: Tensors, tmp_path: Path) -> None:
    save_traced(tmp_path / "half.pt", vit)
    full, half = load(saved(tmp_path / "state.pt", vit)), load(tmp_path / "half.pt")
    low = load_clip(path=tmp_path / "state.pt", activation="quick", dtype=torch.bfloat16)
    wanted = full.picture_features(pictures())
    assert torch.cosine_similarity(half.picture_features(pictures()), wanted).min() > 0.9999
    assert low.picture_features(pictures()).dtype == torch.float32
    assert torch.cosine_similarity(low.picture_features(pictures()), wanted).min() > 0.99
    assert torch.cosine_similarity(low.text_features(texts()), full.text_features(texts())).min() > 0.99


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_pictures_get_gradients(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Descending them, a picture comes nearer to a text, and does so the same each time."""
    clip = load(saved(tmp_path / "a.pt", request.getfixturevalue(kind)))
    wanted = clip.text_features(texts()[:1])

    def descended() -> list[float]:
        picture = pictures()[:1].requires_grad_()
        found = []
        for _ in range(4):
            loss = 1 - torch.cosine_similarity(clip.picture_features(picture), wanted)[0]
            (gradient,) = torch.autograd.grad(loss, picture)
            assert torch.isfinite(gradient).all()
            found.append(float(loss.detach()))
            with torch.no_grad():
                picture -= 0.5 * gradient / gradient.abs().max() / 8
        return found

    losses = descended()
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] - 0.01
    assert descended() == losses
    assert not any(parameter.requires_grad for parameter in clip.parameters())


@pytest.mark.parametrize(("kind", "step"), [("vit", 16), ("resnet", 32)])
def test_other_sizes(kind: str, step: int, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    clip = load(saved(tmp_path / "a.pt", request.getfixturevalue(kind)))
    assert clip.picture_features(pictures(96, 128)).shape == (2, tiny_clips.JOINED)
    # A flat picture is one at all sizes, but for what was learnt about places.
    flat = [clip.picture_features(torch.full((1, 3, n, n), 0.3)) for n in (64, 128)]
    assert torch.cosine_similarity(*flat).item() > 0.9
    with pytest.raises(ValueError, match=f"multiples of {step} pixels, not 60 x 64"):
        clip.picture_features(pictures(60, 64))


def test_texts_end_at_their_end(vit: Tensors, tmp_path: Path) -> None:
    clip = load(saved(tmp_path / "a.pt", vit))
    ids = texts()
    ids[1, 3:] = 9  # after the end
    torch.testing.assert_close(clip.text_features(ids), clip.text_features(texts()))
    torch.testing.assert_close(clip.text_features(texts()[:, :4]), clip.text_features(texts()))
    with pytest.raises(ValueError, match="at most 77 tokens below 1000"):
        clip.text_features(torch.full((1, 78), 3))
    with pytest.raises(ValueError, match="up to 1000"):
        clip.text_features(torch.tensor([[1000]]))


def test_centre_square() -> None:
    ramp = torch.linspace(0, 1, 120).expand(1, 3, 40, 120)
    square = centre_square(ramp, 20)
    assert square.shape == (1, 3, 20, 20)
    assert square.mean().item() == pytest.approx(0.5, abs=1e-3)
    assert (square.diff(dim=3) > 0).all()
    same = pictures()
    assert centre_square(same, 64) is same or torch.equal(centre_square(same, 64), same)
    assert centre_square(pictures(33, 100), 64).shape == (2, 3, 64, 64)


def test_the_activation_is_told(vit: Tensors, tmp_path: Path) -> None:
    theirs = hugging_face(vit)

    def told(name: str, tensors: Tensors) -> str:
        path = tmp_path / name
        return activation_of(path, tensors, scheme_of(path, tensors))

    assert told("laion.pt", vit) == "exact"
    assert told("ViT-B-32-quickgelu.pt", vit) == "quick"
    assert told("archive.pt", vit | {"input_resolution": torch.tensor(64)}) == "quick"
    assert told("model.safetensors", theirs) == "quick"
    (tmp_path / "config.json").write_text(json.dumps({"vision_config": {"hidden_act": "gelu"}}))
    assert told("model.safetensors", theirs) == "exact"
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": {"quick_gelu": True}}))
    assert told("laion.pt", vit) == "quick"
    (tmp_path / "open_clip_config.json").write_text("[1, 2")
    (tmp_path / "config.json").write_text("[]")
    assert told("laion.pt", vit) == "exact"
    saved(tmp_path / "a.pt", vit)
    quick, exact = (load_clip(path=tmp_path / "a.pt", activation=each) for each in ("quick", "exact"))
    assert (quick.picture_features(pictures()) - exact.picture_features(pictures())).abs().max() > 1e-4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"token_embedding.weight": None}, "is no CLIP: expected one of the tensors token_embedding.weight"),
        ({"visual.conv1.weight": None}, "has no visual.conv1.weight"),
        ({"visual.proj": torch.zeros(3, 4)}, "visual.proj has the shape (3, 4), expected (128, 4)"),
        ({"ln_final.weight": torch.full((64,), torch.nan)}, "ln_final.weight contains non-finite values"),
        ({"visual.positional_embedding": torch.zeros(16, 128)}, "has 16 rows, expected one more than a square"),
        ({"visual.attn_pool.probe": torch.zeros(3)}, "has visual.attn_pool.probe, too, so it is of another network"),
        ({"transformer.resblocks.0.ln_1.weight": None}, "has transformer.resblocks.0.ln_1.bias, too"),
        ({"positional_embedding": torch.zeros(77)}, "positional_embedding has the shape (77,), expected 2 axes"),
        ({"visual.class_embedding": torch.zeros(100)}, "has the shape (100,), expected (128,)"),
    ],
)  # fmt: skip
def test_other_networks_are_refused(vit: Tensors, tmp_path: Path, change, says: str) -> None:
    changed = {name: tensor for name, tensor in (vit | change).items() if tensor is not None}
    with pytest.raises(InputError) as caught:
        load(saved(tmp_path / "a.pt", changed))
    assert str(caught.value).startswith(f"{tmp_path / 'a.pt'}: ")
    assert says in str(caught.value)


def test_errors_have_the_names_of_the_file(vit: Tensors, tmp_path: Path) -> None:
    theirs = hugging_face(vit)
    del theirs["vision_model.encoder.layers.1.self_attn.k_proj.bias"]
    with pytest.raises(InputError, match=r"has no vision_model\.encoder\.layers\.1\.self_attn\.k_proj\.bias"):
        load(saved(tmp_path / "a.safetensors", theirs))


def test_missing_weights_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(MissingDependencyError) as caught:
        load_clip()
    text = str(caught.value)
    for part in (
        "nst3d weights fetch clip-vit-b-32",
        "ViT-B-32.pt",
        "354 MB",
        "MIT",
        "SHA-256 40d36571",
        str(tmp_path),
    ):
        assert part in text
    assert "\n" not in text
    (tmp_path / "ViT-B-32.pt").write_bytes(b"anything")
    with pytest.raises(InputError, match=r"ViT-B-32\.pt: SHA-256 begins with .* expected 40d36571"):
        load_clip()


def test_memory_is_asked_for(vit: Tensors, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pt", vit)
    size = path.stat().st_size / 2**30
    with limited(Limits(memory=1.5 * size)), pytest.raises(TooLargeError, match=r"a\.pt: needs"):
        load(path)
