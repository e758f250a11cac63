"""What holds for every loss: zero at its target, the right gradient, and no eye for the background."""

from __future__ import annotations

import pytest
import torch

from nst3d.losses import (
    IMAGE,
    AgreeingNNFMLoss,
    ConsistencyLoss,
    ContentLoss,
    ContextualLoss,
    Correspondence,
    CovarianceLoss,
    EdgesLoss,
    GrainLoss,
    GramLoss,
    HistogramLoss,
    HypercolumnLoss,
    LaplacianLoss,
    Loss,
    MomentsLoss,
    NNFMLoss,
    Observation,
    Partner,
    SelfSimilarityLoss,
    SlicedLoss,
    TotalVariationLoss,
    mean_gram,
    moments,
)
from nst3d.losses.partner import FindPartner

LAYERS = ("relu1_1", "relu2_1")
SIZES = {IMAGE: (3, 8, 6), "relu1_1": (4, 8, 6), "relu2_1": (5, 4, 3)}


def features(seed: int, dtype=torch.float64) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {k: 0.1 + torch.rand(*size, generator=generator, dtype=dtype) for k, size in SIZES.items()}


def disc() -> dict[str, torch.Tensor]:
    """A mask for each layer with some positions in it and some not."""
    fine = torch.zeros(8, 6)
    fine[2:7, 1:] = 1
    return {IMAGE: fine, "relu1_1": fine, "relu2_1": fine[::2, ::2]}


def identity(layer: str, valid: torch.Tensor | None = None) -> Correspondence:
    _, height, width = SIZES[layer]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    grid = torch.stack([(x + 0.5) / width * 2 - 1, (y + 0.5) / height * 2 - 1], dim=-1).double()
    return Correspondence(grid, torch.ones(height, width, dtype=torch.bool) if valid is None else valid)


def partner(target: dict[str, torch.Tensor], valid: dict[str, torch.Tensor] | None = None) -> FindPartner:
    links = {k: identity(k, None if valid is None else valid[k] > 0.5) for k in LAYERS}
    choices = {f"nnfm/{k}": torch.zeros(SIZES[k][1:], dtype=torch.int64) for k in LAYERS}
    found = Partner(links, {k: target[k] for k in LAYERS}, choices)
    return lambda view: found


def gram(target: dict[str, torch.Tensor]) -> Loss:
    return GramLoss({k: mean_gram(target[k]) for k in LAYERS}, {"relu1_1": 2.0, "relu2_1": 1.0}, "gatys")


def gram_relative(target: dict[str, torch.Tensor]) -> Loss:
    return GramLoss({k: mean_gram(target[k]) for k in LAYERS}, normalise="relative")


def statistics(target: dict[str, torch.Tensor]) -> Loss:
    return MomentsLoss({k: moments(target[k]) for k in LAYERS}, normalise="gatys")


def content(target: dict[str, torch.Tensor]) -> Loss:
    return ContentLoss({0: target}, LAYERS, normalise="gatys")


def content_relative(target: dict[str, torch.Tensor]) -> Loss:
    return ContentLoss({0: target}, LAYERS, normalise="relative")


def nnfm(target: dict[str, torch.Tensor]) -> Loss:
    return NNFMLoss({k: target[k] for k in LAYERS})


def consistency(target: dict[str, torch.Tensor]) -> Loss:
    return ConsistencyLoss(LAYERS, partner(target, disc()))


def consistency_relative(target: dict[str, torch.Tensor]) -> Loss:
    return ConsistencyLoss(LAYERS, partner(target, disc()), "relative")


def variation(target: dict[str, torch.Tensor]) -> Loss:
    return TotalVariationLoss()


def speckle(target: dict[str, torch.Tensor]) -> Loss:
    return GrainLoss()


def agreeing(target: dict[str, torch.Tensor]) -> Loss:
    return AgreeingNNFMLoss(nnfm(target), partner(target, disc()))


def covariance(target: dict[str, torch.Tensor]) -> Loss:
    return CovarianceLoss({k: target[k] for k in LAYERS})


def covariance_of_few(target: dict[str, torch.Tensor]) -> Loss:
    return CovarianceLoss({k: target[k] for k in LAYERS}, directions=2, normalise="mean")


def histogram(target: dict[str, torch.Tensor]) -> Loss:
    return HistogramLoss({k: target[k] for k in LAYERS})


def sliced(target: dict[str, torch.Tensor]) -> Loss:
    return SlicedLoss({k: target[k] for k in LAYERS}, directions=8)


def contextual(target: dict[str, torch.Tensor]) -> Loss:
    return ContextualLoss({k: target[k] for k in LAYERS})


def hypercolumn(target: dict[str, torch.Tensor]) -> Loss:
    return HypercolumnLoss([(Observation(target), 1.0)], LAYERS)


def hypercolumn_of_cells(target: dict[str, torch.Tensor]) -> Loss:
    return HypercolumnLoss([(Observation(target), 1.0)], LAYERS[::-1])


def self_similarity(target: dict[str, torch.Tensor]) -> Loss:
    return SelfSimilarityLoss({0: target}, LAYERS)


def laplacian(target: dict[str, torch.Tensor]) -> Loss:
    return LaplacianLoss({0: target}, pools=(1, 2))


def edges(target: dict[str, torch.Tensor]) -> Loss:
    return EdgesLoss({0: target}, pools=(1,))


WITH_TARGET = [
    gram,
    gram_relative,
    statistics,
    content,
    content_relative,
    nnfm,
    consistency,
    consistency_relative,
    covariance,
    covariance_of_few,
    histogram,
    sliced,
    contextual,
    hypercolumn,
    hypercolumn_of_cells,
    self_similarity,
    laplacian,
    edges,
]
ALL = [*WITH_TARGET, variation, speckle, agreeing]


@pytest.mark.parametrize("make", WITH_TARGET)
def test_zero_at_the_target_with_zero_gradient(make) -> None:
    target = features(0)
    own = {k: f.clone().requires_grad_() for k, f in target.items()}
    loss = make(target)
    value = loss(Observation(own))
    assert value.detach() == pytest.approx(0, abs=1e-14)
    for gradient in torch.autograd.grad(value, [own[k] for k in loss.layers]):
        assert gradient.abs().max() < 1e-7


@pytest.mark.parametrize("make", ALL)
def test_positive_elsewhere_and_a_scalar_of_at_least_float32(make) -> None:
    value = make(features(0))(Observation(features(1), disc()))
    assert value.shape == ()
    assert value > 0
    assert value.dtype == torch.float64
    halves = {k: f.bfloat16() for k, f in features(1).items()}
    low = make({k: f.float() for k, f in features(0).items()})(Observation(halves, disc()))
    assert low.dtype == torch.float32
    assert low == pytest.approx(float(value), rel=0.1)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("make", ALL)
def test_gradcheck(make, masked) -> None:
    loss = make(features(0))
    own = features(1)
    masks = disc() if masked else {}

    def value(*read: torch.Tensor) -> torch.Tensor:
        return loss(Observation({**own, **dict(zip(loss.layers, read))}, masks))

    read = [own[k].clone().requires_grad_() for k in loss.layers]
    assert torch.autograd.gradcheck(value, read, fast_mode=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("make", ALL)
def test_two_backgrounds_give_the_same_loss_exactly(make, dtype) -> None:
    """Bit by bit, and nothing pulls at the background."""
    loss = make(features(0, torch.float32))
    masks = disc()
    seen = []
    for background in (0.0, 7.5):
        own = {}
        for k, f in features(1, torch.float32).items():
            own[k] = torch.where(masks[k] > 0.5, f, background).to(dtype).requires_grad_()
        value = loss(Observation(own, masks))
        gradients = torch.autograd.grad(value, [own[k] for k in loss.layers])
        for layer, gradient in zip(loss.layers, gradients):
            assert (gradient[:, masks[layer] < 0.5] == 0).all()
            assert gradient.abs().max() > 0
        seen.append((value.detach(), gradients))
    assert torch.equal(seen[0][0], seen[1][0])
    assert all(torch.equal(a, b) for a, b in zip(seen[0][1], seen[1][1]))


@pytest.mark.parametrize("make", [m for m in ALL if m not in (consistency, consistency_relative)])
def test_a_view_that_covers_nothing_costs_nothing(make) -> None:
    own = {k: f.requires_grad_() for k, f in features(1).items()}
    loss = make(features(0))
    value = loss(Observation(own, {k: torch.zeros(m.shape) for k, m in disc().items()}))
    assert value.detach() == 0
    gradients = torch.autograd.grad(value, [own[k] for k in loss.layers], allow_unused=True)
    assert all(g is None or (g == 0).all() for g in gradients)


@pytest.mark.parametrize("make", ALL)
def test_memory_layout_makes_no_difference(make) -> None:
    loss = make(features(0))
    own = features(1)
    last = {k: f.permute(1, 2, 0).contiguous().permute(2, 0, 1) for k, f in own.items()}
    assert loss(Observation(own, disc())) == pytest.approx(float(loss(Observation(last, disc()))), rel=1e-12)
