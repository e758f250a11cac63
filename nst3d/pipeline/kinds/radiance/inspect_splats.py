"""Inspects a Gaussian-splat file: its splats, their extent, density and outliers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nst3d.formats.splats.registry import SplatFile, load_splats, run_of, suffix_of
from nst3d.pipeline.kinds.radiance.inspect_run import run_facts, run_lines
from nst3d.pipeline.runtime.findings import Report, point_text
from nst3d.representations.splats import Splats

_EDGES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_HUGE = 0.2
_FAR = 10.0


def inspect_splats(path: Path) -> Report:
    """A report on a splat file. Raises InputError for one that cannot be read."""
    splats = load_splats(path)
    run = run_of(splats)
    facts = {"file": str(path), "kind": "splats"} | splat_facts(splats)
    facts |= {} if run is None else run_facts(run)
    wrong = [*splats.notes, *_problems(facts)]
    low, high = facts["bounds"]
    core_low, core_high = facts["core"]
    shares = zip(_EDGES, _EDGES[1:], facts["opacity_histogram"])
    lines = (
        f"kind: Gaussian splats ({facts['format']})",
        *([] if run is None else run_lines(run)),
        f"splats: {facts['splats']}",
        f"harmonics: degree {facts['degree']}" + ("" if facts["degree"] else " (view-independent colours)"),
        f"bounds: {point_text(low)} to {point_text(high)}",
        f"middle 98% along each axis: {point_text(core_low)} to {point_text(core_high)}",
        f"sizes: median {facts['median_size']:.3g}, largest {facts['largest_size']:.3g} (standard deviation)",
        "opacity: "
        + ", ".join(f"{a:g}–{b:g}: {n / facts['splats']:.0%}" for a, b, n in shares)
        + (f" ({facts['invisible']} invisible)" if facts["invisible"] else ""),
    )
    return Report(lines, tuple(wrong), facts | {"problems": wrong})


def splat_facts(splats: Splats) -> dict[str, Any]:
    """Numbers about splats; broken ones are counted, but excluded from bounds, sizes and opacities.

    huge: with a standard deviation above 0.2 × the diagonal of the middle 98 % of the splats; far: more
    than 10 × that diagonal from its centre; invisible: opacity below 1/255.
    """
    kept = splats.document
    sound = ~kept.broken if isinstance(kept, SplatFile) else np.ones(len(splats), bool)
    positions = splats.positions[sound].astype(np.float64)
    sizes, opacities = splats.scales[sound].max(1), splats.opacities[sound]
    core = np.quantile(positions, (0.01, 0.99), axis=0)
    diagonal = float(np.linalg.norm(core[1] - core[0]))
    distances = np.linalg.norm(positions - core.mean(0), axis=1)
    return {
        "format": suffix_of(splats),
        "splats": len(splats),
        "degree": splats.degree,
        "bounds": [positions.min(0).tolist(), positions.max(0).tolist()],
        "core": core.tolist(),
        "median_size": float(np.median(sizes)),
        "largest_size": float(sizes.max()),
        "opacity_histogram": np.histogram(opacities, _EDGES)[0].tolist(),
        "invisible": int((opacities < 1 / 255).sum()),
        "broken": int((~sound).sum()),
        "huge": int((sizes > _HUGE * diagonal).sum()) if diagonal else 0,
        "far": int((distances > _FAR * diagonal).sum()) if diagonal else 0,
    }


def _problems(facts: dict[str, Any]) -> list[str]:
    lines = []
    if facts["huge"]:
        lines.append(
            f"{facts['huge']} splats are huge: wider than {_HUGE:.0%} of the scene; they smear its colours"
        )
    if facts["far"]:
        lines.append(f"{facts['far']} splats are more than {_FAR:g} scene sizes away")
    return lines
