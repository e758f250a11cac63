"""Opens a scene of any kind to be shown."""

from __future__ import annotations

from collections.abc import Iterator

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.formats.registry import formats_of
from nst3d.pipeline.kinds.bridges import ALONE, Bridges, Note
from nst3d.pipeline.kinds.flight import Way
from nst3d.pipeline.kinds.kind import ShowRequest
from nst3d.pipeline.kinds.registry import check_options, open_path
from nst3d.pipeline.kinds.shown import Shown
from nst3d.pipeline.settings.shown import SceneOptions


def open_scene(
    path: PathLike, options: SceneOptions, way: Way, note: Note, bridges: Bridges = ALONE
) -> Shown:
    """The scene in a file, or in a folder with one mesh.

    `way` gives the size of its pictures; `note` is called with messages for the user; `bridges` provide
    optional packages. Raises InputError for unreadable files.
    """
    opened = open_path(path)
    check_options(() if options.data is None else ("data",), opened)
    for option in _asked(options):
        if option not in opened.kind.options:
            note(f"`{option}` changes nothing: {opened.told}")
    reader = bridges.reader(options.dataparser, options.cameras)
    if opened.kind.show is None:
        if opened.kind.unready is not None:
            raise opened.refusal("render", "")
        meshes = ", ".join(f.name for f in formats_of("mesh"))
        raise InputError(f"{path}: is {opened.kind.one}; expected a mesh ({meshes}), splats or a voxel field")
    capture = None if options.cameras is None else reader.for_scene(options.cameras, opened.peek)
    return opened.kind.show(ShowRequest(opened, options, way, capture, note, bridges))


def _asked(options: SceneOptions) -> Iterator[str]:
    """The requested options that change nothing in some kinds of scene."""
    given = {
        "keep_specular": options.specular != SceneOptions.specular,
        "lighting": options.lighting != SceneOptions.lighting,
    }
    return (option for option, asked in given.items() if asked)
