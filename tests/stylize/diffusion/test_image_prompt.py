"""IP-Adapters: the same attention as in diffusers, and which files are none."""

from __future__ import annotations

import copy
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from nst3d.errors import ConfigError, InputError
from nst3d.stylize.diffusion import image_prompt
from nst3d.stylize.diffusion.attention import installed
from nst3d.stylize.diffusion.image_prompt import Adapter, ImagePrompt, load_adapter
from nst3d.stylize.diffusion.networks import Networks, load_networks
from nst3d.tensors import Planes

FILE, WANTED = "ip-adapter_sd15.safetensors", "option adapter"


@pytest.fixture(scope="module")
def networks(models: Path) -> Networks:
    return load_networks(str(models / "plain"), "option model")


@pytest.fixture
def adapter(models: Path, networks: Networks) -> Adapter:
    return load_adapter(str(models / "adapter"), WANTED, networks)


@pytest.fixture
def folder(models: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(models / "adapter", tmp_path / "adapter"))


class Trap:
    """Executes something when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("a pickle was executed",))


def picture(seed: int = 0) -> Planes:
    return Planes(torch.rand(3, 40, 56, generator=torch.Generator().manual_seed(seed)))


def batch(networks: Networks) -> tuple[torch.Tensor, torch.Tensor]:
    latents = torch.randn(1, 4, 6, 8, generator=torch.Generator().manual_seed(3))
    return latents.expand(2, 4, 6, 8), torch.cat([networks.read(""), networks.read("jade")])


def prompted(networks: Networks, *rules: ImagePrompt) -> torch.Tensor:
    latents, words = batch(networks)
    with installed({"unet": networks.unet}, rules), torch.no_grad():
        found: torch.Tensor = networks.unet(latents, 300, encoder_hidden_states=words).sample
    return found


def test_the_network_finds_what_it_does_in_diffusers(
    networks: Networks, adapter: Adapter, models: Path
) -> None:
    unet = copy.deepcopy(networks.unet)
    state: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for name, tensor in load_file(models / "adapter" / FILE).items():
        part, _, own = name.partition(".")
        state[part][own] = tensor
    unet._load_ip_adapter_weights([state], low_cpu_mem_usage=False)
    for processor in unet.attn_processors.values():
        if hasattr(processor, "scale"):
            processor.scale = [0.6]
    seen = image_prompt.CLIP(image_prompt.centre_square(picture()[None], 32))
    latents, words = batch(networks)
    with torch.no_grad():
        features = adapter.encoder(seen).image_embeds
        embeds = torch.cat([torch.zeros_like(features), features])[:, None]
        wanted = unet(
            latents, 300, encoder_hidden_states=words, added_cond_kwargs={"image_embeds": [embeds]}
        ).sample
    torch.testing.assert_close(
        prompted(networks, ImagePrompt(adapter, [(picture(), 2.0)], 0.6)), wanted, atol=1e-5, rtol=1e-4
    )
    assert float((wanted - prompted(networks)).abs().max()) > 1e-2


def test_pictures_count_by_their_weights(networks: Networks, adapter: Adapter) -> None:
    one, twice, mixed, other = (
        prompted(networks, ImagePrompt(adapter, pictures, 1.0))
        for pictures in (
            [(picture(), 1.0)],
            [(picture(), 1.0), (picture(), 3.0)],
            [(picture(), 1.0), (picture(1), 1e-9)],
            [(picture(1), 1.0)],
        )
    )
    torch.testing.assert_close(one, twice, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(one, mixed, atol=1e-5, rtol=1e-4)
    assert float((one - other).abs().max()) > 1e-4


def test_the_layout_as_published_is_read_too(networks: Networks, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    folder.rename(tmp_path / "whole" / "models")
    found = load_adapter(str(tmp_path / "whole"), WANTED, networks)
    assert len(found.layers) == 4
    assert not any(parameter.requires_grad for parameter in found.encoder.parameters())


def without_encoder(folder: Path) -> None:
    shutil.rmtree(folder / "image_encoder")


def pickled(folder: Path) -> None:
    (folder / FILE).unlink()
    (folder / "ip-adapter_sd15.bin").write_bytes(pickle.dumps(Trap()))


def pickled_encoder(folder: Path) -> None:
    (folder / "image_encoder" / "model.safetensors").unlink()
    (folder / "image_encoder" / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))


def changed(change: Callable[[dict[str, torch.Tensor]], object], file: str = FILE) -> Callable[[Path], None]:
    def broken(folder: Path) -> None:
        tensors = load_file(folder / file)
        change(tensors)
        save_file(tensors, folder / file, metadata={"format": "pt"})

    return broken


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (without_encoder, "image_encoder: is missing"),
        (pickled, r"ip-adapter_sd15\.bin: is a pickle.*safetensors"),
        (pickled_encoder, r"pytorch_model\.bin, a pickle"),
        (lambda folder: (folder / FILE).unlink(), "has no ip-adapter_sd15.safetensors"),
        (lambda folder: (folder / FILE).write_bytes(b"\0" * 40), "ip-adapter_sd15"),
        (changed(lambda t: t.pop("ip_adapter.3.to_k_ip.weight")), r"has no ip_adapter\.3\.to_k_ip\.weight"),
        (
            changed(lambda t: t.update({"ip_adapter.1.to_v_ip.weight": torch.ones(3, 16)})),
            r"the shape \(3, 16\)",
        ),
        (changed(lambda t: t.update({"image_proj.proj.weight": torch.ones(64, 5)})), r"the shape \(64, 5\)"),
        (changed(lambda t: t.pop("image_proj.proj.weight")), "one of its variants"),
        (
            changed(lambda t: t.update({"ip_adapter.9.to_k_ip.weight": torch.ones(2)})),
            "13 tensors, expected the 12",
        ),
        (
            changed(lambda t: t.pop("visual_projection.weight"), "image_encoder/model.safetensors"),
            r"lacks visual_projection\.weight",
        ),
    ],
)
def test_what_is_no_adapter_is_refused_in_one_line(
    networks: Networks, folder: Path, broken: Callable[[Path], object], words: str
) -> None:
    broken(folder)
    with pytest.raises(InputError, match=words) as error:
        load_adapter(str(folder), WANTED, networks)
    assert "\n" not in str(error.value)


def test_a_place_that_is_none_is_refused(networks: Networks, folder: Path) -> None:
    for place, words in (
        (str(folder / FILE), "a file: expected the folder of an IP-Adapter"),
        (str(folder / "none"), "no such folder"),
    ):
        with pytest.raises(ConfigError, match=words):
            load_adapter(place, WANTED, networks)


def test_an_adapter_is_fetched_by_its_name(
    networks: Networks, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    asked = []

    def fetched(name: str, file: str) -> str:
        asked.append((name, file))
        if name == "owner/none":
            raise OSError("nothing\nthere")
        return str(models / "adapter" / FILE)

    def encoder(kind: type, place: image_prompt.Place, part: str, others: object) -> object:
        asked.append((place.name, part))
        return kind.from_pretrained(models / "adapter" / "image_encoder", output_loading_info=True)

    monkeypatch.setattr(transformers.utils, "cached_file", fetched)
    monkeypatch.setattr(image_prompt, "loaded", encoder)
    assert len(load_adapter("owner/name", WANTED, networks).layers) == 4
    assert asked == [("owner/name", "models/image_encoder"), ("owner/name", f"models/{FILE}")]
    with pytest.raises(InputError, match=r"owner/none/models/ip-adapter_sd15\.safetensors: cannot be loaded"):
        load_adapter("owner/none", WANTED, networks)
