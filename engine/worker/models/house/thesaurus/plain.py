"""Words close to the vocabulary: families, colours, speeds, modifiers, and words without a picture.

PURE: tables. One line is `word, word word, ... = vocabulary words`.
"""

from typing import Final

FAMILY_WORDS: Final = """
fire, fiery, firewall = flames
burn, wildfire, campfire, bonfire, fireplace, torch, candle = flames red orange gold
inferno, hell, furnace, conflagration, forest fire = flames red orange dark
ember, cinder, glowing coal, coal = flames red orange slow dark
fog, mist, haze, fume, plume, vapour, vapor, steam, incense, exhale, fog machine = smoke
sky, skies, heaven, cumulus, overcast = clouds blue white
northern lights, polar lights, southern lights, borealis, aurora borealis, veil = aurora
curtain, drape, drapery = aurora soft
blob = plasma
mandelbrot, julia set, mandala, ornament, filigree, arabesque, rosette, sacred geometry = fractal
caustic, shimmer, light veins, swimming pool, pool, glistening = caustics
swell, surf, tide, undulate, undulation, sine, sine wave, oscillation = waves
droplet, drop, concentric circle, sonar = ripples
pond, puddle, water drop, water surface = ripples blue cyan
wormhole, corridor, pipe, portal, hallway, passage, gateway, tube, shaft, funnel = tunnel
hyperspace, warp, warp speed, hyperdrive, light speed, lightspeed, star gate, stargate = tunnel fast
vortex, maelstrom = spiral zooming
whirl, twirl, helix, whorl, vertigo = spiral
whirlpool = spiral blue teal
starfield, constellation, night sky, zodiac, milky = stars
sparkle, glitter, twinkle, confetti, sequin, spangle, pixie dust = stars
metaball, goo, slime, ooze, gel, jelly, gelatin, blobby, lava lamp, lavalamp, gloop = metaballs
foam, soap, froth, fizz, fizzy, soap bubble = bubbles
ball, sphere, orb, balloon, marble ball, globe, pearl = bubbles
mosaic, voronoi, tessellation, microscope, scale, terrazzo = cells
stained glass, church window, cathedral window, leadlight = cells red blue gold
web, net, spiderweb, spider web, cobweb, mesh, crochet, network, tangle, dreamcatcher = lace
crack, vein, craquelure, fracture = lace
knot, weave, woven, celtic knot, celtic pattern, interlace = truchet
block, mondrian, rectangle, quadrilateral, tetris, mosaic tile = squares
checker, checkerboard, chessboard, chess, checkered = squares white hard
polygon, triangle, pentagon, octagon = polygons
rhombus, trapezoid = polygons
diamond shape, star shape, frame, nested frame, tangram = polygons
wireframe, perspective grid, lattice, coordinate, graph paper = grid
bar, column, barcode, equaliser, equalizer, spectrum analyser = bars
spectrum, spectrum analyzer, audio spectrum, vu meter, waveform, picket = bars
op art, zebra, bridget riley, vasarely = moire
optical art, hypnotic pattern, zebra stripe = moire white hard
ribbon, string, thread, streamer, strand, wire, cable, flow field, tentacle = ribbons
light trail, long exposure, light painting, light streak = ribbons neon
beam, laser, laser beam, laser show, laser light, ray, searchlight, spotlight, lighthouse = beams
ray of light, god ray, sunbeam, shaft of light, strobe, strobe light = beams
drizzle, downpour, shower, raindrop, monsoon, cloudburst, rainfall = rain
rainstorm, storm rain, hail, sleet = rain fast dark
thunder, thunderbolt, bolt, lightning bolt, thunderstorm, lightning storm = lightning
tesla, tesla coil, high voltage, static electricity = lightning
arc, plasma ball, short circuit, discharge = lightning purple
honeycomb, beehive, hive, hex grid, hexagon pattern = hexagons
cube, box, minecraft, dice, building block, lego, rubik, crate = cubes
crystal, gem, jewel, gemstone, prism, facet, quartz, diamond, geode, shard = crystals
milky way, cosmos, universe, spiral galaxy = galaxy
petal, flower, blossom, bloom, bouquet, flower power = petals
mountain, peak, ridge, summit, hill, landscape, mountain range, valley, cliff, canyon = mountains
dot, halftone, polka dot, led wall, pointillism, pointillist, pois, pixel dot = dots
firework, pyrotechnic, rocket, firecracker, sparkler = fireworks
maze, minotaur, meander, catacomb, hedge maze, garden maze = labyrinth
dancer, dance, people, human, person, crowd, silhouette, figure, body, bodies, man, woman = dancers
"""

HINT_WORDS: Final = """
world, globe world = bubbles blue green
death, dead, dying, grim reaper = smoke silver dark
scream, shout, shock = plasma red fast
shake, shaking = glitch
reverse, backwards = mirrored
strong, tough = hard
clear, lucid = cyan white
splatter, abstract, generative, flux, energy, swirl = plasma
geometric, geometry, shape, angular, low poly, polygonal = polygons
pattern, repeat pattern, tile, tiling, celtic = truchet
sunray, light, lit up, light beam, shining light = beams
electric, electricity, voltage, spark, electrical = lightning
infinite, infinity, recursion, recursive, self similar = fractal zooming
cosmic, astral, interstellar, intergalactic = galaxy
alien, extraterrestrial, xenomorph, area 51 = metaballs lime purple
optical, illusion, interference, optical illusion = moire
concentric, circular, circle, ring = ripples
swirling, winding, twist, curl, coil = spiral
explode, explosion, burst = fireworks
cellular, tissue, cracked, patchwork = cells
hexagonal, hex = hexagons
isometric, voxel = cubes
crystalline = crystals
floral, blooming = petals
particle, dust, speck, starry = stars
flow, flowing lines, curve = ribbons
striped, stripe = bars
organic, biological, biology = cells mint pink
wet, drenched = ripples cyan
wind, windy, breeze, gust = ribbons white silver drifting
"""
"""Adjectives and the like, whose family counts only where no thing is named."""

COLOUR_WORDS: Final = """
crimson, scarlet, ruby, cherry, blood, maroon, vermilion, carmine, burgundy, brick, redness = red
dark red, oxblood = red dark
amber, tangerine, apricot, copper, pumpkin, saffron, carrot, ochre, burnt orange = orange
yellow, golden, honey, mustard, lemon, mango, ocher, banana, straw, brass = gold
chartreuse, neon green, acid green, yellow green, key lime, radioactive green = lime
emerald, grass, olive, jade, leaf, moss, mossy, fern green, viridian, khaki, verdant = green
pastel green, seafoam, pistachio, light green, pale green, spearmint, minty, celadon = mint
petrol, sea green, dark cyan, verdigris, peacock blue = teal
turquoise, aqua, sky blue, azure, light blue, baby blue, pale blue, ice blue, electric blue = cyan
navy, cobalt, sapphire, ultramarine, royal blue, lapis, cerulean, prussian blue, delft = blue
dark blue, deep blue, ink, inky, navy blue, blackberry, denim blue, blue violet = indigo
violet, lilac, lavender, plum, aubergine, amethyst, mauve, eggplant, ultraviolet, uv = purple
fuchsia, hot pink, cerise, neon pink, shocking pink = magenta
rose, salmon, blush, candy, peach, bubblegum, flamingo, baby pink, pastel pink, rosy = pink
snowy, ivory, milk, milky white, cream, chalk, bone, eggshell, bleached, porcelain = white
grey, gray, metal, metallic, chrome, steel = silver
titanium, platinum, aluminium, tin, zinc, pewter = silver
iron, lead, mercury, quicksilver, slate, graphite, concrete, cement, stainless = silver
earth, earthy, wood, wooden, rust, rusty, coffee, chocolate, bronze, sepia, mud, clay = brown
soil, leather, tan, beige, caramel, cinnamon, mahogany, walnut, umber, sienna, cork = brown
rainbow, colourful, colorful, multicolour, multicolor, prismatic, spectral = magenta gold cyan
iridescent, opal, opalescent, holographic, hologram, pearlescent, oil slick = mint pink cyan
tricolour, primary colours, primary colour = red gold blue
black and white, monochrome, greyscale, grayscale, bw = silver white
warm, warm colours = red orange gold
cold, cool, cool colours, cold colours = blue cyan
pastel, pastel colours, macaron = pink mint soft
bright, vivid, vibrant, brilliant, luminosity = white neon
bloodred, blood red = red dark
periwinkle, bluebell = indigo purple
earth tones, autumn colours = brown orange
gold leaf, gilded, gilt, golden ornament = gold brown
rose gold = pink gold
"""

SPEED_WORDS: Final = """
slowly, calm, gentle, quiet, relaxed, relaxing, lazy, peaceful, chill, meditative, tranquil = slow
slow motion, slomo, slow mo, unhurried, patient, serene, still, silence, silent, hushed = slow
leisurely, sleepy, restful, stately, glacial, creeping, subtle, minimal, idle, languid = slow
moderate, steady, walking, mid tempo, midtempo, regular, walking pace, andante = medium
quick, rapid, speed, speedy, frantic, hectic, energetic, wild, intense, hyper, furious = fast
swift, racing, rush, rushing, frenetic, turbo, accelerate, high speed, hyperactive, allegro = fast
hurry, dynamic, timelapse, time lapse, hyperlapse, presto, nonstop, breakneck, brisk = fast
uptempo, up tempo, full throttle, maximum speed, overdrive, high energy, adrenaline = fast
"""

MODIFIER_WORDS: Final = """
kaleidoscopic, symmetry, symmetrical, radial symmetry, symmetric = kaleidoscope
mirror, reflection, reflected, reflecting = mirrored
reflective, bilateral, rorschach, symmetric mirror = mirrored
glow, luminous, fluorescent, blacklight, black light, phosphorescent, luminescent, lumen = neon
radiant, shining, glossy, shiny, shine, gleam, uv light, illuminated, lit = neon
radiance, neon sign, led = neon
bioluminescent, bioluminescence = neon cyan
blurry, blur, blurred, smooth, dreamy, airy, diffuse, hazy, fuzzy, velvety, delicate = soft
bokeh, tilt shift, soft focus, defocused, out of focus, creamy, feathery, gauzy, misty = soft
sharp, harsh, graphic, poster, posterised, posterized, contrast, cutout, flat, crisp, stark = hard
high contrast, vector, edgy, bold, stencil = hard
linocut, woodcut, screenprint, woodblock, papercut = hard
darkness, gloomy, black, shadow, shadowy, moody, noir, sombre, somber, dim, murky, low key = dark
obsidian, onyx, jet black, unlit, pitch black, sinister, ominous, brooding, void, abyss = dark
pixel, eight bit, lowres, low res, blocky, retro game, eightbit, pixel art, 16bit = pixelated
8bit, 8 bit, 16 bit, pixelart, mosaic pixels, censored, chunky pixels = pixelated
fluid, melt, molten, wobble, wobbly, wavy, viscous, runny, dripping, drip, syrupy, flowing = liquid
morph, morphing, distorted, distortion, displaced, displacement, warped, rubbery, dissolve = liquid
rotate, rotation, spin, turn, revolve, revolving, orbit, orbiting, carousel, turntable = rotating
merry go round, wheel, propeller, gyroscope, pirouette = rotating
pulse, beat, throb, breathing, heartbeat, breathe, breath, rhythm, rhythmic, flicker = pulsing
thump, bouncing, bounce, flashing, flash, blinking, blink, throbbing, pump, pumping = pulsing
drift, float, floating, wander, wandering, hover, hovering, weightless, gliding, glide = drifting
falling, sinking, travelling, levitate, levitating, panning, zero gravity, adrift = drifting
zoom, fly, flying, flight, approach, approaching, plunge, plunging, dive, diving, dolly = zooming
expanding, expand, journey, fall into, flythrough = zooming
scanline, crt, tv, television, broadcast = scanlines
interlaced, cathode ray, monitor, screen, raster = scanlines
vhs, vcr, video tape, videotape, camcorder, tape = scanlines glitch
glitchy, broken, corrupt, corrupted, error, datamosh, datamoshing, databend, malfunction = glitch
grain, grainy, static, noise, signal loss = glitch
interrupted, jitter, stutter, bug, defect, crash, degraded = glitch
"""

FUNCTION_WORDS: Final = """
a an the and of in on at with to from into under over very some my your our its it is are be like
as by for through that this these those all more much many so then than also just only really quite
too between among across along around above below beneath behind beside near inside outside against
towards toward throughout amid amidst during while when where which who there here upon onto within
another his her their them they he she we you i me us was were being been have has had do does can
could will would should may might must let lets slightly rather almost perhaps maybe each every any
der die das ein eine einen und mit von im am auf aus zu sehr le la les un une et avec de du des
dans sur tres el los las una y con del en muy il lo gli uno di nel molto
"""
"""Words that only join others: they are taken out before anything else is read."""

EMPTY_WORDS: Final = """
up down out off full deep high low new old big small large huge giant gigantic massive enormous
tiny tall long short wide thick thin heavy main ancient whole entire endless endlessly eternal
forever extremely super ultra hyperdetailed little bit lot lots most least few several other both
two three four five six one single double triple again always ever now soon front left right top
bottom middle centre center side edge back slight mostly mainly make makes made making create
show shows please give get loop looping seamless set type kind sort thing things stuff something
feel feeling look looks looking style styled stylized visual visuals video clip footage motion
moving movement animated animation animate picture image images photo photograph photography
photographic scene scenery view background backdrop foreground wallpaper colour color colours
colors coloured colored toned tones tone hue hues palette shade shades tint effect effects texture
textured textures surface form forms shaped shapely covered filled surrounded featuring containing
using based inspired themed theme depicting beautiful gorgeous stunning amazing awesome epic
magnificent spectacular incredible breathtaking nice pretty lovely perfect great best good
wonderful fantastic mesmerizing mesmerising elegant dramatic cinematic cinema film movie shot
closeup close angle lens camera anamorphic cgi render rendered rendering octane unreal engine
blender houdini touchdesigner redshift vray raytracing raytraced artstation trending deviantart
behance midjourney diffusion stable prompt lora detailed detail details intricate elaborate complex
highly realistic hyperrealistic photorealistic realism photoreal hyperrealism quality hd uhd hdr
resolution hi res raw masterpiece award winning professional focus depth field dof volumetric
lighting composition aspect ratio ar niji stylize seed steps cfg watermark logo caption signature
subtitles title typography lettering text letters word words vj content projection projections
mapping mapped wall display backing concert live performance event d k
artistic art artwork painting painted drawing drawn illustration illustrated concept design
designed digital modern contemporary experimental creative imaginary artist vibe vibes mood
emerging rising dividing visualization visualisation floor note end macro shallow stage reactive
growing glistens looped audiovisual visualizer visualiser
aesthetic atmosphere atmospheric ambience ambiance floaty style
"""
"""Words that paint nothing on their own; a phrase of the thesaurus may hold them."""

NEGATIONS: Final = "no not dont without minus except kein keine keinen ohne nicht sans senza"
"""Words that take the next thing away; `or` and `nor` carry them on."""

NO_TYPOS: Final = """
accept account active actor alone alter american answer appear apply audit aware blank bleed bless
board brave break bring bullet caller certain chair change charge chose claim class clear clever
click climb clone colon comes contract convert count cover crime cruel daily death delay detect
divide drink drive driver eastern enter equal exact exist export external extra factor failing
fairly faith fault fight file filling final finder first forget forth found fresh generic grant
graph group guard guess guest guide haven heard hours inner insert inspect issue judge known label
later layer learn legal level limit link local march marking match model month mount north novel
nurse option order owner parts patent pause phase pilot pitch place plain plate point portion press
price pride print prize proof protection proud prove public quarter queen query quote radical range
reach reader ready reduce refer reply reset resolve reverse rough rules sample scope score scream
sense serve seven shake share shared shift shirt shock shoot shops shove sight since skill slash
slave slice smart smash solid solve sorry south spare speak spend spill spite split stack staff
stake stamp stand start starting state stats status store stored story strict strip strong submit
switched table taken taste teach thank think third threw throw timer tired topic total touch tough
track trade trash treat trial trick truly trust truth twice uncle unclear units until upset usage
value venue visit voice waiter waste western whose winner world worry worse worth wound write wrong
youth
"""
"""Everyday words without a picture that are one letter away from words with one."""
