"""What the next chunk is. Pure: no clock, thread, I/O or chance; the heart of the instrument.

Two rules. Everything that decides what is on air is in this file. What is on air changes only in
`next_chunk`, which crosses exactly one chunk boundary; `apply` merely notes what was asked.

`apply(score, command)` while a boundary is awaited:

    command         | nothing waits        | a cut waits               | a soft cut runs
    ----------------+----------------------+---------------------------+---------------------------
    SetParameters   | note the edits       | note them; they also      | note them; at the boundary
                    |                      | override the cut's look   | they leave the ramp and win
    QueuePrompt     | standby prompt := text; what waits or runs is untouched
    SetGuides       | as SetParameters; which chunk they steer: see guide_score.py
    HardCut         | hard cut waits       | replaces what waits       | waits; ends the soft cut
    SoftCut N       | soft cut waits       | replaces what waits       | waits; re-aims the soft cut
    CancelCut       | refused              | what waits is forgotten,  | the soft cut stops, the mix
                    |                      | the edits stay            | on air stays

`next_chunk(score)` takes everything that waits, at once:

                    | hard cut lands       | step k of a soft cut N    | neither
    ----------------+----------------------+---------------------------+---------------------------
    text            | target               | mix, blend = (k+1)/N      | as it was
    ramping rows    | target               | start → target by blend   | as they were, then edits
    other rows      | target               | target at step 0          | as they were, then edits
    seed            | pinned, or new       | continues                 | continues
    cut number      | + 1                  | continues                 | continues
    chunk in cut    | 0                    | + 1                       | + 1
    cache           | RESET "hard cut"     | RECACHE if text changed*  | RECACHE if text changed*
    chunk, version  | + 1                  | + 1                       | + 1

* or how several prompts are mixed.

A boundary may be crossed without taking the cut that waits (`holds_cut`): it waits on for its beat,
edits land, a running soft cut goes its next step, and no edit is lost for the look to come.

The first chunks of a hard cut with a pre-roll are unseen: playout never gets them, so that a look
comes on air when it already runs. A newer hard cut has a pre-roll of its own, or none.

The last step of a soft cut *is* the target: blend 1, one text, exact values. The first chunk of a
show and the first after a fault RESET too, each with its reason; nothing else ever resets.

Who wins, row by row, is who spoke last: an edit made before a cut yields to the cut's look, an
edit made after it overrides the look, and a cancelled cut gives the edits back.

Rows that apply at the frame are not the boundary's business: an edit of one is live in `apply`.
A look's frame rows become due with the first frames of its chunk; see `land_frame_values`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.errors import LocalProtocolError
from engine.host import guide_score
from engine.host.cuts import PendingCut, Ramp, check_pre_roll
from engine.host.looks import (
    Mix,
    Values,
    between,
    check_length,
    chunk_rows,
    clean_look,
    clean_prompt,
    clean_values,
    frame_rows,
    heaviest,
    mix,
    only,
    seed_of,
    without,
)
from engine.protocol.guides import check_guides
from engine.protocol.messages import (
    CancelCut,
    CutState,
    HardCut,
    QueuePrompt,
    SetGuides,
    SetParameters,
    SoftCut,
)
from engine.protocol.orders import ChunkPlan
from engine.protocol.parameters import PARAMETERS, Applies, defaults
from engine.protocol.values import CacheAction, Cut, Look

ScoreCommand = SetParameters | QueuePrompt | SetGuides | HardCut | SoftCut | CancelCut
FIRST_CHUNK = "first chunk of the show"
HARD_CUT = "hard cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """All that decides the next chunk. Replaced, never changed."""

    show_seed: int
    seed: int
    text: Mix  # on air, as in the last plan
    live: Values  # rows that apply at the chunk, as in the last plan
    frame: Values  # rows that apply at the frame, now
    guides: guide_score.GuideState = field(default_factory=guide_score.GuideState)
    frame_due: Mapping[int, Values] = field(default_factory=dict)  # chunk → a look's frame rows
    look_name: str = ""
    next_prompt: str = ""  # in standby
    edits: Values = field(default_factory=dict)
    pending: PendingCut | None = None
    ramp: Ramp | None = None
    reset_reason: str = FIRST_CHUNK  # not empty: the next plan resets
    chunk_index: int = 0  # of the next plan
    chunk_in_cut: int = 0  # of the next plan, unless it is a hard cut
    cut_number: int = 0
    unseen_chunks: int = 0  # of a pre-roll, from the next plan on
    version: int = 0


def open_score(look: Look, show_seed: int) -> Score:
    """Return the score of a show that begins with `look`.

    Raises:
        ConfigError: the look has an unknown parameter, a value that is no number or a long prompt.
    """
    clean = clean_look(look)
    return Score(
        show_seed=show_seed,
        seed=seed_of(clean, show_seed, cut_number=0),
        text=only(clean.prompt),
        live={**defaults(Applies.CHUNK), **chunk_rows(clean.parameters)},
        frame={**defaults(Applies.FRAME), **frame_rows(clean.parameters)},
        look_name=clean.name,
        guides=guide_score.opened(clean.guides),
    )


# ---------------------------------------------------------------- between boundaries


def apply(score: Score, command: ScoreCommand) -> Score:
    """Note what was asked; nothing on air changes, except rows that apply at the frame.

    Raises:
        ConfigError: a parameter, value, prompt or length cannot be; the score is as it was.
        LocalProtocolError: nothing is there to cut to or to cancel; the score is as it was.
    """
    match command:
        case SetParameters():
            return _note_edits(score, command.values)
        case QueuePrompt():
            return replace(score, next_prompt=clean_prompt(command.text.strip()))
        case SetGuides():
            guides = check_guides(command.guides)
            steered = score.pending and replace(score.pending, guides=guides)
            return replace(score, guides=guide_score.noted(score.guides, guides), pending=steered)
        case HardCut():
            unseen = check_pre_roll(command.pre_roll_chunks)
            waits = _pending(score, Cut.HARD, command.look, 1)
            return replace(score, pending=replace(waits, pre_roll_chunks=unseen))
        case SoftCut():
            check_length(command.num_chunks)
            cut = _pending(score, Cut.SOFT, command.look, command.num_chunks)
            return replace(score, pending=cut)
        case CancelCut():
            return _cancel(score)


def _note_edits(score: Score, values: Values) -> Score:
    clean = clean_values(values)
    now = frame_rows(clean)
    pending = score.pending
    if pending is not None:
        pending = replace(pending, overrides={**pending.overrides, **clean})
    due = {
        chunk: {key: value for key, value in rows.items() if key not in now}
        for chunk, rows in score.frame_due.items()
    }
    return replace(
        score,
        edits={**score.edits, **chunk_rows(clean)},
        frame={**score.frame, **now},
        frame_due=due,
        pending=pending,
    )


def _pending(score: Score, kind: Cut, look: Look | None, num_chunks: int) -> PendingCut:
    if look is None:
        if not score.next_prompt:
            raise LocalProtocolError(
                "cut refused: no prompt is in standby; queue one, or cut to a preset"
            )
        look = Look(prompt=score.next_prompt)
    clean = clean_look(look)
    return PendingCut(kind=kind, look=clean, num_chunks=num_chunks, guides=clean.guides)


def _cancel(score: Score) -> Score:
    if score.pending is not None:
        return replace(score, pending=None)
    if score.ramp is not None:
        return replace(score, ramp=None)
    raise LocalProtocolError("nothing to cancel: no cut is waiting or running")


def fault(score: Score, reason: str) -> Score:
    """Return the score after the generator lost its state: same look, same seed, one RESET.

    The chunk counters go on, so that a chunk that broke is not repeated noise for noise.
    """
    return replace(score, reset_reason=reason)


def land_frame_values(score: Score, chunk_index: int) -> Score:
    """Make the frame rows live that came with the looks of chunks up to `chunk_index`.

    To be called when the first frame of that chunk is shown: a look's saturation must not
    precede its picture.
    """
    landed: dict[str, float] = {}
    for chunk in sorted(score.frame_due):
        if chunk <= chunk_index:
            landed.update(score.frame_due[chunk])
    waiting = {chunk: rows for chunk, rows in score.frame_due.items() if chunk > chunk_index}
    return replace(score, frame={**score.frame, **landed}, frame_due=waiting)


def coming_prompts(score: Score) -> tuple[str, ...]:
    """Return the prompts that chunks need next: on air, cut to, in standby; each once."""
    pending = score.pending.look.prompt if score.pending else ""
    target = score.ramp.target_prompt if score.ramp else ""
    texts = [*(part.text for part in score.text), target, pending, score.next_prompt]
    return tuple(dict.fromkeys(text for text in texts if text))


def cut_state(score: Score) -> CutState:
    """Return what waits and what runs, for the window; `soft_step` counts planned steps."""
    pending, ramp = score.pending, score.ramp
    return CutState(
        pending=pending.kind if pending else Cut.NONE,
        pending_prompt=pending.look.prompt if pending else "",
        pending_name=pending.look.name if pending else "",
        pending_chunks=pending.num_chunks if pending else 0,
        soft_step=ramp.step if ramp else 0,
        soft_chunks=ramp.num_chunks if ramp else 0,
        unseen_chunks=score.unseen_chunks,
    )


# ---------------------------------------------------------------- the boundary


def next_chunk(
    score: Score,
    input_until: int | None = None,
    source_cut: bool = False,
    *,
    holds_cut: bool = False,
) -> tuple[Score, ChunkPlan]:
    """Cross one chunk boundary: take everything that waits and return the plan of the chunk.

    Args:
        score: as left by the last `next_chunk` and any number of `apply`.
        input_until: newest input frame, see `ChunkPlan`.
        source_cut: the source itself changed since the last plan.
        holds_cut: the cut that waits goes on waiting.
    """
    after, cut, blend = _cross(score, holds_cut)
    action = CacheAction.KEEP if _text_of(after) == _text_of(score) else CacheAction.RECACHE
    plan = ChunkPlan(
        chunk_index=after.chunk_index,
        cut_number=after.cut_number,
        chunk_in_cut=after.chunk_in_cut,
        snapshot_version=after.version + 1,
        cut=cut,
        blend=blend,
        cache_action=CacheAction.RESET if after.reset_reason else action,
        reset_reason=after.reset_reason,
        seed=after.seed,
        text=after.text,
        parameters=dict(after.live),
        guides=guide_score.in_chunk(after.guides, after.chunk_index),
        source_cut=source_cut,
        input_until=input_until,
        is_unseen=after.unseen_chunks > 0,
    )
    return _advance(after), plan


def _text_of(score: Score) -> tuple[Mix, float]:
    """Return what makes the text of a chunk: the prompts, and how several of them are mixed."""
    is_mixed = len(score.text) > 1
    return score.text, score.live["prompt_mixing"] if is_mixed else 0.0


def _cross(score: Score, holds_cut: bool) -> tuple[Score, Cut, float]:
    pending = score.pending
    if pending is None or holds_cut:
        return _step(_land_edits(score, score.edits))
    is_hard = pending.kind is Cut.HARD
    guides = guide_score.cut_landed(score.guides, pending.guides, score.chunk_index, is_hard)
    score = _settle_standby(replace(score, guides=guides), pending)
    if is_hard:
        return _land_hard_cut(score, pending), Cut.HARD, 1.0
    return _step(_begin_ramp(score, pending))


def _advance(score: Score) -> Score:
    return replace(
        score,
        chunk_index=score.chunk_index + 1,
        chunk_in_cut=score.chunk_in_cut + 1,
        version=score.version + 1,
        unseen_chunks=max(0, score.unseen_chunks - 1),
        reset_reason="",
    )


def _land_edits(score: Score, edits: Values) -> Score:
    ramp = score.ramp
    if ramp is not None:  # the performer's hand beats the ramp
        ramp = replace(ramp, target=without(ramp.target, edits))
    guides = guide_score.edit_landed(score.guides, score.chunk_index)
    return replace(score, live={**score.live, **edits}, edits={}, ramp=ramp, guides=guides)


def _settle_standby(score: Score, pending: PendingCut) -> Score:
    taken = pending.look.prompt == score.next_prompt
    name = pending.look.name
    return replace(
        score, pending=None, look_name=name, next_prompt="" if taken else score.next_prompt
    )


def _land_hard_cut(score: Score, cut: PendingCut) -> Score:
    target = {**cut.look.parameters, **chunk_rows(cut.overrides)}
    number = score.cut_number + 1
    landed = _land_edits(score, {**score.edits, **chunk_rows(target)})
    reason = f"{HARD_CUT}; {score.reset_reason}" if score.reset_reason else HARD_CUT
    return replace(
        landed,
        ramp=None,
        text=only(cut.look.prompt),
        seed=seed_of(cut.look, score.show_seed, number),
        cut_number=number,
        chunk_in_cut=0,
        unseen_chunks=cut.pre_roll_chunks,
        reset_reason=reason,
        frame_due=_due(score, cut),
    )


def _begin_ramp(score: Score, cut: PendingCut) -> Score:
    """Start a soft cut from what is on air; a running one is folded into the start: re-aimed."""
    target = chunk_rows(cut.look.parameters)
    ramping = {key: value for key, value in target.items() if PARAMETERS[key].ramps}
    switched = without(target, ramping)
    stopped = replace(score, ramp=None)
    start = _land_edits(stopped, {**score.edits, **switched})
    ramp = Ramp(
        step=0,
        num_chunks=cut.num_chunks,
        start_text=heaviest(score.text),
        target_prompt=cut.look.prompt,
        start={key: start.live[key] for key in ramping},
        target=ramping,
    )
    overrides = chunk_rows(cut.overrides)
    begun = replace(start, ramp=ramp, frame_due=_due(score, cut))
    return _land_edits(begun, overrides)


def _step(score: Score) -> tuple[Score, Cut, float]:
    """Take the next step of the running soft cut, if one runs."""
    ramp = score.ramp
    if ramp is None:
        return score, Cut.NONE, 1.0
    blend = ramp.blend
    moved = {key: between(ramp.start[key], end, blend) for key, end in ramp.target.items()}
    is_last = ramp.step + 1 == ramp.num_chunks
    after = replace(
        score,
        text=mix(ramp.start_text, ramp.target_prompt, blend),
        live={**score.live, **moved},
        ramp=None if is_last else replace(ramp, step=ramp.step + 1),
    )
    return after, Cut.SOFT, blend


def _due(score: Score, cut: PendingCut) -> Mapping[int, Values]:
    rows = frame_rows(without(cut.look.parameters, cut.overrides))
    return {**score.frame_due, score.chunk_index: rows} if rows else score.frame_due
