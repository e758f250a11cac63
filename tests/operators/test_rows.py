"""Views of some rows of a table alone."""

from __future__ import annotations

import pytest
import torch
from random_views import random_view

from nst3d.operators.composite import Offset
from nst3d.operators.rows import Rows, of_rows
from nst3d.tensors import Image

ROWS = torch.arange(17) % 3 != 0


def others_at_zero(part: torch.Tensor) -> torch.Tensor:
    return torch.zeros(17, part.shape[1]).index_put((ROWS,), part)


@pytest.mark.parametrize("narrow", [of_rows, Rows])
def test_it_is_the_view_with_the_other_rows_at_zero(narrow) -> None:
    view = random_view()
    part, image = torch.rand(int(ROWS.sum()), 3), Image(torch.rand(*view.size, 3))
    some = narrow(view, ROWS)
    torch.testing.assert_close(some.apply(part), view.apply(others_at_zero(part)))
    torch.testing.assert_close(some.adjoint(image), view.adjoint(image)[ROWS])


def test_what_is_added_to_a_view_stays() -> None:
    view = random_view()
    constant = Image(torch.rand(*view.size, 3))
    some, part = of_rows(Offset(view, constant), ROWS), torch.rand(int(ROWS.sum()), 3)
    assert some.nbytes < view.nbytes + constant.nbytes
    torch.testing.assert_close(some.render(part, 0.0), view.apply(others_at_zero(part)) + constant)


def test_all_rows_are_the_view() -> None:
    view = random_view()
    everything = of_rows(view, torch.ones(17, dtype=torch.bool))
    torch.testing.assert_close(everything.coverage, view.coverage)
