"""Registries by name (formats, kinds of scene, losses, guides) that other packages can extend."""

from __future__ import annotations

import difflib
import importlib
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from nst3d.errors import ConfigError, MissingDependencyError, Nst3dError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
Unpack = Callable[[str, Any], Iterable[tuple[str, T]]]


class PluginWarning(UserWarning):
    """An installed package provides an entry point that cannot be used; the message is one line."""


def discover(group: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The entry points of a group, by name and then by distribution, as pairs of name and loader.

    Nothing is imported until a loader is called. A loader raises MissingDependencyError, one line that names
    the entry point, its distribution, the error and the remedy, for any error during import.
    """
    from importlib import metadata  # takes 20 ms, which `nst3d --help` avoids

    for point in sorted(metadata.entry_points(group=group), key=lambda p: (p.name, _owner(p), p.value)):
        yield point.name, lambda point=point: _loaded(point)  # type: ignore[misc]


def one_each(name: str, value: T) -> Iterable[tuple[str, T]]:
    """Default unpacking of an entry point: its object, under its own name."""
    return [(name, value)]


def rows_of(row: type[T]) -> Unpack[T]:
    """An unpacker for rows with a `name`: the object is a `row`, or a callable that returns one or several."""

    def unpack(entry: str, value: Any) -> Iterable[tuple[str, T]]:
        if callable(value) and not isinstance(value, row):
            value = value()
        rows: list[Any] = (
            [value] if isinstance(value, row) or not isinstance(value, Iterable) else list(value)
        )
        if not all(isinstance(r, row) for r in rows):
            raise ConfigError(f"expected a {row.__name__}, or a callable that returns one or several")
        return [(r.name, r) for r in rows]

    return unpack


class Registry(Generic[T]):
    """Objects of one sort by name: nst3d's own, those registered by a call, and those of installed packages.

    nst3d's registering modules and entry points are imported at the first look-up, so that creating a
    registry costs nothing. Names are listed alphabetically, regardless of import order. An entry point that
    cannot be used causes one PluginWarning, and everything else works.
    """

    def __init__(
        self,
        what: str,
        group: str,
        modules: tuple[str, ...] = (),
        unpack: Unpack[T] = one_each,
        check: Callable[[T, list[T]], None] | None = None,
    ) -> None:
        """`what`: the sort, as in "loss"; `group`: entry-point group; `modules`: nst3d's own that register.

        `unpack` converts an entry point's name and object to pairs of name and object. `check` receives a new
        object and those registered so far, and raises ConfigError if they conflict.
        """
        self.what, self.group = what, group
        self._modules, self._unpack, self._check = modules, unpack, check
        self._rows: dict[str, T] = {}
        self._refusals: dict[str, str] = {}
        self._lock = threading.RLock()
        self._complete = False

    def register(self, name: str, value: T) -> T:
        """Add an object; returns it. Raises ConfigError if the name is taken or `check` refuses it."""
        if name in self._rows:
            raise ConfigError(f"{self.what} {name!r} is already registered; use another name")
        if self._check is not None:
            self._check(value, list(self._rows.values()))
        self._rows[name] = value
        return value

    def forget(self, name: str) -> None:
        """Remove an object. Raises ConfigError if there is none of that name."""
        self.get(name)
        del self._rows[name]

    def get(self, name: str) -> T:
        """The object of that name.

        Raises MissingDependencyError if an installed package provides it but cannot be imported, and
        ConfigError, with the closest name and all known ones, for an unknown name.
        """
        rows = self.rows()
        if name in rows:
            return rows[name]
        if name in self._refusals:
            raise MissingDependencyError(f"{self.what} {name!r}: {self._refusals[name]}")
        near = difflib.get_close_matches(name, rows, n=1)
        hint = f"did you mean {near[0]!r}? Known are" if near else "known are"
        raise ConfigError(f"{self.what} {name!r} is not known; {hint} {', '.join(rows) or 'none'}")

    def rows(self) -> Mapping[str, T]:
        """All objects by name, in alphabetical order."""
        self._complete_rows()
        return dict(sorted(self._rows.items()))

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows())

    def __contains__(self, name: object) -> bool:
        return name in self.rows()

    def __len__(self) -> int:
        return len(self.rows())

    def _complete_rows(self) -> None:
        with self._lock:  # re-entrant, for modules that look something up during import
            if self._complete:
                return
            self._complete = True
            try:
                for module in self._modules:
                    importlib.import_module(module)
            except BaseException:
                self._complete = False  # so that the next look-up reports the reason, too
                raise
            for name, load in discover(self.group):
                self._add(name, load)
            for line in self._refusals.values():
                warnings.warn(line, PluginWarning, stacklevel=4)

    def _add(self, entry: str, load: Callable[[], Any]) -> None:
        """Register the objects of an entry point, or record why it cannot be used.

        Importing it may already have registered them by a call, and a module alone does no more than that.
        """
        try:
            offer = load()
            rows = [] if isinstance(offer, ModuleType) else self._unpack(entry, offer)
            for name, value in rows:
                if name not in self._rows or self._rows[name] != value:
                    self.register(name, value)
        except MissingDependencyError as error:
            line = str(error)
        except Exception as error:  # whatever another package raises must not stop nst3d
            shown = str(error) if isinstance(error, Nst3dError) else _shown(error)
            line = f"entry point {entry!r} of {self.group}: {shown}; fix or uninstall the package that provides it"
        else:
            return
        self._refusals[entry] = line


def _loaded(point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:  # an import may raise anything
        owner = _owner(point)
        absent = error.name.partition(".")[0] if isinstance(error, ModuleNotFoundError) and error.name else ""
        own = point.value.partition(":")[0].partition(".")[0]
        remedy = f"pip install -U {owner}"
        if absent and absent != own:
            remedy = f"pip install {absent}"
        raise MissingDependencyError(
            f"entry point {point.name!r} of {owner} ({point.group}) cannot be loaded: {_shown(error)}; {remedy},"
            f" or pip uninstall {owner}"
        ) from None


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an unknown package"


def _shown(error: BaseException) -> str:
    """An error in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
