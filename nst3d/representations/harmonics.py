"""Real spherical harmonics of degree 0 to 3, in the order of radiance fields and splats."""

from __future__ import annotations

import numpy as np

from nst3d.tensors import Array, Share

C0 = 0.28209479177387814
"""The constant harmonic, 1 / (2 √π): colour = 0.5 + C0 · (first coefficient)."""
_C1 = 0.4886025119029199
_C2 = (1.0925484305920792, 0.31539156525252005, 0.5462742152960396)
_C3 = (0.5900435899266435, 2.890611442640554, 0.4570457994644658, 0.3731763325901154, 1.445305721320277)


def basis(directions: Array, degree: int) -> Array:
    """The harmonics (…, (degree + 1)²) of unit directions (…, 3) that point away from the camera.

    Order and signs are those of Plenoxels (Fridovich-Keil et al. 2022) and 3D Gaussian splatting (Kerbl et
    al. 2023): by degree, and within a degree from m = −l to l, with the Condon–Shortley phase.
    """
    x, y, z = (directions[..., k] for k in range(3))
    terms = [np.full_like(x, C0)]
    if degree > 0:
        terms += [-_C1 * y, _C1 * z, -_C1 * x]
    if degree > 1:
        a, b, c = _C2
        terms += [a * x * y, -a * y * z, b * (2 * z * z - x * x - y * y), -a * x * z, c * (x * x - y * y)]
    if degree > 2:
        a, b, c, d, e = _C3
        ring = 4 * z * z - x * x - y * y
        terms += [
            -a * y * (3 * x * x - y * y),
            b * x * y * z,
            -c * y * ring,
            d * z * (2 * z * z - 3 * x * x - 3 * y * y),
            -c * x * ring,
            e * z * (x * x - y * y),
            -a * x * (x * x - 3 * y * y),
        ]
    return np.stack(terms, axis=-1)


def to_colours(constant: Array) -> Array:
    """First coefficients (n, 3) as colours in [0, 1], unclamped."""
    return constant * C0 + 0.5


def from_colours(colours: Array) -> Array:
    """Colours (n, 3) as first coefficients."""
    return (colours - 0.5) / C0


def faded(rows: Array, share: Share) -> Array:
    """Rows (n, …) of higher coefficients × `share`, a number or one per row (n,), as float32."""
    factor = np.asarray(share, np.float32)
    return rows.astype(np.float32) * factor.reshape(-1, *(1,) * (rows.ndim - 1))
