"""Views of some rows of a table alone, which make sums over the table as short as they can be."""

from __future__ import annotations

import numpy as np

from nst3d.operators.base import ViewOperator
from nst3d.operators.composite import Offset
from nst3d.operators.sparse import Csr, SparseView
from nst3d.tensors import Colours, Image, Mask


def of_rows(view: ViewOperator, rows: Mask) -> ViewOperator:
    """A view of the rows (n,) bool of a table, the others 0; exact in pixels that see no other rows.

    Its table has as many rows as are true. Elsewhere than in such pixels the opacity may be less than the view's.
    """
    if isinstance(view, Offset):
        return Offset(of_rows(view.view, rows), view.constant)
    return _narrowed(view, rows) if isinstance(view, SparseView) else Rows(view, rows)


class Rows(ViewOperator):
    """Any view of some rows, by tables that are 0 elsewhere."""

    def __init__(self, view: ViewOperator, rows: Mask) -> None:
        """`rows` (n,) bool; all that the view is to be fitted in."""
        self._view, self._rows = view, rows
        self.size, self.num_colours = view.size, int(rows.sum())

    def apply(self, colours: Colours) -> Image:
        """A c of the table that has these colours in its rows."""
        table = colours.new_zeros(len(self._rows), colours.shape[1])
        table[self._rows] = colours
        return self._view.apply(table)

    def adjoint(self, image: Image) -> Colours:
        """The rows of Aᵀ g."""
        return self._view.adjoint(image)[self._rows]

    @property
    def coverage(self) -> Image:
        """The view's opacity."""
        return self._view.coverage

    @property
    def nbytes(self) -> int:
        """The view's memory, in bytes."""
        return self._view.nbytes


def _narrowed(view: SparseView, rows: Mask) -> SparseView:
    """The view without the entries of other rows, its columns renumbered."""
    mask = rows.cpu().numpy()
    matrix = view.matrix
    kept = mask[matrix.columns]
    ends = np.concatenate([[0], np.cumsum(kept)])
    number = np.cumsum(mask) - 1
    columns = number[matrix.columns[kept]].astype(np.int32)
    return SparseView(
        view.size, int(mask.sum()), view.pixels, Csr(ends[matrix.starts], columns, matrix.weights[kept])
    )
