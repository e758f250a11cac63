"""Splatfacto's splats: what they mean, what painting keeps, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from nerfstudio_samples import splat_state, write_checkpoint, write_run

from nst3d.errors import InputError
from nst3d.formats.nerfstudio.run import load_run
from nst3d.formats.splats.registry import load_splats, run_of, save_splats, suffix_of
from nst3d.renderers.splats import SplatRenderer
from nst3d.representations.harmonics import C0

DC, REST = "gauss_params.features_dc", "gauss_params.features_rest"


def new_colours(count: int = 40) -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 1, (count, 3)).astype(np.float32)


def test_what_tensors_mean(tmp_path: Path) -> None:
    state = splat_state()
    splats = load_splats(write_run(tmp_path, state))
    raw = {name.removeprefix("gauss_params."): t.numpy() for name, t in state.items()}
    assert np.array_equal(splats.positions, raw["means"])
    assert np.allclose(splats.scales, np.exp(raw["scales"]))
    assert np.allclose(splats.opacities, 1 / (1 + np.exp(-raw["opacities"][:, 0])))
    assert np.allclose(splats.rotations, raw["quats"] / np.linalg.norm(raw["quats"], axis=1, keepdims=True))
    assert np.allclose(splats.colours, 0.5 + C0 * raw["features_dc"])
    assert np.array_equal(splats.harmonics[:, 1:], raw["features_rest"])
    assert splats.up.tolist() == [0, 0, 1]
    assert run_of(splats).step == 29


def test_all_but_the_colours_is_written_back_bit_for_bit(tmp_path: Path) -> None:
    config = write_run(tmp_path / "a", splat_state())
    splats = load_splats(config)
    colours = new_colours()
    colours[:10] = splats.colours[:10]
    paths = save_splats(tmp_path / "b" / f"painted{suffix_of(splats)}", splats, colours)
    assert [p.name for p in paths] == [
        "config.yml",
        "dataparser_transforms.json",
        "step-000000029.ckpt",
        "painted.ply",
    ]
    before, after = load_run(config).state, load_run(paths[0]).state
    assert list(before) == list(after)
    assert [name for name in before if not torch.equal(before[name], after[name])] == [DC, REST]
    assert torch.equal(before[DC][:10], after[DC][:10])
    assert not after[REST].any()
    for path in (paths[0], paths[-1]):
        assert np.allclose(load_splats(path).colours, colours, atol=1e-6)


@pytest.mark.parametrize(("specular", "factor"), [(1.0, 1), (0.5, 0.5)])
def test_view_dependence_is_kept_in_part(tmp_path, specular, factor) -> None:
    config = write_run(tmp_path / "a", splat_state())
    splats = load_splats(config)
    paths = save_splats(tmp_path / "b", splats, splats.colours, specular)
    before, after = load_run(config).state, load_run(paths[0]).state
    assert torch.equal(after[DC], before[DC])
    assert torch.equal(after[REST], before[REST] * factor)


def test_without_harmonics_colours_are_sigmoids(tmp_path: Path) -> None:
    state = splat_state(degree=0)
    config = write_run(tmp_path / "a", state, degree=0)
    splats = load_splats(config)
    assert np.allclose(splats.colours, torch.sigmoid(state[DC]).numpy(), atol=1e-6)
    colours = new_colours()
    colours[0], colours[1] = (0, 1, 1.3), splats.colours[1]
    paths = save_splats(tmp_path / "b", splats, colours)
    after = load_run(paths[0]).state
    assert after[REST].shape == (40, 0, 3)
    assert torch.allclose(torch.sigmoid(after[DC]), torch.from_numpy(colours).clamp(0, 1), atol=2e-6)
    assert torch.equal(after[DC][1], state[DC][1])
    assert np.allclose(load_splats(paths[-1]).colours[2:], colours[2:], atol=1e-6)


def test_a_checkpoint_alone(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "step-000000029.ckpt", splat_state())
    splats = load_splats(path)
    paths = save_splats(tmp_path / "b" / "painted.ckpt", splats, new_colours())
    assert paths[0] == tmp_path / "b" / "nerfstudio_models" / "step-000000029.ckpt"
    assert np.allclose(load_splats(paths[0]).colours, new_colours(), atol=1e-6)


def test_names_of_older_versions(tmp_path: Path) -> None:
    splats = load_splats(write_run(tmp_path / "a", splat_state(prefix="")))
    paths = save_splats(tmp_path / "b", splats, new_colours())
    assert "means" in load_run(paths[0]).state
    assert np.allclose(load_splats(paths[0]).colours, new_colours(), atol=1e-6)


def test_broken_splats_stay_as_they_are(tmp_path: Path) -> None:
    state = splat_state()
    state["gauss_params.means"][3] = torch.nan
    config = write_run(tmp_path / "a", state)
    splats = load_splats(config)
    assert splats.opacities[3] == 0
    after = load_run(save_splats(tmp_path / "b", splats, new_colours())[0]).state
    assert torch.equal(after[DC][3], state[DC][3])
    assert torch.equal(after[REST][3], state[REST][3])
    assert after["gauss_params.means"][3].isnan().all()


def test_half_precision_stays(tmp_path: Path) -> None:
    state = splat_state()
    state[DC] = state[DC].half()
    after = load_run(
        save_splats(tmp_path / "b", load_splats(write_run(tmp_path / "a", state)), new_colours())[0]
    ).state
    assert after[DC].dtype == torch.float16


def test_splats_trained_antialiased_are_drawn_so(tmp_path: Path) -> None:
    config = write_run(tmp_path, splat_state())
    assert not SplatRenderer(load_splats(config)).options.antialiased
    config.write_text(config.read_text().replace("rasterize_mode: classic", "rasterize_mode: antialiased"))
    assert SplatRenderer(load_splats(config)).options.antialiased


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"gauss_params.quats": None, "gauss_params.scales": None},
            r"lacks gauss_params\.quats, gauss_params\.scales",
        ),
        ({"field.aabb": torch.ones(2, 3)}, r"has field\.aabb, which nerfstudio's splatfacto does not"),
        ({DC: torch.ones(39, 3)}, r"features_dc in its checkpoint is \(39, 3\) float32, expected \(40, 3\)"),
        ({REST: torch.ones(40, 7, 3)}, r"features_rest in its checkpoint is \(40, 7, 3\)"),
        ({DC: torch.ones(40, 3, dtype=torch.int32)}, "int32"),
        ({REST: torch.ones(40, 3, 3)}, "states sh_degree 2, but its checkpoint has harmonics of degree 1"),
        ({"gauss_params.means": torch.tensor(3.0)}, "means in its checkpoint is"),
    ],
)
def test_checkpoints_that_do_not_fit(tmp_path, change, message) -> None:
    state = splat_state() | change
    config = write_run(tmp_path, {name: t for name, t in state.items() if t is not None})
    with pytest.raises(InputError, match=message) as error:
        load_splats(config)
    assert "\n" not in str(error.value)


def test_a_nerf_has_no_splats(tmp_path: Path) -> None:
    config = write_run(tmp_path, {"field.aabb": torch.ones(2, 3)}, method="nerfacto")
    with pytest.raises(InputError, match="a run of nerfacto, which has no splats"):
        load_splats(config)


def test_view_dependence_fades_in_some_splats(tmp_path) -> None:
    config = write_run(tmp_path / "a", splat_state())
    splats = load_splats(config)
    share = np.resize(np.array([1, 0.5], np.float32), len(splats))
    paths = save_splats(tmp_path / "b", splats, splats.colours, share)
    before, after = load_run(config).state, load_run(paths[0]).state
    assert torch.equal(after[REST], before[REST] * torch.from_numpy(share)[:, None, None])
