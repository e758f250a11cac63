"""nerfstudio's checkpoints: what is refused, and in which words."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch

from nst3d.errors import InputError
from nst3d.formats.nerfstudio.checkpoint import load_checkpoint, not_finite


class _Attack:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_pickles_of_another_protocol_are_refused_in_one_line(tmp_path: Path, recwarn) -> None:
    mark, path = tmp_path / "mark", tmp_path / "a.ckpt"
    path.write_bytes(pickle.dumps({"pipeline": _Attack(mark)}, protocol=4))
    with pytest.raises(InputError, match=r"a\.ckpt: not read: it contains more than tensors"):
        load_checkpoint(path)
    assert not recwarn.list
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"hello world\n" * 100, b"PK\3\4" + bytes(3000)], ids=["text", "zip"])
def test_reasons_are_whole_words(tmp_path, content) -> None:
    (tmp_path / "a.ckpt").write_bytes(content)
    with pytest.raises(InputError, match=r"truncated or not a nerfstudio checkpoint( \(\w+ .*\w\))?$"):
        load_checkpoint(tmp_path / "a.ckpt")


def test_numbers_that_are_not_finite_are_named() -> None:
    state = {"a": torch.ones(2), "b": torch.tensor([1, 2]), "c": torch.zeros(0), "d": torch.ones(1).half()}
    assert not_finite(state) is None
    state |= {"e": torch.tensor([0.0, torch.nan]), "f": torch.tensor([1e300], dtype=torch.float64)}
    assert str(not_finite(state)).startswith("e and 1 more: not all values are finite numbers")
