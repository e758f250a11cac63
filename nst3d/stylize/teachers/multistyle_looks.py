"""What the 26 styles of the teacher `multistyle` look like, in words; written by hand of what they paint."""

from __future__ import annotations

LOOKS = (
    (
        "golden light",
        "An impressionist oil painting with soft, short strokes. Golden yellow light and pale sky blue. Sunny,"
        " warm and airy.",
    ),
    (
        "ink and yellow",
        "A drawing in bold black ink lines, like a comic or a poster. Flat lemon yellow and pale grey. Graphic,"
        " modern and playful.",
    ),
    (
        "charcoal dusk",
        "A charcoal sketch with a little pastel. Black shadows under a pale peach and icy blue sky. Quiet, sober"
        " and cold.",
    ),
    (
        "electric bars",
        "An abstract painting of short thick bars of paint, in which little can be recognised. Electric blue,"
        " white, orange and black. Wild, loud and chaotic.",
    ),
    (
        "crimson canvas",
        "A Fauvist oil painting on coarse canvas. Crimson and dark red with apricot yellow and light blue. Hot,"
        " rich and festive.",
    ),
    (
        "burning strokes",
        "An expressionist oil painting with rushing, swirling strokes. Red, orange and gold against grey blue,"
        " like a burning sunset in autumn. Passionate and turbulent.",
    ),
    (
        "indigo dots",
        "Dark round dots with glowing rims, like bubbles, cells or beads. Indigo and midnight violet with sparks"
        " of amber. Nocturnal, mysterious and alien.",
    ),
    (
        "deep primaries",
        "An expressionist painting of large smooth areas that run into each other. Deep blue, blazing yellow,"
        " dark red and black. Dramatic, dark and glowing.",
    ),
    (
        "coloured pens",
        "A sketch with pens and a few washes of colour on white paper. Magenta, turquoise and lemon. Light, fresh"
        " and cheerful, like spring.",
    ),
    (
        "pebble mosaic",
        "A mosaic of small pebbles with white joints, like a batik or a linocut. Dark teal green, crimson and"
        " white. Speckled, decorative and lively.",
    ),
    (
        "copper",
        "A weathered canvas in one hue, like rust or leather. Copper, burnt orange and dark brown. Warm, old and"
        " smouldering, like a desert at dusk.",
    ),
    (
        "old engraving",
        "A pen and ink engraving in an old book, on yellowed paper. Fine brown hatching with orange and cream"
        " washes. Antique, delicate and detailed.",
    ),
    (
        "lavender mist",
        "An impressionist painting with long hazy strokes, in the manner of Monet. Lavender, violet and golden"
        " yellow. Dreamy, soft and misty.",
    ),
    (
        "acid weave",
        "Coarse threads of paint like a woven carpet, with black outlines. Acid lime green, petrol blue, yellow"
        " and dark red. Psychedelic, tropical and poisonous.",
    ),
    (
        "frost",
        "A faint print on pale paper, like a faded watercolour. Icy blue with a breath of peach. Frosty winter"
        " fog, cold, calm and silent.",
    ),
    (
        "pastel glass",
        "Pieces of pale glass or cracked porcelain between thin dark lines, like a light stained glass window."
        " Pastel pink, mint, cream and lilac. Fragile, sweet and bright.",
    ),
    (
        "crayon shimmer",
        "Fine diagonal strokes of crayon or chalk laid over each other. Ultramarine blue and violet with orange"
        " and mustard. Shimmering, cool and vibrant.",
    ),
    (
        "city grid",
        "A geometric grid of little rectangles and bars, in the manner of Mondrian, like pixels or windows of a"
        " city at night. Red, orange and blue on black. Rhythmic, digital and busy.",
    ),
    (
        "woodcut",
        "A woodcut or linocut with wavy carved lines, like the grain of wood. Brown and cream, sepia and olive."
        " Earthy, rustic and handmade.",
    ),
    (
        "starry night",
        "An oil painting of a starry night with rows of short strokes, in the manner of Van Gogh. Deep blue with"
        " glowing yellow stars and moonlight. Restless and dreamy.",
    ),
    (
        "embers",
        "A dark oil painting of glowing embers, fire and lava. Blood red and scarlet on black. Infernal, hot and"
        " menacing.",
    ),
    (
        "pop art",
        "Pop art of flat areas and thick black and white blotches, like torn paper or graffiti. Sky blue, candy"
        " pink and apricot. Loud, young and bold.",
    ),
    (
        "ink and red",
        "A brush drawing in heavy black ink on white, with a few splashes of red, like a graphic novel. Black,"
        " white, signal red and slate blue. Stark, tense and violent.",
    ),
    (
        "twilight",
        "A romantic landscape painting, smooth and realistic. Dark silhouettes in front of a pale dawn, grey, dim"
        " green and faint gold. Gloomy, foggy and melancholy.",
    ),
    (
        "indigo print",
        "A Japanese woodblock print in two colours. Prussian blue with aquamarine on cream paper, like waves of"
        " the sea with foam. Clear and elegant.",
    ),
    (
        "rough crust",
        "A thick crust of oil paint in rough dabs, like stone, bark or rubble. Brown, ochre, slate blue and"
        " black. Heavy, rugged and stormy.",
    ),
)
"""Name, and technique, colours and mood in a few sentences, of styles 0 to 25."""
