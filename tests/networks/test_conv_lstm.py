"""The convolutional LSTM: what it keeps, forgets and adds, by hand."""

from __future__ import annotations

import torch

from nst3d.networks.conv_lstm import ConvLSTM
from nst3d.networks.generator import Generator, GeneratorShape, random_generator

OPEN, SHUT = 50.0, -50.0
"""Gates' biases at which they are 1 and 0."""


def cell(take: float, forget: float, show: float, new: float = 0.0) -> ConvLSTM:
    """Gates that do not depend on the features; what is shown is added to the only feature."""
    made = ConvLSTM(1, 1).double().requires_grad_(False)
    made.gates.weight.zero_()
    made.gates.bias.copy_(torch.tensor([take, forget, show, new]))
    made.out.weight.fill_(1)
    made.out.bias.zero_()
    return made


def test_a_shut_cell_keeps_its_memory() -> None:
    x, memory = torch.rand(1, 1, 4, 5).double(), torch.rand(1, 2, 4, 5).double()
    shown, after = cell(SHUT, OPEN, OPEN)(x, memory)
    torch.testing.assert_close(after[:, 1], memory[:, 1])
    torch.testing.assert_close(shown, x + memory[:, 1:].tanh())


def test_what_is_forgotten_is_gone() -> None:
    x, memory = torch.rand(1, 1, 4, 5).double(), torch.rand(1, 2, 4, 5).double()
    _, after = cell(OPEN, SHUT, OPEN, new=0.7)(x, memory)
    torch.testing.assert_close(after[:, 1], torch.full((1, 4, 5), 0.7).double().tanh())


def test_the_first_of_a_sequence_has_an_empty_memory() -> None:
    torch.manual_seed(0)
    made, x = ConvLSTM(3, 2), torch.rand(2, 3, 4, 5)
    for found, wanted in zip(made(x, None), made(x, torch.zeros(2, 4, 4, 5))):
        assert torch.equal(found, wanted)


def test_a_new_recurrent_generator_paints_as_one_without() -> None:
    shape = GeneratorShape((4, 6, 8), blocks=1)
    recurrent = random_generator(GeneratorShape((4, 6, 8), blocks=1, recurrent=True), 0)
    plain = Generator(shape)
    plain.load_state_dict({k: v for k, v in recurrent.state_dict().items() if not k.startswith("memory.")})
    picture = torch.rand(1, 3, 21, 18)
    painted, memory = recurrent.follow(picture, [1.0])
    torch.testing.assert_close(painted, plain(picture, [1.0]))
    assert memory is not None
    assert memory.shape == (1, 8, 6, 5)  # at a quarter of the size, rounded up
    assert plain.follow(picture, [1.0], memory)[1] is None


def test_a_trained_one_depends_on_what_it_remembers() -> None:
    torch.manual_seed(0)
    made = Generator(GeneratorShape((4, 6, 8), blocks=1, recurrent=True))
    picture = torch.rand(1, 3, 16, 16)
    first, memory = made.follow(picture, [1.0])
    again, _ = made.follow(picture, [1.0], memory)
    assert (again - first).abs().max() > 1e-4
    torch.testing.assert_close(made(picture, [1.0]), first)
