"""Makes lighthouse.glb: `python scenes/lighthouse/build.py`. The same script gives the same bytes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from atlas import filled, pack, raster
from glb import Document, corner_normals
from layout import hierarchy, meshes, walk
from light import ambient
from noise import fbm
from paint import Texels
from paint_parts import PAINTERS
from PIL import Image

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / HERE.name
ROCK = {"ground", "boulder", "underside"}
LIGHT = {"glass", "lamp"}
SIZES = {"masonry": 1024, "rock": 1024}


def surface_of(kind):
    return "iron" if kind == "iron" else "rock" if kind in ROCK else "glass" if kind in LIGHT else "masonry"


def prepare():
    """For each mesh its patches with corner normals, and the scene's triangles for the light."""
    out = {}
    for name, (patches, angle) in meshes().items():
        normals = corner_normals(np.concatenate([p.pos for p in patches]), angle)
        cuts = np.cumsum([len(p.pos) for p in patches])[:-1]
        out[name] = list(zip(patches, np.split(normals, cuts)))
    return out


def texture(name, pieces, first, blockers):
    """Packs and paints one texture: per-piece UVs in [0, 1], pixels (h, w, 3) top first, heights, coverage."""
    size = SIZES[name]
    uvs, scale = pack([p for _, p, _ in pieces], size)
    image, known = np.zeros((size * size, 3)), np.zeros(size * size, bool)
    samples = []
    for (mesh, patch, normal), uv in zip(pieces, uvs):
        texel, tri, w = raster(uv, size)
        at = first[mesh]
        own = [
            np.einsum("nk,nkc->nc", w, a[tri])
            for a in (patch.pos, normal, patch.uv - patch.uv.min((0, 1)), patch.obj)
        ]
        world = own[0] @ at[:3, :3].T + at[:3, 3]
        n = own[1] @ at[:3, :3].T
        samples.append((texel, world, n / np.linalg.norm(n, axis=1, keepdims=True), own[2], own[3]))
    light = ambient(
        np.concatenate([s[1] for s in samples]), np.concatenate([s[2] for s in samples]), blockers
    )
    light = np.split(light, np.cumsum([len(s[0]) for s in samples])[:-1])
    for (_, patch, _), (texel, world, n, uv, obj), lit in zip(pieces, samples, light):
        colour = PAINTERS[patch.kind](Texels(world, n, uv, obj, lit, 1 / scale))
        image[texel] = np.clip(shaded(patch.kind, colour, world, lit), 0, 1)
        known[texel] = True
    print(f"{name}: {scale:.1f} texels a metre, {known.mean():.1%} of {size}² used")
    pixels = filled(image.reshape(size, size, 3), known.reshape(size, size))
    return [u / size for u in uvs], pixels[::-1]


def shaded(kind, colour, world, lit):
    """Lays the baked ambient light and the dirt that gathers in corners over a colour."""
    if kind in LIGHT:
        return colour
    lit = np.clip(lit, 0, 1)
    dirt = np.clip(1.15 - 1.3 * lit, 0, 1) * (0.4 + 0.9 * fbm(world * 3, 3, 201))
    colour = colour * (1 - dirt[:, None] * [0.16, 0.20, 0.26])
    gloom = 0.42 + 0.62 * lit[:, None] ** 0.8
    return colour * gloom ** np.array([1.0, 0.96, 0.90])


def encoded(pixels, quality):
    stream = io.BytesIO()
    image = Image.fromarray(np.round(pixels * 255).astype(np.uint8))
    image.save(stream, "JPEG", quality=quality, subsampling=0, optimize=True)
    return stream.getvalue()


def bumps(pixels, size, strength):
    """A tangent-space normal map from the painted tones taken as heights."""
    h = pixels.mean(2)
    h = h.reshape(size, h.shape[0] // size, size, -1).mean((1, 3))
    dx = (np.roll(h, -1, 1) - np.roll(h, 1, 1)) * strength
    dy = (np.roll(h, 1, 0) - np.roll(h, -1, 0)) * strength
    n = np.stack([-dx, -dy, np.ones_like(h)], -1)
    return n / np.linalg.norm(n, axis=-1, keepdims=True) * 0.5 + 0.5


def materials(doc, pixels):
    """The four materials; the lamp glass reads the masonry image and glows."""
    wall = doc.image("masonry_colour", encoded(pixels["masonry"], 88), "image/jpeg")
    rock = doc.image("rock_colour", encoded(pixels["rock"], 88), "image/jpeg")
    bump = doc.image("rock_normal", encoded(bumps(pixels["rock"], 512, 1.6), 80), "image/jpeg")
    table = {
        "masonry": {"baseColorTexture": {"index": wall}, "metallicFactor": 0.0, "roughnessFactor": 0.85},
        "rock": {"baseColorTexture": {"index": rock}, "metallicFactor": 0.0, "roughnessFactor": 0.95},
        "glass": {"baseColorTexture": {"index": wall}, "metallicFactor": 0.0, "roughnessFactor": 0.15},
        "iron": {
            "baseColorFactor": [0.035, 0.04, 0.045, 1.0],
            "metallicFactor": 0.7,
            "roughnessFactor": 0.45,
        },
    }
    names = {"masonry": "masonry", "rock": "rock", "glass": "glass_lamp", "iron": "roof_metal"}
    extra = {
        "rock": {"normalTexture": {"index": bump, "scale": 0.8}},
        "glass": {"emissiveFactor": [0.30, 0.19, 0.06]},
    }
    return {
        k: doc.add("materials", {"name": names[k], "pbrMetallicRoughness": v} | extra.get(k, {}))
        for k, v in table.items()
    }


def add_nodes(doc, node, mesh_index):
    item = {"name": node.name}
    index = doc.add("nodes", item)
    if any(node.at):
        item["translation"] = [round(float(v), 5) for v in node.at]
    if node.turn:
        half = np.radians(node.turn) / 2
        item["rotation"] = [0.0, round(float(np.sin(half)), 7), 0.0, round(float(np.cos(half)), 7)]
    if node.scale != 1:
        item["scale"] = [node.scale] * 3
    if node.mesh:
        item["mesh"] = mesh_index[node.mesh]
    if node.children:
        item["children"] = [add_nodes(doc, child, mesh_index) for child in node.children]
    return index


def main():
    prepared, root = prepare(), hierarchy()
    first, blockers = {}, []
    for node, at in walk(root):
        if node.mesh:
            first.setdefault(node.mesh, at)
            pos = np.concatenate([p.pos for p, _ in prepared[node.mesh]])
            blockers.append(pos @ at[:3, :3].T + at[:3, 3])
    blockers = np.concatenate(blockers)
    doc, uv_of, pixels = Document("nst3d scenes/lighthouse/build.py", "CC0-1.0"), {}, {}
    for name, kinds in (("masonry", ("masonry", "glass")), ("rock", ("rock",))):
        pieces = [(m, p, n) for m, items in prepared.items() for p, n in items if surface_of(p.kind) in kinds]
        uvs, pixels[name] = texture(name, pieces, first, blockers)
        uv_of |= {id(p): uv for (_, p, _), uv in zip(pieces, uvs)}
    material, mesh_index = materials(doc, pixels), {}
    for name, items in prepared.items():
        primitives = []
        for kind in material:
            group = [(p, n) for p, n in items if surface_of(p.kind) == kind]
            if group:
                uv = None if kind == "iron" else np.concatenate([uv_of[id(p)] for p, _ in group])
                pos, normal = (np.concatenate(a) for a in ([p.pos for p, _ in group], [n for _, n in group]))
                primitives.append(doc.primitive(material[kind], pos, normal, uv))
        mesh_index[name] = doc.add("meshes", {"name": name, "primitives": primitives})
    add_nodes(doc, root, mesh_index)
    doc.save(OUT / "lighthouse.glb")
    print(f"{len(blockers)} triangles, {(OUT / 'lighthouse.glb').stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
