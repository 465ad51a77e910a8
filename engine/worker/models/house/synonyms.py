"""Words that mean a vocabulary word to the house model. PURE: a table and its inversion."""

from typing import Final

MEANINGS: Final[dict[str, str]] = {
    # families
    "flames": "fire flame blaze inferno bonfire campfire burn ember torch lava magma volcano",
    "smoke": "fog mist fume haze steam vapour vapor incense plume",
    "clouds": "cloud sky nebula storm cotton cumulus dream",
    "aurora": "northern-lights polar-lights borealis curtain veil",
    "plasma": "energy electric lightning blob psychedelic abstract swirl acid lsd",
    "fractal": "mandelbrot julia mandala ornament jewel crystal gem filigree",
    "caustics": "caustic pool underwater water shimmer swimming-pool light-veins",
    "waves": "wave ocean sea surf swell tide beach dune hill mountain landscape",
    "ripples": "ripple ring drop raindrop rain pond puddle sonar circle",
    "tunnel": "wormhole corridor pipe vortex portal hyperspace warp subway",
    "spiral": "whirl whirlpool twist galaxy helix hypnosis hypnotic swirling shell",
    "stars": "star starfield space cosmos universe night-sky sparkle glitter firefly snow dust "
    "particle confetti",
    "metaballs": "metaball lava-lamp droplet mercury goo slime ooze amoeba",
    "bubbles": "bubble foam soap balloon fizz champagne ball sphere orb",
    "cells": "cell mosaic voronoi stained-glass cracked scale skin tissue microscope",
    "lace": "web net spiderweb neuron nerve vein crack network mesh",
    "truchet": "maze labyrinth knot loop pattern tile weave celtic",
    "squares": "square block box cube pixel-art checker checkerboard mondrian dice city",
    "polygons": "polygon triangle hexagon pentagon geometry geometric shape diamond frame",
    "grid": "retro synthwave outrun horizon wireframe tron matrix cyberpunk vaporwave sunset sun",
    "bars": "bar equaliser equalizer spectrum column piano skyline music audio",
    "moire": "interference op-art optical illusion zebra",
    "ribbons": "ribbon string thread silk line cable streamer flow curve snake",
    "beams": "beam laser spotlight searchlight ray light-beams light lighthouse godray stage",
    # colours
    "red": "crimson scarlet ruby cherry blood maroon vermilion",
    "orange": "amber tangerine apricot copper peach pumpkin",
    "gold": "yellow golden sunny honey mustard lemon saffron",
    "lime": "chartreuse neon-green acid-green",
    "green": "emerald forest jungle grass olive jade leaf",
    "mint": "pastel-green seafoam pistachio",
    "teal": "petrol sea-green",
    "cyan": "turquoise aqua sky-blue ice azure icy",
    "blue": "navy cobalt sapphire ultramarine royal",
    "indigo": "midnight dark-blue deep-blue",
    "purple": "violet lilac lavender plum aubergine",
    "magenta": "fuchsia hot-pink cerise",
    "pink": "rose salmon blush candy coral",
    "white": "snowy bright ivory pearl",
    "silver": "grey gray metal metallic chrome steel monochrome",
    "brown": "earth wood rust coffee chocolate bronze sepia",
    # speeds
    "slow": "slowly calm gentle quiet relaxed lazy ambient peaceful chill meditative",
    "medium": "moderate steady walking",
    "fast": "quick quickly rapid speed frantic hectic energetic wild intense hyper furious",
    # modifiers
    "kaleidoscope": "kaleidoscopic symmetric symmetry",
    "mirrored": "mirror reflection reflected reflecting",
    "neon": "glow glowing luminous fluorescent blacklight",
    "soft": "blurry blur smooth pastel dreamy airy diffuse",
    "hard": "sharp harsh graphic poster posterised posterized contrast cutout flat",
    "dark": "darkness gloomy black shadow moody noir",
    "pixelated": "pixel eight-bit bit mosaic-pixels lowres blocky",
    "liquid": "fluid melting melt wobble wobbly wavy molten",
    "rotating": "rotate rotation spin spinning turn turning",
    "pulsing": "pulse beat beating throb breathing heartbeat breathe",
    "drifting": "drift float floating wander wandering",
    "zooming": "zoom fly flying flight",
    "scanlines": "scanline crt tv television vhs",
    "glitch": "glitchy broken corrupt corrupted error datamosh",
}
"""Vocabulary word to its synonyms; a hyphen stands for the space of a two-word synonym."""

SYNONYMS: Final[dict[str, str]] = {
    synonym.replace("-", " "): word
    for word, synonyms in MEANINGS.items()
    for synonym in synonyms.split()
}
"""Synonym (one or two words, lower case) to vocabulary word."""

_FILLERS: Final = """
a an the and or of in on at with to from into over under very some my your our its is are be like
as by for through that this these those it all more much so full feeling style look visual visuals
video moving motion picture image colour color colours colors coloured colored
"""
FILLER_WORDS: Final = frozenset(_FILLERS.split())
"""Words that carry no picture: neither understood nor reported."""
