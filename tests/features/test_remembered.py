"""Features that are found once for pictures that are asked for again."""

from __future__ import annotations

import torch
from random_vgg import random_vgg

from nst3d.features.remembered import Remembered, RememberedEncoder
from nst3d.tensors import Planes


def picture(seed: int) -> Planes:
    return Planes(torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(seed)))


def test_a_picture_is_kept_from_the_second_time() -> None:
    memory, found = Remembered(10**6), list[int]()

    def ask(seed: int, name: str = "a") -> torch.Tensor:
        return memory.of(
            picture(seed), [name], lambda: found.append(seed) or {name: torch.full((4,), float(seed))}
        )[name]

    assert [float(ask(seed)[0]) for seed in (1, 2, 1, 2, 1, 2)] == [1, 2] * 3
    assert found == [1, 2, 1, 2]
    ask(1, "b")
    assert found[-1] == 1  # other names are other features
    changed = picture(1)
    changed[0, 0, 0] += 0.1
    assert memory.of(changed, ["a"], lambda: {"a": torch.zeros(4)})["a"].sum() == 0


def test_twice_in_a_row_is_found_once_and_what_does_not_fit_is_found_again() -> None:
    small, found = Remembered(10), list[int]()
    for seed in (1, 1, 2, 1):
        small.of(picture(seed), ["a"], lambda seed=seed: found.append(seed) or {"a": torch.zeros(8)})
    assert found == [1, 2, 1]


def test_an_encoder_that_remembers_gives_the_same() -> None:
    encoder = random_vgg()
    remembered = RememberedEncoder(encoder, 10**7)
    for _ in range(3):
        for name, features in remembered(picture(3), ["relu1_1", "relu2_1"]).items():
            assert torch.equal(features, encoder(picture(3), [name])[name])
    assert (remembered.unit, remembered.stride("relu2_1")) == (encoder.unit, encoder.stride("relu2_1"))
    assert remembered.own(["relu2_1"]) == encoder.own(["relu2_1"])
