"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

# Test arrays are small: threads would cost more than they bring, and many times the time where cores are shared.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy reads it when it is imported

import numba
import pytest
import torch

from nst3d.features import kinds
from nst3d.features.convs import read_convs
from nst3d.weights.find import find_weights

ROOT = Path(__file__).resolve().parent.parent

torch.set_num_threads(1)
numba.set_num_threads(1)


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


@pytest.fixture(scope="session", autouse=True)
def _installed_weights_are_read_once() -> Iterator[None]:
    """Reading them for each job would take half of a tiny job's time. Encoders copy what they are given."""
    kept = cache(read_convs)
    installed = find_weights("vgg19")

    def read(path, architecture):
        return (kept if (path,) == installed else read_convs)(path, architecture)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kinds, "read_convs", read)
        yield


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left_in_the_users_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NST3D_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
