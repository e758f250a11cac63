"""Frames of a flight that belong together, and those that do not."""

from __future__ import annotations

import numpy as np
import pytest
from painted_planes import flight, photograph

from nst3d.metrics.footage import Footage
from nst3d.metrics.warp import Seen
from nst3d.tensors import Array, ImageSize

SMALL = ImageSize(24, 32)


def blank(*sizes: tuple[int, int]) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Frames and opacities of these sizes."""
    return tuple(np.zeros((*s, 3), np.float32) for s in sizes), tuple(np.ones(s, np.float32) for s in sizes)


def test_frames_of_different_sizes_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"frame 0 has the shape \(24, 32, 3\) and frame 1 has \(24, 30, 3\)"
    ):
        Footage(*blank((24, 32), (24, 30)))


def test_footage_needs_frames() -> None:
    with pytest.raises(ValueError, match="there are none"):
        Footage((), ())


def test_opacities_and_depths_belong_to_the_frames() -> None:
    frames, opacities = blank((24, 32), (24, 32))
    with pytest.raises(ValueError, match="2 frames need one opacity each, and there are 1"):
        Footage(frames, opacities[:1])
    with pytest.raises(ValueError, match="opacity has"):
        Footage(frames, blank((24, 32), (24, 30))[1])
    seen = flight(photograph(0, 32), 2, SMALL).seen
    assert seen is not None
    with pytest.raises(ValueError, match="one depth each"):
        Footage(frames, opacities, seen[:1])
    with pytest.raises(ValueError, match=r"frame 1 has \(24, 32\) pixels and its depth has \(12, 16\)"):
        Footage(frames, opacities, (seen[0], Seen(seen[1].camera, seen[1].depth[::2, ::2])))


def test_the_first_frames() -> None:
    whole = flight(photograph(0, 32), 5, SMALL)
    some = whole.first(3)
    assert len(some) == len(some.opacities) == 3
    assert some.frames[2] is whole.frames[2]
    assert some.seen is not None
    assert len(some.seen) == 3
    assert len(whole.first(9)) == 5


def test_other_frames_of_the_same_flight() -> None:
    whole = flight(photograph(0, 32), 2, SMALL)
    dark = whole.showing([0 * frame for frame in whole.frames])
    assert not dark.frames[1].any()
    assert dark.seen is whole.seen
    with pytest.raises(ValueError, match="one opacity each"):
        whole.showing(whole.frames[:1])
    with pytest.raises(ValueError, match="shape"):
        whole.showing([whole.frames[0], whole.frames[1][:, 1:]])


def test_another_background() -> None:
    frames, _ = blank((2, 3))
    opacity = np.array([[0, 0.5, 1], [0, 0.5, 1]], np.float32)
    red, blue, green = np.eye(3, dtype=np.float32)[[0, 2, 1]]
    over_red = Footage((opacity[..., None] * green + (1 - opacity[..., None]) * red,), (opacity,))
    found = over_red.over(blue, instead_of=red).frames[0]
    np.testing.assert_allclose(found, opacity[..., None] * green + (1 - opacity[..., None]) * blue, atol=1e-6)
    assert found.dtype == frames[0].dtype


def test_flights_that_differ_are_not_compared() -> None:
    one = flight(photograph(0, 32), 3, SMALL)
    with pytest.raises(ValueError, match="3 and 2 frames"):
        one.need_size_of(one.first(2))
    with pytest.raises(ValueError, match=r"\(24, 32, 3\) and \(32, 24, 3\)"):
        one.need_size_of(flight(photograph(0, 32), 3, ImageSize(32, 24)))


def test_pairs_fewer_than_the_gap() -> None:
    footage = Footage(*blank(*[(4, 4)] * 3))
    assert footage.lacks_pairs(2) is None
    assert footage.lacks_pairs(3) == "3 frames have no pair that is 3 apart"
    with pytest.raises(ValueError, match="at least 1"):
        footage.lacks_pairs(0)
