"""The two layouts of a picture are different types to a type checker."""

from __future__ import annotations

import re

import pytest
import torch
from mypy import api
from sources import ROOT

from nst3d.tensors import Image, to_image, to_planes

CALLS = """\
import torch
from nst3d.tensors import Features, Image, Planes, to_image, to_planes

def takes_image(image: Image) -> None: ...
def takes_planes(planes: Planes) -> None: ...
def takes_features(features: Features) -> None: ...

def use(image: Image, planes: Planes, tensor: torch.Tensor) -> None:
    takes_image(image)
    takes_image(to_image(planes))
    takes_image(Image(image.clamp(0, 1)))
    takes_planes(planes)
    takes_planes(to_planes(image))
    takes_features(planes)
    takes_image(planes)  # refused: "Planes"; expected "Image"
    takes_planes(image)  # refused: "Image"; expected "Planes"
    takes_image(tensor)  # refused: "Tensor"; expected "Image"
    takes_planes(planes.permute(1, 2, 0))  # refused: "Tensor"; expected "Planes"
    to_planes(planes)  # refused: "Planes"; expected "Image"
    to_image(image)  # refused: "Image"; expected "Planes"
"""


TORCH = """\
class Tensor:
    def permute(self, *axes: int) -> Tensor: ...
    def clamp(self, least: float, most: float) -> Tensor: ...
"""
"""What mypy needs to know of torch here; it takes ten seconds to read all of it."""


@pytest.fixture(scope="module")
def refused(tmp_path_factory) -> dict[int, str]:
    """The lines of `CALLS` that mypy refuses, with its messages."""
    folder = tmp_path_factory.mktemp("typed")
    (folder / "torch.pyi").write_text(TORCH, encoding="utf-8")
    (folder / "calls.py").write_text(CALLS, encoding="utf-8")
    # Without the package's front, which imports everything for type checkers.
    config = (
        f"[mypy]\nmypy_path = {folder},{ROOT}\nfollow_imports = silent\n[mypy-nst3d]\nfollow_imports = skip\n"
    )
    (folder / "mypy.ini").write_text(config, encoding="utf-8")
    options = [
        f"--config-file={folder / 'mypy.ini'}",
        f"--cache-dir={folder / 'cache'}",
        "--no-error-summary",
    ]
    report, trouble, _ = api.run([*options, str(folder / "calls.py")])
    assert not trouble
    found = re.findall(r"^.*calls\.py:(\d+): error: (.*)$", report, re.MULTILINE)
    assert len(found) == len(report.splitlines()), report
    return {int(number): message for number, message in found}


def test_one_layout_is_refused_where_the_other_is_expected(refused) -> None:
    wanted = {
        n: line.split("# refused: ")[1] for n, line in enumerate(CALLS.splitlines(), 1) if "# refused" in line
    }
    assert len(wanted) == 6
    assert refused.keys() == wanted.keys(), refused
    assert all(message.split("incompatible type ")[1].startswith(wanted[n]) for n, message in refused.items())


def test_a_layout_becomes_the_other_without_a_copy() -> None:
    image = Image(torch.rand(2, 3, 4))
    planes = to_planes(image)
    assert torch.equal(planes, image.permute(2, 0, 1))
    assert torch.equal(to_image(planes), image)
    assert planes.data_ptr() == to_image(planes).data_ptr() == image.data_ptr()
