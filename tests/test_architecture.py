"""Who may import whom: the folders of the package, and the wings into which the large ones are divided."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from sources import PACKAGE, ROOT, Module, Source, sources

EVERYWHERE = {
    "tensors",
    "errors",
    "files",
    "kernels",
    "bounds",
    "options",
    "plugins",
    "interrupts",
    "limits",
    "value_types",
}
"""The files at the top of the package, which all folders may import."""

ALLOWED: dict[str, set[str]] = {
    "cameras": set(),
    "weights": set(),
    "features": {"weights"},
    "images": set(),
    "operators": set(),
    # images for the sRGB curve: base colours multiply in linear light; a capture and a field remember their cameras
    "representations": {"images", "cameras"},
    "losses": {"features", "images"},  # for what luminance is
    "renderers": {"representations", "cameras", "operators"},
    "networks": {"weights"},
    "flow": {"networks", "weights"},  # RAFT is a network
    "stylize": {"cameras", "operators", "features", "losses", "images", "networks", "flow", "weights"},
    # beside the painting, whose guides judge what a network paints
    "training": {"stylize", "networks", "images", "flow", "weights"},
    "formats": {"representations", "cameras", "images"},
    "video": {"images"},  # below the pipeline, which writes a run's turntable through it
    "sounds": {"video", "networks"},  # ffmpeg reads them, and a network tags them
    # compares pictures, whatever made them, also along their motion; LPIPS has heads of its own
    "metrics": {"images", "cameras", "features", "flow", "weights"},
    # beside stylize: what it makes is a representation that the renderers show, whose marching it shares
    "reconstruct": {"representations", "cameras", "renderers", "images"},
    "pipeline": {  # a folder: as one file it would pass 300 lines
        "cameras", "features", "flow", "formats", "images", "losses", "metrics", "networks", "operators", "reconstruct",
        "renderers", "representations", "sounds", "stylize", "training", "video", "weights",
    },
    # Bridges to other people's packages, imported lazily; nothing below knows of them.
    "integrations": {
        "cameras", "formats", "images", "losses", "metrics", "operators", "pipeline", "reconstruct", "renderers",
        "representations", "stylize", "video",
    },
    # weights for `nst3d weights`, which is no run; formats for the names of pictures that are not there.
    "cli": {"pipeline", "features", "weights", "formats", "integrations"},
}  # fmt: skip
"""Folder to the folders that it may import. The same table, with its reasons, is in docs/architecture.md."""

_FORMATS, _PIPELINE, _NERFSTUDIO = "formats/", "pipeline/", "integrations/nerfstudio/"


def _within(folder: str, wings: Mapping[str, str]) -> dict[str, set[str]]:
    """Rows of the table of wings, the folder's name put before each; "" are the files that lie in the folder."""
    full = {wing: f"{folder}{wing}".rstrip("/") for wing in wings}
    return {full[wing]: {full[used] for used in uses.split()} for wing, uses in wings.items()}


WINGS: dict[str, set[str]] = {
    **_within(_FORMATS, {
        "io": "",
        "registry": "io",
        "picture": "io registry",
        "flights": "io registry",
        "fields": "io registry",
        "meshes": "io registry",
        "gltf": "io registry meshes",
        "voxels": "io registry meshes",
        "nerfstudio": "io registry",
        "splats": "io registry nerfstudio gltf",  # splatfacto's are read from its runs, others from glTF
        "captures": "io registry picture",
        "": "io registry picture flights fields meshes gltf voxels nerfstudio splats captures",
    }),
    **_within(_PIPELINE, {
        "settings": "",
        "runtime": "settings",
        "captures": "settings runtime",
        "choosing": "settings runtime",  # pictures for words, before a job begins
        "styles": "settings runtime",
        "kinds/selectors": "",  # below the kinds, which choose among them
        "kinds": "settings runtime captures styles kinds/selectors",
        "kinds/mesh": "settings runtime captures styles kinds kinds/selectors",
        "kinds/radiance": "settings runtime captures styles kinds kinds/selectors",
        "kinds/picture": "settings runtime captures styles kinds kinds/selectors",
        "kinds/capture": "settings runtime captures styles kinds",
        "kinds/nerf": "settings runtime captures styles kinds kinds/radiance",  # inspects runs like fields
        "meshing": "settings runtime captures styles kinds kinds/mesh kinds/radiance",
        "evaluation": "settings runtime kinds",
        "evaluation/measures": "kinds evaluation",  # the table of colours that a kind says an asset holds
        "evaluation/report": "runtime evaluation",
        "jobs": "settings runtime captures choosing styles kinds kinds/mesh kinds/radiance kinds/picture meshing"
        " evaluation evaluation/measures evaluation/report",
    }),
    "features": set(),
    "features/attention": {"features"},  # CLIP and DINO, which are no encoders of maps
    "stylize": {"stylize/style", "stylize/look", "stylize/teachers"},
    "stylize/style": set(),  # what teachers are shown, below the phases that ask them
    "stylize/look": set(),
    "stylize/teachers": {"stylize/style", "stylize/look"},
    # frames of videos, beside the engine, or through it
    "stylize/clips": {"stylize/style", "stylize/look", "stylize/teachers", "stylize"},
    "stylize/shape": {"stylize"},
    "stylize/words": {"stylize/style", "stylize/look", "stylize"},
    "stylize/diffusion": {"stylize/style", "stylize/look", "stylize/teachers", "stylize"},
    "integrations/objects": set(),  # what a package's objects are taken as, below the packages
    "integrations/open3d": {"integrations/objects"},
    "integrations/pycolmap": set(),
    "integrations/pytorch3d": {"integrations/objects"},
    "integrations/trimesh": {"integrations/objects"},
    **_within(_NERFSTUDIO, {
        "package": "",
        "dataparsers": "package",
        "model": "package",
        "baked": "package model",
        "native": "package model",
        "trainer": "package dataparsers model native",
        "": "package dataparsers model baked native trainer",
    }),
    "integrations": {
        "integrations/objects", "integrations/open3d", "integrations/pycolmap", "integrations/pytorch3d",
        "integrations/nerfstudio",
        "integrations/nerfstudio/dataparsers",
    },
}  # fmt: skip
"""Wing to the wings of the same folder that it may import; it is the second table in docs/architecture.md.

A wing is a folder or a file. A file belongs to the longest name in the table that its path begins with, so
"formats" are the files that lie in no wing of it. Folders that are not here are one whole.
"""


def unit_of(module: Module) -> str:
    """The wing of a module of nst3d; "" for those at the package's top and for what is not nst3d's."""
    inner = module[1:] if module[0] == "nst3d" else ()
    names = ["/".join(inner[:depth]) for depth in range(len(inner), 0, -1)]
    return next((name for name in names if name in WINGS or name in ALLOWED), "")


def folder_of(module: Module) -> str:
    return unit_of(module).split("/")[0]


def wrong_imports(source: Source) -> Iterator[str]:
    """Imports that the tables do not have."""
    if source.place in (("nst3d",), ("nst3d", "__main__")):  # the public API, and the command
        return
    me, folder = unit_of(source.place), folder_of(source.place)
    for module, node in source.imports():
        other = unit_of(module)
        if not other or other == me:
            continue
        same = folder_of(module) == folder
        allowed = WINGS.get(me, set()) if same else ALLOWED.get(folder, set())
        if (other if same else folder_of(module)) not in allowed:
            yield f"{source.at(node)}: {me or source.path.name} imports {other}"


def test_imports_follow_the_table() -> None:
    offenders = [offence for source in sources() for offence in wrong_imports(source)]
    assert not offenders, "\n" + "\n".join(offenders)


@pytest.mark.parametrize("table", [ALLOWED, WINGS], ids=["folders", "wings"])
def test_the_table_has_no_circles(table) -> None:
    done: set[str] = set()
    while len(done) < len(table):
        ready = {f for f, uses in table.items() if f not in done and uses <= done}
        assert ready, f"these import each other: {sorted(set(table) - done)}"
        done |= ready


def test_the_tables_are_those_in_the_docs() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w/]+) \| ?([\w/, ]*)\|$", text, re.MULTILINE)
    documented = [(name, set(re.findall(r"[\w/]+", uses))) for name, uses in rows]
    folders, wings = (i for i, (name, _) in enumerate(documented) if name in ("folder", "wing"))
    assert dict(documented[folders + 1 : wings]) == ALLOWED
    assert dict(documented[wings + 1 :]) == {
        wing: {name.removeprefix(f"{wing.split('/')[0]}/") for name in uses} for wing, uses in WINGS.items()
    }


def test_every_folder_is_in_a_table() -> None:
    folders = {p.parent.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*.py")} - {"."}
    assert folders <= set(ALLOWED) | set(WINGS)


def test_every_wing_is_there() -> None:
    for wing in WINGS:
        assert (PACKAGE / wing).is_dir() or (PACKAGE / f"{wing}.py").is_file(), wing


def test_all_files_at_the_top_may_be_imported_everywhere() -> None:
    assert {p.stem for p in PACKAGE.glob("*.py")} - {"__init__", "__main__"} == EVERYWHERE
    assert not EVERYWHERE & set(ALLOWED)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import nst3d.losses.gram", {"losses"}),
        ("from nst3d import losses, stylize", {"losses", "stylize"}),
        ("from nst3d.losses import gram", {"losses"}),
        ("def f():\n    from nst3d.cli.main import main", {"cli"}),
        ("from ..losses import gram", {"losses"}),
        ("from . import canvas", {"stylize"}),
        ("from .shape import steps", {"stylize/shape"}),
        ("from ..formats.io.files import a", {"formats/io"}),
        ("from nst3d.formats import io, kinds", {"formats/io", "formats"}),
        ("import nst3d.formats.mesh_files as m", {"formats"}),
        ("from nst3d.pipeline.kinds import mesh, subject", {"pipeline/kinds/mesh", "pipeline/kinds"}),
        ("from nst3d.pipeline.kinds.mesh.rig import a", {"pipeline/kinds/mesh"}),
        ("import numpy\nfrom nst3d.tensors import Array\nfrom nst3d import __version__", set()),
    ],
)
def test_imports_are_found_however_they_are_written(line, found) -> None:
    source = Source(PACKAGE / "stylize" / "engine.py", line)
    assert {unit_of(module) for module, _ in source.imports()} - {""} == found


@pytest.mark.parametrize(
    ("file", "line", "says"),
    [
        ("stylize/engine.py", "import nst3d.renderers", "stylize imports renderers"),
        ("stylize/engine.py", "from nst3d.stylize.shape import run", "stylize imports stylize/shape"),
        ("formats/io/npz.py", "\nfrom ..splats import ply", "formats/io imports formats/splats"),
        ("formats/gltf/read.py", "from nst3d.formats import kinds", "formats/gltf imports formats"),
        ("pipeline/kinds/mesh/rig.py", "from nst3d.pipeline.jobs import paint", "imports pipeline/jobs"),
        ("pipeline/kinds/mesh/rig.py", "from ..radiance import scene", "imports pipeline/kinds/radiance"),
        ("pipeline/runtime/__init__.py", "from ..jobs.paint import a", "imports pipeline/jobs"),
        ("errors.py", "from nst3d import images", "errors.py imports images"),
    ],
)
def test_a_wrong_import_is_found(file, line, says) -> None:
    source = Source(PACKAGE / file, line)
    (offence,) = wrong_imports(source)
    assert offence.startswith(f"nst3d/{file}:{line.count(chr(10)) + 1}: ")
    assert says in offence


def test_what_the_table_allows_is_no_offence() -> None:
    lines = "from nst3d.stylize import canvas\nfrom nst3d.errors import Nst3dError\nimport nst3d.losses.gram"
    assert not list(wrong_imports(Source(Path(PACKAGE / "stylize/engine.py"), lines)))
