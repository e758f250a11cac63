"""Small splat scenes, and what tests compare them by."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nst3d.representations.splats import Splats
from nst3d.tensors import Array

KEPT = ("positions", "scales", "rotations", "opacities")
"""What painting leaves alone."""


def some_splats(count: int = 300, degree: int = 2, seed: int = 0) -> Splats:
    """Splats that every format can hold: colours and harmonics within what .spz has levels for."""
    rng = np.random.default_rng(seed)
    rotations = rng.normal(size=(count, 4))
    harmonics = rng.uniform(-0.9, 0.9, (count, (degree + 1) ** 2, 3))
    return Splats(
        positions=rng.uniform(-3, 3, (count, 3)).astype(np.float32),
        scales=np.exp(rng.uniform(-8, 1, (count, 3))).astype(np.float32),
        rotations=(rotations / np.linalg.norm(rotations, axis=1, keepdims=True)).astype(np.float32),
        opacities=rng.uniform(0.02, 0.98, count).astype(np.float32),
        harmonics=harmonics.astype(np.float32),
    )


def other_colours(splats: Splats, seed: int = 1) -> Array:
    """Colours in [0, 1] to paint with."""
    return np.random.default_rng(seed).uniform(0, 1, (len(splats), 3)).astype(np.float32)


def turns(rotations: Array) -> Array:
    """Unit quaternions w x y z as matrices (n, 3, 3): q and −q are the same."""
    w, (x, y, z) = rotations[:, 0].astype(np.float64), rotations[:, 1:].astype(np.float64).T
    entries = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)]
    entries += [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)]
    entries += [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
    return np.stack(entries, axis=1).reshape(-1, 3, 3)


def differences(a: Splats, b: Splats) -> dict[str, float]:
    """The largest difference of each attribute; of scales that of their logarithms."""
    shared = min(a.harmonics.shape[1], b.harmonics.shape[1])
    pairs = {
        "positions": (a.positions, b.positions),
        "scales": (np.log(a.scales), np.log(b.scales)),
        "rotations": (turns(a.rotations), turns(b.rotations)),
        "opacities": (a.opacities, b.opacities),
        "colours": (a.colours, b.colours),
        "harmonics": (a.harmonics[:, 1:shared], b.harmonics[:, 1:shared]),
    }
    return {k: float(np.abs(x - y).max(initial=0)) for k, (x, y) in pairs.items()}


def same_geometry(a: Splats, b: Splats) -> bool:
    """Whether all that painting leaves alone is equal to the bit."""
    return all(np.array_equal(getattr(a, k), getattr(b, k)) for k in KEPT)


def ply_bytes(columns: dict[str, Array], extra: str = "", order: str = "<", tail: bytes = b"") -> bytes:
    """A PLY whose element vertex has these columns in this order and in their types."""
    kinds = {"f4": "float", "f8": "double", "u1": "uchar", "i4": "int", "u4": "uint"}
    count = len(next(iter(columns.values())))
    rows = np.zeros(count, [(n, order + c.dtype.str[1:]) for n, c in columns.items()])
    for name, column in columns.items():
        rows[name] = column
    endian = "little" if order == "<" else "big"
    lines = ["ply", f"format binary_{endian}_endian 1.0", "comment made by hand", f"element vertex {count}"]
    lines += [f"property {kinds[c.dtype.str[1:]]} {n}" for n, c in columns.items()]
    return ("\n".join(lines) + f"\n{extra}end_header\n").encode() + rows.tobytes() + tail


def ply_columns(splats: Splats) -> dict[str, Array]:
    """The reference code's columns, in its order, with normals."""
    rest = splats.harmonics[:, 1:].transpose(0, 2, 1).reshape(len(splats), -1)
    opacities = splats.opacities.astype(np.float64)
    columns = dict(zip("xyz", splats.positions.T))
    columns |= {n: np.zeros(len(splats), np.float32) for n in ("nx", "ny", "nz")}
    columns |= {f"f_dc_{k}": c for k, c in enumerate(splats.harmonics[:, 0].T)}
    columns |= {f"f_rest_{k}": c for k, c in enumerate(rest.T)}
    columns["opacity"] = np.log(opacities / (1 - opacities)).astype(np.float32)
    columns |= {f"scale_{k}": c for k, c in enumerate(np.log(splats.scales).T)}
    # Trainers store rotations at any length.
    columns |= {f"rot_{k}": c * 3 for k, c in enumerate(splats.rotations.T)}
    return columns


def written(folder: Path, data: bytes, name: str = "a.ply") -> Path:
    """A file of these bytes."""
    path = folder / name
    path.write_bytes(data)
    return path
