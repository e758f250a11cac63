"""Draws the records of `scaling.py` and `roofline.py` as SVG.

    python benchmarks/plots.py RECORD --out DIR    # such as results/scaling-avx512-bf16.json

Needs matplotlib: pip install 'nst3d[eval]'.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.ticker import EngFormatter

STYLE = {
    "svg.hashsalt": "nst3d",  # the same numbers give the same bytes
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "figure.facecolor": "white",
}
TIMES = {
    "prepare_s": ("prepare the scene", 1e3, "#6b6b6b"),
    "compile_ms": ("compile a view", 1.0, "#c2571a"),
    "product_ms": ("a view's product and its transpose", 1.0, "#1f77b4"),
    "step_ms": ("a step of painting", 1.0, "#2a7f3f"),
}
AMOUNTS = {
    "faces": "faces of a mesh",
    "texels": "texels of its texture",
    "views": "views",
    "pixels": "pixels of a view",
    "splats": "splats",
}


def scaling_plot(path: Path, numbers: dict[str, Any]) -> None:
    """Times above and memory below, one column for each axis that was measured."""
    axes = [axis for axis in AMOUNTS if axis in numbers]
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(
            2, len(axes), figsize=(2.5 * len(axes) + 0.6, 5.2), sharey="row", squeeze=False,
            gridspec_kw={"height_ratios": (3, 2)}, layout="constrained",
        )  # fmt: skip
        for (above, below), axis in zip(grid.T, axes):
            rows = numbers[axis]
            amounts = [row["amount"] for row in rows]
            for name, (label, unit, colour) in TIMES.items():
                values = [row[name] * unit for row in rows]
                above.loglog(amounts, values, "o-", color=colour, label=label, markersize=3.5, linewidth=1.5)
            below.loglog(amounts, [row["peak_gb"] for row in rows], "o-", color="#333333", markersize=3.5)
            for sheet in (above, below):
                sheet.minorticks_off()
                sheet.xaxis.set_major_formatter(EngFormatter(sep=""))
                if max(amounts) < 1000:
                    sheet.set_xticks(amounts)
            above.tick_params(labelbottom=False)
            above.set_title(AMOUNTS[axis], fontsize=10)
        grid[0, 0].set_ylabel("CPU time, ms")
        grid[1, 0].set_ylabel("peak memory, GB")
        grid[1, 0].set_yticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"])
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(TIMES))
        _write(figure, path)


def roofline_plot(path: Path, numbers: dict[str, Any]) -> None:
    """Each convolution under the roof of its precision, and the whole encoder as a line."""
    with plt.rc_context(STYLE):
        figure, sheet = plt.subplots(figsize=(7.2, 4.4), layout="constrained")
        for name, colour in (("bfloat16", "#c2571a"), ("float32", "#1f77b4")):
            if f"{name}_roof" not in numbers:
                continue
            found, encoder = numbers[f"{name}_convolutions"], numbers[f"{name}_encoder"][-1]
            top = numbers[f"{name}_roof"]
            corner = top / numbers["copy_gb_s"]
            sheet.loglog([1, corner, 2000], [numbers["copy_gb_s"], top, top], color=colour, linewidth=2)
            sheet.loglog([r["flop_per_byte"] for r in found], [r["gflops"] for r in found], "o", color=colour)
            both, share = encoder["both_gflops"], encoder["share"]
            pixels = f"{encoder['size']} pixels"
            text = f"{name}: the encoder at {pixels}, forward and backward: {both} GFLOP/s, {share:.0%} of the roof"
            sheet.axhline(both, color=colour, linestyle=":", label=text)
        sheet.set(xlabel="floating-point operations by byte read or written", ylabel="GFLOP/s of one thread")
        sheet.set_title("Convolutions of VGG-19 (dots) under what memory and CPU can do", fontsize=10)
        sheet.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
        sheet.set_yticks([50, 100, 200, 400], ["50", "100", "200", "400"])
        sheet.minorticks_off()
        sheet.legend(loc="lower right")
        _write(figure, path)


def _write(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


PLOTS = {"scaling": scaling_plot, "roofline": roofline_plot}


def main() -> None:
    """Draw a record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("record", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    name = given.record.stem.split("-")[0]
    PLOTS[name](given.out / f"{name}.svg", json.loads(given.record.read_text())["numbers"])


if __name__ == "__main__":
    main()
