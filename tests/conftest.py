"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent

# Test tensors are small: threads would cost more than they bring, and twice the time where cores are shared.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real meshes, paintings and weights, or a skip where there is none."""
    folder = Path(os.environ.get("NST3D_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set NST3D_DATA to a folder that holds it")
    return folder


@pytest.fixture(scope="session")
def scenes_dir() -> Path:
    """The inputs that ship with the project."""
    return ROOT / "scenes"
