"""The package's source files, each read and parsed once, and the modules that they import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "nst3d"
FILES = sorted(PACKAGE.rglob("*.py"))

Module = tuple[str, ...]
"""A module's name in parts: ("nst3d", "losses", "gram")."""


@dataclass(frozen=True)
class Source:
    """A Python file in the checkout; it need not exist."""

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    @property
    def place(self) -> Module:
        """The module that the file is; a package is its folder."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return parts[:-1] if parts[-1] == "__init__" else parts

    def at(self, node: ast.AST | int) -> str:
        line = node if isinstance(node, int) else getattr(node, "lineno", 1)
        return f"{self.path.relative_to(ROOT).as_posix()}:{line}"

    def imports(self) -> Iterator[tuple[Module, ast.stmt]]:
        """The modules that it imports anywhere, relative names made absolute, each with its statement.

        `from a import b` gives a.b: whether b is a module of a or a name in it is not asked.
        """
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((tuple(alias.name.split(".")), node) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                folder = self.path.relative_to(ROOT).parent.parts
                above = folder[: len(folder) + 1 - node.level] if node.level else ()
                named = tuple(node.module.split(".")) if node.module else ()
                yield from (((*above, *named, alias.name), node) for alias in node.names)


@cache
def source_of(path: Path) -> Source:
    return Source(path, path.read_text(encoding="utf-8"))


def sources() -> list[Source]:
    return [source_of(path) for path in FILES]
