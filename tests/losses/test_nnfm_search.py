"""The search for nearest neighbours: lanes, parts, and short vectors."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from nst3d.losses.nnfm import NNFMLoss, Search, nearest, principal_directions
from nst3d.losses.observation import Observation


def noise(*size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("count", [1, 63, 64, 65, 200])
@pytest.mark.parametrize("chunk_bytes", [1, 32 << 20])
def test_nearest_is_the_largest_cosine_for_any_number_of_vectors(count, chunk_bytes) -> None:
    rows, bank = noise(37, 8), F.normalize(noise(count, 8, seed=1), dim=1)
    assert torch.equal(nearest(rows, bank, chunk_bytes), (rows @ bank.T).argmax(1))


def test_principal_directions_are_orthonormal_and_hold_what_lies_along_them() -> None:
    flat = noise(100, 4) @ noise(4, 16, seed=1)
    directions = principal_directions(flat, 4)
    torch.testing.assert_close(directions.T @ directions, torch.eye(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(flat @ directions @ directions.T, flat, atol=1e-4, rtol=1e-4)


def test_short_vectors_find_nearly_the_nearest() -> None:
    """Features have few strong directions; here 40 of fading strength among 300."""
    mix = noise(40, 300, seed=1) * 0.9 ** torch.arange(40.0)[:, None]
    style, view = (noise(400, 40, seed=s) @ mix for s in (2, 3))
    planes = {"relu3_1": style.T.reshape(300, 20, 20)}
    observation = Observation({"relu3_1": view.T.reshape(300, 20, 20)})
    whole, short = (NNFMLoss(planes, Search(components=c)) for c in (None, 30))
    best = whole.similarity(observation, whole.match(observation))["relu3_1"]
    found = whole.similarity(observation, short.match(observation))["relu3_1"]
    assert (best - found).mean() < 0.002
    assert float(short(observation)) == pytest.approx(float(whole(observation)), abs=0.002)
    blind = whole.similarity(observation, NNFMLoss(planes, Search(components=2)).match(observation))
    assert (best - blind["relu3_1"]).mean() > 0.02
