"""A network that reads sentences: those that mean much the same have features in much the same direction.

all-MiniLM-L6-v2 (Wang et al. 2020, "MiniLM"; Reimers & Gurevych 2019, "Sentence-BERT"), in 8 bits. It knows nothing
of pictures.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, final

import numpy as np

from nst3d.errors import InputError, MissingDependencyError, cut
from nst3d.files import PathLike
from nst3d.networks.word_pieces import WordPieces, load_word_pieces
from nst3d.tensors import Array
from nst3d.weights.find import find_weights, need_weights

_RUNTIME = "onnxruntime"


@final
class Sentences:
    """The network and its pieces of words."""

    def __init__(self, session: Any, pieces: WordPieces) -> None:
        """`session`: onnxruntime's."""
        self._session, self._pieces = session, pieces

    def row(self, text: str) -> Array:
        """The features (384,) float32, of length 1, of a text: the mean over its pieces, 126 at most.

        ConfigError for a text without words. Texts are read one by one: the network's 8 bits are shared out among all
        that it reads at once.
        """
        numbers = np.array([self._pieces.encode(text).numbers], np.int64)
        ones = np.ones_like(numbers)
        given = {"input_ids": numbers, "attention_mask": ones, "token_type_ids": np.zeros_like(numbers)}
        mean = self._session.run(["last_hidden_state"], given)[0][0].mean(0)
        unit: Array = (mean / np.linalg.norm(mean)).astype(np.float32)
        return unit

    def left_out(self, text: str) -> int:
        """How many pieces of a text have no room."""
        return self._pieces.encode(text).left_out


def has_sentences() -> bool:
    """Whether everything is on this machine that reads sentences."""
    found = all(find_weights(name) is not None for name in ("minilm", "minilm-vocabulary"))
    try:
        import_module(_RUNTIME)
    except ImportError:
        return False
    return found


def load_sentences(path: PathLike | None = None) -> Sentences:
    """The network, from the folder `path` or, None, found like all weights.

    Raises MissingDependencyError for files or a package that are not there, InputError for damaged or other files.
    """
    (file,) = need_weights("minilm", path)
    pieces = load_word_pieces(path)
    try:
        runtime = import_module(_RUNTIME)
    except ImportError:
        raise MissingDependencyError(
            f"reading sentences needs the package {_RUNTIME}: pip install {_RUNTIME}"
        ) from None
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1  # a sentence takes milliseconds
    options.log_severity_level = 4
    try:
        session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises kinds of its own for a damaged file
        raise InputError(f"{file}: cannot be read as an ONNX file ({cut(str(error))})") from None
    return Sentences(session, pieces)
