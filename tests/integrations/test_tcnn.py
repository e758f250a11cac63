"""A nerfacto of tiny-cuda-nn's modules: opened, painted and written back.

Where that package is, with it; everywhere with a stand-in, which shows that weights go where its order says, but not
that the package's order is this one. That is checked where it is used; here stand-ins with other orders are refused.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
import trained_nerf
from tcnn_runs import opened, random_run, shaken
from trained_nerf import SAMPLES, SIZE, frames, painted

from nst3d.errors import InputError
from nst3d.formats.nerfstudio.run import load_run, save_run

reason = "nerfstudio is not installed: pip install 'nst3d[nerfstudio]'"
pytest.importorskip("nerfstudio", reason=reason)
pytestmark = pytest.mark.filterwarnings("ignore")  # nerfstudio's own and those of what it imports

HALF = 2e-2
"""Of colours: what weights and sums of 11 bits make of a head of three layers."""


@pytest.fixture(params=["stand-in", "tinycudann"])
def device(request, monkeypatch) -> torch.device:
    """Where tiny-cuda-nn works."""
    import tcnn_stand_in

    from nst3d.integrations.nerfstudio.model.tcnn import lacks

    if request.param == "stand-in":
        tcnn_stand_in.install(monkeypatch)
        return torch.device("cpu")
    cuda = torch.device("cuda")
    if lacks(cuda):
        pytest.skip(f"tiny-cuda-nn, {lacks(cuda)}")
    return cuda


@pytest.fixture
def stand_in(monkeypatch) -> Iterator[object]:
    import tcnn_stand_in

    tcnn_stand_in.install(monkeypatch)
    return tcnn_stand_in


@pytest.mark.parametrize("appearance", [8, 1], ids=["padded", "not padded"])
@pytest.mark.parametrize("wide", [True, False], ids=["native", "head"])
def test_what_is_learnt_is_written_and_the_density_stays(made, tmp_path, device, wide, appearance) -> None:
    from nst3d.integrations.nerfstudio.model.colour_net import ColourNet, Looking

    nerf = opened(random_run(made, tmp_path, appearance_embed_dim=appearance).run, device)
    seen = nerf.samples(made.views[0])
    along = seen.directions[seen.pixels]
    for keep in (1.0, 0.4):
        net = ColourNet(nerf, Looking(nerf.encoded(along).mean(0), keep), wide)
        geometry = net.geometry(seen.places)
        start = net.colours(seen.places, geometry, net.encoded(along)).detach()
        if keep == 1:
            assert float((start - nerf.colours(seen.places, along)).abs().max()) < HALF
        shaken(net)
        shown = net.colours(seen.places, geometry, net.encoded(along)).detach()
        assert float((shown - start).abs().mean()) > 0.02
        folder = tmp_path / str(keep)
        again = opened(save_run(folder, nerf.run, net.state(), net.edits())[0], device)
        found = again.samples(made.views[0])
        if device.type == "cpu":  # whose sums are exact
            assert torch.equal(found.weights, seen.weights)
            assert torch.equal(found.places, seen.places)
        density = again.base(seen.places)[:, 0]
        torch.testing.assert_close(density, nerf.base(seen.places)[:, 0], rtol=0.01, atol=0.01)
        assert float((again.colours(seen.places, along) - shown).abs().max()) < HALF
    assert float(shown.std(dim=0).mean()) > 0.02


def test_the_head_alone_keeps_the_model_as_large_as_it_was(made, tmp_path, device) -> None:
    from nst3d.integrations.nerfstudio.model.colour_net import ColourNet, Looking

    nerf = opened(random_run(made, tmp_path).run, device)
    net = ColourNet(nerf, Looking(torch.zeros(16), 1.0), wide=False)
    shaken(net)
    after, before = net.state(), nerf.run.state
    assert {k for k in after if not torch.equal(after[k], before[k])} == {
        "field.mlp_head.tcnn_encoding.params"
    }
    assert net.edits() == {}


@pytest.mark.parametrize("appearance", [8, 1], ids=["padded", "not padded"])
def test_a_fixed_direction_is_the_same_from_everywhere(made, tmp_path, device, appearance) -> None:
    from nst3d.integrations.nerfstudio.model.colour_net import ColourNet, Looking

    nerf = opened(random_run(made, tmp_path, appearance_embed_dim=appearance).run, device)
    generator = torch.Generator().manual_seed(2)
    places = torch.rand(50, 3, generator=generator).to(device)
    along = torch.nn.functional.normalize(torch.randn(50, 3, generator=generator), dim=1).to(device)
    mean = nerf.encoded(along).mean(0)
    net = ColourNet(nerf, Looking(mean, 0.0))
    assert not net.directional
    again = opened(save_run(tmp_path / "fixed", nerf.run, net.state(), net.edits())[0], device)
    shown = again.colours(places, along)
    assert torch.equal(shown, again.colours(places, along.flip(0)))
    assert not torch.equal(nerf.colours(places, along), nerf.colours(places, along.flip(0)))
    assert float((shown - net.colours(places, net.geometry(places), None)).abs().max()) < HALF


def test_a_baked_paint_is_written_back(made, tmp_path, device) -> None:
    from nst3d.integrations.nerfstudio.baked.bake import BakeOptions, bake_nerf
    from nst3d.integrations.nerfstudio.baked.distil import DistilOptions, PaintedRun

    nerf = opened(random_run(made, tmp_path).run, device)
    views = [view.scaled(0.5) for view in made.views]
    baked = bake_nerf(nerf, views, BakeOptions(nodes=100_000), lambda *count: None)
    writer = PaintedRun(baked, lambda *count: None, DistilOptions(steps=60, rays=256))
    wanted = np.clip(baked.colours[:, ::-1], 0, 1)
    again = opened(writer(tmp_path / "baked", wanted, 0.0)[0], device)
    assert writer.psnr > 20
    for view in views:
        goal = baked.renderer.draw(view, wanted).colour
        before, after = (np.abs(n.draw(view).colour - goal).mean() for n in (nerf, again))
        assert after < before / 3


def test_nothing_is_made_of_nothing(made, tmp_path, device) -> None:
    nerf = opened(random_run(made, tmp_path).run, device)
    none = torch.zeros(0, 3, device=device)
    assert nerf.colours(none, none).shape == (0, 3)
    assert nerf.base(none).shape == (0, 16)


def test_ns_render_shows_what_we_painted_and_the_same_geometry(made, tmp_path, stand_in, monkeypatch) -> None:
    run = random_run(made, tmp_path)
    monkeypatch.setattr(trained_nerf, "DRIVER", SAMPLES / "tcnn_driver.py")
    before = frames(run, run.run, "before")
    for way in ("native", "head"):
        config = painted(run, way, "--allow-outside")  # its capture belongs to another run's folder
        nerf = opened(config, torch.device("cpu"))
        for view, was, now in zip(run.views, before, frames(run, config, f"after {way}")):
            assert np.abs(now[:, : SIZE.width] - np.clip(nerf.draw(view).colour, 0, 1)).max() <= 2 / 255
            assert np.abs(now[:, : SIZE.width] - was[:, : SIZE.width]).mean() > 0.01
            assert np.array_equal(now[:, SIZE.width :], was[:, SIZE.width :])


def _columns_first(stand_in, patch) -> None:
    """The same matrices, column after column."""
    real = stand_in._network

    def turned(config, outputs, x, weights):
        parts, first = [], 0
        for rows, columns in _shapes(config, stand_in.up(outputs), x.shape[1]):
            parts.append(weights[first : first + rows * columns].view(columns, rows).T.flatten())
            first += rows * columns
        return real(config, outputs, x, torch.cat(parts))

    patch.setattr(stand_in, "_network", turned)


def _shapes(config, outputs, inputs) -> list[tuple[int, int]]:
    width = config["n_neurons"]
    hidden = [(width, width)] * (config["n_hidden_layers"] - 1)
    return [(width, inputs), *hidden, (outputs, width)]


def _other_hash(stand_in, patch) -> None:
    """Fine levels hashed in another way."""
    real = stand_in._grid

    def moved(config, levels, x, weights):
        return real(
            config, [(s, r, n) if r**3 <= n else (s, r + 1, n // 2) for s, r, n in levels], x, weights
        )

    patch.setattr(stand_in, "_grid", moved)


def _padded_with_zeros(stand_in, patch) -> None:
    real = stand_in.Network.of

    def bare(self, x, weights):
        matrix = weights[: self.config["n_neurons"] * stand_in.up(self.n_input_dims)].clone()
        matrix.view(self.config["n_neurons"], -1)[:, self.n_input_dims :] = 0
        return real(self, x, torch.cat([matrix, weights[len(matrix) :]]))

    patch.setattr(stand_in.Network, "of", bare)


def _more_padding(stand_in, patch) -> None:
    patch.setattr(stand_in, "PADDED", 48)


@pytest.mark.parametrize("change", [_columns_first, _other_hash, _padded_with_zeros, _more_padding])
def test_another_order_of_weights_is_refused(made, tmp_path, stand_in, monkeypatch, change) -> None:
    from nst3d.integrations.nerfstudio.model.colour_net import ColourNet, Looking

    change(stand_in, monkeypatch)
    nerf = opened(random_run(made, tmp_path).run, torch.device("cpu"))
    assert nerf.draw(made.views[0]).colour.std() > 0  # which needs no order
    with pytest.raises(InputError, match=r"tinycudann .* in an unknown order"):
        ColourNet(nerf, Looking(torch.zeros(16), 1.0))


def test_probing_leaves_the_weights_as_they_were(made, tmp_path, device) -> None:
    from nst3d.integrations.nerfstudio.model.colour_net import colour_layout

    nerf = opened(random_run(made, tmp_path).run, device)
    before = {k: v.clone() for k, v in nerf.field.state_dict().items()}
    colour_layout(nerf)
    assert all(torch.equal(v, before[k]) for k, v in nerf.field.state_dict().items())


def test_a_stack_of_matrices_by_hand() -> None:
    from nst3d.integrations.nerfstudio.model.tcnn_layout import Stack

    stack = Stack(inputs=3, width=2, hidden=2, outputs=1).fitted(8 + 4 + 8)
    assert (stack.multiple, stack.shapes) == (4, [(2, 4), (2, 2), (4, 2)])
    first, second, third = stack.matrices(torch.arange(30.0))
    assert first.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert second.tolist() == [[8, 9], [10, 11]]
    assert third[0].tolist() == [12, 13]


def test_nerfstudios_trainer_builds_the_modules_of_the_run(made, tmp_path, stand_in) -> None:
    from nst3d.integrations.nerfstudio.trainer.trainer import PaintedModelConfig, _adopt

    for path, wanted in ((made.run, "torch"), (random_run(made, tmp_path).run, "tcnn")):
        model = PaintedModelConfig()
        _adopt(model, load_run(path))
        assert model.implementation == wanted


def test_more_features_than_the_package_has_are_refused(made, tmp_path, stand_in) -> None:
    from nst3d.integrations.nerfstudio.model.colour_net import ColourNet, Looking

    nerf = opened(random_run(made, tmp_path, features_per_level=8).run, torch.device("cpu"))
    with pytest.raises(InputError, match="give `nerf='head'`"):
        ColourNet(nerf, Looking(torch.zeros(16)))
    ColourNet(nerf, Looking(torch.zeros(16)), wide=False)


@pytest.mark.parametrize(
    ("cuda", "package", "device", "message"),
    [
        (False, False, "cpu", "needs CUDA, but PyTorch finds none"),
        (True, False, "cuda", "the package tinycudann is not installed"),
        (True, True, "cpu", "give `device='cuda'`"),
    ],
)
def test_what_is_missing_is_said(made, tmp_path, monkeypatch, cuda, package, device, message) -> None:
    run = load_run(made.run)
    state = dict(run.state) | {"field.mlp_base.model.params": torch.zeros(9)}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(sys.modules["nerfstudio.utils.external"], "TCNN_EXISTS", package)
    from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto

    with pytest.raises(InputError, match=f"{message}.*--pipeline.model.implementation torch") as caught:
        Nerfacto(replace(run, state=state), torch.device(device))
    assert "\n" not in str(caught.value)
