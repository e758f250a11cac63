"""Point clouds in files of any format."""

from __future__ import annotations

from nst3d.files import PathLike
from nst3d.formats.io.peek import Peek
from nst3d.formats.splats.gltf_points import is_gltf_points, load_gltf_points
from nst3d.formats.splats.points import is_point_cloud, load_points
from nst3d.representations.points import PointCloud


def is_cloud(place: PathLike | Peek) -> bool:
    """Whether a file is a point cloud, by its suffix and contents."""
    return is_gltf_points(place) or is_point_cloud(place)


def load_cloud(path: PathLike) -> PointCloud:
    """The finite points of a cloud. Raises InputError for a file that is broken or has no finite points."""
    return load_gltf_points(path) if is_gltf_points(path) else load_points(path)
