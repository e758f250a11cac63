from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from made_sounds import RATE, beat, pad

from nst3d.errors import InputError
from nst3d.networks.tagger import TAGS, Tagger, load_tagger
from nst3d.sounds.read import Sound
from nst3d.sounds.tags import PIECES, tags_of
from nst3d.weights import find_weights
from nst3d.weights.tf_checkpoint import read_checkpoint

FILES = find_weights("musicnn")
needed = pytest.mark.skipif(FILES is None, reason="musicnn is not here: pip install --no-deps musicnn==0.1.0")


def sound_of(samples: np.ndarray) -> Sound:
    return Sound(np.asarray(samples, np.float32), Path("made.wav"), len(samples) / RATE)


@needed
def test_a_beat_is_techno_and_a_pad_is_ambient() -> None:
    tagger = load_tagger()
    beats, pads = tags_of(sound_of(beat(6)), tagger), tags_of(sound_of(pad(9)), tagger)
    assert next(iter(beats)) == "techno"
    assert beats["techno"] > 0.5
    assert {"ambient", "quiet", "slow"} <= set(list(pads)[:5])
    assert list(beats.values()) == sorted(beats.values(), reverse=True)


@needed
def test_a_short_sound_is_repeated_and_of_a_long_one_some_is_heard() -> None:
    asked = []

    class Counting(torch.nn.Module):
        def forward(self, spectra: torch.Tensor) -> torch.Tensor:
            asked.append(spectra)
            return torch.zeros(len(spectra), len(TAGS))

    tags_of(sound_of(beat(1)), Counting())  # type: ignore[arg-type]
    assert len(asked) == 1
    tags_of(sound_of(np.tile(beat(5), 50)), Counting())  # type: ignore[arg-type]
    assert len(asked) == 1 + PIECES
    assert all(spectra.shape == (1, 187, 96) for spectra in asked)


def test_the_network_has_the_shape_of_the_published() -> None:
    likely = Tagger().eval()(torch.zeros(2, 187, 96))
    assert likely.shape == (2, 50)
    assert bool(((likely > 0) & (likely < 1)).all())


@needed
def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    assert FILES is not None
    data, index = FILES
    table, cut = index.read_bytes(), tmp_path / "index"
    for content, why in (
        (table[:500], "is not the index"),
        (table[:600] + b"\xff" * 400 + table[1000:], "is damaged"),
        (b"", "is not the index"),
    ):
        cut.write_bytes(content)
        with pytest.raises(InputError, match=why):
            read_checkpoint(data, cut)
    short = tmp_path / "data"
    short.write_bytes(data.read_bytes()[:1000])
    with pytest.raises(InputError, match="claims bytes"):
        read_checkpoint(short, index)


@needed
def test_tensors_of_a_checkpoint_have_names_and_values() -> None:
    assert FILES is not None
    tensors = read_checkpoint(*FILES)
    assert tensors["5CNN/kernel"].shape == (3, 3, 128, 128)
    assert tensors["dense/bias"].shape == (50,)
    assert float(tensors["batch_normalization/moving_variance"]) > 0
    assert tensors["beta1_power"].shape == ()
