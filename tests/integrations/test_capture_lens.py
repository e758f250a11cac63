"""Lenses whose coefficients are large: those of long lenses, as they are for tangents of angles."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from nst3d.integrations.pycolmap.features import DATABASE
from nst3d.integrations.pycolmap.mapping import map_stills
from nst3d.pipeline.captures.poses import PoseTask, Still
from nst3d.pipeline.settings.capture import PoseOptions
from nst3d.tensors import ImageSize

SIZE, FOCAL, CURVE = ImageSize(360, 480), 900.0, (0.1, -3.0)


@pytest.fixture
def task(tmp_path):
    """Stills by one camera, as matches without pictures' features."""
    package = pytest.importorskip("pycolmap")
    package.logging.minloglevel = package.logging.Level.FATAL.value
    package.set_random_seed(1)
    options = package.SyntheticDatasetOptions(
        num_rigs=1,
        num_frames_per_rig=12,
        num_points3D=400,
        camera_width=SIZE.width,
        camera_height=SIZE.height,
        camera_model_id=package.CameraModelId.RADIAL,
        camera_params=[FOCAL, SIZE.width / 2, SIZE.height / 2, *CURVE],
    )
    (tmp_path / "images").mkdir()
    with package.Database.open(tmp_path / DATABASE) as database:
        package.synthesize_dataset(options, database)
        names = [image.name for image in database.read_all_images()]
        (camera,) = database.read_all_cameras()
        camera.params = np.array([FOCAL, SIZE.width / 2, SIZE.height / 2, 0.0, 0.0])
        database.update_camera(camera)
    for name in names:
        (tmp_path / "images" / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", SIZE[::-1]).save(tmp_path / "images" / name, "PNG")
    stills = [Still(name, SIZE, FOCAL, "") for name in names]
    return package, PoseTask(tmp_path / "images", tmp_path, tmp_path / "sparse", stills, False, PoseOptions())


def test_large_coefficients_do_not_discard_the_model(task) -> None:
    package, stills = task
    begun = []
    found = map_stills(
        package, stills, 1, lambda stage, done, total: begun.append(done == 2), lambda: sum(begun) > 2
    )
    assert found is not None, "it begins again and again"
    assert len(found.names) == 12
    assert not found.others
    (camera,) = package.Reconstruction(stills.model).cameras.values()
    assert camera.params[3:] == pytest.approx(CURVE, abs=0.3)
