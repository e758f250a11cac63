"""CLIP's tokens: texts in parts of words, found by byte pair encoding (Sennrich et al. 2016) in its own vocabulary."""

from __future__ import annotations

import gzip
import html
import itertools
import re
import unicodedata
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, final

import torch

from nst3d.errors import ConfigError, InputError
from nst3d.files import PathLike
from nst3d.limits import regular
from nst3d.weights.find import need_weights

_PAIRS = 49152 - 256 - 2
"""Pairs of the file that CLIP knows: it has more. The other tokens are bytes, and a start and an end."""
_END_OF_WORD = "</w>"
_LARGEST = 1 << 24
"""Bytes of an unpacked vocabulary, at most."""
_LONGEST = 100_000
"""Characters of a text, at most: none of more has a chance to fit."""
_LONGEST_WORD = 256
"""Bytes of a word, at most: the rest of a longer one is read as another, since time grows with its square."""
_SHORT = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")
"""Ends of English words that are words of their own."""
_QUOTES = str.maketrans("‘’‚‛ʼ“”„‟", "'''''\"\"\"\"")


class Encoded(NamedTuple):
    """Texts as rows of tokens."""

    ids: torch.Tensor
    """(b, context) int64: a start, tokens, an end, and zeros."""
    left_out: tuple[int, ...]
    """How many tokens of each text had no room."""


@final
class Vocabulary:
    """Tokens by number."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        """`pairs`: what grows together, the most frequent first, in the signs of `byte_signs`."""
        signs = list(byte_signs().values())
        tokens = [*signs, *(sign + _END_OF_WORD for sign in signs), *("".join(pair) for pair in pairs)]
        self._numbers = {token: number for number, token in enumerate(tokens)}
        self._ranks = {pair: rank for rank, pair in enumerate(pairs)}
        self.start, self.end = len(tokens), len(tokens) + 1

    def encode(self, texts: Sequence[str], context: int = 77) -> Encoded:
        """Texts as rows of `context` tokens, of which longer ones lose their ends.

        Raises ConfigError for a text without words or of more than 100,000 characters.
        """
        rows, left_out = torch.zeros(len(texts), context, dtype=torch.long), []
        for row, text in zip(rows, texts):
            numbers = self.numbers(text)
            kept = numbers[: context - 2]
            row[: len(kept) + 2] = torch.tensor([self.start, *kept, self.end])
            left_out.append(len(numbers) - len(kept))
        return Encoded(rows, tuple(left_out))

    def numbers(self, text: str) -> list[int]:
        """All tokens of a text, without a start and an end. ConfigError as for `encode`."""
        if len(text) > _LONGEST:
            raise ConfigError(
                f"a text has {len(text)} characters, more than {_LONGEST}: describe it in a sentence"
            )
        signs = byte_signs()
        found = []
        for word in words_of(cleaned(text)):
            own = "".join(signs[byte] for byte in word.encode())
            for start in range(0, len(own), _LONGEST_WORD):
                parts = self._parts(own[start : start + _LONGEST_WORD])
                found += [self._numbers[part] for part in parts]
        if not found:
            raise ConfigError(f"the text {text!r} has no words: describe what is meant")
        return found

    def _parts(self, word: str) -> list[str]:
        """The parts of a word in signs, after all pairs have grown together, the most frequent first."""
        parts = [*word[:-1], word[-1] + _END_OF_WORD]
        while len(parts) > 1:
            best = min(itertools.pairwise(parts), key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if best not in self._ranks:
                break
            parts = list(_joined(parts, best))
        return parts


def told_cut_off(reader: str, text: str, most: int, left: int) -> str:
    """A note that a `reader` reads `most` tokens of a text, which has `left` more."""
    return f"{reader} reads the first {most} tokens of {text[:40]!r}…; the last {left} are left out"


def _joined(parts: Sequence[str], pair: tuple[str, str]) -> Iterator[str]:
    """The parts, with each occurrence of a pair as one."""
    place = 0
    while place < len(parts):
        is_pair = tuple(parts[place : place + 2]) == pair
        yield "".join(pair) if is_pair else parts[place]
        place += 2 if is_pair else 1


def cleaned(text: str) -> str:
    """A text in lower case with single spaces, HTML's entities as what they stand for.

    CLIP's own code also repairs text that was decoded wrongly (the package ftfy). Of that, what people type is done
    here: curly quotes become straight, and accents join their letters.
    """
    plain = unicodedata.normalize("NFC", html.unescape(html.unescape(text))).translate(_QUOTES)
    return re.sub(r"\s+", " ", plain).strip().lower()


def words_of(text: str) -> Iterator[str]:
    """Runs of letters, single digits, and runs of other signs, without the spaces between them.

    Ends of English words such as 's are words of their own. What would be CLIP's marks for start and end is read as
    any other text.
    """
    place = 0
    while place < len(text):
        end = next((place + len(each) for each in _SHORT if text.startswith(each, place)), place + 1)
        sort = _sort(text[place])
        if end == place + 1 and sort in "LO":
            end = next((k for k in range(end, len(text)) if _sort(text[k]) != sort), len(text))
        if sort != " ":
            yield text[place:end]
        place = end


def _sort(sign: str) -> str:
    """A letter (L), a digit (N), a space, or another sign (O)."""
    if sign.isspace():
        return " "
    sort = unicodedata.category(sign)[0]
    return sort if sort in "LN" else "O"


@lru_cache(maxsize=1)
def byte_signs() -> Mapping[int, str]:
    """A visible sign for each byte, in the order of CLIP's vocabulary: Latin-1's own, and further ones for the rest."""
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in visible]
    return {byte: chr(byte) for byte in visible} | {byte: chr(256 + k) for k, byte in enumerate(others)}


def load_vocabulary(path: PathLike | None = None) -> Vocabulary:
    """CLIP's vocabulary from `bpe_simple_vocab_16e6.txt.gz`, which `path` is or contains; None: found like weights.

    Raises MissingDependencyError if it is not found, InputError if it is damaged or another file.
    """
    (file,) = need_weights("clip-vocabulary", path)
    lines = _unpacked(file).split("\n")[1 : 1 + _PAIRS]  # the first says what the file is
    pairs = [(line.split()[0], line.split()[-1]) for line in lines if len(line.split()) == 2]
    if len(pairs) < _PAIRS:
        raise InputError(f"{file}: has {len(pairs)} pairs of tokens, expected {_PAIRS} or more, one a line")
    return Vocabulary(pairs)


def _unpacked(file: Path) -> str:
    try:
        with gzip.open(regular(file)) as stream:
            content = stream.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise ValueError("it is too large")
        return content.decode("utf-8")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(f"{file}: cannot be read as a vocabulary packed by gzip ({error})") from None
