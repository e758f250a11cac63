"""Translates the library's messages for the command line: parameters become flags."""

from __future__ import annotations

import re

_PLAIN = (
    "allow_outside", "alpha", "at", "before", "cameras", "clean", "data", "dataparser", "displace", "ease", "elevation",
    "faces", "fade", "features", "field_of_view", "fps", "frames", "fusion", "iterations", "keep_specular",
    "lighting", "memory", "nerf", "out", "overwrite", "pass_format", "path", "quality", "reach", "region", "renderer",
    "resume", "seconds", "seed", "size", "start", "steady", "steps", "stroke", "style", "turns", "up",
    "weights",
    "avoid", "baseline", "clip", "colour", "cycle", "direction", "flow", "for_painting", "gaps", "library", "method",
    "pairs", "palette", "passes", "protocol", "recurrent", "sound", "sound_as", "source_text", "teacher",
    "temporal", "text", "video", "views", "votes", "way", "words",
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
    "references": "--reference",
    "sights.specular": "--specular",
    "sights.view_size": "--view-size",
    "sights.views": "--views",
    "teacher_options": "--teacher-option",
    "texture.texture_size": "--texture-size",
}
"""Parameter, as named in the library's messages, to flag."""
_SETTINGS = ("displace.", "output.formats", "surface.", "table.")
"""Groups of settings that messages refer to; each has the flag --settings.GROUP.NAME."""

_MARKED = re.compile(r"`([a-z][a-z_.]*)(?:='(\w[\w.]*)'|=(\w+))?`")
_BOUNDED = re.compile(r"^setting ([a-z_]+(?:\.[a-z_]+)?)(?:\[\d+\])?(?= is )")


def spoken(message: str) -> str:
    """A library message, rephrased for the command line.

    Parameters, marked as `size` or `nerf='head'`, become flags: --size, --nerf head. So does a setting at the
    start of a message, if it has a flag of its own; after a file name, settings keep their names.
    """
    return _BOUNDED.sub(lambda m: FLAGS.get(m[1], m[0]), _MARKED.sub(_flag, message))


def _flag(match: re.Match[str]) -> str:
    name = match[1]
    flag = f"--settings.{name.replace('_', '-')}" if name.startswith(_SETTINGS) else None
    flag = FLAGS.get(name, flag)
    value = match[2] or match[3]
    return match[0] if flag is None else flag if value is None else f"{flag} {value}"
