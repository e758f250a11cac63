"""Views with weights at random."""

from __future__ import annotations

import numpy as np
import torch

from nst3d.operators import SparseView
from nst3d.operators.sparse import Csr
from nst3d.tensors import ImageSize

SIZE = ImageSize(9, 12)


def random_view(size: ImageSize = SIZE, colours: int = 17, seed: int = 0) -> SparseView:
    """About half of the pixels, four colours each; some colours are never seen."""
    rng = np.random.default_rng(seed)
    pixels = np.flatnonzero(rng.random(size.height * size.width) < 0.5).astype(np.int32)
    columns = np.stack([rng.permutation(colours - 3)[:4] for _ in pixels]).astype(np.int32)
    weights = rng.random(columns.shape, dtype=np.float32)
    weights /= weights.sum(1, keepdims=True) * (1 + rng.random((len(pixels), 1), dtype=np.float32))
    starts = np.arange(len(pixels) + 1, dtype=np.int64) * 4
    return SparseView(size, colours, pixels, Csr(starts, columns.ravel(), weights.ravel()))


def shading(seed: int = 1) -> torch.Tensor:
    return torch.rand(*SIZE, 1, generator=torch.Generator().manual_seed(seed)) + 0.2
