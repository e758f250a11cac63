"""The teachers monge and instant, and courses of several lessons."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from pair_samples import random_weights

from nst3d.errors import ConfigError
from nst3d.images.io import read_image
from nst3d.networks.any_pair import LEVELS
from nst3d.networks.pairs import load_pairs
from nst3d.networks.transport import pooled_statistics
from nst3d.networks.universal import load_universal
from nst3d.operators.identity import IdentityView
from nst3d.stylize.coat import Coat
from nst3d.stylize.engine import Run
from nst3d.stylize.layout import Layout
from nst3d.stylize.linear_canvas import LinearCanvas
from nst3d.stylize.look import Look
from nst3d.stylize.phases import Teach
from nst3d.stylize.stage_scene import TableStage
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.monge import Monge
from nst3d.stylize.teachers.registry import TEACHERS, make_teacher
from nst3d.tensors import ImageSize


@pytest.fixture
def weights(tmp_path, monkeypatch) -> Path:
    torch.manual_seed(0)
    for level in LEVELS:
        random_weights(tmp_path, level)
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    return tmp_path


def pictures(count: int, size: tuple[int, int] = (32, 48)) -> list[torch.Tensor]:
    return [torch.rand(*size, 3, generator=torch.Generator().manual_seed(n)) for n in range(count)]


def looks(views: list[torch.Tensor]) -> list[Look]:
    return [Look(v.permute(2, 0, 1), torch.ones(v.shape[:2]), n) for n, v in enumerate(views)]


def test_all_views_get_one_map_to_the_style(weights) -> None:
    pair = load_pairs((2,), path=weights)[2]
    views = pictures(3)
    style = Style((torch.rand(48, 48, 3, generator=torch.Generator().manual_seed(9)) ** 3,))
    seen: list[torch.Tensor] = []
    pair.decode = lambda features, size, smooth: seen.append(features) or torch.zeros(3, *size)  # type: ignore[method-assign]
    Monge({2: pair}, strokes=0, levels=(2,)).teach(views, looks(views), [style])
    moved = pooled_statistics([(features, None) for features in seen])
    wanted = pooled_statistics([(pair.encode(style.at(48)[0]), None)])
    torch.testing.assert_close(moved.mean, wanted.mean, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(moved.covariance, wanted.covariance, rtol=0.02, atol=1e-2)


def test_without_strength_only_the_coding_is_left(weights) -> None:
    pairs = load_pairs((1,), path=weights)
    (view,) = pictures(1)
    (painted,) = Monge(pairs, strength=0, levels=(1,)).teach([view], looks([view]), [Style((view.flip(0),))])
    coded = pairs[1].decode(pairs[1].encode(view.permute(2, 0, 1)), (32, 48)).clamp(0, 1)
    torch.testing.assert_close(painted.permute(2, 0, 1), coded)


def test_the_lessons_together_are_the_teacher(weights) -> None:
    teacher = Monge(load_pairs(path=weights))
    views, style = pictures(2), Style((torch.rand(32, 32, 3),))
    at_once = teacher.teach(views, looks(views), [style])
    for lesson in teacher.lessons():
        views = list(lesson.teach(views, looks(views), [style]))
    assert len(teacher.lessons()) == len(LEVELS)
    for one, other in zip(at_once, views):
        torch.testing.assert_close(one, other)


def test_a_scene_learns_each_lesson_in_turn() -> None:
    class Lesson:
        def __init__(self, grey: float) -> None:
            self.grey = grey

        def teach(self, pictures, looks, styles):
            assert self.grey == 0.25 or float((pictures[0] - 0.25).abs().max()) < 0.01
            return [torch.full_like(p, self.grey) for p in pictures]

    class Both(Lesson):
        def lessons(self):
            return [Lesson(0.25), Lesson(0.75)]

    layout = Layout.of_images([ImageSize(4, 6)])
    view = IdentityView(ImageSize(4, 6))
    canvas = LinearCanvas(
        torch.full((24, 3), 0.5), layout, lambda scale: TableStage(views=[view], layout=layout)
    )
    run = Run(canvas, [Teach(Both(0), [Coat([Style((torch.rand(16, 16, 3),))])])])
    assert run.total == 2
    assert [progress.iteration for progress in run] == [1, 2]
    torch.testing.assert_close(canvas.colours(), torch.full((24, 3), 0.75), rtol=0, atol=1e-3)


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="option strength is 2: expected 0 to 1"):
        Monge({}, 2)
    with pytest.raises(ConfigError, match="teacher monge has no option 'levels'"):
        make_teacher("monge", {"levels": 3})


def test_instant_painting_needs_no_weights_but_those_that_nst3d_ships(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    views, style = pictures(2), Style((torch.rand(32, 32, 3) ** 3,))
    painted = make_teacher("instant", {}).teach(views, looks(views), [style])
    away = [abs(float(p[0].mean() - style.images[0].mean())) for p in (views, painted)]
    assert away[1] < 0.3 * away[0]


def test_frames_of_a_video_get_no_strokes_unless_asked(weights) -> None:
    """In flat parts, strokes change from frame to frame."""
    for name in ("monge", "instant"):
        kind = TEACHERS.get(name)
        assert (kind.options["strokes"], kind.for_frames) == (0.5, {"strokes": 0.0, "coarsest": 3})
        with pytest.raises(ConfigError, match="strokes is 2"):
            make_teacher(name, {"strokes": 2.0})


@pytest.mark.parametrize(("shipped", "most"), [(False, 0.1), (True, 0.25)])
def test_a_flat_sky_gets_no_weave(shipped, most, data_dir) -> None:
    """What has no detail is not covered with a grid in the periods of the decoders' upsampling."""
    folder = data_dir / "weights" / "collaborative_distillation"
    if not (shipped or folder.is_dir()):
        pytest.skip(f"no weights in {folder}")
    picture = torch.rand(128, 128, 3, generator=torch.Generator().manual_seed(0))
    picture[:96] = torch.linspace(0.55, 0.62, 96)[:, None, None] * torch.tensor([0.8, 0.9, 1.0])
    painting = read_image(data_dir / "styles" / "starry_night_vangogh_1889.jpg", max_pixels=16_000).pixels
    style = Style((torch.from_numpy(painting).float(),))
    teacher = Monge(load_universal() if shipped else load_pairs(path=folder), strokes=0)
    (painted,) = teacher.teach([picture], looks([picture]), [style])
    sky, wanted = painted[8:56, 16:-16].permute(2, 0, 1), style.at(128)[0]
    assert fine(sky) < most * fine(wanted)


def fine(planes: torch.Tensor) -> float:
    """Root mean square of what is finer than 8 pixels."""
    return float((planes - F.avg_pool2d(planes, 9, 1, 4, count_include_pad=False)).square().mean() ** 0.5)


def test_the_coarsest_level_can_be_left_out() -> None:
    teachers = [make_teacher("monge", {"coarsest": level}) for level in (4, 1)]
    assert [len(teacher.lessons()) for teacher in teachers] == [4, 1]
    with pytest.raises(ConfigError, match="coarsest is 5: expected a level from 1 to 4"):
        make_teacher("monge", {"coarsest": 5})


def test_a_flat_picture_gets_the_mean_of_the_style() -> None:
    """Nothing varies in it, so rounding is all that could be amplified to the style's contrast."""
    style = Style((torch.rand(64, 64, 3, generator=torch.Generator().manual_seed(3)) * 0.6,))
    flat = torch.tensor([0.8, 0.2, 0.2]).expand(64, 64, 3)
    look = Look(flat.permute(2, 0, 1), torch.ones(64, 64))
    (painted,) = make_teacher("monge", {}).teach([flat], [look], [style])
    torch.testing.assert_close(painted.mean((0, 1)), torch.full((3,), 0.3), atol=0.1, rtol=0)
