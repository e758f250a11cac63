"""Every reader, on files that were damaged or made up: an error of our own, in time, and in little memory."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from every_reader import Readable, every_reader
from mutations import mutated

from nst3d.errors import Nst3dError
from nst3d.limits import Limits, limited

resource = pytest.importorskip("resource")

ROUNDS = 41
SECONDS = 5.0
MEMORY = 1 << 30
"""Bytes beyond those of the process, of which the files may take a quarter."""
LONGEST = 700
"""Characters of a message, its path aside."""


class Hangs(BaseException):
    """A reader took too long; no `except Exception` catches it."""


@pytest.fixture(scope="module")
def readable(tmp_path_factory: pytest.TempPathFactory) -> list[Readable]:
    return every_reader(tmp_path_factory.mktemp("files"))


@contextmanager
def bounded() -> Iterator[None]:
    """Little memory for what is read, and for the process."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = (
        int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else None
    )
    if pages is not None:
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, before[1]))
    old = signal.signal(signal.SIGALRM, _hang)
    try:
        with limited(Limits(memory=0.25)):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
        resource.setrlimit(resource.RLIMIT_AS, before)


def _hang(number: int, frame: object) -> None:
    raise Hangs


def fault(case: Readable) -> str | None:
    """What a reader does wrong with a file, or None."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        case.read(case.scene)
    except Nst3dError as error:
        text = str(error)
        if "\n" in text or len(text) - text.count(str(case.scene)) * len(str(case.scene)) > LONGEST:
            return f"a long message: {text[:200]!r}"
    except Exception as error:  # whatever gets through is what is looked for
        return f"{type(error).__name__}: {str(error)[:120]}"
    except Hangs:
        return f"takes more than {SECONDS} s"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


def test_all_files_are_readable_as_they_are(readable: list[Readable]) -> None:
    for case in readable:
        if case.file.suffix != ".pth":  # a whole network would be large
            case.read(case.scene)


def test_no_change_to_a_file_gets_more_than_an_error_of_ours(readable: list[Readable]) -> None:
    found = []
    whole = [case.file.read_bytes() for case in readable]
    with bounded():
        for case, data in zip(readable, whole):
            for seed in range(ROUNDS):
                chance = random.Random(f"{case.file.name} {seed}")
                case.file.write_bytes(mutated(data, chance, chance.choice(whole)))
                if (what := fault(case)) is not None:
                    found.append(f"{case.file.name}, round {seed}: {what}")
            case.file.write_bytes(data)
    assert not found, "\n".join(found)
