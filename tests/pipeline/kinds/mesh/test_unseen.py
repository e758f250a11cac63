from __future__ import annotations

import numpy as np
import torch

from nst3d.pipeline.kinds.mesh.unseen import unseen_rows
from nst3d.stylize.layout import Layout
from nst3d.tensors import ImageSize

LAYOUT = Layout.of_images([ImageSize(40, 60), ImageSize(8, 8)])


def kept(valid: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The kept texels of the first image; the second is seen."""
    rows = torch.from_numpy(np.append(weight, np.ones(64))).float()
    found = unseen_rows(LAYOUT, np.append(valid, np.ones(64, bool)), rows)
    assert not found[2400:].any()
    return found[:2400].reshape(40, 60).numpy()


def test_large_patches_keep_their_picture_and_gaps_are_filled() -> None:
    weight = np.ones((40, 60))
    weight[:, 30:] = 0
    weight[5:8, 5:8] = 0
    found = kept(np.ones((40, 60), bool), weight)
    assert found[:, 30:].all()
    assert not found[:, :30].any()


def test_islands_without_paint_keep_their_picture_and_padding_does_not() -> None:
    weight, valid = np.zeros((40, 60)), np.zeros((40, 60), bool)
    valid[2:10, 2:10] = valid[2:10, 20:30] = True
    weight[2:10, 20:28] = 0.5
    found = kept(valid, weight)
    assert found[2:10, 2:10].all()
    assert found.sum() == 64


def test_vertices_are_as_they_were_painted() -> None:
    assert not unseen_rows(Layout(5), np.ones(5, bool), torch.zeros(5)).any()
