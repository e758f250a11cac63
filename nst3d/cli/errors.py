"""The library's messages in the words of the command line: what it calls parameters are flags here."""

from __future__ import annotations

import re

_PLAIN = (
    "alpha", "before", "cameras", "clean", "data", "dataparser", "displace", "ease", "elevation", "faces", "fade",
    "field_of_view", "fps", "fusion", "iterations", "keep_specular", "nerf", "out", "overwrite", "pass_format",
    "quality", "reach", "renderer", "resume", "seconds", "seed", "size", "style", "turns", "weights",
)  # fmt: skip
FLAGS = {name: f"--{name.replace('_', '-')}" for name in _PLAIN} | {
    "clean.depth": "--clean-depth",
    "clean.faces": "--clean-faces",
    "device": "--settings.device",
    "look.specular": "--keep-specular",
    "meshing.faces": "--faces",
    "meshing.reach": "--reach",
    "meshing.resolution": "--resolution",
    "output.crf": "--crf",
    "sights.specular": "--specular",
    "sights.view_size": "--view-size",
    "sights.views": "--views",
    "start": "--settings.start",
    "texture.texture_size": "--texture-size",
}
"""Parameter, as the library's messages name it, to flag."""
_SETTINGS = ("displace.", "surface.")
"""Groups of settings that messages tell to set; each has the flag --settings.GROUP.NAME."""

_MARKED = re.compile(r"`([a-z][a-z_.]*)(?:='(\w[\w.]*)'|=(\w+))?`")
_BOUNDED = re.compile(r"^setting ([a-z_]+(?:\.[a-z_]+)?)(?= is )")


def spoken(message: str) -> str:
    """A message of the library for someone at the command line.

    Parameters, which it marks as `size` or `nerf='head'`, become flags: --size, --nerf head. So does a setting that a
    message begins with, where it has a flag of its own; in a file, whose name comes first, settings keep their names.
    """
    return _BOUNDED.sub(lambda m: FLAGS.get(m[1], m[0]), _MARKED.sub(_flag, message))


def _flag(match: re.Match[str]) -> str:
    name = match[1]
    flag = f"--settings.{name.replace('_', '-')}" if name.startswith(_SETTINGS) else None
    flag = FLAGS.get(name, flag)
    value = match[2] or match[3]
    return match[0] if flag is None else flag if value is None else f"{flag} {value}"
