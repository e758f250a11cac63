"""`python -m nst3d` is the command `nst3d`."""

from __future__ import annotations

import sys

from nst3d.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
