"""Masks in pictures and arrays."""

from __future__ import annotations

import numpy as np
import pytest

from nst3d.errors import InputError
from nst3d.images.io import write_image
from nst3d.pipeline.kinds.selectors.masks import read_mask

LEFT = np.zeros((4, 6), np.float32)
LEFT[:, :3] = 1


@pytest.mark.parametrize(
    "array",
    [
        LEFT,
        LEFT.astype(bool),
        LEFT.astype(np.uint8),
        (LEFT * 255).astype(np.uint8),
        LEFT[None],
        LEFT[..., None],
    ],
)
def test_arrays(array, tmp_path) -> None:
    np.save(tmp_path / "mask.npy", array)
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.npy")[..., 0].numpy(), LEFT)


def test_a_picture(tmp_path) -> None:
    write_image(tmp_path / "mask.png", np.repeat(LEFT[..., None], 3, axis=2))
    np.testing.assert_allclose(read_mask(tmp_path / "mask.png")[..., 0].numpy(), LEFT, atol=1e-6)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((2, 3, 4), np.float32), r"an array of shape \(2, 3, 4\)"),
        (np.zeros((0, 3), np.float32), r"an array of shape \(0, 3\)"),
        (LEFT * 2, "has values outside 0 to 1"),
        (LEFT * np.float32(np.nan), "has values outside 0 to 1"),
        (LEFT.astype("U1"), "expected numbers"),
    ],
)
def test_arrays_that_are_no_masks(array, says, tmp_path) -> None:
    np.save(tmp_path / "mask.npy", array)
    with pytest.raises(InputError, match=says):
        read_mask(tmp_path / "mask.npy")


def test_files_that_are_no_arrays(tmp_path) -> None:
    with pytest.raises(InputError, match=r"none\.npy: no such file"):
        read_mask(tmp_path / "none.npy")
    (tmp_path / "text.npy").write_text("no array")
    np.save(tmp_path / "huge.npy", LEFT)
    data = (tmp_path / "huge.npy").read_bytes()
    (tmp_path / "huge.npy").write_bytes(data.replace(b"(4, 6), }" + b" " * 9, b"(4, 6000000000), }"))
    np.save(tmp_path / "objects.npy", np.array([[{}]], object), allow_pickle=True)
    for name in ("text.npy", "huge.npy", "objects.npy"):
        with pytest.raises(InputError, match=rf"{name}: not an array of numpy"):
            read_mask(tmp_path / name)
