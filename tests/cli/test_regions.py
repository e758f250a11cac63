"""nst3d regions on the command line."""

from __future__ import annotations

from nst3d.cli.regions import regions
from nst3d.images.io import read_image, write_image

TINY = ("--size", "48")


def test_names_and_shares_are_listed(nst3d, inputs) -> None:
    done = nst3d("regions", inputs / "cube.glb", *TINY)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith(
        "selectors: material:…, node:…, uv:…, box:…, sphere:…, plane:…, axis:…, ramp:…, colour:…"
    )
    assert lines[1:3] == ["materials:", "  100.0%  material:checked"]
    assert lines[3] == "nodes:"


def test_regions_are_drawn(inputs, tmp_path, capsys) -> None:
    out = tmp_path / "sheet.png"
    assert (
        regions([str(inputs / "cube.glb"), "axis:y:..0.5", "colour:grey 0.25", *TINY, "--out", str(out)]) == 0
    )
    printed = capsys.readouterr()
    (note,) = printed.err.splitlines()
    assert note.startswith("note: region colour:grey 0.25: 5")
    assert printed.out.splitlines()[-1] == str(out)
    assert "axis:y:..0.5\n" in printed.out
    assert read_image(out).pixels.shape[1] == 2048


def test_a_mistake_is_one_line(nst3d, inputs, tmp_path) -> None:
    write_image(tmp_path / "photo.png", read_image(inputs / "style.png").pixels)
    for arguments, says in (
        ((inputs / "cube.glb", "material:chequered"), "did you mean 'checked'?"),
        (
            (inputs / "cube.glb", "mask:a.png"),
            "mask: is not known for this kind of scene; its selectors are: material:…",
        ),
        ((inputs / "cube.glb", "cluster:99999999999"), "expected cluster:K/N, the K-th of N clusters"),
        (
            (tmp_path / "photo.png", "box:0,0,0,1,1,1"),
            "its selectors are: mask:…, colour:…, axis:…, ramp:…, cluster:…",
        ),
        ((tmp_path / "none.png",), "no such file"),
    ):
        done = nst3d("regions", *arguments, *TINY)
        assert done.returncode == 1
        assert says in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_an_existing_sheet_needs_overwrite(nst3d, inputs, tmp_path) -> None:
    (tmp_path / "sheet.png").touch()
    done = nst3d("regions", inputs / "style.png", "colour:white", *TINY, "--out", tmp_path / "sheet.png")
    assert "exists; give --overwrite or another --out" in done.stderr
