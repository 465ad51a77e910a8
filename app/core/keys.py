"""Every key of the instrument, in one table: the window binds it and F1 shows it. PURE."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One row: `keys` as Qt names them, `action` as the window knows it."""

    action: str
    keys: tuple[str, ...]
    shown: str
    help: str


PAD_KEYS = "1234567890-="
"""The keys of the first pads, in order: the row of digits and the two keys beside the 0."""

_ARROWS = ("Left", "Right", "Up", "Down")

KEYS: tuple[tuple[str, tuple[Key, ...]], ...] = (
    (
        "CUTS",
        (
            Key("cut_hard", ("Space",), "Space", "Hard cut to NEXT"),
            Key("cut_soft", ("Shift+Space",), "Shift Space", "Soft cut to NEXT"),
            Key("preview", ("A",), "A", "Prepare in the preview, or play again"),
            Key("take_hard", ("T",), "T", "Take the preview: hard"),
            Key("take_soft", ("Shift+T",), "Shift T", "Take the preview: soft"),
            Key("take_pre_roll", ("Ctrl+T",), "Ctrl T", "Take it when it already runs: pre-roll"),
            Key("cut_cancel", ("Escape", "Backspace"), "Esc", "Cancel the cut"),
            Key("soft_shorter", ("[",), "[", "Shorter soft cut"),
            Key("soft_longer", ("]",), "]", "Longer soft cut"),
        ),
    ),
    (
        "CUES",
        (
            Key("go", ("G",), "G", "GO: fire the cue that stands by"),
            Key("back", ("Shift+G",), "Shift G", "Take GO back, or go back a cue"),
            Key("standby_previous", (",",), ",", "The cue before stands by"),
            Key("standby_next", (".",), ".", "The cue after stands by"),
            Key("hold_follow", ("Ctrl+G",), "Ctrl G", "Hold the countdown to the next cue"),
            Key("snapshot", ("Ctrl+K",), "Ctrl K", "Keep the look on air as a pad and a cue"),
            Key("show_previous", ("Ctrl+PgUp",), "Ctrl Page Up", "The show before, of the set"),
            Key("show_next", ("Ctrl+PgDown",), "Ctrl Page Down", "The next show of the set"),
            Key("cues", ("C",), "C", "Write the cue list"),
        ),
    ),
    (
        "BEAT",
        (
            Key("tap", ("X",), "X", "Tap the beat"),
            Key("downbeat", ("Shift+X",), "Shift X", "This beat is the first of the bar"),
            Key("quantum", ("Q",), "Q", "Cuts wait for: beat, bar, 2 bars, 4 bars, off"),
            Key("beat_earlier", ("Ctrl+.",), "Ctrl .", "The beat comes earlier"),
            Key("beat_later", ("Ctrl+,",), "Ctrl ,", "The beat comes later"),
            Key("modulator", ("W",), "W", "Let a wave move a parameter"),
        ),
    ),
    (
        "LOOKS",
        (
            Key("pad", tuple(PAD_KEYS), "1 … 0 - =", "Cut to a preset, its own way"),
            Key(
                "pad_hard", tuple(f"Ctrl+{key}" for key in PAD_KEYS), "Ctrl 1 … =", "Hard cut to it"
            ),
            Key("pad_soft", tuple(f"Alt+{key}" for key in PAD_KEYS), "Alt 1 … =", "Soft cut to it"),
            Key("prompt", ("/", "Ctrl+L"), "/", "Write what comes next"),
            Key("store", ("Ctrl+Shift+S",), "Ctrl Shift S", "Keep the look on air as a preset"),
        ),
    ),
    (
        "PICTURE",
        (
            Key("freeze", ("F",), "F", "Freeze"),
            Key("black", ("B",), "B", "Black"),
            Key("dimmer_up", ("PgUp",), "Page Up", "Brighter"),
            Key("dimmer_down", ("PgDown",), "Page Down", "Darker"),
            Key("guides", ("P",), "P", "Pictures that steer: Tab goes through them"),
            Key("record", ("R",), "R", "Start or stop recording"),
            Key("sliders", ("V",), "V", "Sliders: arrows move one, Tab goes on"),
            Key("source", ("I",), "I", "What comes in"),
            Key("output", ("O",), "O", "What leaves"),
            Key("monitor", ("F11",), "F11", "Window on the full screen"),
            Key("clean", ("Shift+F11",), "Shift F11", "Clean output: the next screen, then off"),
        ),
    ),
    (
        "PANELS",
        (
            Key(
                "layout",
                tuple(f"F{n}" for n in range(2, 10)),
                "F2 … F9",
                "Layouts: five of the house, then yours",
            ),
            Key("layouts", ("D",), "D", "Layouts and panels: keep one, show, hide"),
            Key("lock", ("Shift+D",), "Shift D", "Unlock the panels, or lock them"),
            Key("panel_next", ("Ctrl+D",), "Ctrl D", "Unlocked: choose the next panel"),
            Key(
                "panel_move",
                tuple(f"Ctrl+Shift+{arrow}" for arrow in _ARROWS),
                "Ctrl Shift ←→",
                "Move it: any of the four arrows",
            ),
            Key(
                "panel_resize",
                tuple(f"Alt+Shift+{arrow}" for arrow in _ARROWS),
                "Alt Shift ←→",
                "Resize it: any of the four arrows",
            ),
            Key("panel_tab", ("Ctrl+Shift+T",), "Ctrl Shift T", "Make it a tab of its neighbour"),
            Key("panel_float", ("Ctrl+Shift+D",), "Ctrl Shift D", "Let it float, or dock it"),
            Key("panel_hide", ("Ctrl+Shift+H",), "Ctrl Shift H", "Hide it"),
            Key("columns", ("Ctrl+Shift+L",), "Ctrl Shift L", "The panels as at first"),
        ),
    ),
    (
        "INSTRUMENT",
        (
            Key("learn", ("L",), "L", "Learn MIDI: click a control, then move one"),
            Key("controllers", ("Shift+L",), "Shift L", "Controllers; again: into the list, close"),
            Key("models", ("M",), "M", "Models: list them, get one, check it"),
            Key("notices", ("N",), "N", "List the notices"),
            Key("open", ("Ctrl+O",), "Ctrl O", "Open a show, or a zip of one"),
            Key("save", ("Ctrl+S",), "Ctrl S", "Save the show"),
            Key("pack", ("Ctrl+Shift+E",), "Ctrl Shift E", "Pack the show into one file"),
            Key("undo", ("Ctrl+Z",), "Ctrl Z", "Undo an edit"),
            Key("redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Ctrl Shift Z", "Redo it"),
            Key("recover", ("Ctrl+Shift+R",), "Ctrl Shift R", "Recover the set that is offered"),
            Key("restart", ("Ctrl+R",), "Ctrl R", "Restart the generator; the output goes on"),
            Key("help", ("F1", "?"), "F1", "These keys"),
            Key("tour", ("Shift+F1",), "Shift F1", "The tour, in five steps"),
            Key("phones", ("Ctrl+P",), "Ctrl P", "Let phones of this network play, or not"),
            Key("menu", ("F10",), "F10", "Every command in a menu"),
            Key("quit", ("Ctrl+Q",), "Ctrl Q", "Close the window"),
        ),
    ),
)
