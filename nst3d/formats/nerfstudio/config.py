"""nerfstudio's config.yml: read as plain data and edited as nodes; nothing in it is imported or run.

nerfstudio opens such files with YAML's unsafe loader, which builds any Python object and calls any function
named by a tag. Here the text is only parsed into nodes, which become dicts, lists, strings and numbers.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import yaml

from nst3d.errors import InputError
from nst3d.formats.io.files import read_bytes
from nst3d.formats.io.peek import Peek
from nst3d.limits import regular

CLASS = "_class"
"""Key under which a dict that was an object has the dotted name of its class."""
_MARK = re.compile(rb"^\s*!!python/object:nerfstudio\.", re.MULTILINE)
_LARGEST = 1 << 23
_DEEPEST = 60
_YAML = "tag:yaml.org,2002:"
_PYTHON = _YAML + "python/"
_PLAIN = {f"{_YAML}{n}" for n in ("str", "int", "float", "bool", "null", "timestamp")}
_OLD_NAMES = {"none": "null", "unicode": "str", "long": "int"}
_CALLS = re.compile(r"pathlib(\._local)?\.\w*Path|collections\.OrderedDict|nerfstudio\.([a-z]\w*\.)*[A-Z]\w*")
"""Calls known to occur in configs: paths, ordered dicts, members of nerfstudio's enums."""


def is_config(place: Path | Peek) -> bool:
    """Whether a file looks like the config.yml of a nerfstudio run."""
    return _MARK.search(Peek.at(place).once(_content), 0, 4096) is not None


def _content(path: Path) -> bytes:
    """The start of a file, one byte longer than any valid config; empty if it cannot be read."""
    try:
        with regular(path).open("rb") as file:
            return file.read(_LARGEST + 1)
    except OSError:
        return b""


def read_config(place: Path | Peek) -> tuple[str, dict[str, Any]]:
    """The text of a config.yml, and its content as plain data.

    Objects become dicts with their class name under `CLASS`, classes and functions their dotted names, tuples
    lists, paths strings with slashes, enum members their values. Raises InputError for a file that is
    missing, not YAML, not a nerfstudio config, or has a tag that would make nerfstudio run something.
    """
    peek = Peek.at(place)
    path = peek.path
    data = peek.once(_content) or read_bytes(path)
    if len(data) > _LARGEST:
        raise InputError(f"{path}: larger than {_LARGEST} bytes, not the config.yml of a nerfstudio run")
    try:
        text = data.decode("utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        config = _Walker().plain(root, 0) if root is not None else None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{path}: not the config.yml of a nerfstudio run ({reason})") from None
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
    kind = config.get(CLASS) if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(kind, str) or not kind.endswith("Config"):
        raise InputError(f"{path}: not the config.yml of a nerfstudio run: it has no trainer config")
    return text, config


def edit_config(text: str, edits: Mapping[str, Any]) -> str:
    """The config with values replaced or added by dotted name: {"pipeline.model.hidden_dim": 128}.

    Everything else, including tags and anchors, stays as written. Values are None, booleans, numbers,
    strings, paths, and lists and tuples of those. Raises InputError if a parent of a value is missing.
    """
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for name, value in edits.items():
        root = _edited(root, name.split("."), _node(value), name)
    return yaml.serialize(root, Dumper=yaml.SafeDumper)


def config_part(folder: Path, config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The mapping at a dotted name of a run's config: "pipeline.model".

    `folder` is for messages. Raises InputError if it is missing or not a mapping.
    """
    part: Any = config
    for key in name.split("."):
        part = part.get(key) if isinstance(part, Mapping) else None
    if not isinstance(part, Mapping):
        raise InputError(
            f"{folder}: config.yml has no settings under {name}; expected a config written by nerfstudio"
        )
    return part


class _Walker:
    """Converts nodes to plain data; a shared node is walked once, so that aliases cost nothing."""

    def __init__(self) -> None:
        self._done: dict[int, Any] = {}

    def plain(self, node: yaml.Node, depth: int) -> Any:
        if depth > _DEEPEST:  # an alias of its own parent ends here, too
            raise ValueError(f"{_place(node)} is nested too deeply; this is not a nerfstudio config")
        if id(node) not in self._done:
            self._done[id(node)] = self._walk(node, depth + 1)
        return self._done[id(node)]

    def _walk(self, node: yaml.Node, depth: int) -> Any:
        tag = node.tag
        if tag.startswith(_PYTHON + "object/apply:"):
            return self._call(node, depth)
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if isinstance(node, yaml.SequenceNode) and tag in (
            _YAML + "seq",
            _PYTHON + "tuple",
            _PYTHON + "list",
        ):
            return [self.plain(n, depth) for n in node.value]
        if isinstance(node, yaml.MappingNode):
            known = {CLASS: _suffix(tag, "object:")} if tag.startswith(_PYTHON + "object:") else {}
            if known or tag in (_YAML + "map", _PYTHON + "dict"):
                return known | self._items(node, depth)
        raise _refused(node)

    def _items(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        items = {}
        for below, value in node.value:
            plain, key = self.plain(value, depth), self.plain(below, depth)
            if isinstance(key, list | dict):  # as text it may be endless if aliases multiply
                raise ValueError(f"{_place(below)} has a list or mapping as a key, which no config needs")
            items[str(key)] = plain
        return items

    def _call(self, node: yaml.Node, depth: int) -> Any:
        """A path as a string, an enum member as its value, an ordered dict as its pairs."""
        name = _suffix(node.tag, "object/apply:")
        if not _CALLS.fullmatch(name) or not isinstance(node, yaml.SequenceNode):
            raise _refused(node)
        items = [self.plain(n, depth) for n in node.value]
        if not name.startswith("pathlib"):
            return items[0] if len(items) == 1 else items
        pure = PureWindowsPath if "Windows" in name else PurePosixPath
        return pure(*map(str, items)).as_posix()


def _scalar(node: yaml.ScalarNode) -> Any:
    tag = node.tag
    if tag.startswith(_PYTHON + "name:"):
        return _suffix(tag, "name:")
    if tag.startswith(_PYTHON + "module:"):
        return _suffix(tag, "module:")
    if tag.startswith(_PYTHON):
        name = _suffix(tag, "")
        tag = _YAML + _OLD_NAMES.get(name, name)
    if tag == _PYTHON + "tuple" or tag not in _PLAIN:
        raise _refused(node)
    if tag.endswith(":timestamp"):  # a run's name may look like a date
        return node.value
    plain = yaml.ScalarNode(tag, node.value, node.start_mark, node.end_mark)
    return yaml.SafeLoader("").construct_object(plain)


def _suffix(tag: str, kind: str) -> str:
    return tag[len(_PYTHON) + len(kind) :]


def _refused(node: yaml.Node) -> ValueError:
    tag = node.tag.removeprefix(_YAML)
    return ValueError(f"{_place(node)} has the tag !!{tag}, which no nerfstudio config needs; it was not run")


def _place(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}"


def _edited(node: yaml.Node | None, names: list[str], value: yaml.Node, whole: str) -> yaml.Node:
    """A copy of a mapping with one value, possibly nested, replaced; shared nodes stay shared."""
    if not isinstance(node, yaml.MappingNode):
        raise InputError(f"config.yml: has no {whole}; expected a run of nerfstudio 1.1")
    place = next((i for i, (key, _) in enumerate(node.value) if key.value == names[0]), len(node.value))
    items = list(node.value)
    if len(names) > 1:
        below = items[place][1] if place < len(items) else None
        value = _edited(below, names[1:], value, whole)
    key = items[place][0] if place < len(items) else _node(names[0])
    items[place : place + 1] = [(key, value)]
    return yaml.MappingNode(node.tag, items, node.start_mark, node.end_mark, node.flow_style)


def _node(value: Any) -> yaml.Node:
    if isinstance(value, PurePath):
        parts = [_node(part) for part in value.parts]
        kind = "WindowsPath" if os.name == "nt" else "PosixPath"
        return yaml.SequenceNode(f"{_PYTHON}object/apply:pathlib.{kind}", parts, flow_style=not parts)
    if isinstance(value, list | tuple):
        tag = _PYTHON + "tuple" if isinstance(value, tuple) else _YAML + "seq"
        return yaml.SequenceNode(tag, [_node(v) for v in value], flow_style=not value)
    return yaml.SafeDumper(io.StringIO()).represent_data(value)
