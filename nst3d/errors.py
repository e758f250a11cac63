"""Exceptions whose message is meant for the user: one line, printed without a traceback."""

from __future__ import annotations


class Nst3dError(Exception):
    """An error that the user can fix; the message says what is wrong, where, and what to do."""


class InputError(Nst3dError):
    """A file or folder that cannot be used: missing, unreadable, of the wrong kind, or damaged."""


class OutputError(Nst3dError):
    """A result that cannot be written: the folder exists, no permission, disk full."""


class ConfigError(Nst3dError):
    """An invalid setting, by itself or in combination with others."""


class MissingDependencyError(Nst3dError):
    """An optional package or weight file that is not installed; the message says how to get it."""
