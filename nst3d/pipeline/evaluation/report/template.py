"""Fills the templates of pages, which lie beside this file."""

from __future__ import annotations

from importlib import resources
from typing import Any

import jinja2


def filled(name: str, **values: Any) -> str:
    """The page of a template with its values, which are escaped."""
    folder = resources.files(__package__)
    loader = jinja2.FunctionLoader(lambda file: folder.joinpath(file).read_text(encoding="utf-8"))
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, loader=loader)
    return environment.get_template(name).render(**values)
