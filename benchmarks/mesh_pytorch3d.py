"""One view, forward and backward: PyTorch3D as its users do it, and the compiled view. Both in one run.

    python benchmarks/mesh_pytorch3d.py             # a scan of 20,000 faces at 256 x 256, colours at its vertices
    python benchmarks/mesh_pytorch3d.py --soft      # also with the soft shader and its 50 faces a pixel
    python benchmarks/mesh_pytorch3d.py --steps 20 --out DIR    # steps of a painting through each; 0: none

PyTorch3D rasterises the mesh and shades it at every step, and its gradient goes to the colours. Here a step is a
product with the view's matrix and one with its transpose; the matrix is compiled once a view, which is timed as well.
Then the same steps of a painting are taken through each, and PyTorch3D renders both results: their distance to the
style in VGG-16, which neither used, LPIPS to the unpainted picture, and how alike they are.
Needs `pip install 'nst3d[pytorch3d]'`. Prints a table, and last one line of JSON.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fast_simplification
import numpy as np
import torch
from common import data_dir, median_ms, parser_for, report
from mesh_painting import paintings, shaded_colours

from nst3d.cameras.pinhole import Camera, look_at, perspective
from nst3d.formats.mesh_files import load_mesh
from nst3d.images.io import write_image
from nst3d.integrations.pytorch3d.fragments import Rasteriser
from nst3d.renderers.mesh import MeshRenderer, MeshViewOptions
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import Surface, build_surface
from nst3d.tensors import ImageSize

SIZE, FACES = 256, 20_000
SIGMA, LAYERS = 1e-4, 50
"""Of the soft shader, as PyTorch3D's tutorials set them: how far edges blur, and the faces kept for each pixel."""


def scan(faces: int) -> Surface:
    """The bunny with so many faces, painted on its vertices."""
    mesh = load_mesh(data_dir() / "meshes/untextured/stanford-bunny.obj")
    part = mesh.parts[0]
    vertices, corners = fast_simplification.simplify(
        part.vertices.astype(np.float32), part.faces, target_count=faces
    )
    part = dataclasses.replace(
        part, vertices=vertices.astype(float), faces=corners.astype(np.int32), uvs=None, normals=None
    )
    mesh = dataclasses.replace(mesh, parts=(part,))
    return build_surface(mesh, paint_vertices(mesh, np.inf, 0))


def theirs(
    surface: Surface, camera: Camera, device: torch.device, soft: bool
) -> tuple[Callable[..., Any], ...]:
    """PyTorch3D's picture (h, w, 4) of vertex colours, lit evenly, over white: a renderer as in its tutorials.

    And the same picture with fragments that are found once, which is all that a still mesh and camera need.
    """
    from pytorch3d import renderer as r
    from pytorch3d.structures import Meshes
    from pytorch3d.utils import cameras_from_opencv_projection

    to_camera = torch.from_numpy(np.linalg.inv(camera.camera_to_world)).float()[None]
    focal, (x, y) = camera.focal, camera.centre
    matrix = torch.tensor([[[focal, 0, x], [0, focal, y], [0, 0, 1]]])
    size = torch.tensor([list(camera.size)])
    cameras = cameras_from_opencv_projection(to_camera[:, :3, :3], to_camera[:, :3, 3], matrix, size).to(
        device
    )
    settings = r.RasterizationSettings(
        image_size=tuple(camera.size),
        blur_radius=math.log(1 / SIGMA - 1) * SIGMA if soft else 0.0,
        faces_per_pixel=LAYERS if soft else 1,
    )
    lights = r.AmbientLights(device=device)
    shader = (r.SoftPhongShader if soft else r.HardPhongShader)(device=device, cameras=cameras, lights=lights)
    rasterise = r.MeshRasterizer(cameras, settings)
    kept: list[Any] = []
    positions = torch.from_numpy(surface.positions).to(device)
    faces = torch.from_numpy(surface.faces).long().to(device)

    def meshes(colours: torch.Tensor) -> Any:
        return Meshes([positions], [faces], r.TexturesVertex([colours]))

    def picture(colours: torch.Tensor) -> torch.Tensor:
        return r.MeshRenderer(rasterise, shader)(meshes(colours))[0]

    def again(colours: torch.Tensor) -> torch.Tensor:
        if not kept:
            kept.append(rasterise(meshes(colours)))
        return shader(kept[0], meshes(colours))[0]

    return picture, again


def step(picture: Callable[..., Any], colours: torch.Tensor, target: torch.Tensor) -> Callable[[], None]:
    """Forward, a loss, and its gradient to the colours."""

    def run() -> None:
        leaf = colours.detach().requires_grad_()
        (picture(leaf)[..., :3] - target).square().sum().backward()
        assert leaf.grad is not None

    return run


def agreement(a: torch.Tensor, b: torch.Tensor) -> float:
    """Share of pixels that differ by no more than 1/255."""
    return round(float(((a - b).abs().amax(-1) <= 1 / 255).float().mean()), 5)


def measure(soft: bool, steps: int) -> dict[str, Any]:
    """Milliseconds of all ways on the same mesh, camera and colours."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    surface = scan(FACES)
    pose = look_at(np.array([0.9, 0.6, 2.4]), np.zeros(3), np.array([0.0, 1.0, 0.0]))
    camera = perspective(pose, ImageSize(SIZE, SIZE), 0.75)
    rows = surface.num_colours
    colours = torch.rand(rows, 3, generator=torch.Generator().manual_seed(0)).to(device)
    target = torch.full((SIZE, SIZE, 3), 0.5, device=device)
    renderer = MeshRenderer(surface)
    by_fragments = MeshRenderer(surface, renderer.caster, Rasteriser(surface, device))
    white = torch.ones(3, device=device)

    def ours(view: Any) -> Callable[..., Any]:
        return lambda c: view.render(c, white)

    few, single = MeshViewOptions(samples=2), MeshViewOptions(samples=1)
    view, plain = renderer.compile(camera, few), renderer.compile(camera, single)
    hard, shaded = theirs(surface, camera, device, False)
    slow = {"repeats": 3, "warmup": 1}
    pytorch3d_ms = median_ms(step(hard, colours, target), **slow)
    view_ms = median_ms(step(ours(view), colours, target), 30)
    compile_ms = median_ms(lambda: renderer.compile(camera, few), 10)
    numbers: dict[str, Any] = {
        "faces": len(surface.faces),
        "colours": rows,
        "size": SIZE,
        "device": device.type,
        "pytorch3d_ms": round(pytorch3d_ms, 1),
        "pytorch3d_shader_ms": round(median_ms(step(shaded, colours, target), 20), 1),
    }
    if soft:
        blurred, _ = theirs(surface, camera, device, True)
        numbers["pytorch3d_soft_ms"] = round(
            median_ms(step(blurred, colours, target), repeats=1, warmup=0), 1
        )
    numbers |= {
        "view_ms": round(view_ms, 3),
        "view_1_sample_ms": round(median_ms(step(ours(plain), colours, target), 30), 3),
        "compile_ms": round(compile_ms, 1),
        "compile_by_pytorch3d_ms": round(median_ms(lambda: by_fragments.compile(camera, few), 5), 1),
        "times_faster": round(pytorch3d_ms / view_ms),
        "times_faster_with_compile": round(pytorch3d_ms / (view_ms + compile_ms), 1),
        "same_pixels": agreement(hard(colours)[..., :3], ours(plain)(colours)),
    }
    if steps:
        sides = {"by_nst3d": ours(view), "by_pytorch3d": hard}
        numbers |= {"steps": steps} | paintings(sides, shaded_colours(surface).to(device), hard, steps)
    return numbers


def main() -> None:
    """Measure, and say how many times faster a step with a compiled view is."""
    parser = parser_for(__doc__)
    parser.add_argument("--soft", action="store_true", help="also time the soft shader")
    parser.add_argument("--steps", type=int, default=20, help="steps of the painting through each; 0: none")
    parser.add_argument("--out", type=Path, help="folder for a picture: unpainted, ours, PyTorch3D's")
    given = parser.parse_args()
    try:
        import pytorch3d.renderer  # noqa: F401
    except ImportError:
        sys.exit("PyTorch3D is not installed: pip install 'nst3d[pytorch3d]'")
    numbers = measure(given.soft, given.steps)
    pictures = numbers.pop("pictures", None)
    if given.out and pictures:
        given.out.mkdir(parents=True, exist_ok=True)
        write_image(given.out / "mesh_pytorch3d.png", np.concatenate(pictures, axis=1))
    shader = round(numbers["pytorch3d_shader_ms"] / numbers["view_ms"])
    print(
        f"a step is {numbers['times_faster']} times faster with the compiled view (4 samples a pixel) than with"
        f" PyTorch3D (1 sample), and {numbers['times_faster_with_compile']} times if the view is compiled for it alone;"
        f" with fragments that PyTorch3D finds once, its shader takes {shader} times as long"
    )
    report("one view, forward and backward", numbers, given.save)


if __name__ == "__main__":
    main()
