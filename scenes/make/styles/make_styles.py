"""Paint the style pictures of this folder: `python make_styles.py [NAME...]` (all of them by default)."""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

from fields import save

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / HERE.name
NAMES = (
    "swirls",
    "woodblock",
    "pointillism",
    "stained_glass",
    "ink_wash",
    "cubist",
    "autumn_impasto",
    "watercolour",
)


def main(names: list[str]) -> int:
    """Paint each of `names`; returns the exit status."""
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"no style named {', '.join(unknown)}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in names or NAMES:
        start = time.perf_counter()
        save(str(OUT / f"{name}.jpg"), importlib.import_module(name).paint())
        print(f"{name}.jpg  {time.perf_counter() - start:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
