"""ns-train ARGUMENTS in a process of its own, offline; nst3d is made known as its entry point would."""

from __future__ import annotations

import os
import sys

from splatfacto_driver import offline

if __name__ == "__main__":
    offline()
    os.environ["NERFSTUDIO_METHOD_CONFIGS"] = "nst3d=nst3d.integrations.nerfstudio.method:method"
    from nerfstudio.scripts.train import entrypoint

    sys.argv[0] = "ns-train"
    entrypoint()
