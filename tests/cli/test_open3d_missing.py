"""What is said where Open3D is not installed, does not load, or is not told what to do."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from nst3d.cli.main import main
from nst3d.images.io import write_image


@pytest.fixture
def cloud(tmp_path):
    np.savetxt(tmp_path / "a.xyz", np.random.default_rng(0).random((60, 3)))
    write_image(tmp_path / "s.png", np.random.default_rng(0).random((40, 40, 3)))
    return tmp_path / "a.xyz"


def test_not_installed(cloud, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "open3d", None)
    style = ["--style", str(tmp_path / "s.png"), "--out", str(tmp_path / "out"), "--quiet"]
    for command in (["paint", str(cloud), "--clean", *style], ["view", str(cloud), "--desktop"]):
        assert main(command) == 1
        error = capsys.readouterr().err
        assert "pip install 'nst3d[open3d]'" in error
        assert len(error.splitlines()) == 1


class _Broken:
    """Finds open3d, whose library then lacks another."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "open3d":
            raise ImportError("libusb-1.0.so.0: cannot open shared object file")


def test_installed_but_broken(cloud, monkeypatch, capsys) -> None:
    monkeypatch.delitem(sys.modules, "open3d", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Broken(), *sys.meta_path])
    assert main(["view", str(cloud), "--desktop"]) == 1
    error = capsys.readouterr().err
    assert "does not load (libusb-1.0.so.0" in error
    assert "libusb-1.0-0" in error


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["view", "{}"], "--desktop to open a window"),
        (["view", "{}", "--out", "a.tif"], "as .png or .jpg"),
        (["view", "{}", "--desktop", "--size", "1"], "32 to 8192"),
        (["paint", "{}", "--style", "s.png", "--out", "o", "--clean-faces", "900"], "give --clean, too"),
        (["paint", "{}", "--style", "s.png", "--out", "o", "--clean", "--clean-faces", "9"], "100 to"),
        (["paint", "s.png", "--style", "s.png", "--out", "o", "--clean", "--quiet"], "is a picture"),
    ],
)
def test_wrong_usage(cloud, tmp_path, monkeypatch, capsys, command, message) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "open3d", ModuleType("open3d"))
    assert main([word.format(cloud) for word in command]) == 1
    assert message in capsys.readouterr().err


def test_a_cloud_is_looked_into_and_painted_as_it_is(cloud, tmp_path, capsys) -> None:
    assert main(["inspect", str(cloud)]) == 0
    told = capsys.readouterr().out
    assert "kind: point cloud (.xyz)" in told
    assert "--clean would turn it into a mesh" in told
    command = ["paint", str(cloud), "--style", str(tmp_path / "s.png"), "--out", str(tmp_path / "out")]
    command += ["--size", "32", "--iterations", "1", "--quiet", "--settings.output.no-turntable"]
    assert main([*command, "--settings.rig.views", "3", "--settings.output.size", "48"]) == 0
    assert b"property double z\nproperty uchar red" in (tmp_path / "out/painted.ply").read_bytes()
