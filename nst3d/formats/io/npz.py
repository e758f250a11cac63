"""NumPy archives (.npz): contents are checked before anything is loaded; pickles are never loaded."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from nst3d.errors import InputError, cut, shown
from nst3d.files import replacing
from nst3d.limits import claim, regular
from nst3d.tensors import Array

_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError),
    # Errors of NumPy's reader for a header that is not a literal.
    *(tokenize.TokenError, SyntaxError, KeyError, OverflowError, TypeError),
)
_QUICK = 1
"""zlib's quickest level: links shrink to a twentieth, floats hardly at all."""


@dataclass(frozen=True)
class Header:
    """An archive's description of one array, checked against the bytes declared for it."""

    shape: tuple[int, ...]
    dtype: np.dtype
    compressed: bool

    @property
    def count(self) -> int:
        """Elements."""
        return int(np.prod(self.shape, dtype=object))

    @property
    def nbytes(self) -> int:
        """Size in memory, in bytes."""
        return self.count * self.dtype.itemsize


def read_headers(path: Path) -> dict[str, Header]:
    """The arrays of an archive by name, without loading them.

    Raises InputError if it is missing, not an archive of arrays, contains pickled objects, or declares
    wrong sizes.
    """
    headers = {}
    with _opened(path) as archive:
        for info in archive.infolist():
            if not info.filename.endswith(".npy"):
                raise InputError(f"{path}: contains {shown(info.filename)}, expected arrays (.npy) only")
            with archive.open(info) as file:
                header = _header(file, info.compress_type != zipfile.ZIP_STORED)
                name, start = info.filename[: -len(".npy")], file.tell()
            if header.dtype.hasobject:
                raise InputError(f"{path}: {name} contains pickled objects, which are never loaded")
            if start + header.nbytes != info.file_size:
                raise InputError(
                    f"{path}: broken; {name} declares {header.nbytes} bytes but has {info.file_size - start}"
                )
            headers[name] = header
    return headers


def read_arrays(path: Path, names: Collection[str]) -> dict[str, Array]:
    """Some arrays of an archive whose headers are valid.

    Raises InputError if it is broken, truncated, or in need of more memory than the limit for what is read.
    """
    arrays = {}
    with _opened(path) as archive:
        claim(sum(archive.getinfo(f"{name}.npy").file_size for name in names), str(path))
        for name in names:
            with archive.open(f"{name}.npy") as file:
                arrays[name] = np.lib.format.read_array(file, allow_pickle=False)
    return arrays


def write_arrays(path: Path, arrays: Mapping[str, Array], packed: Collection[str]) -> None:
    """Write an archive, whole or not at all; arrays named in `packed` are compressed.

    The same arrays give the same bytes. Raises OutputError if the file cannot be written.
    """
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", compresslevel=_QUICK) as archive:
        for name, array in arrays.items():
            archive.compression = zipfile.ZIP_DEFLATED if name in packed else zipfile.ZIP_STORED
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(regular(path)) as archive:
            yield archive
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except _BROKEN as error:
        raise InputError(f"{path}: not an .npz archive, broken or truncated ({cut(str(error))})") from None


def _header(file: IO[bytes], compressed: bool) -> Header:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f".npy version {version} is not supported")
    return Header(shape, dtype, compressed)
