"""The network that hears in CLIP's space, on small random tensors under its publishers' names."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import tiny_clips
import tiny_wav2clip
import torch
import torch.nn.functional as F
from made_sounds import beat, pad

from nst3d.errors import InputError, MissingDependencyError
from nst3d.networks.wav2clip import Wav2Clip, load_wav2clip, log_spectra
from nst3d.stylize.words.hearing import PIECES, sound_row


def saved(path: Path, tensors) -> Path:
    torch.save({"state_dict": tensors, "epoch": 3}, path)
    return path


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Wav2Clip:
    return load_wav2clip(saved(tmp_path_factory.mktemp("net") / "Wav2CLIP.pt", tiny_wav2clip.wav2clip()))


def samples(sound) -> torch.Tensor:
    return torch.from_numpy(np.asarray(sound, np.float32))


def test_features_are_of_length_one_and_the_same_each_time(network) -> None:
    row = network(samples(beat(1)))
    assert row.shape == (tiny_clips.JOINED,)
    assert float(row.norm()) == pytest.approx(1, abs=1e-5)
    assert torch.equal(row, network(samples(beat(1))))
    assert float(row @ network(samples(pad(1)))) < 0.999
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_loudness_does_not_count(network) -> None:
    """Spectra are less their mean, in logarithms."""
    sound = samples(np.random.default_rng(0).standard_normal(8000))
    torch.testing.assert_close(network(sound), network(10 * sound), atol=2e-3, rtol=0)


def test_spectra_by_hand() -> None:
    """Of a sine the middle of each window's spectrum is largest at its frequency, and all have no mean."""
    sound = torch.sin(2 * torch.pi * 1000 * torch.arange(3530) / 16_000)
    found = log_spectra(sound)
    assert found.shape == (257, 11)
    assert (found.argmax(0)[2:-2] == 32).all()  # 1000 Hz of 31.25 each
    assert float(found.mean()) == pytest.approx(0, abs=1e-4)
    assert float(found.std()) == pytest.approx(1, abs=1e-4)


def test_the_forward_pass_is_that_of_the_published_tensors(network) -> None:
    """Written out by the names of the file."""
    own = tiny_wav2clip.wav2clip()

    def normed(x, conv, norm, stride, border):
        x = F.conv2d(x, own[f"audio_encoder.{conv}.weight"], None, stride, border)
        parts = (own[f"audio_encoder.{norm}.{p}"] for p in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *parts)

    sound = samples(beat(1))
    x = F.max_pool2d(normed(log_spectra(sound)[None, None], "conv1", "bn1", 2, 3).relu(), 3, 2, 1)
    for stage in range(1, 5):
        for block in range(2):
            at, stride = f"layer{stage}.{block}", 2 if stage > 1 and not block else 1
            y = normed(x, f"{at}.conv1", f"{at}.bn1", stride, 1).relu()
            y = normed(y, f"{at}.conv2", f"{at}.bn2", 1, 1)
            short = normed(x, f"{at}.downsample.0", f"{at}.downsample.1", stride, 0) if stride == 2 else x
            x = (y + short).relu()
    x = x.mean((2, 3))
    for number in (0, 3):
        layer = (own[f"audio_transform.sequential.{number}.{part}"] for part in ("weight", "bias"))
        x = F.linear(x if not number else x.relu(), *layer)
    torch.testing.assert_close(network(sound), F.normalize(x[0], dim=0), atol=1e-5, rtol=1e-4)


class Counted:
    """Hears how many samples a piece has, and which is the first."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, int]] = []

    def __call__(self, piece):
        self.heard.append((len(piece), int(piece[0])))
        return torch.tensor([1.0, 0])


def test_long_sounds_are_heard_in_pieces_and_short_ones_repeatedly() -> None:
    heard = Counted()
    assert torch.equal(sound_row(heard, torch.arange(320.0)), torch.tensor([1.0, 0]))
    assert heard.heard == [(16_000, 0)]
    heard = Counted()
    sound_row(heard, torch.arange(30.0 * 16_000))
    assert heard.heard == [(160_000, 0), (160_000, 160_000), (160_000, 320_000)]
    heard = Counted()
    sound_row(heard, torch.zeros(600 * 16_000))
    assert len(heard.heard) == PIECES


def test_files_of_other_networks_are_refused(tmp_path) -> None:
    good = tiny_wav2clip.wav2clip()
    lacking = {k: v for k, v in good.items() if k != "audio_encoder.layer2.0.bn1.bias"}
    narrow = good | {"audio_encoder.layer3.1.conv2.weight": torch.zeros(3, 3, 3, 3)}
    deeper = good | {"audio_encoder.layer1.2.conv1.weight": torch.zeros(8, 8, 3, 3)}
    broken = good | {"audio_transform.sequential.3.bias": torch.full((tiny_clips.JOINED,), torch.nan)}
    for number, (tensors, says) in enumerate(
        (
            (lacking, "has no audio_encoder.layer2.0.bn1.bias"),
            (narrow, r"layer3.1.conv2.weight has the shape \(3, 3, 3, 3\), expected \(32, 32, 3, 3\)"),
            (deeper, "has audio_encoder.layer1.2.conv1.weight, which a Wav2CLIP with a ResNet-18 has not"),
            (broken, "audio_transform.sequential.3.bias contains non-finite values"),
            ({}, "has no audio_encoder.conv1.weight of 4 axes: this is no Wav2CLIP"),
        )
    ):
        with pytest.raises(InputError, match=says):
            load_wav2clip(saved(tmp_path / f"{number}.pt", tensors))


class Evil:
    def __reduce__(self):
        return print, ("code was run",)


def test_code_in_a_file_is_not_run(tmp_path, capsys) -> None:
    (tmp_path / "Wav2CLIP.pt").write_bytes(pickle.dumps({"state_dict": Evil()}))
    torch.save({"state_dict": tiny_wav2clip.wav2clip(), "more": Evil()}, tmp_path / "other.pt")
    for name in ("Wav2CLIP.pt", "other.pt"):
        with pytest.raises(InputError, match="cannot be read as a torch weight file"):
            load_wav2clip(tmp_path / name)
    assert capsys.readouterr().out == ""


def test_it_is_said_how_to_get_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    with pytest.raises(
        MissingDependencyError, match=r"download https://github.com/descriptinc/.*/Wav2CLIP\.pt"
    ):
        load_wav2clip()
