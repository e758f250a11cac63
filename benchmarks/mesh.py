"""Painting a scan: stanford-bunny.obj, 24 views at 256 x 256, VGG-19 to relu4_2, 150 steps.

    python benchmarks/mesh.py            # the whole job, and what a step is made of
    python benchmarks/mesh.py --crop     # with the views cropped to the mesh, as `nst3d paint` does
    python benchmarks/mesh.py --dense    # compiles 24 views of a mesh of more than 500,000 faces

Prints a table, and last one line of JSON.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from common import Stopwatch, data_dir, median_ms, parser_for, report

from nst3d.features.weights import load_encoder
from nst3d.formats.mesh_files import load_mesh
from nst3d.pipeline.jobs.paint import run_job
from nst3d.pipeline.kinds.mesh.scene import prepare_mesh
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.runtime.machine import peak_memory_gb, resolve_device
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.surface import RigOptions, SurfaceOptions
from nst3d.renderers.mesh import MeshRenderer, MeshViewOptions
from nst3d.representations.mesh import Mesh
from nst3d.representations.subdivide import subdivide
from nst3d.stylize.schedule import Schedule, Stage

SIZE, VIEWS, STEPS = 256, 24, 150


def settings(crop: bool) -> PaintConfig:
    """The benchmark's job: one stage, content read at relu4_2."""
    config = PaintConfig()
    return dataclasses.replace(
        config,
        recipe=config.recipe.with_terms({"content": {"layers": ("relu4_2",)}}),
        schedule=Schedule((Stage(SIZE, STEPS, 0.03),)),
        rig=RigOptions(views=VIEWS, max_views=VIEWS, crop=crop),
    )


def whole_job(crop: bool) -> dict[str, Any]:
    """Reading, painting and writing everything, in this process."""
    scene = data_dir() / "meshes/untextured/stanford-bunny.obj"
    style = data_dir() / "styles/starry_night_vangogh_1889.jpg"
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        result = run_job(Job(scene, (style,), Path(folder) / "out", settings(crop)), watch)
    names = ("wall_s", "read_s", "prepare_s", "paint_s", "write_s", "peak_rss_gb", "colours", "views")
    return {n: result.metrics[n] for n in names} | {"step_ms": round(watch.median_ms(10), 1)}


def parts(step_ms: float) -> dict[str, Any]:
    """The bare encoder, and rendering alone, at the same size and precision."""
    device = resolve_device("auto")
    encoder = load_encoder("vgg19", device=device)
    image = torch.rand(3, SIZE, SIZE, device=device, requires_grad=True)

    def bare() -> None:
        image.grad = None
        encoder(image, ("relu4_2",))["relu4_2"].sum().backward()

    mesh = load_mesh(data_dir() / "meshes/untextured/stanford-bunny.obj")
    scene = prepare_mesh(mesh, SurfaceOptions(), RigOptions(views=VIEWS, max_views=VIEWS), SIZE)
    views = [scene.renderer.compile(c) for c in scene.rig.cameras]
    colours = scene.initial.to(device)
    backgrounds = torch.zeros(3, device=device)
    turn = iter(range(10**9))

    def render() -> None:
        leaf = colours.detach().requires_grad_()
        view = views[next(turn) % len(views)]
        view.render(leaf, backgrounds).sum().backward()

    bare_ms, render_ms = median_ms(bare, 15), median_ms(render, 48)
    return {
        "encoder_ms": round(bare_ms, 1),
        "render_ms": round(render_ms, 2),
        "step_ratio": round(step_ms / bare_ms, 3),
        "render_share": round(render_ms / step_ms, 4),
    }


def dense() -> dict[str, Any]:
    """Compiling 24 views of a scan with more than half a million faces, two samples a pixel side."""
    mesh = load_mesh(data_dir() / "meshes/untextured/armadillo.obj")
    mesh = _denser(mesh, 500_000)
    rig = RigOptions(views=VIEWS, max_views=VIEWS)
    scene = prepare_mesh(mesh, SurfaceOptions(paint="vertex"), rig, SIZE)
    start = time.perf_counter()
    renderer = MeshRenderer(scene.surface)
    views = [renderer.compile(c, MeshViewOptions()) for c in scene.rig.cameras]
    seconds = time.perf_counter() - start
    return {
        "faces": mesh.num_faces,
        "compile_24_views_s": round(seconds, 2),
        "views_mb": round(sum(v.nbytes for v in views) / 1e6, 1),
        "peak_rss_gb": peak_memory_gb(),
    }


def _denser(mesh: Mesh, faces: int) -> Mesh:
    """The mesh subdivided until it has at least so many faces."""
    part = mesh.parts[0]
    while len(part.faces) < faces:
        part = subdivide(part, 0.0, 3 * len(part.faces))
    return dataclasses.replace(mesh, parts=(part,))


def main() -> None:
    """Run what the command line asks for."""
    parser = parser_for(__doc__)
    parser.add_argument("--crop", action="store_true", help="crop views to the mesh")
    parser.add_argument("--dense", action="store_true", help="compile views of a dense mesh instead")
    given = parser.parse_args()
    if given.dense:
        report("views of a dense mesh", dense(), given.save)
        return
    numbers = whole_job(given.crop)
    report("stanford-bunny, painted", numbers | parts(numbers["step_ms"]) | {"crop": given.crop}, given.save)


if __name__ == "__main__":
    main()
