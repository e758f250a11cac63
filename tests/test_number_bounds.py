"""Bounds beside fields."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import pytest

from nst3d.bounds import Within, bounded_fields, check_bounds
from nst3d.errors import ConfigError

Share = Annotated[float, Within(0, 1)]


@dataclass(frozen=True)
class Part:
    size: Annotated[int, Within(16, 64)] = 32
    rate: Annotated[float, Within(0, above=True)] = 0.5


@dataclass(frozen=True)
class Whole:
    share: Share = 0.5
    limit: Annotated[int, Within(1)] | None = None
    colour: tuple[Share, Share, Share] | None = (0, 0.5, 1)
    parts: tuple[Part, ...] = (Part(), Part(16))
    part: Part = Part()
    free: float = -1e9
    gain: Annotated[float, Within()] = 0
    name: str = "a"


def test_what_is_inside_passes() -> None:
    check_bounds(Whole())
    check_bounds(Whole(0, 1, None, (), Part(64, 1e-9), gain=-1e300))
    check_bounds(Whole(1, 10**12))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Whole(share=1.5), "setting share is 1.5: expected a number from 0 to 1"),
        (Whole(share=-0.1), "setting share is -0.1: expected a number from 0 to 1"),
        (Whole(share=math.nan), "setting share is nan: expected a number from 0 to 1"),
        (Whole(limit=0), "setting limit is 0: expected a number from 1"),
        (Whole(colour=(0, 2, 0)), "setting colour[1] is 2: expected a number from 0 to 1"),
        (Whole(parts=(Part(), Part(9))), "setting parts[1].size is 9: expected a number from 16 to 64"),
        (Whole(part=Part(rate=0)), "setting part.rate is 0: expected a number above 0"),
        (Whole(part=Part(rate=math.inf)), "setting part.rate is inf: expected a number above 0"),
        (Whole(gain=math.inf), "setting gain is inf: expected a finite number"),
    ],
)
def test_what_is_outside_is_named(config: Whole, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        check_bounds(config)
    assert str(error.value) == message


def test_names_begin_with_where() -> None:
    with pytest.raises(ConfigError, match=r"^job\.part\.size is 1: "):
        check_bounds(Whole(part=Part(1)), where="job.")


def test_bounded_fields_are_listed() -> None:
    names = [name for name, _ in bounded_fields(Whole())]
    assert names == ["share", "limit", "part.size", "part.rate", "gain"]
