"""nst3d doctor: report what this machine has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nst3d.cli.parse import parse
from nst3d.cli.terminal import say
from nst3d.pipeline.runtime.doctor import examine


@dataclass(frozen=True)
class DoctorArguments:
    """Arguments of `nst3d doctor`: none."""


def doctor(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    text = "Report what this machine has: CPU, torch, optional packages, weights."
    parse(DoctorArguments(), arguments, "nst3d doctor", text)
    for name, finding in examine():
        say(f"{name}: {finding}")
    return 0
