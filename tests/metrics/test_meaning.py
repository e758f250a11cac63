"""CLIP's and DINO's metrics: hand-computed values on vectors, identities on small random networks."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_clips
import torch

from nst3d.features.attention.clip import Clip, load_clip
from nst3d.features.attention.dino import Dino, load_dino
from nst3d.features.attention.tokens import Vocabulary
from nst3d.metrics.meaning import (
    clip_content,
    clip_directional,
    clip_score,
    dino_structure,
    picture_rows,
    prompt_row,
)
from nst3d.tensors import Array


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    path = tmp_path_factory.mktemp("clip") / "a.pt"
    torch.save(tiny_clips.openai_vit(1000), path)
    return load_clip(path=path, dtype=torch.float32)


@pytest.fixture(scope="module")
def dino(tmp_path_factory: pytest.TempPathFactory) -> Dino:
    path = tmp_path_factory.mktemp("dino") / "a.pth"
    torch.save(tiny_clips.dino_official(), path)
    return load_dino(path=path, dtype=torch.float32)


def picture(height: int = 48, width: int = 64, seed: int = 0) -> Array:
    coarse = np.random.default_rng(seed).random((height // 8, width // 8, 3)).astype(np.float32)
    return np.kron(coarse, np.ones((8, 8, 1), np.float32))


def test_clip_score_is_a_cosine_in_percent() -> None:
    assert clip_score(np.array([3.0, 4.0]), np.array([1.0, 0.0])) == pytest.approx(60)
    assert clip_score(np.array([-3.0, 4.0]), np.array([1.0, 0.0])) == 0


def test_directions_that_agree_or_disagree() -> None:
    content, source = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    prompt = source + np.array([0, 0, 0.5])
    way = [np.array([0, 0, 0.3]), np.array([0, 0, -2.0]), np.array([0, 0.7, 0]), np.array([0, 0.4, 0.3])]
    found = [clip_directional(content, content + each, source, prompt) for each in way]
    assert found == pytest.approx([1, -1, 0, 0.6])
    assert clip_directional(content, content, source, prompt) is None
    with pytest.raises(ValueError, match="mean the same"):
        clip_directional(content, content + way[0], source, source)


def test_content_is_a_cosine() -> None:
    assert clip_content(np.array([1.0, 0]), np.array([2.0, 0])) == 1
    assert clip_content(np.array([1.0, 0]), np.array([0, 2.0])) == 0


def test_rows_of_pictures_have_the_length_one(clip: Clip) -> None:
    rows = picture_rows(clip, [picture(), picture(64, 48, 1), picture()])
    assert rows.shape == (3, tiny_clips.JOINED)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1)
    np.testing.assert_array_equal(rows[0], rows[2])
    assert clip_content(rows[0], rows[1]) < 1 - 1e-4
    with pytest.raises(ValueError, match="no pictures"):
        picture_rows(clip, [])


def test_what_is_outside_the_middle_square_does_not_count(clip: Clip) -> None:
    wide = picture(64, 128)
    changed = wide.copy()
    changed[:, :24] = changed[:, -24:] = 0
    one, other = picture_rows(clip, [wide, changed])
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_rows_of_texts(clip: Clip) -> None:
    words = Vocabulary([("a", "b</w>")])
    found = prompt_row(clip, words, "ab cd")
    assert np.linalg.norm(found.row) == pytest.approx(1)
    assert found.left_out == 0
    assert prompt_row(clip, words, "ab " * 80).left_out == 5
    assert clip_content(found.row, prompt_row(clip, words, "cd ab").row) < 1 - 1e-4


def test_structure_is_zero_for_itself_symmetric_and_larger_for_other_pictures(dino: Dino) -> None:
    one, other = picture(), picture(seed=1)
    assert dino_structure(dino, one, one) == 0
    assert dino_structure(dino, one, other) == pytest.approx(dino_structure(dino, other, one))
    slightly = dino_structure(dino, np.clip(one * 0.97 + 0.01, 0, 1), one)
    assert 0 < slightly < dino_structure(dino, other, one) <= 4
    with pytest.raises(ValueError, match="cannot be compared"):
        dino_structure(dino, one, picture(64, 48))


def test_structure_of_long_pictures(dino: Dino) -> None:
    """One of 16 x 160 becomes 48 x 480, in whole patches of 14 pixels: 3 x 34, each a token beside the first one."""
    sizes = []
    hook = dino.visual.blocks[0].register_forward_hook(
        lambda module, given, found: sizes.append(found.shape[1] - 1)
    )
    dino_structure(dino, picture(16, 160), picture(16, 160))
    dino_structure(dino, picture(48, 64), picture(48, 64))
    hook.remove()
    assert sizes[::2] == [3 * 34, 16 * 21]
