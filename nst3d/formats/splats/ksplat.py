""".ksplat, which is not supported: how to convert it."""

from __future__ import annotations

from nst3d.formats.registry import Format, register_format

register_format(
    Format(
        "ksplat",
        (".ksplat",),
        "splats",
        "a splat scene",
        hint=".ksplat is not supported; convert it: npx @playcanvas/splat-transform {name} {stem}.ply",
        rank=1,
    )
)
