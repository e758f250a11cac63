"""Looks at a painting in time, with nerfstudio's own cameras."""

from __future__ import annotations

from typing import Any

import pytest
import torch

pytest.importorskip("nerfstudio", reason="nerfstudio is not installed: pip install 'nst3d[nerfstudio]'")
from nst3d.integrations.nerfstudio.trainer import preview
from nst3d.integrations.nerfstudio.trainer.preview import Glances

pytestmark = pytest.mark.filterwarnings("ignore")  # nerfstudio's own and those of what it imports


class Clock:
    """Time that passes only while rays are rendered."""

    def __init__(self, rays_per_s: float) -> None:
        self.now, self.rays_per_s, self.sizes = 0.0, rays_per_s, []

    def perf_counter(self) -> float:
        return self.now

    def render(self, camera: Any) -> dict[str, torch.Tensor]:
        height, width = int(camera.height), int(camera.width)
        self.sizes.append((height, width))
        self.now += height * width / self.rays_per_s
        ramp = torch.linspace(0, 1, width).expand(height, width)[..., None]
        return {"rgb": ramp.expand(-1, -1, 3), "depth": ramp}


def camera(height: int, width: int) -> Any:
    from nerfstudio.cameras.cameras import Cameras

    return Cameras(torch.eye(4)[:3][None], 50.0, 50.0, width / 2, height / 2, width, height)[0]


@pytest.mark.parametrize(("rays_per_s", "last"), [(1e3, (33, 66)), (1e6, (300, 600)), (1e-3, (1, 2))])
def test_looks_take_the_time_they_are_given(monkeypatch, rays_per_s, last) -> None:
    clock = Clock(rays_per_s)
    monkeypatch.setattr(preview, "time", clock)
    glances, wanted = Glances(2.2), camera(300, 600)
    for _ in range(3):
        seen = glances(clock.render, wanted)
        assert {name: tuple(v.shape) for name, v in seen.items()} == {
            "rgb": (300, 600, 3),
            "depth": (300, 600, 1),
        }
        assert torch.allclose(seen["rgb"].mean(), torch.tensor(0.5), atol=0.02)
    assert clock.sizes[0] == (45, 90)
    assert clock.sizes[-1] == last
    assert (int(wanted.height), int(wanted.width)) == (300, 600)
