"""Renders the frames that runs of one scene are judged by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from nst3d.errors import ConfigError
from nst3d.pipeline.evaluation.evidence import Take, takes_of_pictures, takes_of_scenes, takes_of_videos
from nst3d.pipeline.evaluation.flight import FlightOptions
from nst3d.pipeline.evaluation.run_folder import RunFolder
from nst3d.pipeline.jobs.open_scene import open_scene
from nst3d.pipeline.kinds.bridges import Bridges, Note
from nst3d.pipeline.kinds.flight import Way
from nst3d.pipeline.kinds.registry import open_path
from nst3d.pipeline.kinds.shown import Shown
from nst3d.pipeline.settings.shown import SceneOptions


def takes_of_runs(
    runs: Sequence[RunFolder],
    flight: FlightOptions,
    note: Note,
    count: Callable[[int, int], None],
    bridges: Bridges,
) -> list[Take]:
    """The frames of the unpainted scene, then of each run of it; `count` is told those done and in total.

    Raises InputError for a scene or a painting that cannot be read.
    """
    first = runs[0]
    paths = [first.scene, *(run.painted for run in runs)]
    if first.is_video:
        return takes_of_videos(paths, flight, count)
    if open_path(first.scene).kind.show is None:
        return takes_of_pictures(paths, flight)
    scenes = shown_by_turns(runs, flight.path, note, bridges)
    return takes_of_scenes(scenes, len(paths), flight, count)


def shown_by_turns(runs: Sequence[RunFolder], path: str, note: Note, bridges: Bridges) -> Iterator[Shown]:
    """The unpainted scene of runs, and what each of them painted, opened one after the other.

    `path` is that of the cameras. Only the first is searched for rooms to turn in, as its cameras are taken for all.
    """
    first = runs[0]
    options = SceneOptions(
        lighting="none",
        cameras=first.cameras,
        dataparser=first.option("dataparser"),
        data=first.option("data"),
    )
    yield open_scene(first.scene, options, Way(path=path), note, bridges)
    for run in runs:
        yield open_scene(run.painted, options, Way(path="orbit"), note, bridges)


def names_of_runs(runs: Sequence[RunFolder]) -> list[str]:
    """A name for each run: its folder's, with as many parents as it takes to tell them apart.

    Raises ConfigError if one is given twice.
    """
    paths = [run.path.resolve().parts for run in runs]
    for depth in range(1, max(map(len, paths)) + 1):
        names = ["/".join(parts[-depth:]) for parts in paths]
        if len(set(names)) == len(names):
            return names
    raise ConfigError("a run is given twice; give each folder once")


def check_same_scene(runs: Sequence[RunFolder]) -> None:
    """Raise ConfigError for runs of different scenes, which no number compares."""
    first = runs[0]
    for run in runs[1:]:
        if run.scene.resolve() != first.scene.resolve():
            raise ConfigError(
                f"{run.path} painted {run.scene} and {first.path} painted {first.scene}: numbers of different"
                " scenes cannot be compared; evaluate them one by one"
            )
