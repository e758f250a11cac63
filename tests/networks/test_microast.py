"""MicroAST on its real weights, on random ones of the same form, and on damaged files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from microast_samples import picture, write_random

from nst3d.errors import InputError
from nst3d.images.io import read_image
from nst3d.networks.microast import MicroAST, Signal, load_microast, mixed
from nst3d.networks.transport import Statistics, pooled_statistics


@pytest.fixture
def weights(data_dir) -> Path:
    folder = data_dir / "weights" / "microast"
    if not folder.is_dir():
        pytest.skip(f"no weights in {folder}")
    return folder


@pytest.fixture
def network(tmp_path) -> MicroAST:
    return load_microast(path=write_random(tmp_path))


def painted(network: MicroAST, image: torch.Tensor, signal: Signal, strength: float = 1.0) -> torch.Tensor:
    return network.paint(image, network.moves([(image, None)], signal, strength))


def test_real_weights_have_the_published_shapes(weights) -> None:
    network = load_microast(path=weights)
    shallow, deep = network.encode(picture(37, 51))
    assert shallow.shape == deep.shape == (64, 10, 13)
    signal = network.signal([(picture(32, 32), None)])
    assert [f.shape for f in signal.filters] == [(2, 64), (2, 64)]
    for size in ((37, 51), (64, 40), (5, 90)):
        assert painted(network, picture(*size), signal).shape == (3, *size)


def test_real_weights_paint_the_style_and_keep_the_content(weights, data_dir) -> None:
    def read(name: str) -> torch.Tensor:
        return torch.from_numpy(read_image(data_dir / name, max_pixels=40_000).pixels).permute(2, 0, 1)

    network = load_microast(path=weights)
    content, style = read("content/chelsea.png"), read("styles/great_wave_hokusai_1831.jpg")
    signal = network.signal([(style, None)])
    kept = painted(network, content, signal, 0).clamp(0, 1)
    assert -10 * torch.log10((kept - content).square().mean()) > 23  # measured: 26
    whole = painted(network, content, signal).clamp(0, 1)
    half = painted(network, content, signal, 0.5).clamp(0, 1)

    def away(image: torch.Tensor) -> float:
        return float((image.mean((1, 2)) - style.mean((1, 2))).norm())

    assert away(whole) < away(half) < away(kept)


def test_the_features_of_all_views_together_get_the_styles_moments(network) -> None:
    signal = network.signal([(picture(40, 40, 7).square(), None)])
    moved: dict[str, list[torch.Tensor]] = {"deep": [], "shallow": []}
    for name, block in (("deep", network.decoder.deep), ("shallow", network.decoder.shallow)):
        block.register_forward_pre_hook(lambda _, given, name=name: moved[name].append(given[0][0]))
    mask = (torch.arange(32) < 20).float().expand(32, 32)
    views = [(picture(32, 32, 1), mask), (picture(48, 24, 2) * 0.5, None)]
    moves = network.moves(views, signal)
    for held in moved.values():
        held.clear()
    for view, _ in views:
        network.paint(view, moves)
    for name, wanted in zip(("shallow", "deep"), signal.statistics):
        found = pooled_statistics(zip(moved[name], [mask, None]))
        torch.testing.assert_close(found.mean, wanted.mean, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(spread(found), spread(wanted), rtol=1e-4, atol=1e-4)


def spread(statistics: Statistics) -> torch.Tensor:
    return statistics.covariance.diagonal().sqrt()


def test_what_two_views_share_is_painted_alike(network) -> None:
    scene = picture(16, 256)
    signal = network.signal([(picture(32, 32, 5), None)])
    views = scene[..., :192], scene[..., 64:]
    moves = network.moves([(view, None) for view in views], signal)
    left, right = (network.paint(view, moves) for view in views)
    torch.testing.assert_close(left[..., 120:136], right[..., 56:72], rtol=1e-4, atol=1e-4)
    alone = painted(network, views[0], signal)
    assert (alone - left)[..., 120:136].abs().max() > 1e-3


def test_what_a_style_hides_has_no_say(network) -> None:
    style = picture(16, 160)
    opacity = (torch.arange(160) < 40).float().expand(16, 160)
    other = torch.cat([style[..., :100], 1 - style[..., 100:]], 2)
    one, same = (network.signal([(image, opacity)]) for image in (style, other))
    for k in (0, 1):
        torch.testing.assert_close(one.statistics[k].mean, same.statistics[k].mean)
        torch.testing.assert_close(one.filters[k], same.filters[k])
    assert (network.signal([(other, None)]).filters[0] - one.filters[0]).abs().max() > 1e-4


def test_styles_mix_by_their_weights(network) -> None:
    one, other = (network.signal([(picture(24, 24, seed), None)]) for seed in (1, 2))
    for weights, wanted in (((2.0, 0.0), one), ((0.0, 1.0), other)):
        found = mixed([one, other], weights)
        for k in (0, 1):
            torch.testing.assert_close(found.statistics[k].covariance, wanted.statistics[k].covariance)
            torch.testing.assert_close(found.filters[k], wanted.filters[k])
    # As one picture, two thirds of which are the first style.
    pooled = network.signal([(picture(24, 24, 1), None)] * 2 + [(picture(24, 24, 2), None)])
    found = mixed([one, other], (2.0, 1.0))
    for k in (0, 1):
        torch.testing.assert_close(found.statistics[k].mean, pooled.statistics[k].mean, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(found.filters[k], pooled.filters[k], rtol=1e-4, atol=1e-5)


def test_damaged_and_other_files_are_named(tmp_path) -> None:
    write_random(tmp_path)
    decoder = tmp_path / "decoder_iter_160000.pth.tar"
    whole = decoder.read_bytes()
    decoder.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"decoder_iter_160000\.pth\.tar: cannot be read"):
        load_microast(path=tmp_path)
    decoder.write_bytes((tmp_path / "modulator_iter_160000.pth.tar").read_bytes())
    with pytest.raises(InputError, match=r"decoder_iter_160000\.pth\.tar: has no dec1\.conv1"):
        load_microast(path=tmp_path)
    write_random(tmp_path)
    tensors = torch.load(decoder, weights_only=True)
    tensors["dec3.1.conv_layer.weight"] = torch.zeros(32, 64, 3, 3)
    torch.save(tensors, decoder)
    with pytest.raises(InputError, match=r"has the shape \(32, 64, 3, 3\), expected \(32, 2, 3, 3\)"):
        load_microast(path=tmp_path)
    decoder.unlink()
    with pytest.raises(InputError, match=r"contains none of microast/decoder_iter"):
        load_microast(path=tmp_path)
