"""Captures in any format that nerfstudio's dataparsers read."""

from __future__ import annotations

import copy
import dataclasses
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.cameras.lens import BrownConrady, Fisheye, Lens
from nst3d.errors import ConfigError, InputError
from nst3d.files import PathLike
from nst3d.formats.captures.common import Found, Intrinsics, Shot, as_capture, from_opengl
from nst3d.formats.nerfstudio.config import CLASS, config_part
from nst3d.formats.nerfstudio.data import find_data, told_data
from nst3d.formats.nerfstudio.run import NerfstudioRun
from nst3d.integrations.nerfstudio.package import need_nerfstudio
from nst3d.representations.capture import Capture, Split
from nst3d.tensors import Array, ImageSize

_FRAME = "dataparser_transforms.json"
_PICKLED = "minimal-parser"
"""Dataparser that reads pickles."""
_SAME_FRAME = 1e-4
"""Tolerance between the frame of a dataset now and in its run, relative to a side of 2."""


@dataclass(frozen=True)
class _Frame:
    """A dataparser's transform of a dataset: p = scale · (R p_data + t)."""

    transform: Array
    """(3, 4): R and t."""
    scale: float

    def same(self, other: _Frame) -> bool:
        """Whether both place a dataset in the same position."""
        return bool(np.abs(self._matrix - other._matrix).max() <= _SAME_FRAME * self.scale)

    def moved(self, pose: Array, to: _Frame) -> Array:
        """A camera's pose (4, 4) in this frame, converted to another."""
        change = to._matrix @ np.linalg.inv(self._matrix)
        result = change @ pose
        result[:3, :3] /= to.scale / self.scale
        return np.asarray(result)

    @property
    def _matrix(self) -> Array:
        return np.vstack([self.transform * self.scale, [0.0, 0.0, 0.0, 1.0]])


def load_with(name: str, folder: PathLike) -> Capture:
    """The dataset in a folder, read by the dataparser `name`, in the frame that a run on it would have.

    Cameras get OpenCV axes, photographs are at full size. The dataparser's test split is held out. Raises
    ConfigError for a name unknown to nerfstudio, MissingDependencyError if nerfstudio is not installed, and
    InputError for data that the dataparser rejects, unsupported lenses, or anything that is not a capture.
    """
    folder = Path(folder)
    notes = need_nerfstudio(f"`dataparser` {name}")
    from nerfstudio.configs.dataparser_configs import all_dataparsers

    if name not in all_dataparsers or name == _PICKLED:
        known = ", ".join(sorted(set(all_dataparsers) - {_PICKLED}))
        why = "reads pickles, which are never loaded" if name == _PICKLED else "is not one of nerfstudio's"
        raise ConfigError(f"`dataparser` {name}: {why}; expected one of {known}")
    if not folder.exists():
        raise InputError(f"{folder}: no such file or folder, expected data for nerfstudio's {name}")
    dataset = _Dataset(name, folder, copy.deepcopy(all_dataparsers[name]))
    return dataset.capture(f"nerfstudio's {name}", notes)


def run_cameras(run: NerfstudioRun, data: Path | None = None) -> Capture:
    """The photographs of a run's dataset, with cameras in the run's own frame and OpenCV axes.

    `data` is the dataset's current location; None: the run's. Poses are the dataset's, as nerfstudio renders
    them, without the refinement of training. Raises InputError if the dataset is missing or the run's
    dataparser unknown, and MissingDependencyError if nerfstudio is not installed.
    """
    notes = need_nerfstudio(f"{run.folder}: reading its cameras")
    from nerfstudio.configs.dataparser_configs import all_dataparsers

    told = config_part(run.folder, run.config, "pipeline.datamanager.dataparser")
    name, config = _configured(run, told, all_dataparsers)
    place = _place(run, data)
    frame = None
    if (run.folder / _FRAME).is_file():
        frame = _Frame(np.asarray(run.transform, float), float(run.scale))
    dataset = _Dataset(name, place, config, frame)
    return dataset.capture(f"the data of {run.folder.name}, nerfstudio's {name}", notes)


def trained_on(run: NerfstudioRun, data: Path, outputs: Any) -> Capture:
    """The photographs in a dataparser's outputs for a run's data, all in the train split, with OpenCV axes.

    Raises InputError if the dataparser's frame differs from the run's.
    """
    now, then = _frame_of(outputs), _Frame(run.transform, run.scale)
    if (run.folder / _FRAME).is_file() and not now.same(then):
        raise InputError(
            f"{run.folder}: was trained in a different frame than this dataparser gives {data}; use the run's"
            " data, dataparser and dataparser settings"
        )
    return _Dataset("data", data, None).of([(outputs, "train")], f"the data of {run.folder.name}")


def _configured(run: NerfstudioRun, told: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[str, Any]:
    """The name and the config of a run's dataparser: nerfstudio's config with the run's values."""
    wanted = next((v for v in (told.get(CLASS), told.get("_target")) if isinstance(v, str)), "?")
    for name, config in known.items():
        kinds = (type(config), config._target)
        if name != _PICKLED and wanted in {f"{k.__module__}.{k.__qualname__}" for k in kinds}:
            fields = {f.name for f in dataclasses.fields(config) if f.init} - {"_target", "data"}
            values = {key: told[key] for key in fields & set(told)}
            return name, dataclasses.replace(
                config, **{k: _as(getattr(config, k), v) for k, v in values.items()}
            )
    raise InputError(
        f"{run.folder}: its dataparser {wanted} is not available; give `cameras`, a capture in its frame"
    )


def _as(default: Any, value: Any) -> Any:
    """A plain value converted to the type of the default: paths are stored as text, tuples as lists."""
    if isinstance(default, Path) and isinstance(value, str):
        return Path(value)
    return tuple(value) if isinstance(default, tuple) and isinstance(value, list) else value


def _place(run: NerfstudioRun, data: Path | None) -> Path:
    """The location of a run's dataset."""
    if data is not None:
        if data.exists():
            return data
        raise InputError(f"`data` {data}: no such file or folder, expected the data of {run.folder}")
    told = told_data(run.config)
    if told is None:
        raise InputError(f"{run.folder}: does not say where its data is; give `data`, its folder")
    found = find_data(run.folder, told)
    if found is None:
        raise InputError(f"{run.folder}: its data is no longer in {told}; give `data`, its folder")
    return found


@dataclass(frozen=True)
class _Dataset:
    """A dataset and its dataparser."""

    name: str
    folder: Path
    config: Any
    frame: _Frame | None = None
    """Frame for its cameras; None: the dataparser's."""

    def capture(self, kind: str, notes: Sequence[str]) -> Capture:
        """The validated capture, in OpenCV axes."""
        train = self._outputs("train")
        held, trouble = self._held_out({str(path) for path in train.image_filenames})
        parts: list[tuple[Any, Split | None]] = [(train, "train"), *((o, "test") for o in held)]
        if not held and self.frame is None:
            parts = [(train, None)]  # every 8th is held out, as in all captures without a split
        told = [*notes, *trouble, *_told([o for o, _ in parts])]
        if self.frame is not None and not _frame_of(train).same(self.frame):
            told.append(f"{self.folder}: has a different frame than in the run; its cameras are moved to fit")
        return self.of(parts, kind, told)

    def of(self, parts: Sequence[tuple[Any, Split | None]], kind: str, told: Sequence[str] = ()) -> Capture:
        """The capture in a dataparser's outputs."""
        shots: list[Shot] = []
        missing: list[str] = []
        for outputs, split in parts:
            for shot in self._shots(outputs, split):
                if shot.path is not None and shot.path.is_file():
                    shots.append(shot)
                else:
                    missing.append(shot.name)
        capture = as_capture(Found(self.folder, kind, shots, missing, notes=told))
        behind = parts[0][0].alpha_color
        if capture.background is None or behind is None:
            return capture
        red, green, blue = (float(value) for value in behind)
        return dataclasses.replace(capture, background=(red, green, blue))

    def _held_out(self, trained: set[str]) -> tuple[list[Any], list[str]]:
        """The outputs of the held-out photographs, if there are any outside `trained`, and notes."""
        try:
            outputs = self._outputs("test")
        except InputError as error:
            return [], [f"{error}; so it does not say what to hold out"]
        new = [path for path in outputs.image_filenames if str(path) not in trained]
        return ([outputs] if new and len(new) == len(outputs.image_filenames) else []), []

    def _outputs(self, split: str) -> Any:
        """The dataparser's outputs for a split. Raises InputError if it fails."""
        config = copy.copy(self.config)
        config.data = self.folder
        if hasattr(config, "downscale_factor") and type(config)().downscale_factor is None:
            config.downscale_factor = 1  # otherwise it looks for downscaled copies, and offers to create them
        if hasattr(config, "load_3D_points"):
            config.load_3D_points = False
        try:
            with redirect_stdout(io.StringIO()):
                outputs = config.setup().get_dataparser_outputs(split)
        except (Exception, SystemExit) as error:
            why = " ".join(str(error).split()) or "no reason given"
            raise InputError(
                f"{self.folder}: nerfstudio's {self.name} cannot read its {split} part"
                f" ({type(error).__name__}: {why[:200]})"
            ) from None
        poses, photographs = tuple(outputs.cameras.camera_to_worlds.shape), len(outputs.image_filenames)
        if poses != (photographs, 3, 4):  # some dataparsers drop a dimension for a single photograph
            raise InputError(
                f"{self.folder}: nerfstudio's {self.name} gives poses of shape {poses} for the {photographs}"
                f" photographs of its {split} part, expected ({photographs}, 3, 4)"
            )
        return outputs

    def _shots(self, outputs: Any, split: Split | None) -> Iterator[Shot]:
        cameras, now = outputs.cameras.reshape((-1,)), _frame_of(outputs)
        for index, path in enumerate(map(Path, outputs.image_filenames)):
            name = str(path.relative_to(self.folder)) if path.is_relative_to(self.folder) else str(path)
            pose = _pose(cameras, index)
            if self.frame is not None and not now.same(self.frame):
                pose = now.moved(pose, self.frame)
            intrinsics = _intrinsics(cameras, index, f"{self.folder}: {name}")
            yield Shot(name, pose, intrinsics, path, split=split)


def _pose(cameras: Any, index: int) -> Array:
    """A camera's pose (4, 4), OpenCV axes."""
    pose = np.eye(4)
    pose[:3] = cameras.camera_to_worlds[index].double().numpy()
    return from_opengl(pose)


def _frame_of(outputs: Any) -> _Frame:
    transform = outputs.dataparser_transform.double().numpy()
    return _Frame(transform[:3, :4], float(outputs.dataparser_scale))


def _told(parts: Sequence[Any]) -> list[str]:
    """Notes for the user about a dataset."""
    notes = []
    if any(outputs.mask_filenames for outputs in parts):
        notes.append("the masks of its photographs are not used")
    if any(
        outputs.cameras.times is not None and len(outputs.cameras.times.unique()) > 1 for outputs in parts
    ):
        notes.append("its photographs have different times; they are treated as one static scene")
    return notes


def _intrinsics(cameras: Any, index: int, where: str) -> Intrinsics:
    fx, fy, cx, cy = (float(getattr(cameras, key)[index]) for key in ("fx", "fy", "cx", "cy"))
    size = ImageSize(int(cameras.height[index]), int(cameras.width[index]))
    bent = cameras.distortion_params
    numbers = [0.0] * 6 if bent is None else [float(v) for v in bent[index]]
    return Intrinsics((fx, fy), (cx, cy), size, _lens(int(cameras.camera_type[index]), numbers, where))


def _lens(kind: int, numbers: Sequence[float], where: str) -> Lens | None:
    """The lens of a nerfstudio camera with coefficients k1, k2, k3, k4, p1, p2."""
    from nerfstudio.cameras.cameras import CameraType

    name = CameraType(kind).name
    if name not in ("PERSPECTIVE", "FISHEYE"):
        raise InputError(f"{where}: its camera is {name}, expected PERSPECTIVE or FISHEYE")
    k1, k2, k3, k4, p1, p2 = numbers
    if name == "PERSPECTIVE" and not k4:
        return BrownConrady(k1, k2, p1, p2, k3) if any(numbers) else None
    if name == "FISHEYE" and not (p1 or p2):
        return Fisheye(k1, k2, k3, k4)
    odd = (
        f"k4 {k4:g} in a perspective lens" if name == "PERSPECTIVE" else f"p1 {p1:g}, p2 {p2:g} in a fisheye"
    )
    raise InputError(
        f"{where}: {odd} is not supported; undistort the photographs first (ns-process-data, COLMAP)"
    )
