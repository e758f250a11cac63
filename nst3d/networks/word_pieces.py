"""BERT's tokens: words in pieces, the longest that its vocabulary has (Devlin et al. 2019; Wu et al. 2016)."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping
from typing import NamedTuple, final

from nst3d.errors import ConfigError, InputError
from nst3d.files import PathLike
from nst3d.limits import regular
from nst3d.weights.find import need_weights

_LONGEST_WORD = 100
"""Characters of a word, at most: longer ones are unknown."""
_LONGEST = 100_000
"""Characters of a text, at most."""
_LARGEST = 1 << 24
"""Bytes of a vocabulary's file, at most."""
_START, _END, _UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
_IDEOGRAPHS = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))
"""Signs of Chinese, each of which is a word."""


class Pieces(NamedTuple):
    """A text in numbers of pieces."""

    numbers: list[int]
    """A start, pieces, and an end."""
    left_out: int
    """How many pieces had no room."""


@final
class WordPieces:
    """Pieces of words by number."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        """`numbers` of pieces; those that go on a word begin with ##."""
        self._numbers = numbers

    def encode(self, text: str, room: int = 128) -> Pieces:
        """A text as `room` numbers at most. ConfigError for a text without words or of more than 100,000 characters."""
        if len(text) > _LONGEST:
            raise ConfigError(
                f"a text has {len(text)} characters, more than {_LONGEST}: describe it in a sentence"
            )
        found = [piece for word in words_of(text) for piece in self._pieces(word)]
        says = any(map(str.isalnum, text))  # marks have pieces, too, but mean nothing by themselves
        if not (found and says):
            raise ConfigError(f"the text {text!r} has no words: describe what is meant")
        kept = found[: room - 2]
        ends = self._numbers[_START], self._numbers[_END]
        numbers = [ends[0], *(self._numbers[piece] for piece in kept), ends[1]]
        return Pieces(numbers, len(found) - len(kept))

    def _pieces(self, word: str) -> list[str]:
        """The longest pieces of a word, from left to right; the unknown one if it cannot be put together."""
        pieces, start = [], 0
        while start < len(word):
            ends = range(len(word), start, -1) if len(word) <= _LONGEST_WORD else ()
            marked = (("##" if start else "") + word[start:end] for end in ends)
            piece = next((own for own in marked if own in self._numbers), None)
            if piece is None:
                return [_UNKNOWN]
            pieces.append(piece)
            start += len(piece) - 2 * bool(start)
        return pieces


def words_of(text: str) -> Iterator[str]:
    """Words in lower case without accents; each punctuation mark and each sign of Chinese is one of its own."""
    plain = "".join(f" {sign} " if _stands_alone(sign) else sign for sign in text if _counts(sign))
    spread = unicodedata.normalize("NFD", "".join(sign.lower() for sign in plain))  # not by neighbours: σ, ς
    yield from "".join(sign for sign in spread if unicodedata.category(sign) != "Mn").split()


def _counts(sign: str) -> bool:
    """Whether a sign is read: control characters are not, but for those that are spaces."""
    return sign.isspace() or (unicodedata.category(sign)[0] != "C" and sign != "\ufffd")


def _stands_alone(sign: str) -> bool:
    code = ord(sign)
    if 33 <= code <= 126 and not sign.isalnum():
        return True
    return unicodedata.category(sign)[0] == "P" or any(low <= code <= high for low, high in _IDEOGRAPHS)


def load_word_pieces(path: PathLike | None = None) -> WordPieces:
    """The pieces that MiniLM knows, from `tokenizer.json`, which `path` is or contains; None: found like weights.

    Raises MissingDependencyError if it is not found, InputError if it is damaged or another file.
    """
    (file,) = need_weights("minilm-vocabulary", path)
    try:
        if regular(file).stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        numbers = json.loads(file.read_text("utf-8"))["model"]["vocab"]
        complete = all(isinstance(numbers[mark], int) for mark in (_START, _END, _UNKNOWN))
        if not complete or not all(isinstance(number, int) for number in numbers.values()):
            raise ValueError("its vocabulary is not one of numbers")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{file}: cannot be read as a tokenizer of word pieces ({error!r})") from None
    return WordPieces(numbers)
