"""How the nodes of a fitted grid lie in memory."""

from __future__ import annotations

import numpy as np

from nst3d.reconstruct.grid import z_order


def test_the_z_order_keeps_neighbours_together() -> None:
    nodes = np.argwhere(np.ones((16, 16, 16), bool)).astype(np.int32)
    order = z_order(nodes)
    assert np.array_equal(np.sort(order), np.arange(len(nodes)))
    blocks = (nodes[order] // 4).reshape(64, 64, 3)
    assert np.array_equal(blocks, np.broadcast_to(blocks[:, :1], blocks.shape))
