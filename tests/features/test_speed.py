"""How much an encoder computes, and the rate at which the machine does."""

from __future__ import annotations

import itertools

import pytest
import torch

from nst3d.features import speed
from nst3d.features.frozen_conv import FrozenConv
from nst3d.features.speed import convolution_rate, flops_per_pixel, peak_rates


@pytest.mark.parametrize(
    ("layers", "products"),
    [
        ((), 0),
        (("conv1_1",), 9 * 3 * 64),
        (("relu1_2", "conv1_1"), 9 * (3 * 64 + 64 * 64)),
        (("relu2_1",), 9 * (3 * 64 + 64 * 64 + 64 * 128 / 4)),
        (("image", "relu2_1"), 9 * (3 * 64 + 64 * 64 + 64 * 128 / 4)),
    ],
)
def test_operations_are_counted_forward_and_backward(layers, products) -> None:
    assert flops_per_pixel("vgg19", layers) == 4 * products


def test_a_deeper_network_computes_more() -> None:
    assert flops_per_pixel("vgg19", ("relu4_1",)) > flops_per_pixel("vgg16", ("relu4_1",))


def test_the_rate_is_operations_by_seconds_with_pauses(monkeypatch) -> None:
    """Each call takes a tenth of a second by the clock, every second one a pause as long."""
    ticks = itertools.accumulate(itertools.chain([0.0], itertools.cycle([0.1, 0.2])))
    calls = []
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(ticks))
    monkeypatch.setattr(FrozenConv, "forward", lambda conv, x: calls.append((x, conv.weight)) or x)
    rate = convolution_rate(torch.float32, seconds=0.55)
    image, weight = calls[0]
    assert len(calls) == 1 + 4  # the first one is not counted
    work = 2 * weight.numel() * image.shape[2] * image.shape[3]
    assert rate == pytest.approx(4 * work / 0.6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_machine_has_a_rate(dtype) -> None:
    assert 1e8 < convolution_rate(dtype, seconds=1e-6) < 1e15


def test_the_peak_is_that_of_the_call_that_took_the_cpu_least(monkeypatch) -> None:
    """Calls take 3, 1 and 2 ms of CPU, over and over; the wall clock moves by a second at each look."""
    wall = itertools.count()
    spent = itertools.accumulate(
        itertools.chain([0.0], itertools.cycle([0.003, 0.0, 0.001, 0.0, 0.002, 0.0]))
    )
    monkeypatch.setattr(speed.time, "perf_counter", lambda: float(next(wall)))
    monkeypatch.setattr(speed.time, "process_time", lambda: next(spent))
    rates = peak_rates(torch.float32, seconds=6.5)
    assert rates["matmul"] == pytest.approx(2 * 512**3 / 0.001)
    assert rates["convolution"] == pytest.approx(2 * 9 * 256**2 * 40**2 / 0.001)


def test_measuring_on_one_thread_leaves_the_others() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert min(peak_rates(torch.float32, seconds=1e-6).values()) > 1e8
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
