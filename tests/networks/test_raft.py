"""RAFT's networks on random weights: its real ones are not at hand, and so its accuracy is not tested."""

from __future__ import annotations

import pytest
import torch

from nst3d.errors import InputError, MissingDependencyError
from nst3d.networks.raft import SIZES, Raft, load_raft
from nst3d.networks.raft_parts import correlations, enlarged, read_around


@pytest.mark.parametrize(("name", "parameters"), [("raft-small", 990_162), ("raft-large", 5_257_536)])
def test_the_published_number_of_parameters(name, parameters) -> None:
    assert sum(p.numel() for p in Raft(SIZES[name]).parameters()) == parameters


@pytest.mark.parametrize("name", list(SIZES))
def test_the_flow_has_the_pictures_size(name) -> None:
    torch.manual_seed(0)
    network = Raft(SIZES[name]).eval()
    with torch.no_grad():
        flow = network(*torch.rand(2, 1, 3, 128, 136))
    assert flow.shape == (1, 2, 128, 136)
    assert flow.isfinite().all()


def test_correlations_are_highest_where_the_features_went() -> None:
    one = torch.randn(1, 256, 16, 20, generator=torch.Generator().manual_seed(0))
    other = one.roll((1, 2), (2, 3))  # one down, two right
    places = torch.stack(torch.meshgrid(torch.arange(20.0), torch.arange(16.0), indexing="xy"))[None]
    read = read_around(correlations(one, other, 1), places, 3)
    best = read[0, :, 4:12, 4:12].argmax(0)
    assert (best == (2 + 3) * 7 + (1 + 3)).all()  # x varies slowest


def test_a_flow_is_enlarged_with_its_lengths() -> None:
    flow = torch.tensor([1.0, -2.0])[None, :, None, None].expand(1, 2, 5, 6)
    for weights in (None, torch.randn(1, 9 * 64, 5, 6)):
        large = enlarged(flow, 8, weights)
        assert large.shape == (1, 2, 40, 48)
        assert torch.allclose(large[0, :, 10:30, 10:38].mean((1, 2)), torch.tensor([8.0, -16.0]), atol=1e-4)


def test_files_of_other_networks(tmp_path) -> None:
    torch.save(Raft(SIZES["raft-small"]).state_dict(), tmp_path / "small.pth")
    load_raft("raft-small", tmp_path / "small.pth")
    with pytest.raises(InputError, match=r"small\.pth: .*: these are not|small\.pth: .* has the shape"):
        load_raft("raft-large", tmp_path / "small.pth")


def test_how_to_get_the_weights(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("NST3D_WEIGHTS", raising=False)
    with pytest.raises(MissingDependencyError, match="run `nst3d weights fetch raft-small`"):
        load_raft("raft-small")
