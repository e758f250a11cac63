"""Tensors of TorchScript archives, and what is refused in them."""

from __future__ import annotations

import pickle
import pickletools
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from tiny_clips import save_traced
from torch import nn

from nst3d.errors import InputError, TooLargeError
from nst3d.limits import Limits, limited
from nst3d.weights.tensors import read_tensors
from nst3d.weights.torchscript import is_torchscript, read_torchscript


class Sample(nn.Module):
    """Tensors of several types, nested, shared, and not contiguous."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
        self.turned = nn.Parameter(torch.rand(2, 3).half().T)
        self.again = self.stages[0]
        self.register_buffer("count", torch.tensor(77))
        self.register_buffer("part", torch.rand(6)[2:5])
        self.register_buffer("flags", torch.tensor([True, False]))
        self.register_buffer("none", torch.zeros(0, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.again(self.stages(x)) * self.turned.float().sum() + self.part.sum()


def save(module: nn.Module, path: Path, traced: bool) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions of torch prefer another format
        made = torch.jit.trace(module.eval(), torch.rand(2, 4)) if traced else torch.jit.script(module.eval())
        made.save(str(path))
    return path


@pytest.mark.parametrize("traced", [True, False])
def test_tensors_are_those_of_the_state_dict(tmp_path: Path, traced: bool) -> None:
    sample = Sample()
    found = read_torchscript(save(sample, tmp_path / "a.pt", traced))
    wanted = sample.state_dict()
    assert set(found) == set(wanted)
    for name, tensor in wanted.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor), name


def test_an_archive_is_told_from_a_state_dict(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "dict.pt")
    save_traced(tmp_path / "traced.pt", {"a": torch.ones(2)})
    assert not is_torchscript(tmp_path / "dict.pt")
    assert is_torchscript(tmp_path / "traced.pt")
    assert not is_torchscript(tmp_path / "missing.pt")
    assert torch.equal(read_tensors(tmp_path / "traced.pt")["a"], torch.ones(2).half())


def replaced(path: Path, member: str, content: bytes, out: Path) -> Path:
    """A copy of an archive with another content of one member."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name.partition("/")[2] == member else old.read(name))
    return out


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    save_traced(
        tmp_path / "a.pt", {"layer.weight": torch.ones(4, 3), "layer.bias": torch.zeros(4)}, half=False
    )
    return tmp_path / "a.pt"


def program(archive: Path) -> bytes:
    with zipfile.ZipFile(archive) as opened:
        return opened.read(next(name for name in opened.namelist() if name.endswith("/data.pkl")))


class Trap:
    """An object whose unpickling writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_nothing_is_called(archive: Path, tmp_path: Path) -> None:
    content = pickle.dumps({"weight": Trap(tmp_path / "sprung")}, protocol=2)
    assert read_torchscript(replaced(archive, "data.pkl", content, tmp_path / "b.pt")) == {}
    assert not (tmp_path / "sprung").exists()


def test_instructions_that_modules_do_not_need_are_refused(archive: Path, tmp_path: Path) -> None:
    content = pickle.dumps({1, 2}, protocol=4)
    with pytest.raises(
        InputError, match=r"b\.pt: is not read: expected plain values and tensors, found .* FRAME"
    ):
        read_torchscript(replaced(archive, "data.pkl", content, tmp_path / "b.pt"))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"K\x04K\x03t", b"K\x7fK\x03t", "larger than its 12 numbers"),
        (b"torch FloatStorage"[6:], b"QuintStorage", "its numbers are torch QuintStorage"),
    ],
)
def test_tensors_beyond_their_numbers_are_refused(archive: Path, tmp_path: Path, old, new, says) -> None:
    content = program(archive)
    assert old in content
    changed = content.replace(old, new)
    with pytest.raises(InputError, match=says):
        read_torchscript(replaced(archive, "data.pkl", changed, tmp_path / "b.pt"))


def test_a_module_that_contains_itself_is_refused(archive: Path, tmp_path: Path) -> None:
    ring = b"\x80\x02c__torch__ A\nA\n)\x81q\x00}(X\x01\x00\x00\x00ah\x00ub."
    assert [opcode.name for opcode, *_ in pickletools.genops(ring)][-2:] == ["BUILD", "STOP"]
    with pytest.raises(InputError, match="64 within each other"):
        read_torchscript(replaced(archive, "data.pkl", ring, tmp_path / "b.pt"))


def test_damage_is_one_line(archive: Path, tmp_path: Path) -> None:
    for place, content in enumerate((b"", b"\x80\x02", b"\x80\x02(K\x01t", program(archive)[:-20])):
        path = replaced(archive, "data.pkl", content, tmp_path / f"{place}.pt")
        with pytest.raises(InputError, match=rf"{place}\.pt: ") as caught:
            read_torchscript(path)
        assert "\n" not in str(caught.value)
    cut_off = replaced(archive, "data/0", b"\0" * 3, tmp_path / "cut.pt")
    with pytest.raises(InputError, match="larger than its 0 numbers"):
        read_torchscript(cut_off)
    big_endian = replaced(archive, "byteorder", b"big", tmp_path / "big.pt")
    with pytest.raises(InputError, match="big-endian"):
        read_torchscript(big_endian)


def test_memory_is_asked_for_first(archive: Path) -> None:
    with limited(Limits(memory=1e-6)), pytest.raises(TooLargeError, match=r"a\.pt: needs"):
        read_tensors(archive)
