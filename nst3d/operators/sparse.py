"""Views stored as sparse matrices: the matrix and its transpose, both in CSR."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numba
import numpy as np
import torch

from nst3d.kernels import kernel
from nst3d.operators.base import Stored, ViewOperator
from nst3d.tensors import Array, Colours, Image, ImageSize


@dataclass(frozen=True)
class Csr:
    """A compressed-sparse-row matrix: row i has entries starts[i] … starts[i + 1]."""

    starts: Array  # (rows + 1,) int64
    columns: Array  # (entries,) int32 or uint32
    weights: Array  # (entries,) float32

    @property
    def nbytes(self) -> int:
        """Memory of the three arrays, in bytes."""
        return self.starts.nbytes + self.columns.nbytes + self.weights.nbytes


class SparseView(ViewOperator):
    """A view with stored weights: numba row products on a CPU, torch CSR products on other devices.

    Only pixels that the scene covers and colours that the view sees have rows, so cost and memory depend on
    what is seen, not on the size of the image or the table.
    """

    def __init__(self, size: ImageSize, num_colours: int, pixels: Array, matrix: Csr) -> None:
        """Wrap a compiled view.

        `pixels` (rows,) int32 is the flat pixel index of each row of `matrix`, in increasing order; the
        columns of `matrix` are colours.
        """
        self.size = size
        self.num_colours = num_colours
        self.pixels = pixels
        self.seen, local = _seen(matrix.columns, num_colours)
        # Unsigned, so that the kernel does not have to handle negative indices.
        self._matrix = Csr(matrix.starts, matrix.columns.astype(np.uint32), matrix.weights)
        self._transpose = _transposed(Csr(matrix.starts, local, matrix.weights), pixels, len(self.seen))
        self._torch: dict[tuple[torch.device, torch.dtype], _TorchView] = {}
        # The same sums as in `apply`, so that white on white is exactly white.
        self._coverage = self.apply(torch.ones(num_colours, 1))

    def arrays(self) -> Stored:
        """Both matrices, their indices and the coverage."""
        arrays = {"shape": np.array([*self.size, self.num_colours]), "coverage": self._coverage.numpy()}
        arrays |= {"pixels": self.pixels, "seen": self.seen}
        for name, matrix in (("forward", self._matrix), ("backward", self._transpose)):
            starts, columns, weights = _arrays(matrix)
            arrays |= {f"{name}_starts": starts, f"{name}_columns": columns, f"{name}_weights": weights}
        return Stored(arrays, restored_sparse, "sparse")

    @property
    def matrix(self) -> Csr:
        """The matrix from colours to the pixels `pixels`."""
        return self._matrix

    @property
    def coverage(self) -> Image:
        """The opacity (h, w, 1)."""
        return self._coverage

    @property
    def nbytes(self) -> int:
        """Memory of both matrices and the coverage, in bytes."""
        index = self.pixels.nbytes + self.seen.nbytes
        return self._matrix.nbytes + self._transpose.nbytes + index + self._coverage.nbytes

    def apply(self, colours: Colours) -> Image:
        """A c, (h, w, c)."""
        image = colours.new_zeros(self.size.height * self.size.width, colours.shape[1])
        if colours.device.type == "cpu":
            _gather(*_arrays(self._matrix), self.pixels, _numpy(colours), image.numpy())
        else:
            image[self._on(colours).pixels] = self._on(colours).forward @ colours
        return Image(image.view(*self.size, -1))

    def adjoint(self, image: Image) -> Colours:
        """Aᵀ g, (n, c)."""
        flat = image.reshape(-1, image.shape[-1])
        colours = image.new_zeros(self.num_colours, flat.shape[1])
        if image.device.type == "cpu":
            _gather(*_arrays(self._transpose), self.seen, _numpy(flat), colours.numpy())
        else:
            colours[self._on(flat).seen] = self._on(flat).backward @ flat
        return colours

    def _on(self, like: torch.Tensor) -> _TorchView:
        key = (like.device, like.dtype)
        if key not in self._torch:
            self._torch[key] = _TorchView(self, like)
        return self._torch[key]


def restored_sparse(arrays: Mapping[str, Array]) -> SparseView:
    """The view of the arrays that `SparseView.arrays` gives."""
    view = SparseView.__new__(SparseView)
    height, width, view.num_colours = map(int, arrays["shape"])
    view.size = ImageSize(height, width)
    view.pixels, view.seen = arrays["pixels"], arrays["seen"]
    view._matrix, view._transpose = (
        Csr(*(arrays[f"{name}_{part}"] for part in ("starts", "columns", "weights")))
        for name in ("forward", "backward")
    )
    view._coverage = Image(torch.from_numpy(arrays["coverage"]))
    view._torch = {}
    return view


class _TorchView:
    """The same matrices as torch sparse tensors on another device."""

    def __init__(self, view: SparseView, like: torch.Tensor) -> None:
        pixels = view.size.height * view.size.width
        self.forward = _torch_csr(view._matrix, (len(view.pixels), view.num_colours), like)
        self.backward = _torch_csr(view._transpose, (len(view.seen), pixels), like)
        self.pixels = torch.from_numpy(view.pixels).to(like.device, torch.int64)
        self.seen = torch.from_numpy(view.seen).to(like.device, torch.int64)


def _torch_csr(matrix: Csr, shape: tuple[int, int], like: torch.Tensor) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns once per process that CSR tensors are in beta
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.starts.astype(np.int32)),
            torch.from_numpy(matrix.columns.view(np.int32)),
            torch.from_numpy(matrix.weights).to(like.dtype),
            shape,
            device=like.device,
            check_invariants=False,
        )


def _numpy(tensor: torch.Tensor) -> Array:
    return np.ascontiguousarray(tensor.detach().numpy())


def _arrays(matrix: Csr) -> tuple[Array, Array, Array]:
    return matrix.starts, matrix.columns, matrix.weights


def _seen(columns: Array, num_colours: int) -> tuple[Array, Array]:
    """The colours that occur, in increasing order, and the columns renumbered accordingly."""
    occurs = np.zeros(num_colours, bool)
    occurs[columns] = True
    seen = np.flatnonzero(occurs).astype(np.int32)
    rank = np.zeros(num_colours, np.int32)
    rank[seen] = np.arange(len(seen), dtype=np.int32)
    return seen, rank[columns]


def _transposed(matrix: Csr, pixels: Array, num_columns: int) -> Csr:
    """The transpose of a matrix whose row i is the pixel `pixels[i]`."""
    starts = np.zeros(num_columns + 1, np.int64)
    np.cumsum(np.bincount(matrix.columns, minlength=num_columns), out=starts[1:])
    columns = np.empty(len(matrix.columns), np.uint32)
    weights = np.empty_like(matrix.weights)
    _scatter_transpose(*_arrays(matrix), pixels, starts[:-1].copy(), columns, weights)
    return Csr(starts, columns, weights)


@kernel()
def _scatter_transpose(starts, columns, weights, pixels, cursor, out_columns, out_weights):  # type: ignore[no-untyped-def]
    for row in range(len(starts) - 1):
        for entry in range(starts[row], starts[row + 1]):
            place = cursor[columns[entry]]
            cursor[columns[entry]] = place + 1
            out_columns[place] = pixels[row]
            out_weights[place] = weights[entry]


@kernel(parallel=True)
def _gather(starts, columns, weights, rows, table, out):  # type: ignore[no-untyped-def]
    """out[rows[i]] = Σ weights · table[columns]: one kernel for A and Aᵀ. Sums are in double precision."""
    for i in numba.prange(len(starts) - 1):
        row = rows[i]
        for c in range(0, table.shape[1] - 2, 3):
            a = b = d = 0.0
            for entry in range(starts[i], starts[i + 1]):
                source, weight = columns[entry], weights[entry]
                a += weight * table[source, c]
                b += weight * table[source, c + 1]
                d += weight * table[source, c + 2]
            out[row, c], out[row, c + 1], out[row, c + 2] = a, b, d
        for c in range(table.shape[1] - table.shape[1] % 3, table.shape[1]):
            a = 0.0
            for entry in range(starts[i], starts[i + 1]):
                a += weights[entry] * table[columns[entry], c]
            out[row, c] = a
