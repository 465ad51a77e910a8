"""Everyday picture words of German, French, Spanish and Italian, and pictograms. PURE: tables.

Accents are left out on both sides: `grün`, `gruen` and `grun` are one word.
"""

from typing import Final

COLOURS_ABROAD: Final = """
rot, rote, roter, rouge, rouges, rojo, roja, rosso, rossa = red
orangefarben, naranja, arancione, arancio = orange
gelb, jaune, amarillo, amarilla, giallo, gialla, dore, oro, dorado, dorato = gold
hellgrun, vert clair, verde lima = lime
grun, gruen, grune, vert, verte, verde, verdi = green
minze, menthe, menta = mint
turkis, tuerkis, turquesa, turchese, hellblau, bleu clair, celeste, azzurro = cyan
blau, blaue, blauer, bleu, bleue, azul, blu = blue
dunkelblau, bleu fonce, azul oscuro, indaco, anil = indigo
lila, violett, morado, morada, viola, purpura, violette = purple
pinkfarben, fucsia = magenta
rosarot, rosa = pink
weiss, weisse, blanc, blanche, blanco, blanca, bianco, bianca = white
silber, grau, argent, gris, plata, grigio, argento = silver
braun, brun, marron, marrone = brown
schwarz, noire, negro, negra, nero, nera, dunkel, sombra, oscuro, oscura, scuro = dark
bunt, colore, colores, colorato = magenta gold cyan
"""

GERMAN: Final = """
feuer, flamme, flammen, brand = flames red orange gold
wasser = caustics blue cyan
meer, ozean, welle, wellen = waves blue teal
himmel, wolke, wolken = clouds blue white
stern, sterne, weltraum, weltall = stars blue white
regen, gewitter = rain blue silver
blitz, blitze = lightning
schnee, winterlich = stars white silver slow drifting
eis = crystals cyan white
berg, berge, gebirge = mountains
wald, baum = fractal green brown
blume, blumen, blute, bluten = petals
sonne, licht = beams gold white
mond = ripples silver white slow
nacht = stars indigo dark
sonnenuntergang = clouds orange magenta gold slow
rauch, nebel = smoke
tanz, tanzer, menschen = dancers
stadt = cubes silver blue
schmetterling = petals orange blue mirrored
qualle, quallen = metaballs cyan purple pink drifting
feuerwerk = fireworks
traum = clouds purple pink soft
kristall, kristalle = crystals
blase, blasen = bubbles
spirale = spiral
polarlicht = aurora
punkte = dots
irrgarten = labyrinth
herz = metaballs red pink pulsing
langsam, ruhig = slow
schnell = fast
weich = soft
hart = hard
"""

FRENCH: Final = """
feu = flames red orange gold
eau = caustics blue cyan
mer, vague, vagues = waves blue teal
ciel, nuage, nuages = clouds blue white
etoile, etoiles, espace = stars blue white
pluie, orage = rain blue silver
eclair, foudre = lightning
neige, hiver = stars white silver slow drifting
montagne, montagnes = mountains
foret, arbre = fractal green brown
fleur, fleurs = petals
soleil, lumiere = beams gold white
lune = ripples silver white slow
nuit = stars indigo dark
fumee, brume = smoke
danse, danseur, danseuse, danseurs = dancers
ville = cubes silver blue
papillon = petals orange blue mirrored
meduse = metaballs cyan purple pink drifting
feux artifice = fireworks
reve = clouds purple pink soft
bulles = bubbles
glace = crystals cyan white
labyrinthe = labyrinth
coucher soleil = clouds orange magenta gold slow
lent, lentement, doux = slow
rapide, vite = fast
coeur = metaballs red pink pulsing
"""

SPANISH: Final = """
fuego, llama, llamas = flames red orange gold
agua = caustics blue cyan
mar, oceano, ola, olas = waves blue teal
cielo, nube, nubes = clouds blue white
estrella, estrellas, espacio = stars blue white
lluvia, tormenta = rain blue silver
rayo, relampago = lightning
nieve, invierno = stars white silver slow drifting
hielo = crystals cyan white
montana, montanas = mountains
bosque, selva, arbol = fractal green brown
flor, flores = petals
sol, luz = beams gold white
luna = ripples silver white slow
noche = stars indigo dark
humo, niebla = smoke
baile, bailarin, bailarina, gente = dancers
ciudad = cubes silver blue
mariposa = petals orange blue mirrored
fuegos artificiales = fireworks
sueno = clouds purple pink soft
burbuja, burbujas = bubbles
cristal, cristales = crystals
laberinto = labyrinth
atardecer, puesta sol = clouds orange magenta gold slow
lento, lenta, tranquilo = slow
rapido, rapida = fast
corazon = metaballs red pink pulsing
"""

ITALIAN: Final = """
fuoco, fiamma, fiamme = flames red orange gold
acqua = caustics blue cyan
mare, onda, onde = waves blue teal
nuvola, nuvole = clouds blue white
stella, stelle, spazio = stars blue white
pioggia, temporale = rain blue silver
fulmine, lampo = lightning
neve, inverno = stars white silver slow drifting
ghiaccio = crystals cyan white
montagna = mountains
foresta, bosco, albero = fractal green brown
fiore, fiori = petals
sole, luce = beams gold white
notte = stars indigo dark
fumo, nebbia = smoke
ballo, ballerini, danza, danzatori = dancers
citta = cubes silver blue
farfalla = petals orange blue mirrored
fuochi artificio = fireworks
sogno = clouds purple pink soft
bolla, bolle = bubbles
cristallo, cristalli = crystals
tramonto = clouds orange magenta gold slow
lentamente = slow
veloce = fast
cuore = metaballs red pink pulsing
"""

PICTOGRAMS: Final = """
🔥 = flames red orange gold
🌊 = waves blue teal
☁ = clouds blue white
⭐, ✨, 🌟 = stars gold white
🌌 = galaxy
⚡, 🌩 = lightning
🌧 = rain
❄ = stars white silver slow drifting
🏔, ⛰ = mountains
🌸, 🌺, 🌻, 🌹 = petals
💎, 🧊 = crystals
🌈 = magenta gold cyan
🎆, 🎇 = fireworks
💃, 🕺 = dancers
🌀 = spiral
🫧 = bubbles
🌅, 🌇 = clouds orange magenta gold slow
❤, 💜 = metaballs red pink pulsing
🐙, 🪼 = metaballs cyan purple pink drifting
🌲, 🌴 = fractal green brown
🪩 = dots magenta cyan gold fast
🌋 = flames red orange dark
🦋 = petals orange blue mirrored
☀ = beams gold white
🌙 = ripples silver white slow
🏙 = cubes silver blue
🎹 = bars white silver
"""
