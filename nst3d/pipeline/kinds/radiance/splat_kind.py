"""A kind of scene of another package that is painted and shown as splats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nst3d.files import PathLike
from nst3d.formats.io.foreign import careful
from nst3d.formats.io.peek import Peek
from nst3d.pipeline.captures.reader import CaptureReader
from nst3d.pipeline.kinds.kind import Kind
from nst3d.pipeline.kinds.radiance.kind import painting, showing
from nst3d.pipeline.kinds.radiance.scene import RadianceScene, splat_scene
from nst3d.pipeline.kinds.radiance.shown import ShownRadiance, shown_splats
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.representations.checks import check_splats
from nst3d.representations.splats import Splats
from nst3d.tensors import Array


def splat_kind(
    name: str,
    suffix: str,
    one: str,
    many: str,
    load: Callable[[Path], Splats],
    save: Callable[[Path, Splats, Array], list[Path]],
) -> Kind:
    """The row of a kind whose files end in `suffix` and are drawn as splats.

    `load(path)` makes the splats; `save(folder, splats, colours)` writes the scene with new colours (n, 3) into the
    folder of a job and returns the paths. `one` and `many` are such scenes in messages: "a molecule", "molecules".
    Whatever `load` raises, and splats with wrong shapes or numbers, are InputErrors with the file's name.
    """
    read = careful(load, one, check_splats)

    def opened(
        place: PathLike | Peek, cameras: Path | None, config: PaintConfig, reader: CaptureReader
    ) -> RadianceScene:
        splats = read(Peek.at(place).path)
        capture = None if cameras is None else reader.for_scene(cameras, place)
        return splat_scene(
            splats, capture, config, lambda folder, colours, keep: save(folder, splats, colours), name
        )

    def shown(place: PathLike | Peek, specular: float) -> ShownRadiance:
        return shown_splats(read(Peek.at(place).path), specular)

    return Kind(
        name,
        one,
        many,
        lambda peek: not peek.is_folder and peek.ends_with(suffix),
        paint=painting(opened),
        show=showing(shown),
        options=frozenset({"cameras", "references", "table.field", "up"}),
        preset="capture",
    )
