"""The records of benchmarks as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from records import Record

Numbers = dict[str, Any]


def section(record: Record) -> str:
    """Where, when and how it was measured, and the numbers."""
    return f"{_about(record)}\n\n{TABLES.get(record.name, _plain)(record.numbers)}"


def _about(record: Record) -> str:
    machine = record.machine
    threads = machine["threads"]
    rates = "; ".join(
        f"{of['matmul']:,} GFLOP/s in {precision} products, {of['convolution']:,} in convolutions"
        for precision, of in machine["gflops"].items()
    )
    gpu = f", {machine['gpu']}" if machine["gpu"] else ""
    when = date.fromisoformat(record.date)
    return (
        f"`{record.command}`: {when.day} {when:%B %Y}, {machine['cpu']}{gpu}, {threads} thread{'s' * (threads > 1)}"
        f" (a core: {rates}), torch {machine['torch']}, commit {machine['commit']}."
    )


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table in Markdown; thousands get commas."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        value += 0.0  # no minus before a zero
    return f"{value:,}" if isinstance(value, int | float) and abs(value) >= 1000 else str(value)


def _plain(numbers: Numbers) -> str:
    """Names and values, those that are single."""
    return table(
        ("what", "measured"),
        [(k.replace("_", " "), v) for k, v in numbers.items() if not isinstance(v, list | dict)],
    )


_SCALED = {
    "prepare_s": "prepare, s",
    "compile_ms": "compile a view, ms",
    "product_ms": "product and transpose, ms",
    "step_ms": "a step, ms",
    "peak_gb": "peak memory, GB",
    "added_gb": "of it this scene's, GB",
}
_AMOUNTS = {
    "faces": "faces",
    "texels": "texels",
    "views": "views of 128 pixels",
    "pixels": "pixels of a view",
    "splats": "splats",
}


def _scaling(numbers: Numbers) -> str:
    parts = []
    for axis, title in _AMOUNTS.items():
        slopes = numbers[f"{axis}_exponents"]
        low, high = numbers[f"{axis}_fitted"]
        rows = [(row["amount"], *(row[name] for name in _SCALED)) for row in numbers[axis]]
        last = (f"exponent, {low:,} to {high:,}", *(slopes.get(name, "") for name in _SCALED))
        parts.append(table((title, *_SCALED.values()), [*rows, last]))
    return "\n\n".join(parts)


def _roofline(numbers: Numbers) -> str:
    rows = []
    for precision in ("bfloat16", "float32"):
        for row in numbers.get(f"{precision}_encoder", []):
            names = ("size", "both_gflop", "both_ms", "forward_gflops", "both_gflops", "share")
            rows.append((precision, *(row[name] for name in names)))
    head = ("precision", "pixels", "GFLOP", "ms", "GFLOP/s forward", "forward and backward", "of the roof")
    return table(head, rows)


def _losses(numbers: Numbers) -> str:
    default = numbers["default_cpu_ms"]
    rows = [
        (f"`{name}`", value) for name, value in numbers.items() if name not in ("default", "default_cpu_ms")
    ]
    return table(("loss", f"a step, where the default's {default} ms are 1"), rows)


_SIDES = {
    "pastiche": "pastiche",
    "neural_style": "neural-style",
    "gatys": "`gatys`, as it is",
    "gatys_quick": "`gatys`, half the size first, `precision auto`",
}


def _gatys(numbers: Numbers) -> str:
    sides = [name for name in _SIDES if name in numbers]
    marks = [key.removeprefix("pastiche_to_") for key in numbers if key.startswith("pastiche_to_")]
    head = [
        "side",
        "a pass, CPU s",
        *(f"to the loss after {m.replace('_', ' ')}" for m in marks),
        "loss at the end",
    ]
    ends = ("loss", "vgg16_gram", "lpips_to_content")
    rows = []
    for name in sides:
        side = numbers[name]
        reached = (numbers[f"{name}_to_{mark}"] for mark in marks)
        rows.append((_SIDES[name], side["pass_cpu_s"], *reached, *(side.get(end, "") for end in ends)))
    return table([*head, "VGG-16 Gram", "LPIPS to content"], rows)


def _paint_times(numbers: Numbers) -> str:
    rows = []
    for precision, found in numbers.items():
        if isinstance(found, dict):
            stages = (f"{step} ms" for step in found["step_ms"])
            rows.append((precision, *stages, found["paint_cpu_s"], found["chosen"]))
    stages = [f"a step, {size} pixels" for size in numbers["sizes"]]
    return table(("precision", *stages, "painting, CPU s", "on two free cores `nst3d paint` chooses"), rows)


def _winograd(numbers: Numbers) -> str:
    head = (
        "image",
        "torch's convolutions, ms",
        "Winograd's algorithm, ms",
        "ratio",
        "1 - cosine of the gradients",
    )
    names = ("pixels", "torch_ms", "winograd_ms", "ratio", "apart")
    return table(head, [[row[name] for name in names] for row in numbers["sizes"]])


TABLES: dict[str, Callable[[Numbers], str]] = {
    "scaling": _scaling,
    "roofline": _roofline,
    "losses": _losses,
    "gatys_pastiche": _gatys,
    "paint_times": _paint_times,
    "winograd": _winograd,
}
