"""A nerfacto that nerfstudio trained, painted natively, written back, and rendered by ns-render."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from trained_nerf import SIZE, frames, painted

from nst3d.formats.nerfstudio.run import load_run, save_run

reason = "nerfstudio is not installed: pip install 'nst3d[nerfstudio]'"
pytest.importorskip("nerfstudio", reason=reason)
pytestmark = pytest.mark.filterwarnings("ignore")  # nerfstudio's own and those of what it imports


def test_ns_render_shows_what_we_painted_and_the_same_geometry(made) -> None:
    from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto

    config = painted(made, "native")
    before, after = frames(made, made.run, "before", old=True), frames(made, config, "after")
    nerf = Nerfacto(load_run(config))
    for view, was, now in zip(made.views, before, after):
        ours = np.clip(nerf.draw(view).colour, 0, 1)
        width = SIZE.width
        assert np.abs(now[:, :width] - ours).max() <= 2 / 255
        assert np.abs(now[:, :width] - was[:, :width]).mean() > 0.02
        assert np.array_equal(now[:, width:], was[:, width:])


def test_the_head_alone_keeps_the_model_as_large_as_it_was(made) -> None:
    before, after = load_run(made.run), load_run(painted(made, "head"))
    changed = {k for k, v in after.state.items() if not torch.equal(v, before.state[k])}
    assert changed
    assert all(k.startswith("field.mlp_head.") for k in changed)
    assert after.config["pipeline"]["model"] == before.config["pipeline"]["model"]


def test_the_net_starts_as_the_nerf_and_density_stays_to_the_bit(made, tmp_path) -> None:
    from nst3d.integrations.nerfstudio.model.colour_net import ColourNet, Looking
    from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto

    run = load_run(made.run)
    nerf = Nerfacto(run)
    seen = nerf.samples(made.views[0])
    along = seen.directions[seen.pixels]
    net = ColourNet(nerf, Looking(torch.zeros(16), keep=1.0))
    geometry = net.geometry(seen.places)
    start = net.colours(seen.places, geometry, net.encoded(along))
    torch.testing.assert_close(start, nerf.colours(seen.places, along), rtol=0, atol=1e-5)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0))
    again = Nerfacto(load_run(save_run(tmp_path, run, net.state(), net.edits())[0]))
    found = again.samples(made.views[0])
    assert torch.equal(found.weights, seen.weights)
    assert torch.equal(found.places, seen.places)
    shown = net.colours(seen.places, geometry, net.encoded(along))
    assert float((shown - start).detach().abs().mean()) > 0.02
    torch.testing.assert_close(again.colours(seen.places, along), shown, rtol=0, atol=1e-5)


def test_a_fixed_direction_is_the_same_from_everywhere(made) -> None:
    from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto

    places = torch.rand(50, 3, generator=torch.Generator().manual_seed(1))
    along = torch.nn.functional.normalize(
        torch.randn(2, 3, generator=torch.Generator().manual_seed(2)), dim=1
    )
    for keep, equal in (("0", True), ("1", False)):
        nerf = Nerfacto(load_run(painted(made, "native", "--keep-specular", keep)))
        one, other = (nerf.colours(places, d.expand(50, 3)) for d in along)
        assert torch.equal(one, other) == equal
