from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_sounds import RATE, beat, write_sound

from nst3d.errors import InputError
from nst3d.sounds import read
from nst3d.sounds.read import read_sound


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "m4a"])
def test_sounds_of_all_formats_are_the_same(tmp_path: Path, suffix: str) -> None:
    made = beat(1.5)
    sound = read_sound(write_sound(tmp_path / f"a ü.{suffix}", made))
    assert abs(sound.seconds - 1.5) < 0.1
    count = min(len(made), len(sound.samples))
    assert np.corrcoef(made[:count], sound.samples[:count])[0, 1] > (
        0.9999 if suffix in ("wav", "flac") else 0.9
    )
    assert not sound.notes


def test_of_a_long_sound_the_beginning_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "LONGEST", 0.5)
    sound = read_sound(write_sound(tmp_path / "a.wav", beat(2)))
    assert len(sound.samples) == RATE // 2
    (note,) = sound.notes
    assert "is 0 minutes long; the first 0 are read" in note


def test_what_is_no_sound_says_so(tmp_path: Path) -> None:
    def refused(path: Path, why: str) -> None:
        with pytest.raises(InputError, match=why) as caught:
            read_sound(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    refused(tmp_path / "a.wav", "no such file, expected a sound")
    refused(tmp_path, "is a folder, expected a sound")
    refused(write_sound(tmp_path / "quiet.wav", np.zeros(RATE)), "is silent: give a sound that can be heard")
    text = tmp_path / "text.mp3"
    text.write_text("no music")
    refused(text, "cannot be read as a sound, such as wav")
    nothing = tmp_path / "nothing.wav"
    nothing.touch()
    refused(nothing, "it is empty")
    named = tmp_path / "list.wav"
    named.write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{tmp_path / 'quiet.wav'}\n#EXT-X-ENDLIST\n"
    )
    refused(named, "in none of the formats of sounds")  # a playlist would open other files
