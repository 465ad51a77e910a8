"""Undo and redo of edits: what a hand did in one gesture is one step. PURE: time is an argument.

Edits of one thing that follow each other within `GESTURE_S` are one gesture: a drag, a turned
knob, a word typed. Cuts are no edits: what the audience saw cannot be taken back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.protocol.preview import Preview
from engine.protocol.show import Show
from engine.protocol.values import Guides

GESTURE_S = 0.8
MAX_STEPS = 200


@dataclass(frozen=True, slots=True)
class ParameterEdit:
    """A row was moved."""

    parameter_id: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class PromptEdit:
    """The prompt that comes next was written."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class GuidesEdit:
    """The pictures that steer were changed."""

    before: Guides
    after: Guides


@dataclass(frozen=True, slots=True)
class ShowEdit:
    """The show was changed; `what` says how, for people."""

    what: str
    before: Show
    after: Show


@dataclass(frozen=True, slots=True)
class PreviewEdit:
    """The preview was changed; `what` says how, for people."""

    what: str
    before: Preview
    after: Preview


Edit = ParameterEdit | PromptEdit | GuidesEdit | ShowEdit | PreviewEdit


@dataclass(frozen=True, slots=True)
class History:
    """Steps that can be undone, the newest last, and steps that can be redone, the next last."""

    done: tuple[Edit, ...] = ()
    undone: tuple[Edit, ...] = ()
    at_s: float = float("-inf")  # of the newest edit; its gesture is open for `GESTURE_S`


def noted(history: History, edit: Edit, now_s: float) -> History:
    """Note an edit; what could be redone is gone. An edit that changes nothing is none."""
    last = history.done[-1] if history.done else None
    is_one_gesture = (
        last is not None and now_s - history.at_s < GESTURE_S and _of(last) == _of(edit)
    )
    if is_one_gesture and last is not None:
        joined = _joined(last, edit)
        done = history.done[:-1] if joined.before == joined.after else (*history.done[:-1], joined)
        return History(done, (), now_s)
    if edit.before == edit.after:
        return history
    return History((*history.done, edit)[-MAX_STEPS:], (), now_s)


def undo(history: History) -> tuple[History, Edit | None]:
    """Return what to take back: set it to `before`. None when there is nothing."""
    if not history.done:
        return history, None
    *rest, last = history.done
    return History(tuple(rest), (*history.undone, last)), last


def redo(history: History) -> tuple[History, Edit | None]:
    """Return what to do again: set it to `after`. None when there is nothing."""
    if not history.undone:
        return history, None
    *rest, last = history.undone
    return History((*history.done, last), tuple(rest)), last


def _of(edit: Edit) -> tuple[type, str]:
    match edit:
        case ParameterEdit():
            return ParameterEdit, edit.parameter_id
        case PromptEdit():
            return PromptEdit, ""
        case GuidesEdit():
            return GuidesEdit, ""
        case ShowEdit():
            return ShowEdit, edit.what
        case PreviewEdit():
            return PreviewEdit, edit.what


def _joined(first: Edit, second: Edit) -> Edit:
    match first, second:
        case ParameterEdit(), ParameterEdit():
            return replace(first, after=second.after)
        case PromptEdit(), PromptEdit():
            return replace(first, after=second.after)
        case GuidesEdit(), GuidesEdit():
            return replace(first, after=second.after)
        case ShowEdit(), ShowEdit():
            return replace(first, after=second.after)
        case PreviewEdit(), PreviewEdit():
            return replace(first, after=second.after)
        case _:
            raise AssertionError("edits of two kinds are never one gesture")
