"""Which folders are models, and that nothing but data is read from them."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from pathlib import Path

import pytest

from nst3d.errors import ConfigError, InputError, MissingDependencyError
from nst3d.stylize.diffusion.files import check_model, place_of
from nst3d.stylize.diffusion.networks import cut_off, load_networks

WANTED = "option model"


@pytest.fixture
def copy(models: Path, tmp_path: Path) -> Path:
    shutil.copytree(models / "plain", tmp_path / "copy")
    return tmp_path / "copy"


class Trap:
    """Executes something when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("a pickle was executed",))


def test_a_pickle_is_refused_and_not_read(copy: Path) -> None:
    folder = copy / "unet"
    (folder / "diffusion_pytorch_model.safetensors").unlink()
    (folder / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    words = r"unet: .*diffusion_pytorch_model\.bin, a pickle.*\.safetensors files"
    with pytest.raises(InputError, match=words):
        load_networks(str(copy), WANTED)
    with pytest.raises(InputError, match=words):  # early, before a scene is read
        cut_off(str(copy), WANTED, [])


def test_a_pickle_beside_safetensors_is_not_read(copy: Path) -> None:
    (copy / "unet" / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    assert not load_networks(str(copy), WANTED).instructed


@pytest.mark.parametrize("part", ["vae", "unet", "text_encoder", "tokenizer", "scheduler"])
def test_a_model_without_a_part_is_refused(copy: Path, part: str) -> None:
    shutil.rmtree(copy / part)
    with pytest.raises(InputError, match=f"lacks the part {part}"):
        check_model(place_of(str(copy), WANTED))


def test_parts_of_other_classes_are_refused(copy: Path) -> None:
    index = json.loads((copy / "model_index.json").read_text())
    for part, other in (("unet", ["diffusers", "FluxTransformer2DModel"]), ("vae", [None, None])):
        (copy / "model_index.json").write_text(json.dumps(index | {part: other}))
        with pytest.raises(InputError, match=str(part)):
            check_model(place_of(str(copy), WANTED))


def test_code_that_a_folder_brings_is_not_run(copy: Path) -> None:
    """Neither a pipeline of its own, nor classes that a configuration asks for."""
    (copy / "pipeline.py").write_text("raise SystemExit('executed')")
    (copy / "unet" / "evil.py").write_text("raise SystemExit('executed')")
    path = copy / "unet" / "config.json"
    config = json.loads(path.read_text()) | {"auto_map": {"AutoModel": "evil.Net"}}
    path.write_text(json.dumps(config))
    networks = load_networks(str(copy), WANTED)
    assert type(networks.unet).__module__.startswith("diffusers.models.")
    assert not {"evil", "pipeline"} & sys.modules.keys()


def test_damaged_files_are_named(copy: Path) -> None:
    weights = copy / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    with pytest.raises(InputError, match=r"vae: cannot be loaded"):
        load_networks(str(copy), WANTED)
    weights.write_bytes(b"\0" * 40)
    with pytest.raises(InputError, match=r"model\.safetensors: cannot be read"):
        load_networks(str(copy), WANTED)
    (copy / "model_index.json").write_text("[")
    with pytest.raises(InputError, match=r"model_index\.json: is missing or damaged"):
        load_networks(str(copy), WANTED)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"")
    for model, words in (
        ("", "is missing"),
        (str(tmp_path / "a.safetensors"), "a file: expected the folder"),
        (str(tmp_path / "none"), "no such folder"),
    ):
        with pytest.raises(ConfigError, match=words):
            place_of(model, WANTED)
    assert not place_of("owner/model-1.5", WANTED).local


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'nst3d\[diffusion\]'"):
        load_networks(str(tmp_path), WANTED)
