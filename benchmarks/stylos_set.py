"""Paints a set of scenes in a set of styles and measures all by the protocol that newer papers copy.

    python benchmarks/stylos_set.py SCENES STYLES --out DIR [--paint "--preset capture"] [--eval "--size 384"]

SCENES is a folder of scenes that nst3d paint takes (of a capture: what nst3d reconstruct or a splat trainer made of
it), STYLES a folder of pictures: 4 and 50 in the papers. Each scene is painted in each style into DIR/runs/SCENE/STYLE
and measured into DIR/reports/SCENE/STYLE. What is finished is kept, so that the same command continues. DIR/set.md and
DIR/set.json have the means, over the pairs of frames of a flight, then over styles, then over scenes, for the paintings
and beside them for the unpainted scenes and the two decoys.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from nst3d.cli.main import main as nst3d
from nst3d.files import write_bytes
from nst3d.formats.picture import is_picture

PUBLISHED = (
    "stylos_lpips_vgg_short",
    "stylos_rmse_short",
    "stylos_lpips_vgg_long",
    "stylos_rmse_long",
    "artfid_art",
    "lpips_alex",
)
"""What the papers print."""
OWN = ("geometric_detail_loss_1", "geometric_detail_loss_7", "style_gram", "lpips_vgg")
"""What nst3d eval scores by, beside it."""
Values = Mapping[str, Mapping[str, float | None]]
"""By row and metric."""


def visible(folder: Path) -> list[Path]:
    """What is in a folder, by name; exits if nothing is."""
    found = (
        sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []
    )
    return found or sys.exit(f"{folder}: expected a folder with files")


def measured(scene: Path, style: Path, given: argparse.Namespace) -> Values | None:
    """What nst3d eval says of a scene in a style, painted first if it is not yet; None if that fails."""
    run, report = (given.out / kind / scene.stem / style.stem for kind in ("runs", "reports"))
    if not (report / "metrics.json").is_file():
        words = [str(scene), "--style", str(style), "--out", str(run), *shlex.split(given.paint)]
        begun = (run / "config.yaml").is_file()
        if not (run / "metrics.json").is_file() and nst3d(["paint", *words, *["--resume"][: int(begun)]]):
            return None
        asked = [str(run), "--out", str(report), "--protocol", "stylos", "--overwrite", "--quiet"]
        if nst3d(["eval", *asked, *shlex.split(given.eval)]):
            return None
    rows = json.loads((report / "metrics.json").read_text(encoding="utf-8"))["rows"]
    return {
        "painted" if row["sort"] == "run" else row["name"]: {k: v["value"] for k, v in row["metrics"].items()}
        for row in rows
    }


def means(found: Sequence[Sequence[Values]]) -> dict[str, dict[str, float | None]]:
    """The mean of each row's metrics over styles, then over scenes; None where a value is missing anywhere."""
    names = {row: list(values) for scene in found for each in scene for row, values in each.items()}
    result: dict[str, dict[str, float | None]] = defaultdict(dict)
    for row, metrics in names.items():
        for metric in metrics:
            values = [[each.get(row, {}).get(metric) for each in scene] for scene in found]
            known = [[v for v in scene if v is not None] for scene in values]
            whole = all(len(a) == len(b) and a for a, b in zip(known, values))
            result[row][metric] = fmean(map(fmean, known)) if whole else None
    return dict(result)


def lines(table: Mapping[str, Mapping[str, float | None]]) -> Iterator[str]:
    """The means in Markdown."""
    yield f"| | {' | '.join((*PUBLISHED, *OWN))} |"
    yield f"|---|{'---:|' * len((*PUBLISHED, *OWN))}"
    for row, values in table.items():
        cells = ("–" if values.get(n) is None else f"{values[n]:.4f}" for n in (*PUBLISHED, *OWN))
        yield f"| {row} | {' | '.join(cells)} |"


def main() -> None:
    """Paint, measure, and write the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", type=Path)
    parser.add_argument("styles", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--paint", default="", help="options of nst3d paint")
    parser.add_argument("--eval", default="", help="options of nst3d eval")
    given = parser.parse_args()
    scenes = visible(given.scenes)
    styles = [path for path in visible(given.styles) if is_picture(path)]
    found, failed = list[list[Values]](), list[str]()
    for scene in scenes:
        painted = {style: measured(scene, style, given) for style in styles}
        found.append([values for values in painted.values() if values is not None])
        failed += [f"{scene.name} in {style.name}" for style, values in painted.items() if values is None]
    table = means([scene for scene in found if scene])
    done = sum(map(len, found))
    about: dict[str, Any] = {
        "scenes": [s.name for s in scenes],
        "styles": [s.name for s in styles],
        "failed": failed,
    }
    write_bytes(given.out / "set.json", (json.dumps(about | {"means": table}, indent=2) + "\n").encode())
    head = f"{done} of {len(scenes) * len(styles)} paintings: {len(scenes)} scenes in {len(styles)} styles"
    page = "\n".join([head, "", *lines(table), *(f"- failed: {each}" for each in failed)]) + "\n"
    write_bytes(given.out / "set.md", page.encode())
    print(page)


if __name__ == "__main__":
    main()
