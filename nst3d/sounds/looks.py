"""What tags of sounds look like: words by hand, as the correspondence is a matter of taste."""

from __future__ import annotations

from collections.abc import Mapping

MOST = 3
"""Tags that become words, at most."""
_LIKELY = 0.1
"""Least probability of a tag that becomes words, but for the first."""

LOOKS: dict[str, str] = {
    "ambient": "misty and still, soft grey washes that fade into each other",
    "beat": "hard rhythmic shapes with dark outlines",
    "beats": "hard rhythmic shapes with dark outlines",
    "cello": "dark brown wood, warm and deep",
    "choir": "a church window of glowing glass, solemn and sacred",
    "choral": "a church window of glowing glass, solemn and sacred",
    "classic": "an old oil painting, rich and balanced",
    "classical": "an old oil painting, rich and balanced",
    "country": "a sunny meadow with flowers",
    "dance": "bright dots like confetti, shimmering and cheerful",
    "drums": "powerful graphic shapes, hard and rhythmic",
    "electronic": "saturated colours that glow like neon",
    "fast": "wild swirling strokes, turbulent",
    "flute": "delicate transparent washes, light and fresh",
    "guitar": "warm brown and ochre wood in angular shapes",
    "harp": "delicate shimmering dots of light",
    "harpsichord": "small bright facets, ornate and precise",
    "indian": "saturated red and gold, ornate and warm",
    "loud": "flaming orange and red, vivid thick strokes",
    "metal": "a great storm, dark and violent",
    "new age": "calm and meditative, soft colours in mist",
    "opera": "rich jewel colours, dramatic and solemn",
    "piano": "black and white with soft shades of grey, gentle",
    "pop": "bright cheerful colours in the sunshine",
    "quiet": "quiet, calm and empty, a few brush strokes on paper",
    "rock": "thick vivid strokes of fire, raw and powerful",
    "sitar": "saturated red and gold, ornate and warm",
    "slow": "calm and meditative, wide soft shapes",
    "soft": "soft, wet colours, gentle and delicate",
    "strings": "long flowing strokes in deep blue and gold, dreamy",
    "synth": "geometric shapes that glow like neon",
    "techno": "hard angular facets and geometric shapes, mechanical and restless",
    "violin": "long flowing strokes in deep blue and gold, dreamy",
    "weird": "abstract, broken shapes, restless and strange",
}
"""Tags that look like something; voices and the like do not."""


def looks_of(tags: Mapping[str, float]) -> dict[str, float]:
    """Words for the most likely `tags`, with weights that add up to 1; tags that share words count together.

    Empty if no tag looks like anything.
    """
    seen = sorted((tag for tag in tags if tag in LOOKS), key=lambda tag: -tags[tag])
    likely = [tag for number, tag in enumerate(seen) if not number or tags[tag] >= _LIKELY][:MOST]
    total = sum(tags[tag] for tag in likely)
    words: dict[str, float] = {}
    for tag in likely:
        words[LOOKS[tag]] = words.get(LOOKS[tag], 0.0) + tags[tag] / total
    return words
