"""Options of what is registered by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest

from nst3d import Declared
from nst3d.bounds import Within
from nst3d.errors import ConfigError
from nst3d.options import check_options


@dataclass(frozen=True)
class Brush:
    """Options of something."""

    side: Annotated[int, Within(1, 64)] = 8
    way: Literal["round", "flat"] = "round"
    wet: float = 0.5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sid": 4}, "teacher brush has no option 'sid'; its options are: side, way, wet"),
        ({"side": 0}, "teacher brush: option side is 0: expected a number from 1 to 64"),
        ({"side": 4.5}, "teacher brush: option side is 4.5: expected a whole number"),
        ({"side": True}, "expected a whole number"),
        ({"way": "square"}, "option way is 'square': expected 'round' or 'flat'"),
        ({"wet": "very"}, "option wet is 'very': expected a number"),
    ],
)
def test_declared_options_are_checked(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_options("teacher brush", given, Declared(Brush))
    assert message in str(caught.value)


def test_a_declaration_is_its_defaults() -> None:
    known = Declared(Brush)
    assert {**known, "side": 4} == {"side": 4, "way": "round", "wet": 0.5}
    assert Brush(**known) == Brush()
    check_options("teacher brush", {"side": 64, "wet": 1}, known)


def test_options_by_their_defaults_alone_are_checked_for_type_and_bounds() -> None:
    bounds = {"side": Within(1, 64)}
    check_options("loss brush", {"side": 64}, {"side": 8}, bounds)
    for side in (65, "64"):
        with pytest.raises(ConfigError, match="loss brush: option side"):
            check_options("loss brush", {"side": side}, {"side": 8}, bounds)
