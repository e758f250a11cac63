"""Saves a fit to disk so that it can be resumed. Arrays only: nothing is executed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from nst3d.errors import InputError, OutputError
from nst3d.formats.fields.checks import check_links, check_values, wanted
from nst3d.formats.io.npz import read_arrays, read_headers, write_arrays
from nst3d.reconstruct.fit import Fit

_FORMS = {
    "nst3d_fit": ((), "U"),
    "seconds": ((), "f"),
    "iteration": ((), "iu"),
    "links": ((None, None, None), "i"),
    "density": ((None,), "f"),
    "colours": ((None, None), "f"),
    "squares": ((None, None), "f"),
    "exposures": ((None, 3, 2), "f"),
    "errors": ((None, 2), "f"),
}
"""Names of a checkpoint's arrays; the first holds the fingerprint."""


class FitKeeper:
    """Saves and finds a fit's checkpoint at `path`."""

    def __init__(
        self, path: Path, fingerprint: str, every: float, note: Callable[[str], None] | None = None
    ) -> None:
        """`fingerprint` identifies data and settings; `every`: seconds between checkpoints, 0: none.

        `note` is told of checkpoints that cannot be written.
        """
        self._note = note or (lambda text: None)
        self._path, self._fingerprint, self._every = path, fingerprint, every
        self._start = self._last = time.perf_counter()
        self.earlier = 0.0
        """Seconds spent fitting in earlier runs."""

    @property
    def seconds(self) -> float:
        """Seconds spent fitting, including earlier runs."""
        return self.earlier + time.perf_counter() - self._start

    def resume(self, fit: Fit) -> None:
        """Restore a fit from an earlier run. InputError if there is no usable checkpoint, or one of another fit."""
        path = self._path
        headers = read_headers(path)
        if set(headers) != set(_FORMS):
            raise InputError(f"{path}: not a reconstruction checkpoint; start over with `overwrite`")
        wanted(path, headers, _FORMS)
        state = read_arrays(path, _FORMS)
        if str(state["nst3d_fit"]) != self._fingerprint:
            raise InputError(
                f"{path}: belongs to a run with other photographs or settings; give those again to resume it,"
                " or start over with `overwrite`"
            )
        count, values = len(state["density"]), state["colours"].shape[1]
        check_links(path, state["links"], count)
        own = fit.state()
        views = [state[name].shape == own[name].shape for name in ("exposures", "errors")]
        if (
            not all(views)
            or state["colours"].shape != (count, values)
            or state["squares"].shape != (count, 1 + values)
        ):
            raise InputError(f"{path}: broken; its arrays do not fit together; start over with `overwrite`")
        check_values(path, {k: state[k] for k in ("density", "colours", "squares", "seconds")})
        if int(state["iteration"]) < 0:
            raise InputError(
                f"{path}: broken: iteration {int(state['iteration'])}; start over with `overwrite`"
            )
        self.earlier = float(state["seconds"])
        fit.restore(state)

    def keep(self, fit: Fit) -> None:
        """Write a checkpoint; if it cannot be written, a note says so, and the fit goes on."""
        self._last = time.perf_counter()
        own = {"nst3d_fit": np.array(self._fingerprint), "seconds": np.array(self.seconds)}
        try:
            write_arrays(self._path, own | fit.state(), packed=("links",))
        except OutputError as error:
            self._note(f"{error}: without this checkpoint, the fit so far cannot be resumed")

    def now_and_then(self, fit: Fit) -> None:
        """Write a checkpoint if it is time."""
        if self._every > 0 and time.perf_counter() - self._last > self._every:
            self.keep(fit)

    def forget(self) -> None:
        """Remove the checkpoint of a finished run."""
        with contextlib.suppress(OSError):
            self._path.unlink()
