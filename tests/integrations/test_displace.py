"""Gradients of shape, ours and PyTorch3D's: the same pictures, differentiated by both."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_meshes import camera_at, mesh_of, sphere

from nst3d.renderers.raycast import Hits, Raycaster
from nst3d.renderers.relief import PixelHits, ReliefMesh, blend_outlines, corner_normals, shade
from nst3d.representations.displaced import weld_mesh
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import build_surface
from nst3d.stylize.shape.terms import Topology, normal_term, side_cosines
from nst3d.tensors import ImageSize

reason = "PyTorch3D is not installed: pip install 'nst3d[pytorch3d]'"
pytest.importorskip("pytorch3d", reason=reason)

SIDE = 96


def scene_of(rings: int, bumps: float) -> SimpleNamespace:
    """A ball of 4 rings² − 4 rings faces, one camera, and what each renderer needs of them."""
    from pytorch3d.structures import Meshes

    mesh = mesh_of(sphere(rings))
    surface = build_surface(mesh, paint_vertices(mesh, np.inf, 0))
    welded = weld_mesh(mesh, surface)
    p = welded.positions * (1 + bumps * np.sin(9 * welded.positions).sum(1, keepdims=True))
    positions = torch.from_numpy(p.astype(np.float32))
    camera = camera_at((2.2, 1.1, 1.9), ImageSize(SIDE, SIDE))
    topology = Topology.of(torch.from_numpy(welded.faces))
    triangles = ReliefMesh(topology.faces, topology.faces, topology.neighbours)

    def cast(moved: torch.Tensor, samples: int) -> Hits:
        points = SimpleNamespace(positions=moved.float().numpy(), faces=welded.faces.astype(np.int32))
        return Raycaster(points).view(camera, samples)

    def in_ndc(moved: torch.Tensor) -> Meshes:
        """Their axes: x to the left, y up, from −1 to 1 over the picture, and depth."""
        pose = torch.from_numpy(camera.camera_to_world).float()
        local = (moved - pose[:3, 3]) @ pose[:3, :3]
        flat = -local[:, :2] / local[:, 2:] * camera.focal * 2 / SIDE
        return Meshes([torch.cat([flat, local[:, 2:]], 1)], [topology.faces])

    sight = PixelHits.of(camera, cast(positions, 1), torch.float32, torch.device("cpu"))
    return SimpleNamespace(
        positions=positions, sight=sight, triangles=triangles, topology=topology, cast=cast, in_ndc=in_ndc
    )


@pytest.fixture(scope="module")
def scene() -> SimpleNamespace:
    """A bumpy ball whose faces are about two pixels high."""
    return scene_of(20, 0.03)


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a * b).sum() / (a.norm() * b.norm()))


def gradient(value: torch.Tensor, leaf: torch.Tensor) -> torch.Tensor:
    return torch.autograd.grad(value, leaf)[0]


def test_shading_and_its_gradient_inside_of_the_outline(scene) -> None:
    """Their rasteriser, barycentric weights, vertex normals and interpolation; a lamp at the camera."""
    from pytorch3d.ops import interpolate_face_attributes
    from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
    from pytorch3d.structures import Meshes

    leaf = scene.positions.clone().requires_grad_()
    faces = scene.topology.faces
    face, _, weights, _ = rasterize_meshes(
        scene.in_ndc(leaf), SIDE, faces_per_pixel=1, bin_size=0, perspective_correct=True
    )
    normals = Meshes([leaf], [faces]).verts_normals_packed()
    both = torch.cat([normals[faces], leaf[faces]], 2)
    seen = interpolate_face_attributes(face, weights, both)[0, :, :, 0]
    normal = torch.nn.functional.normalize(seen[..., :3], dim=-1)
    to_eye = torch.nn.functional.normalize(scene.sight.origin - seen[..., 3:], dim=-1)
    theirs = 0.3 + 0.7 * (normal * to_eye).sum(-1).abs()
    ours = shade(leaf, scene.triangles, scene.sight, "headlight")

    same = (face[0, :, :, 0] == scene.sight.face) & (scene.sight.face >= 0)
    assert same.sum() > 0.97 * (scene.sight.face >= 0).sum()
    assert (ours - theirs)[same].abs().max() < 1e-3
    mix = torch.rand(SIDE, SIDE, generator=torch.Generator().manual_seed(0)) * same
    a, b = (gradient((picture * mix).sum(), leaf) for picture in (ours, theirs))
    assert cosine(a, b) > 0.999
    assert float(a.norm() / b.norm()) == pytest.approx(1, abs=0.01)


def outline_gradients(scene: SimpleNamespace, mix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Ours and theirs of the coverage weighted by `mix`; theirs are soft silhouettes with half a pixel's blur."""
    from pytorch3d.renderer import BlendParams
    from pytorch3d.renderer.blending import sigmoid_alpha_blend
    from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
    from pytorch3d.renderer.mesh.rasterizer import Fragments

    leaf = scene.positions.clone().requires_grad_()
    sigma = (0.5 * 2 / SIDE) ** 2
    radius = float(np.log(1e4)) * sigma
    found = rasterize_meshes(scene.in_ndc(leaf), SIDE, radius, faces_per_pixel=12, bin_size=0)
    blend = BlendParams(sigma=sigma, gamma=1e-4)
    theirs = sigmoid_alpha_blend(torch.ones(*found[0].shape, 3), Fragments(*found), blend)[0, ..., 3]
    flat = (scene.sight.face >= 0).float()
    ours = blend_outlines(flat, leaf, scene.triangles, scene.sight)
    return gradient((ours * mix).sum(), leaf), gradient((theirs * mix).sum(), leaf)


def shader_pictures(scene: SimpleNamespace, leaf: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A soft silhouette (h, w) and hard Phong shading (h, w), by PyTorch3D's own renderer, cameras and shaders."""
    from pytorch3d.renderer import (
        BlendParams,
        HardPhongShader,
        Materials,
        MeshRasterizer,
        MeshRenderer,
        PointLights,
        RasterizationSettings,
        SoftSilhouetteShader,
        TexturesVertex,
    )
    from pytorch3d.structures import Meshes
    from pytorch3d.utils import cameras_from_opencv_projection

    camera = scene.sight.camera
    to_camera = torch.from_numpy(np.linalg.inv(camera.camera_to_world)).float()
    lens = [[camera.focal, 0, camera.centre[0]], [0, camera.focal, camera.centre[1]], [0, 0, 1]]
    cameras = cameras_from_opencv_projection(
        to_camera[None, :3, :3], to_camera[None, :3, 3], torch.tensor(lens)[None], torch.tensor([camera.size])
    )
    white = TexturesVertex([torch.ones_like(leaf)])
    meshes = Meshes([leaf], [scene.topology.faces], white)
    blend = BlendParams(sigma=(0.5 * 2 / SIDE) ** 2, gamma=1e-4, background_color=(0.0, 0.0, 0.0))
    radius = float(np.log(1e4)) * blend.sigma
    soft = RasterizationSettings(SIDE, radius, faces_per_pixel=12, bin_size=0)
    silhouette = MeshRenderer(MeshRasterizer(cameras, soft), SoftSilhouetteShader(blend_params=blend))
    lamp = PointLights(
        location=scene.sight.origin[None], ambient_color=((0.3,) * 3,), diffuse_color=((0.7,) * 3,),
        specular_color=((0.0,) * 3,),
    )  # fmt: skip
    phong = HardPhongShader(cameras=cameras, lights=lamp, materials=Materials(), blend_params=blend)
    shaded = MeshRenderer(MeshRasterizer(cameras, RasterizationSettings(SIDE, bin_size=0)), phong)
    return silhouette(meshes)[0, ..., 3], shaded(meshes)[0, ..., 0]


def test_their_shaders_pull_vertices_the_same_way() -> None:
    """Hard Phong with a lamp at the camera inside of the outline, and soft silhouettes for the outline itself.

    Silhouettes are alike on large faces alone, see below.
    """
    scene = scene_of(6, 0.03)
    leaf = scene.positions.clone().requires_grad_()
    silhouette, phong = shader_pictures(scene, leaf)
    ours = shade(leaf, scene.triangles, scene.sight, "headlight")
    inside = (scene.sight.face >= 0) & ((ours - phong).abs() < 5e-3)
    assert inside.sum() > 0.97 * (scene.sight.face >= 0).sum()
    mix = torch.rand(SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * inside
    a, b = (gradient((picture * mix).sum(), leaf) for picture in (ours, phong))
    assert cosine(a, b) > 0.999
    assert float(a.norm() / b.norm()) == pytest.approx(1, abs=0.01)

    x = torch.linspace(0, 3, SIDE)
    waves = torch.sin(x)[:, None] + torch.cos(2 * x)
    covered = blend_outlines((scene.sight.face >= 0).float(), leaf, scene.triangles, scene.sight)
    # Their blur makes it some percent larger.
    assert float(covered.detach().sum() / silhouette.detach().sum()) == pytest.approx(1, abs=0.05)
    a, b = (gradient((picture * waves).sum(), leaf) for picture in (covered, silhouette))
    assert cosine(a, b) > 0.95
    assert float(a.norm() / b.norm()) == pytest.approx(1, abs=0.15)


def smooth_moves(positions: torch.Tensor, count: int) -> list[torch.Tensor]:
    """Ways to bend a shape."""
    generator = torch.Generator().manual_seed(0)
    shape = {"generator": generator, "dtype": torch.float64}
    p = positions.double()
    waves = (
        (torch.randn(3, 3, **shape), torch.randn(3, **shape), torch.randn(3, 3, **shape))
        for _ in range(count)
    )
    return [torch.sin(p @ (3 * a) + b) @ c for a, b, c in waves]


@pytest.mark.parametrize(("rings", "alike"), [(6, 0.97), (20, 0.6)])
def test_gradients_of_outlines_are_those_of_the_covered_area(rings, alike) -> None:
    """Both against differences of the area that 64 rays a pixel find, for bends of the whole shape.

    Vertex by vertex the two agree on large faces. On faces of two pixels theirs also pull at those behind the
    outline, as their blur reaches over several; along bends ours is the closer one.
    """
    scene = scene_of(rings, 0.0)
    x = torch.linspace(0, 3, SIDE)
    mix = torch.sin(x)[:, None] + torch.cos(2 * x)

    def area(moved: torch.Tensor) -> float:
        seen = scene.cast(moved, 8).face >= 0
        return float((seen.reshape(SIDE, 8, SIDE, 8).mean((1, 3)) * mix.numpy()).sum())

    moves = smooth_moves(scene.positions, 6)
    at = scene.positions.double()
    true = torch.tensor([(area(at + 2e-3 * m) - area(at - 2e-3 * m)) / 4e-3 for m in moves])
    ours, theirs = outline_gradients(scene, mix)
    along_ours, along_theirs = (torch.stack([(g * m).sum() for m in moves]).float() for g in (ours, theirs))
    assert cosine(ours, theirs) > alike
    assert cosine(along_ours, true) > 0.97
    assert float(along_ours.norm() / true.norm()) == pytest.approx(1, abs=0.1)
    assert cosine(along_ours, true) > cosine(along_theirs, true) - 0.01


def test_normal_consistency_is_theirs_but_for_the_start(scene) -> None:
    """From a start where all faces agree, both are the mean of one minus cosine."""
    from pytorch3d.loss import mesh_normal_consistency
    from pytorch3d.structures import Meshes

    faces = scene.topology.faces
    theirs = mesh_normal_consistency(Meshes([scene.positions], [faces]))
    flat = torch.ones(len(scene.topology.sides))
    assert float(normal_term(scene.positions, scene.topology, flat)) == pytest.approx(float(theirs), rel=1e-4)
    cosines = side_cosines(scene.positions, scene.topology)
    assert float(normal_term(scene.positions, scene.topology, cosines)) == 0
    normals = Meshes([scene.positions], [faces]).verts_normals_packed()
    assert torch.allclose(corner_normals(scene.positions, scene.triangles), normals, atol=1e-5)
