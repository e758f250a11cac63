"""Rules of attention: what they change, what they leave, and that layers are themselves again afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import torch

from nst3d.stylize.diffusion.anchors import Anchored, spread
from nst3d.stylize.diffusion.attention import Heads, Layer, Recorder, Rule, installed, layers_of, seen
from nst3d.stylize.diffusion.injection import Injecting, Injection, last_layers
from nst3d.stylize.diffusion.inversion import inverted
from nst3d.stylize.diffusion.layered_words import LayeredWords
from nst3d.stylize.diffusion.networks import Networks, load_networks

STEP = 300


@pytest.fixture(scope="module")
def networks(models: Path) -> Networks:
    return load_networks(str(models / "plain"), "option model")


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def heads(positions: int = 5, rows: int = 2, seed: int = 0) -> Heads:
    return Heads(*(random(rows, 3, positions, 4, seed=seed + k) for k in range(3)))


def shown(networks: Networks, rules: Sequence[Rule] = (), seed: int = 0) -> torch.Tensor:
    """What the U-net gives for a picture and two rows of words."""
    words = torch.cat([networks.read("wood"), networks.read("jade")])
    with installed({"unet": networks.unet}, rules), torch.no_grad():
        batch = random(1, 4, 6, 8, seed=seed).expand(2, 4, 6, 8)
        found: torch.Tensor = networks.unet(batch, STEP, encoder_hidden_states=words).sample
    return found


def recorded(networks: Networks, seed: int = 0) -> Mapping[str, Heads]:
    recorder = Recorder()
    shown(networks, [recorder], seed)
    return recorder.kept


def test_layers_know_where_they_are(networks: Networks) -> None:
    layers = layers_of({"unet": networks.unet})
    assert [(layer.name.split(".")[1], layer.depth) for layer in layers[::2]] == [
        ("down_blocks", 0.0),
        ("up_blocks", 0.0),
        ("up_blocks", 0.0),
        ("mid_block", 1.0),
    ]
    assert [layer.crossed for layer in layers] == [False, True] * 4
    assert [layer.name for layer in last_layers(layers, 1)] == [layers[4].name]
    assert len(last_layers(layers, 9)) == 2  # those of the encoder and the middle are not among them


def test_without_rules_the_network_gives_the_same_bits(networks: Networks) -> None:
    words = torch.cat([networks.read("wood"), networks.read("jade")])
    with torch.no_grad():
        batch = random(1, 4, 6, 8).expand(2, 4, 6, 8)
        bare = networks.unet(batch, STEP, encoder_hidden_states=words).sample
    assert torch.equal(shown(networks), bare)
    assert torch.equal(shown(networks, [Rule(), Recorder()]), bare)


def test_processors_are_restored_after_an_error(networks: Networks) -> None:
    before = networks.unet.attn_processors

    class Failing(Rule):
        def attended(self, layer: Layer, heads: Heads, found: torch.Tensor) -> torch.Tensor:
            assert not any(networks.unet.attn_processors[name] is old for name, old in before.items())
            raise KeyError

    with pytest.raises(KeyError):
        shown(networks, [Failing()])
    after = networks.unet.attn_processors
    assert all(after[name] is old for name, old in before.items())


def test_what_is_seen_is_the_formula() -> None:
    query, others = heads().query, [heads(7, 1, seed=5), heads(9, 2, seed=8)]
    found = seen(query, others, [1.0, 3.0], sharpness=1.5)
    wanted = torch.zeros_like(query)
    for other, share in zip(others, (0.25, 0.75)):
        likeness = 1.5 * query @ other.key.transpose(2, 3) / 4**0.5
        wanted += share * likeness.softmax(3) @ other.value
    torch.testing.assert_close(found, wanted)


def test_the_recorder_keeps_what_is_wanted(networks: Networks) -> None:
    layer = layers_of({"unet": networks.unet})[0]
    kept = Recorder(lambda each: each == layer, queries=True)
    shown(networks, [kept])
    assert list(kept.kept) == [layer.name]
    assert kept.kept[layer.name].query.shape[2] == 48
    assert kept.kept[layer.name].key.shape[2] == 0
    assert all(each.query.shape[2] == 0 and each.key.shape[0] == 2 for each in recorded(networks).values())


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_a_view_that_is_its_own_anchor_stays(networks: Networks, share: float) -> None:
    rule = Anchored(share)
    rule.kept = [recorded(networks)]
    torch.testing.assert_close(shown(networks, [rule]), shown(networks), atol=1e-5, rtol=1e-4)
    rule.kept = [recorded(networks, seed=1)]
    assert float((shown(networks, [rule]) - shown(networks)).abs().max()) > 1e-3


def test_anchors_count_alike_and_are_mixed_by_the_share() -> None:
    layer, own, found = Layer("unet.up_blocks.0.attn1", 0.0), heads(), random(2, 3, 5, 4, seed=9)
    rule = Anchored(0.25)
    assert rule.attended(layer, own, found) is found  # there are none yet
    rule.kept = [{layer.name: heads(seed=20)}, {layer.name: heads(seed=30)}]
    mean = seen(own.query, [heads(seed=20), heads(seed=30)], [1, 1])
    torch.testing.assert_close(rule.attended(layer, own, found), 0.75 * found + 0.25 * mean)
    crossed = Layer("unet.up_blocks.0.attn2", 0.0)
    assert rule.attended(crossed, own, found) is found


@pytest.mark.parametrize(
    ("count", "most", "wanted"), [(1, 4, [0]), (4, 4, [0, 1, 2, 3]), (9, 1, [4]), (10, 2, [2, 7])]
)
def test_anchors_are_spread(count: int, most: int, wanted: list[int]) -> None:
    assert spread(count, most) == wanted


def injection(networks: Networks, weights: Sequence[float] = (1.0,), **values: float) -> Injection:
    layers = last_layers(layers_of({"unet": networks.unet}), 9)
    return Injection(Injecting(**{"share": 1.0, "query": 0.0, "sharpness": 1.0, **values}), layers, weights)


def test_injecting_its_own_keys_and_values_changes_nothing(networks: Networks) -> None:
    rule = injection(networks)
    rule.styles = [recorded(networks)]
    torch.testing.assert_close(shown(networks, [rule]), shown(networks), atol=1e-5, rtol=1e-4)
    rule.styles = [recorded(networks, seed=1)]
    assert float((shown(networks, [rule]) - shown(networks)).abs().max()) > 1e-3


def test_injection_is_the_papers_formula(networks: Networks) -> None:
    rule = injection(networks, (2.0,), share=0.5, query=0.75, sharpness=1.5)
    layer = last_layers(layers_of({"unet": networks.unet}), 1)[0]
    own, style, content = heads(), heads(7, 1, seed=20), heads(5, 1, seed=30)
    rule.styles, rule.content = [{layer.name: style}], {layer.name: content}
    found = random(2, 3, 5, 4, seed=9)
    query = 0.75 * content.query + 0.25 * own.query
    injected = (1.5 * query @ style.key.transpose(2, 3) / 4**0.5).softmax(3) @ style.value
    torch.testing.assert_close(rule.attended(layer, own, found), 0.5 * found + 0.5 * injected)
    other = layers_of({"unet": networks.unet})[0]  # of the encoder
    assert rule.attended(other, own, found) is found


def test_words_act_at_their_steps_and_depths(networks: Networks) -> None:
    source = networks.read("wood")
    rule = LayeredWords(source, coarse=1.0, fine=0.25, acting=[STEP])
    rows = torch.cat([networks.read(""), networks.read("jade")])
    fine, coarse = (Layer("unet.down_blocks.0.attn2", depth) for depth in (0.0, 1.0))
    assert not torch.equal(rows[1], source[0])
    assert torch.equal(rule.words(fine, rows)[1], source[0])  # before the first step
    rule.step = STEP
    assert rule.words(coarse, rows) is rows
    mixed = rule.words(fine, rows)
    assert torch.equal(mixed[0], rows[0])
    torch.testing.assert_close(mixed[1], 0.25 * rows[1] + 0.75 * source[0])


def test_words_that_do_not_act_are_not_read(networks: Networks) -> None:
    rule = LayeredWords(networks.read("wood"), coarse=0.0, fine=0.0, acting=[STEP])
    rule.step = STEP
    first, second = shown(networks, [rule])
    torch.testing.assert_close(first, second)  # both are "wood", then
    first, second = shown(networks)
    assert float((first - second).abs().max()) > 1e-4


def test_inversion_is_undone_by_the_steps_if_the_noise_is_known(networks: Networks) -> None:
    """With one noise at all steps, the way there and back is exact; here it is taken back by the package's steps."""
    noise, steps = random(4, 6, 8), [951, 701, 451, 201]
    start = random(4, 6, 8, seed=1)
    found = inverted(lambda now, step: noise, networks, start, steps)
    assert list(found) == steps[::-1]
    scheduler = networks.scheduler
    scheduler.set_timesteps(4)
    level = float(networks.levels[951])
    clear = (found[951] - (1 - level) ** 0.5 * noise) / level**0.5
    final = float(scheduler.final_alpha_cumprod)
    torch.testing.assert_close(final**0.5 * clear + (1 - final) ** 0.5 * noise, start, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(
        found[451], networks_step(networks, found[701], noise, 701, 451), atol=1e-4, rtol=1e-4
    )


def networks_step(
    networks: Networks, latents: torch.Tensor, noise: torch.Tensor, step: int, after: int
) -> torch.Tensor:
    """One DDIM step, written out."""
    now, then = float(networks.levels[step]), float(networks.levels[after])
    return (then / now) ** 0.5 * (latents - (1 - now) ** 0.5 * noise) + (1 - then) ** 0.5 * noise
