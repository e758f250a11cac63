"""RAFT as a method that finds motion, on random weights, and which method is chosen."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from nst3d.errors import InputError
from nst3d.flow import choose, raft
from nst3d.flow.choose import choose_flow
from nst3d.flow.raft import RaftFlow
from nst3d.networks.raft import SIZES, Raft


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    torch.save(Raft(SIZES["raft-small"]).state_dict(), tmp_path / "random.pth")
    return tmp_path / "random.pth"


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("size", [(50, 70), (131, 144)])
def test_any_size(weights, size) -> None:
    flow = RaftFlow("raft-small", weights).between(picture(*size), picture(*size, 1))
    assert flow.shape == (*size, 2)
    assert flow.dtype == torch.float32
    assert flow.isfinite().all()


class _Shift:
    """In place of the network: a flow of 3 pixels right and 1 up, in a picture that it can read."""

    def __call__(self, here, there):
        assert here.shape == there.shape
        assert all(side % 8 == 0 and side >= 128 for side in here.shape[2:])
        assert float(here.min()) >= -1
        assert float(here.max()) <= 1
        return torch.tensor([3.0, -1.0])[None, :, None, None].expand(1, 2, *here.shape[2:])


def test_large_pictures_are_read_smaller_and_their_flow_is_as_long(monkeypatch) -> None:
    monkeypatch.setattr(raft, "load_raft", lambda name, path: _Shift())
    monkeypatch.setattr(raft, "_MOST", 100 * 150)
    flow = RaftFlow("raft-small").between(picture(200, 300), picture(200, 300))
    assert flow.shape == (200, 300, 2)
    assert flow.mean((0, 1)).tolist() == pytest.approx([6, -2], abs=1e-4)


def test_raft_is_chosen_if_its_weights_are_found(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(choose, "DenseInverseSearch", lambda: SimpleNamespace(name="dis"))
    assert choose_flow().name == "dis"
    (tmp_path / "raft_small_C_T_V2-01064c6d.pth").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"raft_small.*SHA-256 begins with .*, expected 01064c6d"):
        choose_flow()
    monkeypatch.setattr(choose, "RaftFlow", lambda name: SimpleNamespace(name=name))
    assert choose_flow().name == "raft-small"
    assert choose_flow("dis").name == "dis"
