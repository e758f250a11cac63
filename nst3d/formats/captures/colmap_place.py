"""Finds the files of COLMAP models, and the folder with their photographs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nst3d.errors import InputError
from nst3d.formats.captures.colmap_model import count_images
from nst3d.formats.captures.photos import fitting_size
from nst3d.formats.captures.search import PhotoSearch
from nst3d.formats.io.files import descend, visible
from nst3d.images.header import read_header
from nst3d.tensors import ImageSize

NAMES = ("cameras.bin", "cameras.txt", "images.bin", "images.txt")
_PLACES = ("sparse", "colmap/sparse", "distorted/sparse", "")
"""Where models lie in a capture, each in a folder of its own or directly; "": in the given folder."""
_ABOVE = ("sparse", "colmap", "distorted")
_PHOTOS = ("images", "input", "images_2", "images_4", "images_8")
_SAMPLE = 50
"""Photographs that are looked for in each folder."""
_MOST_FOLDERS = 50


@dataclass(frozen=True)
class ModelFiles:
    """Paths of a model's files."""

    folder: Path
    cameras: Path
    images: Path

    @property
    def is_binary(self) -> bool:
        """Whether the files are .bin, not .txt."""
        return self.cameras.suffix.lower() == ".bin"


def model_files(folder: Path) -> ModelFiles | None:
    """The model in a folder, binary if it has both, or None."""
    for suffix in (".bin", ".txt"):
        cameras, images = (descend(folder, [f"{name}{suffix}"]) for name in ("cameras", "images"))
        if cameras is not None and images is not None and cameras.is_file() and images.is_file():
            return ModelFiles(folder, cameras, images)
    return None


def find_models(folder: Path) -> list[ModelFiles]:
    """The models of a capture, all of those in the first place that has any."""
    for name in _PLACES:
        place = descend(folder, filter(None, name.split("/")))
        if place is None or not place.is_dir():
            continue
        inside = sorted(p for p in _folders(place) if name or p.name.isdecimal())
        found = [model for p in (*inside, place) if (model := model_files(p)) is not None]
        if found:
            return found
    return []


def largest_model(source: Path, models: Sequence[ModelFiles]) -> tuple[ModelFiles, tuple[str, ...]]:
    """The model with the most images, and a note that names the others."""
    if len(models) == 1:
        return models[0], ()
    counts = [count_images(m.images) for m in models]
    best = counts.index(max(counts))
    told = [f"{m.folder.relative_to(source)} ({n} photographs)" for m, n in zip(models, counts)]
    others = ", ".join(t for i, t in enumerate(told) if i != best)
    return models[best], (
        f"{len(models)} COLMAP models, each in a world of its own: {told[best]} is used, the largest; {others} left"
        " out; give the folder of a model to use it",
    )


def roots_of(source: Path, model: Path) -> list[Path]:
    """The folders that photographs may come from: the given one, and the capture's if that is a model in it."""
    root = source.resolve()
    while (root.name.lower() in _ABOVE or root.name.isdecimal()) and not _has_photos(root):
        root = root.parent
    if root == model.resolve() and not _has_photos(root):
        root = root.parent
    return list(dict.fromkeys([source, model, *([] if root == source.resolve() else [root])]))


def photo_folder(source: Path, model: Path, images: Sequence[tuple[str, ImageSize]]) -> PhotoSearch:
    """Where to look for a model's photographs, given as names and their cameras' sizes.

    The folder whose pictures have these sizes, or at least the same proportions, and then the one with the most of
    them; if none has any, the first place.
    """
    roots = roots_of(source, model)
    best: tuple[int, int] | None = None
    chosen: PhotoSearch | None = None
    for folder in _candidates(roots):
        search = PhotoSearch([folder], roots)
        found = [(path, size) for name, size in images[:_SAMPLE] if (path := _found(search, name))]
        if not found:
            continue
        rank = (_misfit(*found[0]), -len(found))
        if best is None or rank < best:
            best, chosen = rank, search
        if rank == (0, -len(images[:_SAMPLE])):
            break
    return chosen or PhotoSearch([roots[0] / _PHOTOS[0]], roots)


def _has_photos(folder: Path) -> bool:
    return any(descend(folder, [name]) is not None for name in _PHOTOS)


def _found(search: PhotoSearch, name: str) -> Path | None:
    try:
        return search.find(name)
    except InputError:
        return None


def _misfit(path: Path, size: ImageSize) -> int:
    """0: a picture of just this size; 1: of the same proportions; 2: of others, or unreadable."""
    try:
        fits = fitting_size(read_header(path), size, path.name)
    except InputError:
        return 2
    return int(fits != size)


def _candidates(roots: Sequence[Path]) -> Iterator[Path]:
    usual = [p for root in roots for name in _PHOTOS if (p := descend(root, [name])) is not None]
    others = [*roots, *(p for p in _folders(roots[0])[:_MOST_FOLDERS] if p not in usual)]
    return (p for p in (*usual, *others) if p.is_dir())


def _folders(place: Path) -> list[Path]:
    try:
        return sorted(p for p in place.iterdir() if p.is_dir() and visible(p))
    except OSError:
        return []
