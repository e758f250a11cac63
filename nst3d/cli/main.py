"""The `nst3d` command: dispatch to subcommands, and error reporting."""

from __future__ import annotations

import importlib
import io
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence

from nst3d.cli.errors import spoken
from nst3d.cli.every_command import HELP, take_limits
from nst3d.cli.plugin_notes import plugin_notes
from nst3d.errors import Nst3dError, on_gpu, ran_out, shown
from nst3d.interrupts import ignore_stops, stop_on_terminate
from nst3d.limits import limited

COMMANDS = {
    "paint": "paint a mesh, a voxel field, splats or a picture in the style of an image",
    "capture": "find the cameras of photographs or a video, for reconstruct",
    "reconstruct": "make a voxel field from a capture, photographs with poses",
    "train-style": "train a network to paint in a style at once",
    "render": "make a video or pictures of any asset",
    "blend": "mix painted versions of one scene",
    "grade": "change a painted scene's saturation, contrast, brightness or hue",
    "export": "make a textured mesh from a voxel field or splats",
    "video": "paint a video, frame by frame without flicker",
    "view": "look at a scene in Open3D's window",
    "regions": "list and draw the regions of a scene that can be painted",
    "inspect": "report what is in a file, and what is wrong with it",
    "eval": "measure how good finished paintings are",
    "sweep": "paint a scene small in many settings, and compare them",
    "weights": "list or fetch the networks' weights",
    "demo": "paint the lighthouse that ships with nst3d",
    "doctor": "report what this machine has",
}
"""Name and summary of each command, in the order of nst3d --help: the function `name` in nst3d/cli/name.py,
with underscores for hyphens."""

_HELP = """\
nst3d paints 3D scenes: neural style transfer that gives the asset back.

usage: nst3d COMMAND [options]

{commands}

examples:
  nst3d paint teapot.glb --style starry_night.jpg --out painted/
  nst3d paint photo.jpg --style wave.jpg --out out/ --preset gatys
  nst3d render painted/painted.glb --path orbit --out orbit.mp4

{options}

nst3d COMMAND --help shows the options of a command.
"""


def _command(name: str) -> Callable[[Sequence[str]], int] | None:
    """The function behind a command, imported on call, so that --help and errors appear at once."""
    if name not in COMMANDS:
        return None
    own = name.replace("-", "_")
    return getattr(importlib.import_module(f"nst3d.cli.{own}"), own)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 error, 2 wrong usage, 130 interrupted."""
    own_process = arguments is None
    if own_process:
        _spin_briefly()
        _keep_thread_count()
        stop_on_terminate()
    try:
        code = _guarded(sys.argv[1:] if arguments is None else arguments)
        _ending(own_process)
    except KeyboardInterrupt:
        _ending(own_process)
        code = _failed("interrupted", 130)
    return code


def _spin_briefly() -> None:
    """Let idle OpenMP threads of libgomp sleep after a short spin, unless the user chose otherwise.

    The runtime reads this once, when torch loads. By default a thread spins a hundred times longer: as soon as
    another process is busy, it holds the core that the thread it waits for needs. Without any spin, waking costs
    a third of the time on a quiet machine.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "3000")


def _keep_thread_count() -> None:
    """Let numba use as many threads as OMP_NUM_THREADS says: otherwise its first kernel resets torch's to all cores."""
    count = os.environ.get("OMP_NUM_THREADS", "")
    if count.isdigit() and int(count):
        os.environ.setdefault("NUMBA_NUM_THREADS", count)


def _ending(own_process: bool) -> None:
    """Keep Ctrl-C from disturbing a process that is exiting and cleaning up."""
    if own_process:
        ignore_stops()


def _guarded(arguments: Sequence[str]) -> int:
    """The exit code of the command or of its error; KeyboardInterrupt passes through."""
    logging.getLogger("PIL").addHandler(
        logging.NullHandler()
    )  # what Pillow logs about a file is in our message
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # file names may contain what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    try:
        chosen, arguments = take_limits(arguments)
        with plugin_notes(), limited(chosen):
            return _answer(arguments)
    except Nst3dError as error:
        return _failed(str(error), 1)
    except BrokenPipeError:
        # The reader of our output is gone; Python would complain when it flushes on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        file = f"{error.filename}: " if error.filename else ""
        return _failed(f"{file}{error.strerror or error}", 1)
    except Exception as error:
        if ran_out(error):
            other = ", or --settings.device cpu" if on_gpu(error) else ""
            return _failed(f"out of memory; use a smaller --size or fewer views{other}", 1)
        return _failed(_unforeseen(error), 1)


def _unforeseen(error: Exception) -> str:
    """One line for an error that nothing foresaw, whose traceback goes to a log file."""
    what = f"unexpected {type(error).__name__}: {str(error)[:80]}"
    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="nst3d-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as log:
            log.write(text)
    except OSError:
        return f"{what}; please report this"
    return f"{what}; please report this with the file {log.name}"


def _answer(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        lines = (f"  {name:<12} {summary}" for name, summary in COMMANDS.items())
        print(_HELP.format(commands="\n".join(lines), options=HELP), end="", flush=True)
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from nst3d import __version__

        print(__version__, flush=True)
        return 0
    command = _command(arguments[0])
    if command is None:
        return _failed(f"{shown(arguments[0])} is not a command; nst3d --help lists all commands", 2)
    return command(arguments[1:])


def _failed(message: str, code: int) -> int:
    print(f"nst3d: {' '.join(spoken(message).split())}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
