"""Paints the shipped lighthouse with every control and every look, and writes docs/gallery.md.

    python scenes/gallery.py [--only NAME ...] [--size 192] [--iterations 60]

Each picture is the lighthouse's first view from the sheet that the command beside it writes. With --only, only those
pictures are painted again.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst3d.images.io import read_image, write_image
from nst3d.pipeline.settings.resources import resource
from nst3d.tensors import Array

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "renders/gallery/controls"
PAGE = ROOT / "docs/gallery.md"
CELL = 512
"""Side of a rendered picture, pixels."""
MARGIN = 8
"""Pixels around what the unpainted picture shows, to which all are cropped."""
SCENE = "scenes/lighthouse/lighthouse.glb"
SWIRLS = "--style scenes/styles/swirls.jpg"


@dataclass(frozen=True)
class Shown:
    """A picture of the page."""

    name: str
    options: str
    """Options of `nst3d paint`, beside scene, size and output."""
    text: str
    before: str = "default"
    """The picture that it is beside."""


CONTROLS = {
    "Colour": [
        Shown(
            "colour-content", f"{SWIRLS} --colour content", "Strokes of the style in the scene's own colours."
        ),
        Shown("colour-luminance", f"{SWIRLS} --colour luminance", "Only light and dark are painted."),
        Shown(
            "colour-palette",
            f"{SWIRLS} --palette '#20304a,#c8553d,#f2e3c6,#6d8a74'",
            "A palette of four colours.",
        ),
    ],
    "Strokes": [
        Shown("stroke-small", f"{SWIRLS} --stroke 0.5", "Strokes half as large."),
        Shown("stroke-large", f"{SWIRLS} --stroke 2", "Strokes twice as large."),
        Shown("octaves", f"{SWIRLS} --stroke 2 --settings.recipe.octaves 2", "Two sizes compared at once."),
        Shown("forms", "--direction scenes/directions/forms.yaml", "Forms of one style, texture of another."),
    ],
    "Regions and many styles": [
        Shown(
            "region",
            f"{SWIRLS} --region 'material:masonry and not colour:#b02020'",
            "One region; the rest stays.",
        ),
        Shown(
            "regions",
            "--direction scenes/directions/regions.yaml",
            "A style for each region, and one that is kept.",
        ),
        Shown("mix", f"{SWIRLS} --style scenes/styles/stained_glass.jpg", "Two styles mixed."),
        Shown(
            "gradient",
            "--direction scenes/directions/gradient.yaml",
            "From one style to another along an axis.",
        ),
        Shown(
            "match",
            "--direction scenes/directions/match.yaml",
            "Parts get the parts of the painting most like them.",
        ),
    ],
    "What the scene begins with": [
        Shown("instant", f"{SWIRLS} --method instant", "Painted by networks alone, in seconds."),
        Shown(
            "quilt",
            "--style scenes/styles/stained_glass.jpg --teacher quilt --iterations 0",
            "Patches, no network.",
        ),
    ],
    "What is asked for": [
        Shown("faithful", f"{SWIRLS} --term content=0.6 --term edges=1", "More of the scene."),
        Shown("free", f"{SWIRLS} --term content=0.02", "More of the style."),
        Shown(
            "sliced",
            f"{SWIRLS} --term gram=0 --term nnfm=0 --term sliced=2",
            "Another loss: sliced Wasserstein.",
        ),
    ],
}
LOOKS = [
    Shown(
        path.stem,
        f"{SWIRLS} --preset {path.stem}",
        path.read_text(encoding="utf-8").splitlines()[0].strip("# "),
    )
    for path in sorted((resource("configs") / "looks").glob("*.yaml"))
]


def every() -> list[Shown]:
    """All pictures, the one that most are beside first."""
    return [Shown("default", SWIRLS, ""), *(s for part in CONTROLS.values() for s in part), *LOOKS]


def painted(shown: Shown, size: int, iterations: int, folder: Path) -> None:
    """Paint a picture, and the unpainted scene beside the first."""
    out = folder / shown.name
    line = f"paint {ROOT / SCENE} {shown.options} --out {out} --size {size} --quiet"
    line += f" --settings.output.no-turntable --settings.output.size {CELL}"
    if "--iterations" not in shown.options and "instant" not in shown.options:
        line += f" --iterations {iterations}"
    words = [str(ROOT / word) if word.startswith("scenes/") else word for word in shlex.split(line)]
    subprocess.run([sys.executable, "-m", "nst3d", *words], check=True)
    sheet = read_image(out / "sheet.png").pixels
    unpainted = sheet[:CELL, :CELL]
    if shown.name == "default":
        write_image(PICTURES / "unpainted.jpg", _cropped(unpainted, unpainted))
    write_image(PICTURES / f"{shown.name}.jpg", _cropped(sheet[CELL : 2 * CELL, :CELL], unpainted))


def _cropped(picture: Array, unpainted: Array) -> Array:
    """The part of a picture where the unpainted one is not white, with a margin."""
    y, x = np.nonzero((unpainted < 0.99).any(-1))
    low = np.maximum([y.min() - MARGIN, x.min() - MARGIN], 0)
    high = np.array([y.max(), x.max()]) + MARGIN
    return np.ascontiguousarray(picture[low[0] : high[0], low[1] : high[1]])


def page() -> str:
    """The page, in Markdown."""
    lines = [
        "# Gallery",
        "",
        "Every control and every look on the lighthouse that ships with nst3d, painted by `python scenes/gallery.py`",
        "at 192 pixels in 60 steps. Before is the painting without the control; `SCENE` stands for the scene",
        f"(`{SCENE}`), and every command also has `--out FOLDER`.",
        "",
        "| unpainted | `nst3d paint SCENE --style scenes/styles/swirls.jpg` |",
        "|---|---|",
        f"| {_image('unpainted')} | {_image('default')} |",
        "",
    ]
    for title, part in {**CONTROLS, "Looks": LOOKS}.items():
        lines += [f"## {title}", ""]
        if title == "Looks":
            lines += ["Looks go on top of any preset: `--preset impasto`, or `--preset quick,impasto`.", ""]
        lines += ["| before | after | |", "|---|---|---|"]
        for s in part:
            lines.append(
                f"| {_image(s.before)} | {_image(s.name)} | {s.text}<br>`nst3d paint SCENE {s.options}` |"
            )
        lines.append("")
    return "\n".join(lines)


def _image(name: str) -> str:
    return f"![{name}](../{(PICTURES / name).relative_to(ROOT)}.jpg)"


def main() -> None:
    """Paint what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="*", help="names of pictures")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--iterations", type=int, default=60)
    given = parser.parse_args()
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for shown in every():
            if given.only is None or shown.name in given.only:
                print(shown.name, flush=True)
                painted(shown, given.size, given.iterations, Path(folder))
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
