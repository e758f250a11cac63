"""Exceptions whose message is meant for the user: one line, printed without a traceback."""

from __future__ import annotations


class Nst3dError(Exception):
    """Something that the user can put right; the message says what, where and how."""


class InputError(Nst3dError):
    """A file or folder that cannot be used: missing, unreadable, of another kind, or broken."""


class OutputError(Nst3dError):
    """A result that cannot be written: folder exists, no permission, disk full."""


class ConfigError(Nst3dError):
    """A setting that makes no sense, alone or beside another."""


class MissingDependencyError(Nst3dError):
    """An optional package or weight file that is not installed; the message says how to get it."""
