from __future__ import annotations

import numpy as np
import pytest
import torch
from random_views import SIZE, random_view, shading
from small_meshes import camera_at, cube, texel_surface, vertex_surface

from nst3d.operators import (
    Cropped,
    IdentityView,
    Offset,
    Resampled,
    Shaded,
    SparseView,
    ViewOperator,
    dot_test,
)
from nst3d.operators.sparse import Csr, _TorchView
from nst3d.renderers import MeshRenderer
from nst3d.tensors import ImageSize

CASES = {
    "sparse": random_view,
    "identity": lambda: IdentityView(SIZE),
    "shaded": lambda: Shaded(random_view(), shading()),
    "offset": lambda: Offset(random_view(), shading()),
    "cropped": lambda: Cropped(random_view(), 2, 3, ImageSize(5, 7)),
    "resampled": lambda: Resampled(random_view(), 2),
    "nested": lambda: Resampled(Cropped(Shaded(random_view(), shading()), 1, 0, ImageSize(8, 11)), 3),
    "vertices": lambda: MeshRenderer(vertex_surface(cube())).compile(camera_at((1, 2, 3), 10)),
    "texels": lambda: MeshRenderer(texel_surface(cube(), ImageSize(6, 9))).compile(camera_at((1, 2, 3), 10)),
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def view(request) -> ViewOperator:
    return request.param()


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def dense(view: ViewOperator) -> torch.Tensor:
    """A itself, (pixels, colours): its columns are the images of single colours."""
    return view.apply(torch.eye(view.num_colours, dtype=torch.float64)).reshape(-1, view.num_colours)


def test_adjoint_is_the_transpose(view) -> None:
    assert max(dot_test(view, seed) for seed in range(3)) < 1e-12


def test_the_whole_matrix_and_its_transpose(view) -> None:
    pixels = view.size.height * view.size.width
    matrix = dense(view)
    transposed = view.adjoint(torch.eye(pixels, dtype=torch.float64).view(*view.size, pixels))
    torch.testing.assert_close(transposed, matrix.T, rtol=0, atol=1e-15)
    colours = random(view.num_colours, 3)
    torch.testing.assert_close(view.apply(colours).reshape(-1, 3), matrix @ colours, rtol=1e-13, atol=1e-13)


def test_superposition(view) -> None:
    a, b = random(view.num_colours, 3), random(view.num_colours, 3, seed=1)
    torch.testing.assert_close(view.apply(2 * a - 3 * b), 2 * view.apply(a) - 3 * view.apply(b))
    assert view.apply(torch.zeros_like(a)).abs().max() == 0


def test_gradcheck(view) -> None:
    colours = random(view.num_colours, 2).requires_grad_()
    background = torch.tensor([0.2, 0.7], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda c: view.render(c, background), (colours,), atol=1e-8, fast_mode=True
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6, 7])
def test_any_number_of_channels(view, channels) -> None:
    colours = random(view.num_colours, channels)
    expected = torch.cat([view.apply(colours[:, k : k + 1]) for k in range(channels)], dim=-1)
    torch.testing.assert_close(view.apply(colours), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", [k for k in CASES if k not in ("shaded", "nested")])
def test_coverage_is_what_white_gives(name) -> None:
    view = CASES[name]()
    white = view.apply(torch.ones(view.num_colours, 1))
    assert view.coverage.shape == (*view.size, 1)
    assert torch.equal(view.coverage, white)
    assert view.coverage.min() >= 0
    assert view.coverage.max() <= 1 + 1e-6


@pytest.mark.parametrize("name", [k for k in CASES if k not in ("shaded", "nested", "offset")])
def test_white_furnace(name) -> None:
    view = CASES[name]()
    image = view.render(torch.ones(view.num_colours, 3), 1.0)
    assert torch.equal(image, torch.ones(*view.size, 3))


def test_light_does_not_change_the_opacity() -> None:
    view = random_view()
    lit = Shaded(view, shading())
    assert torch.equal(lit.coverage, view.coverage)
    colours = random(view.num_colours, 3)
    torch.testing.assert_close(lit.apply(colours), view.apply(colours) * shading())


def test_highlights_lie_over_the_view_and_do_not_change_it() -> None:
    view, light = random_view(), shading()
    lit = Offset(view, light)
    colours, background = random(view.num_colours, 3), torch.rand(3)
    torch.testing.assert_close(
        lit.render(colours, background), view.render(colours, background) + light, rtol=0, atol=1e-12
    )
    assert torch.equal(lit.image(colours), view.image(colours))
    assert torch.equal(lit.coverage, view.coverage)


def test_background_by_number_colour_and_picture() -> None:
    view = random_view()
    black = torch.zeros(view.num_colours, 3)
    share = (1 - view.coverage).expand(-1, -1, 3)
    assert torch.equal(view.render(black, 0.5), share * 0.5)
    colour, picture = torch.tensor([0.1, 0.2, 0.3]), torch.rand(*SIZE, 3)
    assert torch.equal(view.render(black, colour), share * colour)
    assert torch.equal(view.render(black, picture), share * picture)


def test_identity_shows_the_picture() -> None:
    picture = random(*SIZE, 3)
    view = IdentityView(SIZE)
    assert torch.equal(view.apply(picture.reshape(-1, 3)), picture)
    assert torch.equal(view.adjoint(picture), picture.reshape(-1, 3))


def test_crop_and_resample_by_hand() -> None:
    picture = random(4, 6, 3)
    view = IdentityView(ImageSize(4, 6))
    table = picture.reshape(-1, 3)
    assert torch.equal(Cropped(view, 1, 2, ImageSize(3, 2)).apply(table), picture[1:4, 2:4])
    halved = Resampled(view, 4)
    assert halved.size == (1, 1)
    torch.testing.assert_close(halved.apply(table)[0, 0], picture[:, :4].mean((0, 1)))


def test_same_bytes_twice(view) -> None:
    colours = random(view.num_colours, 3).float()
    image = view.apply(colours)
    assert torch.equal(image, view.apply(colours))
    assert torch.equal(view.adjoint(image), view.adjoint(image))
    assert view.nbytes > 0


def test_a_view_of_nothing() -> None:
    nothing = Csr(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
    view = SparseView(SIZE, 5, np.zeros(0, np.int32), nothing)
    assert torch.equal(view.render(torch.zeros(5, 3), 0.25), torch.full((*SIZE, 3), 0.25))
    assert torch.equal(view.adjoint(torch.ones(*SIZE, 3)), torch.zeros(5, 3))


def test_strided_colours_and_images() -> None:
    view = random_view()
    colours = random(view.num_colours, 6)[:, ::2]
    assert torch.equal(view.apply(colours), view.apply(colours.contiguous()))
    image = random(3, *SIZE).permute(1, 2, 0)
    assert torch.equal(view.adjoint(image), view.adjoint(image.contiguous()))


def test_the_matrices_that_other_devices_use() -> None:
    view = random_view()
    colours, image = random(view.num_colours, 3), random(*SIZE, 3)
    there = _TorchView(view, colours)  # on the CPU, where `apply` takes numba instead
    rows = torch.from_numpy(view.pixels).long()
    torch.testing.assert_close(there.forward @ colours, view.apply(colours).reshape(-1, 3)[rows])
    back = there.backward @ image.view(-1, 3)
    torch.testing.assert_close(back, view.adjoint(image)[there.seen])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu() -> None:
    view = random_view()
    colours, image = random(view.num_colours, 3), random(*SIZE, 3)
    torch.testing.assert_close(view.apply(colours.cuda()).cpu(), view.apply(colours))
    torch.testing.assert_close(view.adjoint(image.cuda()).cpu(), view.adjoint(image))


def test_the_dot_test_finds_a_wrong_adjoint() -> None:
    class Wrong(IdentityView):
        def adjoint(self, image):
            return super().adjoint(image) * 1.001

    assert dot_test(Wrong(SIZE)) > 1e-6
