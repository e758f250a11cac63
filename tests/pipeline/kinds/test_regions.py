"""Regions from words: the algebra of weights, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.pipeline.kinds.regions import Selectors, coated_regions, mask_files, region_column
from nst3d.pipeline.kinds.selectors.places import place_selectors
from nst3d.stylize.coat import Coat
from nst3d.stylize.style import Style
from nst3d.tensors import Image

RNG = np.random.default_rng(0)
PLACES = RNG.uniform(-1, 1, (400, 3))
SOFT = torch.from_numpy(RNG.random((400, 1), dtype=np.float32))


def selectors() -> Selectors:
    by_name = {**place_selectors(lambda: PLACES), "soft": lambda text: (SOFT * float(text)).clamp(0, 1)}
    return Selectors(by_name, lambda: PLACES, lambda: 0.1)


chosen = partial(region_column, selectors=selectors())
A, B, C = "sphere:0,0,0,0.8", "soft:1", "plane:0,1,0,0"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"not not {B}", B),
        (f"{B} and {B}", B),
        (f"{B} or {B}", B),
        (f"{A} and {B}", f"{B} and {A}"),
        (f"{A} or ({B} or {C})", f"({A} or {B}) or {C}"),
        (f"{B} and ({B} or {A})", B),
        (f"{A} and ({B} or {C})", f"({A} and {B}) or ({A} and {C})"),
        (f"{A} or {B} and {C}", f"({A} or {B}) and ({A} or {C})"),
        (f"not ({A} and {B})", f"not {A} or not {B}"),
        (f"not ({A} or {B})", f"not {A} and not {B}"),
        (f"{B} feather 0", B),
        (f"{A} feather 3px", f"{A} feather 0.3"),
        (f"not {A} feather 0.3", f"not ({A} feather 0.3)"),
    ],
)
def test_laws(one, other) -> None:
    torch.testing.assert_close(chosen(one), chosen(other))


def test_weights_by_hand() -> None:
    inside = torch.from_numpy(np.linalg.norm(PLACES, axis=1) <= 0.8)[:, None]
    torch.testing.assert_close(chosen(f"{A} and {B}"), torch.where(inside, SOFT, 0))
    torch.testing.assert_close(chosen(f"{A} or {B}"), torch.where(inside, 1, SOFT))
    torch.testing.assert_close(chosen(f"{B} and not {A}"), torch.where(inside, 0, SOFT))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("roof", "expected a selector such as material:roof"),
        ("mask:a.png", r"mask: is not known for this kind of scene; its selectors are: box:…, sphere:…"),
        (f"{A} and not {A}", "covers nothing of the scene"),
        ("soft:0", "region soft:0: covers nothing of the scene"),
    ],
)
def test_what_is_refused(text, says) -> None:
    with pytest.raises(ConfigError, match=says):
        chosen(text)


def test_regions_of_coats_and_of_terms() -> None:
    style = Style((Image(torch.eye(3).reshape(1, 3, 3)),))
    freed: list[bool] = []
    scene = replace(selectors(), forget=lambda: freed.append(True))
    regions = coated_regions([Coat((style,), "ball", A)], scene, len(PLACES), [B])
    assert {"ball", B} <= set(regions.columns)
    torch.testing.assert_close(regions.columns["ball"], chosen(A))
    assert freed == [True]


def test_rows_that_show_nowhere_are_settled_at_the_end() -> None:
    def settled(column: torch.Tensor) -> torch.Tensor:
        return torch.cat([column[:-1], column[:1]])

    odd = Selectors(selectors().by_name, lambda: PLACES, lambda: 0.1, settled=settled)
    column = region_column(f"not {B}", odd)
    assert column[-1] == column[0] == 1 - SOFT[0]


def test_files_of_regions(tmp_path) -> None:
    for name in ("b.png", "a.npy"):
        (tmp_path / name).touch()
    texts = [
        f"mask:sky.png or not views:{tmp_path}",
        "uv:'m and n.png' feather 2px",
        "material:roof",
        "nonsense",
    ]
    assert [p.name for p in mask_files(texts)] == ["sky.png", "a.npy", "b.png", "m and n.png"]
