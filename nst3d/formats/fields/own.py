"""nst3d's own voxel fields in .npz archives, with these keys:

nst3d_field      () int64, the version: 1
centre, radius   (3,) float64, contracted () bool: `Space`
links            (X, Y, Z) int32, density (n,) float32, harmonics (n, k, 3) float32: `VoxelField`
activation       () str: "relu" or "softplus"; density_scale and near: () float64
up, background   (3,) float64
capture          () str, notes (m,) str
camera_poses     (c, 4, 4) float64, camera to world
camera_optics    (c, 4) float64: focal, aspect, centre x, centre y
camera_sizes     (c, 2) int64: height, width
camera_lenses    (c, 9) float64: 0 none, 1 Brown–Conrady, 2 fisheye; then its parameters, padded with 0

Floats are stored uncompressed and links compressed: compressing everything takes twenty times as long and
saves a tenth.
"""

from __future__ import annotations

from dataclasses import astuple, fields
from pathlib import Path

import numpy as np

from nst3d.cameras.lens import BrownConrady, Fisheye, Lens
from nst3d.cameras.pinhole import Camera
from nst3d.errors import InputError, shown
from nst3d.formats.fields.checks import check_budget, check_links, check_placing, check_values, wanted
from nst3d.formats.fields.paint import painted_harmonics
from nst3d.formats.io.npz import read_arrays, read_headers, write_arrays
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, register_format
from nst3d.representations.field import Space, VoxelField
from nst3d.tensors import Array, ImageSize, Share

_VERSION = 1
_KEYS = {
    "nst3d_field": ((), "iu"),
    "centre": ((3,), "f"),
    "radius": ((3,), "f"),
    "contracted": ((), "b"),
    "links": ((None, None, None), "i"),
    "density": ((None,), "f"),
    "harmonics": ((None, None, 3), "f"),
    "activation": ((), "U"),
    "density_scale": ((), "f"),
    "near": ((), "f"),
    "up": ((3,), "f"),
    "background": ((3,), "f"),
    "capture": ((), "U"),
    "notes": ((None,), "U"),
    "camera_poses": ((None, 4, 4), "f"),
    "camera_optics": ((None, 4), "f"),
    "camera_sizes": ((None, 2), "i"),
    "camera_lenses": ((None, 9), "f"),
}
"""The shape (None: any length) and the kind of number of each array."""
_LENSES: tuple[type[Lens], ...] = (BrownConrady, Fisheye)
_LARGEST_PHOTO = 100_000


def load_own(path: Path) -> VoxelField:
    """The field in an archive in nst3d's own format. Raises InputError like the registry's `load_field`."""
    headers = read_headers(path)
    wanted(path, headers, _KEYS)
    check_budget(path, headers["links"].shape, headers["harmonics"].shape)
    nodes, bases = headers["density"].count, headers["harmonics"].shape[1]
    if headers["harmonics"].shape[0] != nodes or bases not in (1, 4, 9):
        raise InputError(
            f"{path}: harmonics are {headers['harmonics'].shape}, expected ({nodes}, 1, 4 or 9, 3)"
        )
    arrays = read_arrays(path, _KEYS)
    version, activation = int(arrays["nst3d_field"]), str(arrays["activation"])
    if version != _VERSION:
        raise InputError(f"{path}: has version {version}; this nst3d reads {_VERSION}, install a newer one")
    if activation not in ("relu", "softplus"):
        raise InputError(f"{path}: activation is {shown(activation)}, expected relu or softplus")
    contracted = bool(arrays["contracted"])
    check_placing(path, arrays["centre"], arrays["radius"], contracted)
    check_links(path, arrays["links"], nodes)
    check_values(path, {name: arrays[name] for name in ("density", "harmonics", "up", "background")})
    check_values(path, {name: arrays[name] for name in ("density_scale", "near")})
    red, green, blue = arrays["background"].tolist()
    return VoxelField(
        space=Space(arrays["centre"].astype(np.float64), arrays["radius"].astype(np.float64), contracted),
        links=arrays["links"].astype(np.int32, copy=False),
        density=arrays["density"].astype(np.float32, copy=False),
        harmonics=arrays["harmonics"].astype(np.float32, copy=False),
        activation="relu" if activation == "relu" else "softplus",
        density_scale=float(arrays["density_scale"]),
        near=float(arrays["near"]),
        cameras=_cameras(path, arrays),
        up=arrays["up"].astype(np.float64),
        background=(red, green, blue),
        capture=str(arrays["capture"]),
        notes=tuple(str(n) for n in arrays["notes"]),
    )


def save_own(
    path: Path, field: VoxelField, colours: Array | None = None, specular: Share = 1.0
) -> list[Path]:
    """Write a field in nst3d's own format, painted as in the registry's `save_field`."""
    harmonics = painted_harmonics(field.harmonics, colours, specular)
    write_arrays(path, _arrays(field, harmonics), packed=("links",))
    return [path]


def _arrays(field: VoxelField, harmonics: Array) -> dict[str, Array]:
    cameras = field.cameras
    optics = [(c.focal, c.aspect, *c.centre) for c in cameras]
    return {
        "nst3d_field": np.array(_VERSION),
        "centre": np.asarray(field.space.centre, np.float64),
        "radius": np.asarray(field.space.radius, np.float64),
        "contracted": np.array(field.space.contracted),
        "links": field.links.astype(np.int32, copy=False),
        "density": field.density.astype(np.float32, copy=False),
        "harmonics": harmonics,
        "activation": np.array(field.activation),
        "density_scale": np.array(field.density_scale, np.float64),
        "near": np.array(field.near, np.float64),
        "up": np.asarray(field.up, np.float64),
        "background": np.asarray(field.background, np.float64),
        "capture": np.array(field.capture),
        "notes": np.array(field.notes, np.str_),
        "camera_poses": np.array([c.camera_to_world for c in cameras], np.float64).reshape(-1, 4, 4),
        "camera_optics": np.array(optics, np.float64).reshape(-1, 4),
        "camera_sizes": np.array([c.size for c in cameras], np.int64).reshape(-1, 2),
        "camera_lenses": np.array([_lens_row(c.lens) for c in cameras], np.float64).reshape(-1, 9),
    }


def _lens_row(lens: Lens | None) -> list[float]:
    if lens is None:
        return [0.0] * 9
    kinds = [k for k, kind in enumerate(_LENSES, 1) if isinstance(lens, kind)]
    values = [float(v) for v in astuple(lens)]  # type: ignore[call-overload]
    return [float(kinds[0]), *values, *[0.0] * (8 - len(values))]


def _cameras(path: Path, arrays: dict[str, Array]) -> tuple[Camera, ...]:
    poses, optics, sizes, lenses = (
        arrays[f"camera_{name}"] for name in ("poses", "optics", "sizes", "lenses")
    )
    if not len(poses) == len(optics) == len(sizes) == len(lenses):
        raise InputError(f"{path}: broken; its camera arrays have different lengths")
    check_values(path, {"camera_poses": poses, "camera_optics": optics, "camera_lenses": lenses})
    kinds = lenses[:, 0]
    sound = (optics[:, :2] > 0).all() and (sizes > 0).all() and (sizes <= _LARGEST_PHOTO).all()
    if not sound or not np.isin(kinds, range(len(_LENSES) + 1)).all():
        raise InputError(f"{path}: broken; a camera has no size, no focal length or an unknown lens")
    return tuple(
        Camera(
            camera_to_world=pose.astype(np.float64),
            focal=float(focal),
            centre=(float(x), float(y)),
            size=ImageSize(int(height), int(width)),
            aspect=float(aspect),
            lens=_lens(int(kind), values),
        )
        for pose, (focal, aspect, x, y), (height, width), (kind, *values) in zip(poses, optics, sizes, lenses)
    )


def _lens(kind: int, values: list[float]) -> Lens | None:
    if kind == 0:
        return None
    chosen = _LENSES[kind - 1]
    count = len(fields(chosen))  # type: ignore[arg-type]
    return chosen(*(float(v) for v in values[:count]))


def _is_own(peek: Peek) -> bool:
    return peek.path.is_file() and "nst3d_field" in peek.once(read_headers)


register_format(
    Format("field", (".npz",), "field", "a NumPy archive", load_own, save_own, sniff=_is_own, rank=1)
)
