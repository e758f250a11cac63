"""What is said where memory does not suffice: before networks are loaded, and while they run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny_clips
import torch

from nst3d import limits
from nst3d.errors import InputError, NoMemoryError, TooLargeError, sparing
from nst3d.features.attention.clip import load_clip
from nst3d.weights.saved import count_numbers, write_tensors


def test_memory_that_runs_out_is_told_with_what_needs_less() -> None:
    for error, words in (
        (
            torch.cuda.OutOfMemoryError("Tried to allocate"),
            "a network: the GPU's memory is full; use less, or `device='cpu'`",
        ),
        (
            RuntimeError("CUDA out of memory."),
            "a network: the GPU's memory is full; use less, or `device='cpu'`",
        ),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "a network: memory is full; use less"),
        (MemoryError(), "a network: memory is full; use less"),
    ):
        with pytest.raises(NoMemoryError) as found, sparing("a network", "less"):
            raise error
        assert str(found.value) == words


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="shapes"), sparing("a network", "less"):
        raise RuntimeError("shapes do not fit")


def test_what_is_free_is_what_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    free = limits.free_memory()
    assert free is None or 0 < free < 1 << 50
    for name, value in (("machine", 300), ("group", None), ("process", 200)):
        monkeypatch.setattr(limits, f"_free_of_{name}", lambda value=value: value)
    assert limits.free_memory() == 200
    limits.check_room(200, "a file", "do something")
    with pytest.raises(
        TooLargeError, match=r"^a file: needs .* GiB of memory, and .* GiB are free; do something"
    ):
        limits.check_room(201, "a file", "do something")
    for name in ("machine", "group", "process"):
        monkeypatch.setattr(limits, f"_free_of_{name}", lambda: None)
    assert limits.free_memory() is None
    limits.check_room(1 << 60, "a file", "do something")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
def test_the_limit_of_a_process_counts() -> None:
    code = (
        "import resource; from nst3d import limits; before = limits._free_of_process();"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 32, 1 << 32)); print(before, limits._free_of_process())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = found.stdout.split()
    assert before == "None"
    assert 0 < int(after) < 1 << 32


def saved(path: Path, tensors: dict[str, Any]) -> Path:
    write_tensors(path, {name: tensor.contiguous() for name, tensor in tensors.items()}, {})
    return path


def test_numbers_are_counted_by_the_header(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.safetensors", {"a": torch.zeros(3, 5), "b": torch.zeros(()).half()})
    assert count_numbers(path) == 16
    path.write_bytes((14).to_bytes(8, "little") + b'{"a": [1, 2]} ')
    with pytest.raises(InputError, match=r"a\.safetensors: cannot be read"):
        count_numbers(path)


def test_a_clip_that_does_not_fit_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "clip.safetensors", tiny_clips.openai_vit())
    need = 4 * count_numbers(path)
    monkeypatch.setattr(limits, "free_memory", lambda: need)
    load_clip(path=path)
    monkeypatch.setattr(limits, "free_memory", lambda: need - 1)
    monkeypatch.setattr(
        "nst3d.features.attention.clip.read_tensors", lambda *_, **__: pytest.fail("it was read")
    )
    with pytest.raises(TooLargeError, match=r"clip\.safetensors: needs .* GiB are free; .* a smaller CLIP"):
        load_clip(path=path)
