"""nerfstudio's config.yml: what is read, what stays when it is edited, and that nothing in it is run."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
import yaml
from nerfstudio_samples import CONFIG

from nst3d.errors import InputError
from nst3d.formats.nerfstudio.config import config_part, edit_config, is_config, read_config

TEXT = CONFIG.format(method="splatfacto", degree=3)


def config_of(text: str, folder: Path) -> dict:
    path = folder / "config.yml"
    path.write_text(text)
    return read_config(path)[1]


def test_plain_data(tmp_path: Path) -> None:
    config = config_of(TEXT, tmp_path)
    assert config["_class"] == "nerfstudio.engine.trainer.TrainerConfig"
    assert config["_target"] == "nerfstudio.engine.trainer.Trainer"
    assert config["method_name"] == "splatfacto"
    assert config["timestamp"] == "2024-05-06_070809"
    assert config["data"] is None
    assert config["mixed_precision"] is False
    assert config["output_dir"] == "outputs"
    assert config["logging"]["relative_log_dir"] == "."
    assert config["logging"]["local_writer"]["stats_to_track"] == ["Train Iter (time)", "ETA (time)"]
    assert config["pipeline"]["datamanager"]["data"] == "/data/rock"
    assert config["pipeline"]["model"]["camera_optimizer"]["mode"] == "off"
    adam = [config["optimizers"][name]["optimizer"] for name in ("features_dc", "means")]
    assert [a["_target"] for a in adam] == ["torch.optim.adam.Adam"] * 2
    assert [a["lr"] for a in adam] == [0.0025, 0.00016]


@pytest.mark.parametrize(
    ("tagged", "path"),
    [
        ("!!python/object/apply:pathlib._local.PosixPath [/, a, b]", "/a/b"),
        ('!!python/object/apply:pathlib.WindowsPath ["C:\\\\", data]', "C:/data"),
    ],
)
def test_paths_of_other_pythons_and_systems(tmp_path, tagged, path) -> None:
    assert config_of(TEXT + f"where: {tagged}\n", tmp_path)["where"] == path


def test_an_edit_keeps_all_else() -> None:
    assert edit_config(TEXT, {}) == TEXT
    edited = edit_config(
        TEXT,
        {
            "pipeline.model.hidden_dim": 128,
            "output_dir": PurePosixPath("/new/place"),
            "pipeline.model.shape": (16, 8),
            "experiment_name": "2020-01-01",
        },
    )
    before, after = TEXT.splitlines(), edited.splitlines()
    fresh = [line.strip() for line in after if line not in before]
    assert fresh == [
        "experiment_name: '2020-01-01'",
        "- /",
        "- new",
        "- place",
        "hidden_dim: 128",
        "shape: !!python/tuple",
        "- 16",
        "- 8",
    ]
    assert [line for line in before if line not in after] == [
        "experiment_name: rock",
        "- outputs",
        "    hidden_dim: 64",
    ]


def test_an_edit_of_what_two_places_share_changes_one(tmp_path: Path) -> None:
    shared = TEXT + "one: &id009\n  a: 1\n  b: [2]\ntwo: *id009\n"
    config = config_of(edit_config(shared, {"one.a": 5}), tmp_path)
    assert (config["one"], config["two"]) == ({"a": 5, "b": [2]}, {"a": 1, "b": [2]})


def test_an_edit_below_nothing_is_refused() -> None:
    with pytest.raises(InputError, match=r"has no pipeline\.paint\.depth"):
        edit_config(TEXT, {"pipeline.paint.depth": 3})


HOSTILE = [
    "!!python/object/apply:os.system [touch {mark}]",
    "!!python/object/apply:subprocess.check_output [[touch, {mark}]]",
    "!!python/object/apply:nerfstudio.utils.scripts.run_command [touch {mark}]",
    '!!python/object/new:os.system ["touch {mark}"]',
    "!!python/object/apply:builtins.eval\n  args: [\"open('{mark}', 'w')\"]",
    "!!python/object/apply:pathlib.Path.touch [{mark}]",
    "!!nothing/known 3",
]


@pytest.mark.parametrize("tagged", HOSTILE)
def test_hostile_tags_are_refused_and_not_run(tmp_path, tagged) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(InputError, match=r"config\.yml: line \d+ has the tag .* not run"):
        config_of(TEXT + f"where: {tagged.replace('{mark}', str(mark))}\n", tmp_path)
    assert not mark.exists()


def test_the_marks_would_be_made_by_an_unsafe_loader(tmp_path: Path) -> None:
    """The first attack is one: else the test above would show nothing."""
    mark = tmp_path / "mark"
    text = HOSTILE[0].replace("{mark}", str(mark))
    yaml.load(text, Loader=yaml.UnsafeLoader)
    assert mark.exists()


LEVELS = "b0: &b0 [x]\n" + "".join(f"b{k}: &b{k} [{', '.join([f'*b{k - 1}'] * 9)}]\n" for k in range(1, 30))


def test_aliases_that_multiply_cost_nothing(tmp_path: Path) -> None:
    config = config_of(TEXT + LEVELS, tmp_path)
    assert config["b1"] == [["x"]] * 9


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT + LEVELS + "? *b29\n: 1\n", "a list or mapping as a key"),
        (LEVELS + "_class: *b29\n", "no trainer config"),
    ],
    ids=["key", "class"],
)
def test_aliases_that_multiply_are_never_made_text(tmp_path, text, message) -> None:
    with pytest.raises(InputError, match=message):
        config_of(text, tmp_path)


def test_parts_are_found_by_dotted_names(tmp_path: Path) -> None:
    config = config_of(TEXT, tmp_path)
    assert config_part(tmp_path, config, "pipeline.model")["hidden_dim"] == 64
    for name in ("pipeline.model.hidden_dim", "data", "pipeline.none.model"):
        with pytest.raises(InputError, match=rf"config.yml has no settings under {name}; "):
            config_part(tmp_path, config, name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no trainer config"),
        ("a: 1\n", "no trainer config"),
        ("a: [1\n", "not the config.yml"),
        ("[" * 2000, "not the config.yml"),
        (TEXT + "loop: &loop [*loop]\n", "nested too deeply"),
        (TEXT + "where: !!int x\n", "config.yml: "),
        (TEXT + "? [a]\n: !!set {b}\n", "tag"),
    ],
)
def test_other_files(tmp_path, text, message) -> None:
    with pytest.raises(InputError, match=message):
        config_of(text, tmp_path)


def test_which_files_are_configs(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    for text, answer in (
        (TEXT, True),
        ("# a\n" + TEXT, True),
        ("method_name: splatfacto\n", False),
        ("", False),
    ):
        path.write_text(text)
        assert is_config(path) is answer
    assert not is_config(tmp_path)
    path.write_bytes(b"\xff\xfe" + TEXT.encode())
    with pytest.raises(InputError, match=r"not the config\.yml"):
        read_config(path)
