"""Reads the tensors of TorchScript archives; their code is neither compiled nor executed, and nothing is unpickled."""

from __future__ import annotations

import pickletools
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from nst3d.errors import InputError, cut
from nst3d.files import PathLike

_OBJECTS, _CONSTANTS = "data.pkl", "constants.pkl"
_REBUILD = "torch._utils _rebuild_tensor_v2"
_DTYPES = {
    "torch DoubleStorage": torch.float64,
    "torch FloatStorage": torch.float32,
    "torch HalfStorage": torch.float16,
    "torch BFloat16Storage": torch.bfloat16,
    "torch LongStorage": torch.int64,
    "torch IntStorage": torch.int32,
    "torch ShortStorage": torch.int16,
    "torch CharStorage": torch.int8,
    "torch ByteStorage": torch.uint8,
    "torch BoolStorage": torch.bool,
}
_DEEPEST, _MOST = 64, 100_000
"""Modules within modules, and tensors, at most: an object may contain another many times."""


class _RefusedError(Exception):
    """The archive has something that is not read; the text says what."""


@dataclass(frozen=True)
class _Name:
    """What the archive calls a function or a class, "module name". It is never looked up."""

    name: str


@dataclass(frozen=True)
class _Storage:
    """Numbers in a member of the archive."""

    dtype: torch.dtype
    key: str


@dataclass
class _Object:
    """A module, or anything else that has attributes."""

    attributes: dict[Any, Any] = field(default_factory=dict)


_MARK = object()


def is_torchscript(path: PathLike) -> bool:
    """Whether a file is an archive of TorchScript; False, too, for one that cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.partition("/")[2] for name in archive.namelist()}
    except (OSError, ValueError, NotImplementedError, struct.error, zipfile.BadZipFile):
        return False
    return {_OBJECTS, _CONSTANTS} <= names


def read_torchscript(path: Path) -> dict[str, torch.Tensor]:
    """The parameters and buffers of an archive's module, by the names that its state dict gives them.

    Raises InputError for a file that is damaged or has something other than modules of tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (objects,) = (name for name in archive.namelist() if name.partition("/")[2] == _OBJECTS)
            storages = _Storages(archive, objects.removesuffix(_OBJECTS))
            root = _Machine(storages).run(archive.read(objects))
        return dict(_tensors(root))
    except _RefusedError as error:
        raise InputError(f"{path}: is not read: {error}") from None
    except Exception as error:  # the parts of a damaged archive fail in many ways
        raise InputError(f"{path}: cannot be read as a TorchScript archive ({cut(str(error))})") from None


def _tensors(root: object) -> Iterator[tuple[str, torch.Tensor]]:
    """All tensors below an object, with the names of attributes that lead to them."""
    ahead: list[tuple[str, object]] = [("", root)]
    seen = 0
    while ahead:
        name, value = ahead.pop()
        seen += 1
        if seen > _MOST or name.count(".") > _DEEPEST:
            raise _RefusedError(f"has more than {_MOST} objects, or {_DEEPEST} within each other")
        if isinstance(value, torch.Tensor):
            yield name, value
        elif isinstance(value, _Object):
            dot = f"{name}." if name else ""
            ahead += [(f"{dot}{key}", each) for key, each in reversed(value.attributes.items())]


class _Storages:
    """The members of an archive that hold numbers, each read once."""

    def __init__(self, archive: zipfile.ZipFile, folder: str) -> None:
        self._archive, self._folder, self._read = archive, folder, dict[_Storage, torch.Tensor]()
        order = f"{folder}byteorder"
        if order in archive.namelist() and archive.read(order) != b"little":
            raise _RefusedError("its numbers are big-endian")

    def tensor(
        self, storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
    ) -> torch.Tensor:
        """A tensor of a storage. _RefusedError unless all of it is inside."""
        numbers = self._numbers(storage)
        if len(size) != len(stride) or min((offset, *size, *stride)) < 0:
            raise _RefusedError(f"a tensor has the size {size} and the strides {stride}")
        count = torch.Size(size).numel()
        last = offset + sum((n - 1) * step for n, step in zip(size, stride))
        if count and (count > len(numbers) or last >= len(numbers)):
            raise _RefusedError(f"a tensor {size} is larger than its {len(numbers)} numbers")
        return numbers.as_strided(size, stride, offset).contiguous()

    def _numbers(self, storage: _Storage) -> torch.Tensor:
        if storage not in self._read:
            content = bytearray(self._archive.read(f"{self._folder}data/{storage.key}"))
            whole = len(content) // storage.dtype.itemsize
            empty = torch.empty(0, dtype=storage.dtype)
            self._read[storage] = (
                torch.frombuffer(content, dtype=storage.dtype, count=whole) if whole else empty
            )
        return self._read[storage]


class _Machine:
    """Follows the instructions by which objects were written, of which it knows those that make plain values.

    A call makes a tensor if it is the one that rebuilds tensors, otherwise nothing; a class makes an `_Object`.
    """

    def __init__(self, storages: _Storages) -> None:
        self._storages, self._stack, self._memo = storages, list[Any](), dict[int, Any]()

    def run(self, program: bytes) -> object:
        """The object that a program describes. _RefusedError for instructions that are not known."""
        for opcode, argument, _ in pickletools.genops(program):
            name = opcode.name
            if name == "STOP":
                return self._stack.pop()
            if name in _VALUES:
                self._stack.append(_VALUES[name](argument))
            elif name in ("BINPUT", "LONG_BINPUT"):
                self._memo[int(argument or 0)] = self._stack[-1]
            elif name in ("BINGET", "LONG_BINGET"):
                self._stack.append(self._memo[int(argument or 0)])
            elif name in _STEPS:
                _STEPS[name](self)
            elif name != "PROTO":
                raise _RefusedError(f"expected plain values and tensors, found the instruction {name}")
        raise _RefusedError("its objects have no end")

    def _marked(self) -> list[Any]:
        """Takes all values since the last mark, which goes, too."""
        place = max(k for k, value in enumerate(self._stack) if value is _MARK)
        values = self._stack[place + 1 :]
        del self._stack[place:]
        return values

    def tuple(self) -> None:
        self._stack.append(tuple(self._marked()))

    def last(self, count: int) -> None:
        """A tuple of the last values."""
        values = tuple(self._stack[-count:])
        del self._stack[-count:]
        self._stack.append(values)

    def append(self) -> None:
        value = self._stack.pop()
        self._stack[-1].append(value)

    def appends(self) -> None:
        values = self._marked()
        self._stack[-1].extend(values)

    def set_items(self) -> None:
        values = self._marked()
        self._stack[-1].update(zip(values[::2], values[1::2]))

    def set_item(self) -> None:
        key, value = self._stack[-2:]
        del self._stack[-2:]
        self._stack[-1][key] = value

    def storage(self) -> None:
        _, kind, key, _, _ = self._stack.pop()
        if kind.name not in _DTYPES:
            raise _RefusedError(f"its numbers are {kind.name}")
        self._stack.append(_Storage(_DTYPES[kind.name], key))

    def call(self) -> None:
        function, arguments = self._stack[-2:]
        del self._stack[-2:]
        self._stack.append(self._storages.tensor(*arguments[:4]) if function == _Name(_REBUILD) else None)

    def new(self) -> None:
        del self._stack[-2:]
        self._stack.append(_Object())

    def build(self) -> None:
        state = self._stack.pop()
        if isinstance(self._stack[-1], _Object) and isinstance(state, dict):
            self._stack[-1].attributes.update(state)


def _itself(argument: Any) -> Any:
    return argument


_VALUES: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE"), _itself),
    "GLOBAL": _Name,
    "MARK": lambda _: _MARK,
    "NONE": lambda _: None,
    "NEWTRUE": lambda _: True,
    "NEWFALSE": lambda _: False,
    "EMPTY_TUPLE": lambda _: (),
    "EMPTY_LIST": lambda _: [],
    "EMPTY_DICT": lambda _: {},
}
"""Instructions that put a value on the stack, made of their argument."""
_STEPS: dict[str, Callable[[_Machine], None]] = {
    "TUPLE": _Machine.tuple,
    "TUPLE1": partial(_Machine.last, count=1),
    "TUPLE2": partial(_Machine.last, count=2),
    "TUPLE3": partial(_Machine.last, count=3),
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "BINPERSID": _Machine.storage,
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.new,
    "BUILD": _Machine.build,
}
"""Instructions that take values from the stack."""
