"""Where everything stands: the meshes by name and the tree of named nodes."""

from __future__ import annotations

from dataclasses import dataclass, field

import cottage
import numpy as np
import shore
import tower
from patches import turn_y


@dataclass
class Node:
    """A named place in the hierarchy, perhaps with a mesh; turn in degrees about y."""

    name: str
    at: tuple = (0.0, 0.0, 0.0)
    turn: float = 0.0
    scale: float = 1.0
    mesh: str | None = None
    children: list = field(default_factory=list)

    def matrix(self):
        """The node's transform (4, 4)."""
        out = np.eye(4)
        out[:3, :3] = turn_y(self.turn) * self.scale
        out[:3, 3] = self.at
        return out


def meshes():
    """All patches by mesh name, and the angle (degrees) below which an edge is shaded smooth."""
    fence = [(x, shore.ground(x, z), z) for x, z in FENCE]
    return {
        "tower_shaft": (tower.shaft() + tower.plinth() + tower.steps(), 38),
        "gallery": (tower.gallery() + tower.railing(), 38),
        "lantern_room": (tower.lantern(), 38),
        "cottage_house": (cottage.walls() + cottage.roof(), 38),
        "chimney": (cottage.chimney(), 38),
        "islet": (shore.islet(), 80),
        "boulder_a": (shore.boulder(5, (1.0, 0.85, 0.9)), 56),
        "boulder_b": (shore.boulder(8, (1.15, 0.7, 0.8)), 56),
        "boulder_c": (shore.boulder(21, (0.8, 1.05, 0.85)), 56),
        "jetty": (shore.jetty(), 38),
        "stair": (shore.stair(), 38),
        "fence": (shore.fence(np.array(fence)), 38),
        "lamp_post": (cottage.lamp_post(), 38),
        "barrel": (cottage.barrel(), 38),
        "crate": (cottage.crate(), 38),
        "bench": (cottage.bench(), 38),
    }


FENCE = ((-0.3, -3.6), (0.9, -3.9), (2.1, -3.75), (3.3, -3.6), (4.4, -3.2), (5.3, -2.3))
# mesh letter, x, z, turn, scale, and whether it stands on the ground or in the water
BOULDERS = (
    ("a", -6.6, 2.2, 20, 1.35, 0), ("a", 5.8, 3.0, 140, 1.1, 0), ("a", -3.4, -5.1, 250, 1.3, 0),
    ("b", 7.0, -2.8, 60, 1.3, 0), ("b", -1.2, 5.3, 200, 1.15, 0), ("b", -6.0, -3.2, 310, 1.2, 0),
    ("c", -4.5, 4.2, 15, 1.15, 0), ("c", 2.4, -5.1, 160, 1.2, 0), ("c", 7.6, 0.9, 280, 0.95, 0),
    ("b", 0.3, -5.0, 20, 0.8, 0), ("a", 4.0, 3.1, 75, 0.5, 1), ("b", -5.0, 1.6, 100, 0.6, 1),
    ("c", -5.4, 0.5, 45, 0.6, 1), ("a", 6.0, 1.4, 190, 0.42, 1), ("c", -4.1, -3.0, 200, 0.5, 1),
)  # fmt: skip


def placed(name, mesh, x, z, turn=0.0, scale=1.0, y=None, sink=0.0):
    return Node(name, (x, shore.ground(x, z) - sink if y is None else y, z), turn, scale, mesh)


def hierarchy():
    """The node tree: root, then tower, cottage and rocks with what belongs to them."""
    tx, tz = shore.TOWER_AT
    cx, cz = shore.COTTAGE_AT
    lamp = Node("lantern", (0, tower.DECK, 0), 0, 1, "lantern_room")
    lighthouse = Node(
        "tower", (tx, 1.5, tz), 0, 1, "tower_shaft", [Node("tower_gallery", mesh="gallery", children=[lamp])]
    )
    stack = Node("cottage_chimney", (cottage.WIDTH / 2 + 0.24, -0.3, 0), mesh="chimney")
    home = Node("cottage", (cx, 1.17, cz), -8, 1, "cottage_house", [stack])
    rocks = Node("rocks", children=[Node("rock_islet", mesh="islet")])
    for k, (letter, x, z, turn, scale, dry) in enumerate(BOULDERS):
        y = None if dry else shore.BOTTOM
        rocks.children.append(placed(f"rock_{k + 1:02d}", f"boulder_{letter}", x, z, turn, scale, y, 0.12))
    props = Node("yard", children=[
        Node("jetty", (1.3, 0, 5.2), 0, 1, "jetty"), Node("stair", (1.3, 0, 4.75), 0, 1, "stair"),
        Node("fence", mesh="fence"),
        placed("lamp_post_1", "lamp_post", 0.0, 3.6), placed("lamp_post_2", "lamp_post", -3.6, 2.3, 40),
        placed("barrel_1", "barrel", 5.45, 0.8, 20, sink=0.03),
        placed("barrel_2", "barrel", 5.0, 1.2, 95, 0.9, sink=0.03),
        Node("crate_1", (0.85, 0.575, 7.9), 14, 1, "crate"),
        placed("crate_2", "crate", 1.15, 1.0, 30, 1.1, sink=0.03),
        placed("bench", "bench", 2.2, 0.75, -8),
    ])  # fmt: skip
    return Node("lighthouse_scene", children=[lighthouse, home, rocks, props])


def walk(node, above=None):
    here = (np.eye(4) if above is None else above) @ node.matrix()
    yield node, here
    for child in node.children:
        yield from walk(child, here)
