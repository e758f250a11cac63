"""Argument parsing with tyro, configured for this command line."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import itertools
import textwrap
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import tyro
from tyro.constructors import (
    MISSING,
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    StructConstructorSpec,
    StructFieldSpec,
    StructTypeInfo,
    UnsupportedTypeAnnotationError,
)

from nst3d.bounds import FileOnly
from nst3d.cli.every_command import HELP as EVERY

Arguments = TypeVar("Arguments")


def parse(default: Arguments, arguments: Sequence[str], program: str, description: str) -> Arguments:
    """The arguments as a dataclass like `default`, which provides the default values.

    Exits the process for help (code 0) and wrong usage (code 2).
    """
    registry = ConstructorRegistry()
    registry.struct_rule(_fields)
    registry.primitive_rule(_optional)
    return tyro.cli(
        type(default),
        prog=program,
        description=f"{_unwrapped(description)}\n\n{EVERY}",
        args=list(arguments),
        default=default,
        registry=registry,
    )


def first_value(arguments: Sequence[str], option: str) -> str | None:
    """The value after an option, before the actual parsing; None if it is not given."""
    for index, argument in enumerate(arguments):
        if argument == option and index + 1 < len(arguments):
            return arguments[index + 1]
        if argument.startswith(f"{option}="):
            return argument.split("=", 1)[1]
    return None


def _fields(info: StructTypeInfo) -> StructConstructorSpec | None:
    """A dataclass's options: help from field docstrings, and defaults only if informative."""
    if not dataclasses.is_dataclass(info.type):
        return None
    hints = get_type_hints(info.type, include_extras=True)
    told = tyro.conf.arg(help_behavior_hint=_default_in_words)
    fields = tuple(
        StructFieldSpec(
            name=field.name,
            type=_option_type(Annotated[hints[field.name], told]),
            default=_default_of(field, info.default),
            helptext=functools.partial(_help, info.type, field.name),
        )
        for field in dataclasses.fields(info.type)
    )
    return StructConstructorSpec(instantiate=info.type, fields=fields)


def _option_type(hint: Any) -> Any:
    """The type of an option; fields that only files can hold keep their default and are hidden."""
    alone = any(isinstance(mark, FileOnly) for mark in getattr(hint, "__metadata__", ()))
    return Annotated[hint, tyro.conf.Fixed, tyro.conf.Suppress] if alone else hint


def _default_of(field: dataclasses.Field[Any], instance: Any) -> Any:
    if dataclasses.is_dataclass(instance):
        return getattr(instance, field.name)
    if field.default is not dataclasses.MISSING:
        return field.default
    return MISSING if field.default_factory is dataclasses.MISSING else field.default_factory()


def _default_in_words(default: str) -> str:
    """The default for the help; empty for off or unset, which the help text explains."""
    return "" if default in ("None", "False", "") else f"(default: {default})"


def _help(kind: type, name: str) -> str | None:
    """The docstring of a dataclass field, from its class or a base class, as one line."""
    for owner in kind.__mro__:
        if name not in vars(owner).get("__annotations__", {}):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
        body = tree.body if isinstance(tree, ast.ClassDef) else []
        for node, after in itertools.pairwise(body):
            named = isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name
            if named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                return " ".join(str(after.value.value).split())
    return None


def _optional(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec | UnsupportedTypeAnnotationError | None:
    """Optional values; help does not list None among the choices, but the word is still accepted."""
    kinds = [k for k in get_args(info.type) if k is not type(None)]
    if len(kinds) != 1 or type(None) not in get_args(info.type):
        return None
    spec = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(kinds[0], info.markers))
    if not isinstance(spec, PrimitiveConstructorSpec):
        return spec
    counts = (spec.nargs if isinstance(spec.nargs, tuple) else (spec.nargs,)) if spec.nargs != "*" else ()
    return dataclasses.replace(
        spec,
        nargs=tuple(sorted({1, *counts})) if set(counts) - {1} else spec.nargs,
        choices=None if spec.choices is None else (*spec.choices, "None"),
        instance_from_str=lambda words: None if words == ["None"] else spec.instance_from_str(words),
        is_instance=lambda value: value is None or spec.is_instance(value),
        str_from_instance=lambda value: ["None"] if value is None else spec.str_from_instance(value),
    )


def _unwrapped(description: str) -> str:
    """A description with each paragraph on one line; indented lists of examples stay unchanged."""
    paragraphs = description.split("\n\n")
    return "\n\n".join(p if "\n  " in p else " ".join(p.split()) for p in paragraphs)
