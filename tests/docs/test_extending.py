"""The six examples of docs/extending.md, run as they stand there."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import yaml
from tiny_jobs import TINY, Losses, job

import nst3d
from nst3d import (
    Handler,
    Job,
    PaintConfig,
    Schedule,
    Stage,
    Stepped,
    load,
    register_format,
    register_loss,
    run_job,
)
from nst3d.cli.main import main
from nst3d.errors import ConfigError
from nst3d.formats import registry as formats
from nst3d.images.io import read_image
from nst3d.losses import LOSSES
from nst3d.pipeline.kinds import registry as kinds
from nst3d.pipeline.kinds.registry import open_path
from nst3d.pipeline.runtime.events import Ready
from nst3d.pipeline.settings.config import OutputOptions, TeachOptions
from nst3d.plugins import Registry
from nst3d.stylize.guides import GUIDES
from nst3d.stylize.teachers.registry import TEACHERS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
EXAMPLES = dict(
    re.findall(r"^### [^\n]*`(\w+)\.py`\n.*?^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
)
REGISTRIES: dict[str, Registry] = {
    "losses": LOSSES,
    "guides": GUIDES,
    "teachers": TEACHERS,
    "formats": formats._FORMATS,
    "kinds": kinds._KINDS,
}
WATER = "O 0.0 0.0 0.0\nH 0.8 0.6 0.0\nH -0.8 0.6 0.2\nC 0.1 -0.9 0.5\n"


@pytest.fixture
def example(tmp_path_factory, monkeypatch) -> Iterator[Callable[[str], ModuleType]]:
    """Imports an example from a folder of its own; what it registers is taken out again."""
    before = {name: set(registry) for name, registry in REGISTRIES.items()}
    folder = tmp_path_factory.mktemp("extensions")
    monkeypatch.syspath_prepend(str(folder))

    def bring(name: str) -> ModuleType:
        (folder / f"{name}.py").write_text(EXAMPLES[name])
        monkeypatch.delitem(sys.modules, name, raising=False)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield bring
    for name in EXAMPLES:
        sys.modules.pop(name, None)
    for sort, registry in REGISTRIES.items():
        for name in set(registry) - before[sort]:
            registry.forget(name)


@pytest.fixture
def installed(tmp_path_factory, monkeypatch, example) -> Callable[[str], None]:
    """Installs an example as a distribution with the entry point that the page names."""

    def install(name: str) -> None:
        point, group = re.findall(rf'entry point `({name} = "{name}:\w+")` in `nst3d\.(\w+)`', PAGE)[0]
        folder = tmp_path_factory.mktemp("site")
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[nst3d.{group}]\n{point.replace(chr(34), '')}\n")
        (folder / f"{name}.py").write_text(EXAMPLES[name])
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.setattr(REGISTRIES[group], "_complete", False)  # as at the start of a process

    return install


def test_there_are_six_of_at_most_thirty_lines() -> None:
    assert list(EXAMPLES) == ["ripple", "tint", "mosaic", "tri", "molecule", "diary"]
    lengths = {name: len(text.rstrip().splitlines()) for name, text in EXAMPLES.items()}
    assert all(length <= 30 for length in lengths.values()), lengths
    for text in EXAMPLES.values():
        assert not re.search(r"from nst3d\.", text), "examples use public names alone"


def with_terms(**changes) -> PaintConfig:
    return replace(TINY, recipe=TINY.recipe.with_terms(changes))


@pytest.mark.parametrize("scene", ["photo.png", "cube.obj"])
def test_the_loss_falls(scene, inputs, tmp_path, installed) -> None:
    installed("ripple")
    heard = Losses()
    config = replace(
        with_terms(ripple={"weight": 50, "strength": 0.0}), schedule=Schedule((Stage(48, 12, 0.05),))
    )
    result = run_job(job(inputs, tmp_path / "out", config, scene), heard)
    found = [parts["ripple"] for parts in heard.parts]
    assert 0 < sum(found[-4:]) < 0.6 * sum(found[:4])
    assert result.metrics["losses"]["ripple"] == found[-1]


def test_the_command_line_knows_an_installed_loss(inputs, tmp_path, installed, capsys) -> None:
    installed("ripple")
    command = ["paint", str(inputs / "photo.png"), "--style", str(inputs / "style.png"), "--size", "64"]
    command += ["--iterations", "2", "--quiet", "--out", str(tmp_path / "out"), "--term", "ripple=20"]
    assert main([*command, "--term", "ripple.strength=0.3"]) == 0
    settings = (tmp_path / "out" / "config.yaml").read_text()
    assert {"name": "ripple", "weight": 20.0, "options": {"strength": 0.3}} in yaml.safe_load(settings)[
        "settings"
    ]["recipe"]["terms"]
    assert "ripple" in (tmp_path / "out" / "metrics.json").read_text()


def test_the_loss_is_registered_by_a_call_once(inputs, tmp_path, example) -> None:
    ripple = example("ripple")
    register_loss("ripple", ripple.make, (), {"strength": 0.2})
    assert LOSSES.get("ripple") == ripple.LOSS
    made = []

    def make(inputs: nst3d.LossInputs) -> nst3d.Loss:
        assert isinstance(inputs, nst3d.LossInputs)
        made.append(ripple.make(inputs))
        return made[-1]

    register_loss("outlines", make, (), {"strength": 0.1})
    terms = (nst3d.Term("outlines", options={"strength": 0.0}),)
    run_job(job(inputs, tmp_path / "out", replace(TINY, recipe=nst3d.Recipe(terms=terms)), "photo.png"))
    assert [loss.strength for loss in made] == [0.0, 0.0]  # one a stage
    flat = nst3d.Observation({"image": torch.full((3, 8, 8), 0.5)})
    assert float(made[0](flat)) == 0
    with pytest.raises(ConfigError, match="loss 'ripple' is already registered; use another name"):
        register_loss("ripple", ripple.make)


def test_the_guide_colours_the_scene(inputs, tmp_path, installed) -> None:
    installed("tint")
    means = {}
    for name, colour in (("blue", (0.0, 0.0, 1.0)), ("red", (1.0, 0.0, 0.0))):
        config = with_terms(tint={"weight": 50.0, "colour": colour})
        result = run_job(job(inputs, tmp_path / name, config, "photo.png"))
        assert result.metrics["losses"]["tint"] > 0
        means[name] = read_image(tmp_path / name / "painted.png").pixels.mean((0, 1))
    assert means["blue"][2] - means["red"][2] > 0.1
    assert means["red"][0] - means["blue"][0] > 0.1


def test_a_guide_is_brought_along(inputs, tmp_path, example) -> None:
    tint = example("tint")

    def make(inputs: nst3d.GuideInputs) -> nst3d.Guide:
        assert isinstance(inputs, nst3d.GuideInputs)
        assert isinstance(inputs.scene, nst3d.StageScene)
        assert inputs.scene.num_views == 1
        return tint.Tint(replace(inputs, options={"colour": (0.0, 0.0, 0.0)}))

    result = run_job(job(inputs, tmp_path / "out", TINY, "photo.png"), guides={"tint": make})
    assert result.metrics["losses"]["tint"] > 0


def test_guides_and_teachers_are_registered_by_a_call(example) -> None:
    tint, mosaic = example("tint"), example("mosaic")
    nst3d.register_guide("tint", tint.Tint, {"colour": (1.0, 0.0, 0.0)})
    nst3d.register_teacher("mosaic", mosaic.Mosaic, {"side": 8})
    assert GUIDES.get("tint").options == {"colour": (1.0, 0.0, 0.0)}
    assert TEACHERS.get("mosaic") == mosaic.TEACHER


def test_the_command_line_knows_an_installed_teacher_and_guide(inputs, tmp_path, installed, capsys) -> None:
    installed("mosaic")
    installed("tint")
    command = [
        "paint",
        str(inputs / "photo.png"),
        "--style",
        str(inputs / "style.png"),
        "--size",
        "48",
        "--quiet",
    ]
    command += [
        "--iterations",
        "2",
        "--out",
        str(tmp_path / "out"),
        "--teacher",
        "mosaic",
        "--term",
        "tint=5",
    ]
    assert main(command) == 0
    assert "note" not in capsys.readouterr().err
    assert "tint" in (tmp_path / "out" / "metrics.json").read_text()


def test_the_pictures_of_the_teacher_arrive_in_the_table(inputs, tmp_path, installed) -> None:
    installed("mosaic")
    recipe = replace(TINY.recipe, palette_before=0.0)
    config = replace(TINY, recipe=recipe, teach=TeachOptions("mosaic", options={"side": 4}))
    run_job(job(inputs, tmp_path / "out", config.with_iterations(0), "photo.png"))
    painted = read_image(tmp_path / "out" / "painted.png").pixels
    tiles = painted.reshape(painted.shape[0] // 4, 4, painted.shape[1] // 4, 4, 3)
    means = read_image(inputs / "photo.png").pixels.reshape(tiles.shape).mean((1, 3))
    np.testing.assert_allclose(tiles, np.broadcast_to(means[:, None, :, None], tiles.shape), atol=0.01)


def test_a_teacher_without_a_name_paints_a_mesh(inputs, tmp_path, example) -> None:
    mosaic = example("mosaic").Mosaic({"side": 8})
    assert callable(mosaic.teach)
    heard = Losses()
    run_job(job(inputs, tmp_path / "out"), heard, teachers=[mosaic])
    assert list(heard.parts[0]) == ["fit"]
    assert heard.parts[0]["fit"] < 0.01


def test_the_format_is_read_and_written_back(inputs, tmp_path, installed) -> None:
    installed("tri")
    cube = load(inputs / "cube.obj").parts[0]
    lines = [f"TRI {len(cube.vertices)} {len(cube.faces)} 3"]
    lines += [" ".join(map(str, row)) for row in cube.vertices]
    lines += [" ".join(map(str, face)) for face in cube.faces]
    (tmp_path / "cube.tri").write_text("\n".join(lines))
    config = replace(TINY, output=replace(TINY.output, formats=("tri",)))
    painting = Job(tmp_path / "cube.tri", (inputs / "style.png",), tmp_path / "out", config)
    assert open_path(painting.scene).kind.name == "mesh"
    vertices = replace(config, surface=replace(config.surface, paint="vertex"))
    result = run_job(replace(painting, config=vertices))
    assert tmp_path / "out" / "painted.tri" in result.paths
    painted = load(tmp_path / "out" / "painted.tri").parts[0]
    assert painted.colours.shape == painted.vertices.shape
    assert painted.colours.std() > 0.02
    np.testing.assert_allclose(np.ptp(painted.vertices, axis=0), np.ptp(cube.vertices, axis=0), atol=1e-5)
    assert main(["inspect", str(tmp_path / "out" / "painted.tri")]) == 0


def test_formats_of_settings_follow(example) -> None:
    tri = example("tri")
    with pytest.raises(ConfigError, match=r"output\.formats is 'tri': choose glb, gltf, obj, ply, vox"):
        OutputOptions(("tri",))
    assert register_format(tri.FORMAT) is tri.FORMAT
    assert OutputOptions(("tri",)).formats == ("tri",)
    with pytest.raises(ConfigError, match="format 'tri' is already registered"):
        register_format(tri.FORMAT)


def test_the_kind_is_opened_painted_and_shown(inputs, tmp_path, installed) -> None:
    installed("molecule")
    scene = tmp_path / "water.atoms"
    scene.write_text(WATER)
    assert open_path(scene).told == f"{scene} is a molecule"
    result = run_job(Job(scene, (inputs / "style.png",), tmp_path / "out", TINY))
    painted = tmp_path / "out" / "painted.atoms"
    assert result.paths[0] == painted
    assert {p.name for p in result.paths} >= {"sheet.png", "flight.mp4", "metrics.json"}
    rows = [line.split() for line in painted.read_text().splitlines()]
    assert [row[0] for row in rows] == ["O", "H", "H", "C"]
    np.testing.assert_allclose(
        [[float(v) for v in row[1:4]] for row in rows],
        [[float(v) for v in line.split()[1:]] for line in WATER.splitlines()],
        atol=1e-5,
    )
    pictures = []
    for name, path in (("before", scene), ("after", painted)):
        picture = tmp_path / f"{name}.png"
        assert main(["render", str(path), "--size", "48", "--out", str(picture)]) == 0
        pictures.append(read_image(picture).pixels)
    assert np.abs(pictures[0] - pictures[1]).max() > 0.1


def test_a_kind_is_registered_by_a_call(tmp_path, example) -> None:
    row = nst3d.register_kind(example("molecule").MOLECULE)
    assert isinstance(row, nst3d.Kind)
    (tmp_path / "a.atoms").write_text(WATER)
    assert open_path(tmp_path / "a.atoms").kind is row
    with pytest.raises(ConfigError, match="kind of scene 'molecule' is already registered"):
        nst3d.register_kind(row)


class Everything(Handler):
    """Keeps all events in their order."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, event) -> None:
        if isinstance(event, Stepped):
            done = event.progress
            self.lines.append(f"{done.iteration} of {done.total}: {done.loss:.4f}")
        elif not isinstance(event, Ready):
            self.lines.append(f"# {event.name}" if hasattr(event, "name") else event.text)


def test_the_listener_hears_all_events(tmp_path, inputs, example) -> None:
    diary, everything = example("diary").Diary(tmp_path, every=2), Everything()
    run_job(job(inputs, tmp_path / "out", TINY, "photo.png"), [diary, everything])
    assert diary.lines == everything.lines
    steps = [line for line in diary.lines if " of " in line]
    assert [line.split(":")[0] for line in steps] == [f"{k} of 6" for k in range(1, 7)]
    assert [line for line in diary.lines if line.startswith("#")][-2:] == ["# painting", "# writing"]
    assert sorted(p.name for p in tmp_path.glob("?.png")) == ["2.png", "4.png", "6.png"]
    assert not np.array_equal(*(read_image(tmp_path / f"{k}.png").pixels for k in (2, 6)))


def test_classes_of_extensions_are_those_that_the_package_hands_out() -> None:
    look = nst3d.Look(torch.zeros(3, 4, 4), torch.ones(4, 4))
    assert float(look.within(None).coverage.mean()) == 1
    style = nst3d.Style((torch.full((16, 16, 3), 0.25),))
    assert torch.equal(style.background, torch.full((3,), 0.25))
    assert nst3d.Term("gram").weight == 1
    assert nst3d.Regions().painted is None
    phase = nst3d.Teach(TEACHERS.get("identity").make({}), [nst3d.Coat([style])])
    assert phase.rounds == 1
    assert nst3d.TeacherKind("a", dict).options == nst3d.GuideKind("a", dict).options == {}
