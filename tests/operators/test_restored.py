"""Views that another process stored: the same to the bit, or refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from random_views import random_view, shading
from small_fields import camera, noisy_field

from nst3d.operators import Offset, Shaded, ViewOperator
from nst3d.operators.restored import restored
from nst3d.renderers.voxels import VoxelOptions, VoxelRenderer
from nst3d.tensors import Image


def samples_view() -> ViewOperator:
    return VoxelRenderer(noisy_field(), VoxelOptions(stored_bytes=0)).compile(camera())


def pictures(view: ViewOperator) -> list[torch.Tensor]:
    colours = torch.rand(view.num_colours, 4, generator=torch.Generator().manual_seed(0))
    image = Image(torch.rand(*view.size, 4, generator=torch.Generator().manual_seed(1)))
    return [view.apply(colours), view.adjoint(image), view.coverage, view.render(colours[:, :3], 0.5)]


@pytest.mark.parametrize("kind", ["sparse", "samples", "shaded", "offset", "both"])
def test_a_view_comes_back_from_its_arrays_alone(kind) -> None:
    view: ViewOperator = samples_view() if kind == "samples" else random_view()
    if kind in ("shaded", "both"):
        view = Shaded(view, shading())
    if kind in ("offset", "both"):
        view = Offset(view, Image(shading(2).expand(-1, -1, 3).clone()))
    stored = view.arrays()
    assert stored is not None
    assert stored.form is not None
    copies = {name: np.array(array) for name, array in stored.arrays.items()}
    for mine, theirs in zip(pictures(view), pictures(restored(stored.form, copies))):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("forward_columns", lambda a: a + 1000),
        ("backward_columns", lambda a: a.astype(np.int64)),
        ("forward_starts", lambda a: a[::-1].copy()),
        ("forward_weights", lambda a: a[:-1]),
        ("pixels", lambda a: a - 50),
        ("seen", lambda a: a + 50),
        ("coverage", lambda a: a[1:]),
        ("shape", lambda a: a[:2]),
    ],
)
def test_arrays_that_would_lead_a_kernel_astray_are_refused(name, change) -> None:
    stored = random_view().arrays()
    assert stored is not None
    with pytest.raises(ValueError, match="not a stored view"):
        restored("sparse", {**stored.arrays, name: change(stored.arrays[name])})


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("cells", lambda a: a + 1000),
        ("corners", lambda a: a + 1000),
        ("corners", lambda a: a[:, :7]),
        ("starts", lambda a: a + 1),
        ("places", lambda a: a[:, :2]),
        ("weights", lambda a: a[1:]),
    ],
)
def test_samples_that_would_lead_a_kernel_astray_are_refused(name, change) -> None:
    stored = samples_view().arrays()
    assert stored is not None
    assert stored.form == "samples"
    with pytest.raises(ValueError, match="not a stored view"):
        restored("samples", {**stored.arrays, name: change(stored.arrays[name])})


def test_unknown_forms_and_missing_arrays_are_refused() -> None:
    stored = random_view().arrays()
    assert stored is not None
    arrays = stored.arrays
    for form in ("", "pickle", "shading.sparse", "sparse.sparse"):
        with pytest.raises(ValueError, match="not a stored view"):
            restored(form, arrays)
    with pytest.raises(ValueError, match="not a stored view"):
        restored("sparse", {name: array for name, array in arrays.items() if name != "seen"})
