"""The first-run tour: five steps, each about one part of the window. PURE."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `target` is the window's name of the part that it points at."""

    target: str
    title: str
    text: str


STEPS = (
    Step(
        "monitor",
        "This is on air",
        "What you see here leaves over NDI. The frame turns red while a receiver has you on its "
        "program. Below, NOW is the prompt that makes this picture.",
    ),
    Step(
        "pads",
        "Press 2",
        "A pad goes to another look: click it, or press its key. It blinks until the next chunk "
        "begins, because only there a picture can change.",
    ),
    Step(
        "cuts",
        "Write, then cut",
        "/ goes to the field NEXT; write “slow blue waves” and press Enter. Space cuts to it "
        "hard, Shift Space flows into it. The ring counts to the moment; Esc takes it back.",
    ),
    Step(
        "panic",
        "When something goes wrong",
        "F freezes the picture, B goes to black, the dimmer fades. They act at once, even while "
        "the generator restarts. The picture on air never stops by itself.",
    ),
    Step(
        "top_bar",
        "Play it with your hands",
        "L, click a slider, move a knob of your controller. CUES is the list of the night, D has "
        "layouts for the panels. F1 shows every key, F10 every command. Shift F1 is this tour.",
    ),
)


def moved(step: int, by: int) -> int | None:
    """Return the step `by` further, from the first on; None when that is past the last."""
    wanted = max(step + by, 0)
    return wanted if wanted < len(STEPS) else None
