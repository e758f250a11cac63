"""nst3d train-style, and options of teachers on the command line."""

from __future__ import annotations

import pytest
import yaml
from small_meshes import noise

from nst3d.images.io import write_image

TINY = (
    "--size",
    64,
    "--patch",
    32,
    "--steps",
    2,
    "--widths",
    4,
    6,
    8,
    "--blocks",
    1,
    "--threads",
    1,
    "--quiet",
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(2):
        write_image(tmp_path / "photos" / f"{number}.png", noise(48, 64, 3, seed=number))
    write_image(tmp_path / "style.png", noise(48, 48, 3, seed=9))
    return tmp_path


def test_a_trained_network_paints_a_picture(nst3d, folder) -> None:
    style, photo, file = folder / "style.png", folder / "photos" / "0.png", folder / "n.safetensors"
    done = nst3d("train-style", style, "--on", folder / "photos", "--out", file, *TINY)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == [str(file), str(folder / "n_sheet.png")]
    assert "style: loss of held-out pictures " in done.stdout
    again = nst3d("train-style", style, "--on", folder / "photos", "--out", file, *TINY)
    assert again.returncode == 1
    assert "exists; give --overwrite, --resume or another --out" in again.stderr
    options = ("--teacher", "network", "--teacher-option", f"file={file}", "--teacher-option", "strength=0.5")
    out = folder / "out"
    done = nst3d(
        "paint", photo, "--style", style, "--out", out, "--size", 64, "--iterations", 0, *options, "--quiet"
    )
    assert done.returncode == 0, done.stderr
    teach = yaml.safe_load((out / "config.yaml").read_text())["settings"]["teach"]
    assert teach["options"] == {"file": str(file), "strength": 0.5}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--teacher-option", "levels=4"], "--teacher-option needs a teacher: give --teacher NAME, too"),
        (["--teacher", "posterise", "--teacher-option", "levels"], "expected NAME=VALUE, such as levels=4"),
        (["--teacher", "posterise", "--teacher-option", "tones=4"], "posterise has no option 'tones'"),
        (["--teacher", "network"], "teacher network needs its option file"),
        (["--teacher", "network", "--teacher-option", "file=no.safetensors"], "no.safetensors: no such file"),
    ],
)
def test_options_of_teachers_are_checked(nst3d, folder, options, told) -> None:
    photo, style = folder / "photos" / "0.png", folder / "style.png"
    done = nst3d("paint", photo, "--style", style, "--out", folder / "out", "--size", 64, *options)
    assert done.returncode == 1
    assert told in done.stderr
    assert done.stderr.count("nst3d: ") == 1


def test_terms_of_a_training_are_checked(nst3d, folder) -> None:
    arguments = (
        "train-style",
        folder / "style.png",
        "--on",
        folder / "photos",
        "--out",
        folder / "n.safetensors",
    )
    done = nst3d(*arguments, "--term", "gramm=1")
    assert done.returncode == 1
    assert "did you mean 'gram'" in done.stderr


def test_translators_are_trained_and_paint_without_a_style(nst3d, folder) -> None:
    (folder / "others").mkdir()
    write_image(folder / "others" / "0.png", noise(48, 64, 3, seed=7))
    file, pair = folder / "n.safetensors", ("--cycle", folder / "photos", folder / "others")
    tiny = ("--size", 64, "--steps", 2, "--width", 2, "--blocks", 1, "--threads", 1, "--quiet")
    done = nst3d("train-style", *pair, "--out", file, *tiny)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1] == str(folder / "n_back.safetensors")
    assert "there: colours of held-out pictures " in done.stdout
    options = ("--teacher", "translate", "--teacher-option", f"file={file}", "--size", 64, "--quiet")
    done = nst3d("paint", folder / "photos" / "0.png", "--out", folder / "out", *options)
    assert done.returncode == 0, done.stderr
    settings = yaml.safe_load((folder / "out" / "config.yaml").read_text())
    assert settings["direction"]["styles"]["translate"]["taught"] is True


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--cycle", "photos", "photos"], "photos: is given twice; --cycle is for two different sets"),
        (["--cycle", "photos", "other", "--term", "gram=1"], "leave out --term"),
        (["--cycle", "photos", "other", "--video"], "leave out --video"),
        (["style.png", "--cycle", "photos", "other"], "leave out STYLE"),
        (["--cycle", "photos", "none"], "none: no such file"),
        (["style.png"], "give STYLE, an image, and --on SCENE|FOLDER|VIDEO to train on, or --cycle FROM TO"),
        (["style.png", "--on", "photos", "--width", "8"], "--width is for --cycle: give --widths"),
    ],
)
def test_options_of_one_training_are_refused_for_the_other(nst3d, folder, options, told) -> None:
    placed = [folder / o if o in ("photos", "other", "none", "style.png") else o for o in options]
    done = nst3d("train-style", *placed, "--out", folder / "n.safetensors")
    assert done.returncode == 1
    assert told in done.stderr
    assert done.stderr.count("nst3d: ") == 1
