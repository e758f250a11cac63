"""What guides share in a run."""

from __future__ import annotations

import pytest

from nst3d.stylize.loaded import Loaded


def test_a_thing_is_loaded_once_for_each_key() -> None:
    own, asked = Loaded(), list[str]()

    def load(name: str) -> list[str]:
        asked.append(name)
        return [name]

    first = own.once(("clip", "cpu"), lambda: load("one"))
    assert own.once(("clip", "cpu"), lambda: load("never")) is first
    assert own.once(("clip", "cuda"), lambda: load("two")) == ["two"]
    assert Loaded().once(("clip", "cpu"), lambda: load("three")) == ["three"]
    assert asked == ["one", "two", "three"]


def test_what_failed_is_tried_again_and_none_is_a_thing() -> None:
    own, count = Loaded(), [0]

    def load() -> None:
        count[0] += 1
        if count[0] == 1:
            raise FileNotFoundError

    with pytest.raises(FileNotFoundError):
        own.once("a", load)
    assert own.once("a", load) is None
    assert own.once("a", load) is None
    assert count == [2]
