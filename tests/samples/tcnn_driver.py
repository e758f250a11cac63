"""nerf_driver.py render CONFIG PATH.json OUT with the stand-in for tiny-cuda-nn."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import tcnn_stand_in
from nerf_driver import render
from splatfacto_driver import offline

if __name__ == "__main__":
    offline()
    tcnn_stand_in.install(pytest.MonkeyPatch())
    render(*map(Path, sys.argv[2:]))
