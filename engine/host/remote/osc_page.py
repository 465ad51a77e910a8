"""`python -m engine.host.remote.osc_page`: write docs/osc.md anew from the tables."""

from __future__ import annotations

from pathlib import Path

from engine.host.remote.facts import HELP
from engine.host.remote.osc import MAX_LISTENERS, PREFIX
from engine.host.remote.osc_codec import MAX_BYTES
from engine.host.remote.phrases import PRESSES, VALUES
from engine.host.remote.preview_phrases import PREVIEW_PRESSES, PREVIEW_VALUES
from engine.protocol.parameters import PARAMETERS, Applies, Kind, Parameter

PAGE = Path(__file__).parents[3] / "docs" / "osc.md"

_INTRODUCTION = f"""# OSC

<!-- Written by `python -m engine.host.remote.osc_page` from the parameter table; edit that. -->

Segue listens for OSC 1.0 over UDP at `127.0.0.1:7701`, one port above its own, and at the same
addresses tells what changed. The window shows the port under REMOTE; `segue doctor` says whether
it is free.

| option | what it does |
|---|---|
| `--osc 9000` | another port on this machine |
| `--osc 0.0.0.0:7701` | from other machines too: all of that network can play; use your own |
| `--osc off` | no OSC |
| `--osc-to 10.0.0.5:9001` | `segue play`, `segue engine`: tell this address what changes |

Values are numbers (`i` `f` `h` `d` `T` `F`) or text (`s`). Numbers out of range are clamped. What
cannot be read, is larger than {MAX_BYTES} bytes or has no such address changes nothing: it is
counted, shown in the window with its reason, and answered with `{PREFIX}/error s` to its sender.
The messages of a bundle are played in order at once; time tags are not waited for.

## Presses

Without a value, or with one number: 0 is a button let go and does nothing.

| address | what it does |
|---|---|
"""

_FEEDBACK = f"""
## Ask

Send `?` to any address of a value and it comes back with its value, with all that stand below it:
`{PREFIX}/dimmer ?`, `{PREFIX}/cue ?`; `{PREFIX} ?` tells everything.

## Feedback

`{PREFIX}/subscribe` tells the sender everything once, then ten times a second what changed;
`{PREFIX}/subscribe 9001` tells it at that port. `{PREFIX}/unsubscribe` ends it. {MAX_LISTENERS}
listeners at most; one more takes the place of the oldest, and the window says so.

| address | what it tells |
|---|---|
"""


def page() -> str:
    """Return the whole page."""
    parts = [
        _INTRODUCTION, *_rows(PRESSES | PREVIEW_PRESSES),
        "\n## Values\n\n| address | takes |\n|---|---|\n",
        *_rows(VALUES | PREVIEW_VALUES),
        "\n## Parameters\n\n| address | takes | default | lands | what it does |\n"
        "|---|---|---|---|---|\n",
        *(_parameter(row) for row in PARAMETERS.values()),
        _FEEDBACK, *_rows(HELP),
    ]  # fmt: skip
    return "".join(parts)


def _rows(table: dict[str, str]) -> list[str]:
    return [f"| `{PREFIX}{address}` | {text} |\n" for address, text in table.items()]


def _parameter(row: Parameter) -> str:
    lands = "next output frame" if row.applies is Applies.FRAME else "next chunk boundary"
    default = row.text(row.default)
    return f"| `{PREFIX}/{row.id}` | {_span(row)} | {default} | {lands} | {row.help} |\n"


def _span(row: Parameter) -> str:
    if row.kind is Kind.CHOICE:
        return ", ".join(f"{number} {name}" for number, name in enumerate(row.choices))
    if row.kind is Kind.SWITCH:
        return "0 or 1"
    return f"{row.low:g} to {row.high:g} {row.unit}".strip()


if __name__ == "__main__":
    PAGE.write_text(page())
