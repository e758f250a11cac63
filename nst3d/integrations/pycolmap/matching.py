"""Matches the features of stills, pair by pair, and keeps the matches in COLMAP's database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nst3d.files import write_bytes
from nst3d.integrations.pycolmap.features import DATABASE, batches
from nst3d.integrations.pycolmap.pairs import ALL, STRONGEST, alike_pairs, all_pairs, ordered_pairs
from nst3d.pipeline.captures.poses import Count, PoseTask
from nst3d.tensors import Array

_BATCH = 32
"""Number of pairs between two counts, for each thread."""
_LIST = "pairs.txt"


def match_features(
    package: Any, task: PoseTask, threads: int, count: Count, stopped: Callable[[], bool]
) -> bool:
    """Match all pairs that are worth it and not matched yet; False if stopped before the end."""
    path = task.work / DATABASE
    with package.Database.open(path) as database:
        numbers = [database.read_image_with_name(still.name).image_id for still in task.stills]
        pairs = sorted(_pairs(database, task, numbers))
        left = [(i, j) for i, j in pairs if not database.exists_two_view_geometry(numbers[i], numbers[j])]
    names = [still.name for still in task.stills]
    matching = package.FeatureMatchingOptions(num_threads=threads, use_gpu=False)
    verification = package.TwoViewGeometryOptions()
    verification.ransac.random_seed = task.options.seed
    listed = package.ImportedPairingOptions(match_list_path=task.work / _LIST)
    done = len(pairs) - len(left)
    for start, batch in batches(left, _BATCH * threads):
        count("matching", done + start, len(pairs))
        if stopped():
            return False
        write_bytes(task.work / _LIST, "".join(f"{names[i]} {names[j]}\n" for i, j in batch).encode())
        package.match_image_pairs(
            path,
            matching_options=matching,
            pairing_options=listed,
            verification_options=verification,
            device=package.Device.cpu,
        )
    (task.work / _LIST).unlink(missing_ok=True)
    count("matching", len(pairs), len(pairs))
    return True


def _pairs(database: Any, task: PoseTask, numbers: list[int]) -> set[tuple[int, int]]:
    """Pairs of stills to match, as indices."""
    if len(numbers) <= ALL and not task.ordered:
        return set(all_pairs(len(numbers)))
    near = ordered_pairs(len(numbers))
    return near | alike_pairs([_largest(database, number) for number in numbers])


def _largest(database: Any, number: int) -> Array:
    """Descriptors of a still's largest features, which it is likeliest to share with another."""
    keypoints = np.asarray(database.read_keypoints(number))
    descriptors = np.asarray(database.read_descriptors(number).data)
    sizes = np.linalg.norm(keypoints[:, 2:], axis=1)
    return descriptors[np.argsort(-sizes, kind="stable")[:STRONGEST]]
