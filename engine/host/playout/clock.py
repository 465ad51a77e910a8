"""What an output tick shows: live frames, a hold, a loop, or what was frozen. PURE.

In:     events (`fed`, `tick`), times in seconds; a frame is only its index, 0 = first ever fed.
Out:    `Decision`: which frames to mix at what weight, and which may be forgotten.
Full:   frames fed beyond `MAX_LEFT_CHUNKS` are skipped and counted as dropped.

`position` is the place in content, in frames: at 7.25 frame 7 is on air and a quarter of its time
is over. It moves at the rate that `pace` steers, or slower towards a beat, see `aim`. The end of
content is `num_fed`.

    mode      when                                      | becomes  | picture
    ----------------------------------------------------+----------+--------------------------------
    waiting   no chunk yet                              | waiting  | black
              chunk came, margin not over               | waiting  | black
              margin over                               | live     | fades in
    live      position is before the end                | live     | frame(s) at position
              position reaches a frame that is due later,
              of a pre-roll                             | hold     | last frame before it
              position reaches the end (underrun)       | hold     | last frame
    hold      frames came, and are not due later        | live     | goes on, no jump
              held < 0.5 s                              | hold     | last frame
              held ≥ 0.5 s, history ≥ 0.5 s             | loop     | fades into the loop
              held ≥ 0.5 s, history too short           | hold     | last frame
    loop      nothing came, or margin not over          | loop     | last seconds, ends crossfaded
              chunk came, margin over, not due later    | live     | fades into the new frames

Every "fades" starts from the picture of the tick before (`HELD`), so nothing ever jumps. Freeze
lies above the table: it shows `HELD` while the modes go on beneath, and fades back when released.

Repeat or blend: `repeat` shows the frame at position, `blend` mixes it with the next one by the
fraction of position; across a hard cut nothing is mixed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from engine.host.playout.aim import Aim, is_early, must_hold, position_after
from engine.host.playout.pace import Pace, advance, arrived, underran

HELD = -1  # in place of a frame index: the picture kept by `Decision.keep_previous`
HOLD_BEFORE_LOOP_S = 0.5
FADE_S = 0.3
HISTORY_S = 3.0
MAX_HISTORY_FRAMES = 96
MAX_LEFT_CHUNKS = 4  # more than `has_room` ever grants: it stops at 3 and a frame
_LOOP_FADE_S = 0.5
_MIN_LOOP_S = 0.5


class Mode(StrEnum):
    """What is on air beneath freeze and black."""

    WAITING = "waiting"
    LIVE = "live"
    HOLD = "hold"
    LOOP = "loop"


@dataclass(frozen=True, slots=True)
class Share:
    """A frame and its weight in the picture; the weights of a picture sum to 1."""

    frame: int  # content index, or HELD
    weight: float


Shares = tuple[Share, ...]  # empty = black


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What the performer asks of playout."""

    blend: bool = True
    freeze: bool = False
    aim: Aim | None = None  # a frame that is to meet its beat


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Since the start: every content frame is shown or dropped, or still to come."""

    shown: int = 0  # content frames that reached the output
    dropped: int = 0  # content frames that were passed over
    repeated: int = 0  # ticks whose picture was that of the tick before
    underruns: int = 0  # times the end of content was reached
    held_back_s: float = 0.0  # in which content ran slower, so that cuts met their beat


@dataclass(frozen=True, slots=True)
class Loop:
    """A stretch of history that is being repeated. `phase` counts frames from its start."""

    start: int
    num_frames: int
    fade_frames: int
    phase: float

    @property
    def period_frames(self) -> int:
        """Frames after which it repeats: its end lies over its beginning."""
        return self.num_frames - self.fade_frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The whole state. `resume_at` is the first frame of a chunk that waits for its margin."""

    pace: Pace = field(default_factory=Pace)
    mode: Mode = Mode.WAITING
    num_fed: int = 0
    position: float = 0.0
    resume_at: int | None = None
    held_s: float = 0.0
    loop: Loop | None = None
    fade_left_s: float = 0.0
    frozen: bool = False
    last_shown: int = -1
    last_shares: Shares = ()
    cuts: tuple[int, ...] = ()  # frames that begin after a hard cut
    counts: Counts = field(default_factory=Counts)

    @property
    def left_frames(self) -> float:
        """Content that was not shown yet."""
        return self.num_fed - self.position

    @property
    def history_frames(self) -> int:
        """Shown frames that are kept for a loop."""
        return min(round(HISTORY_S * self.pace.native_fps), MAX_HISTORY_FRAMES)

    @property
    def oldest_needed(self) -> int:
        """Frames before this index may be forgotten."""
        oldest = int(self.position) - self.history_frames
        return max(0, min(oldest, self.loop.start) if self.loop else oldest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The picture of one tick. `keep_previous`: first keep the last tick's picture as HELD."""

    shares: Shares
    keep_previous: bool
    mode: Mode
    frame: int | None  # the live frame on air, for the delay


def fed(
    clock: Clock, num_frames: int, native_fps: float, now_s: float, *, starts_cut: bool = False
) -> Clock:
    """Return the clock after a chunk arrived: frames `num_fed` … `num_fed + num_frames - 1`."""
    first = clock.num_fed
    must_wait = clock.mode in (Mode.WAITING, Mode.LOOP) and clock.resume_at is None
    position = first - clock.pace.margin_s * native_fps if must_wait else clock.position
    pace = arrived(clock.pace, num_frames, native_fps, first - position, now_s)
    end = first + num_frames
    most = MAX_LEFT_CHUNKS * num_frames + pace.margin_frames
    if end - position > most:
        position = end - num_frames - pace.margin_frames
    return replace(
        clock,
        pace=pace, num_fed=end, position=position,
        resume_at=first if must_wait else clock.resume_at,
        cuts=_recent(clock.cuts, clock.oldest_needed) + ((first,) if starts_cut else ()),
    )  # fmt: skip


def tick(clock: Clock, dt_s: float, controls: Controls) -> tuple[Clock, Decision]:
    """Return the clock `dt_s` later and what to show.

    Args:
        clock: the state at the tick before.
        dt_s: time between the two ticks' deadlines.
        controls: the performer's wishes, as they are now.
    """
    moved = _move(replace(clock, pace=advance(clock.pace, dt_s)), dt_s, controls.aim)
    is_new_fade = moved.fade_left_s > 0 and moved.mode is not clock.mode
    starts_freeze = controls.freeze and not clock.frozen
    if clock.frozen and not controls.freeze:
        moved = replace(moved, fade_left_s=FADE_S)
    elif not is_new_fade:
        moved = replace(moved, fade_left_s=max(0.0, moved.fade_left_s - dt_s))
    shares = _shares(moved, controls)
    keeps = starts_freeze or (is_new_fade and not clock.frozen and not controls.freeze)
    counted = _counted(moved, shares, keeps=keeps)
    decision = Decision(
        shares=shares, keep_previous=keeps, mode=moved.mode, frame=_live_frame(moved)
    )
    return replace(counted, frozen=controls.freeze), decision


# ---------------------------------------------------------------- the table


def _move(clock: Clock, dt_s: float, aim: Aim | None) -> Clock:
    match clock.mode:
        case Mode.LIVE:
            return _move_live(clock, dt_s, aim)
        case Mode.HOLD:
            return _move_hold(clock, dt_s, aim)
        case Mode.LOOP | Mode.WAITING:
            return _move_towards_live(clock, dt_s, aim)


def _move_live(clock: Clock, dt_s: float, aim: Aim | None) -> Clock:
    rate_fps, native_fps = clock.pace.rate_fps, clock.pace.native_fps
    usual = clock.position + rate_fps * dt_s
    position = usual
    if aim is not None:
        position = position_after(aim, clock.position, dt_s, (rate_fps, native_fps))
    if aim is not None and must_hold(aim, clock.position, position, dt_s):
        return replace(clock, mode=Mode.HOLD, position=float(aim.frame), held_s=0.0)
    if position < usual:
        clock = _held_back(clock, (usual - position) / rate_fps)
    if position < clock.num_fed:
        return replace(clock, position=position)
    return replace(
        clock,
        mode=Mode.HOLD, position=float(clock.num_fed), held_s=0.0, pace=underran(clock.pace),
        counts=replace(clock.counts, underruns=clock.counts.underruns + 1),
    )  # fmt: skip


def _held_back(clock: Clock, seconds: float) -> Clock:
    held_back_s = clock.counts.held_back_s + seconds
    return replace(clock, counts=replace(clock.counts, held_back_s=held_back_s))


def _move_hold(clock: Clock, dt_s: float, aim: Aim | None) -> Clock:
    has_frames = clock.left_frames > 0
    if has_frames and not is_early(aim, clock.position, dt_s):
        return replace(clock, mode=Mode.LIVE, held_s=0.0)
    clock = _held_back(clock, dt_s) if has_frames else clock
    held_s = clock.held_s + dt_s
    loop = _loop_of_history(clock) if held_s >= HOLD_BEFORE_LOOP_S else None
    if loop is None:
        return replace(clock, held_s=held_s)
    return replace(
        clock,
        mode=Mode.LOOP, loop=loop, held_s=0.0, fade_left_s=FADE_S,
        resume_at=int(clock.position) if has_frames else None,
    )  # fmt: skip


def _move_towards_live(clock: Clock, dt_s: float, aim: Aim | None) -> Clock:
    step_frames = clock.pace.rate_fps * dt_s
    loop = clock.loop
    if loop is not None:
        loop = replace(loop, phase=(loop.phase + step_frames) % loop.period_frames)
    if clock.resume_at is None:
        return replace(clock, loop=loop)
    position = clock.position + step_frames
    if position < clock.resume_at:
        return replace(clock, loop=loop, position=position)
    if loop is not None and is_early(aim, clock.resume_at, dt_s):
        return _held_back(replace(clock, loop=loop, position=float(clock.resume_at)), dt_s)
    return replace(
        clock, mode=Mode.LIVE, loop=None, resume_at=None, position=position, fade_left_s=FADE_S
    )


def _loop_of_history(clock: Clock) -> Loop | None:
    """Return the loop of the last seconds since the last cut, or None when they are too few."""
    end = int(clock.position)  # of what was shown; more may lie there and wait for its beat
    start = max((end - clock.history_frames, 0, *(cut for cut in clock.cuts if cut < end)))
    num_frames = end - start
    if num_frames < _MIN_LOOP_S * clock.pace.native_fps:
        return None
    fade_frames = min(round(_LOOP_FADE_S * clock.pace.native_fps), num_frames // 3)
    # Its first frames are the far side of the crossfade; the tick's own fade covers the entry.
    return Loop(start, num_frames, fade_frames, phase=float(fade_frames))


# ---------------------------------------------------------------- the picture


def _shares(clock: Clock, controls: Controls) -> Shares:
    if controls.freeze:
        return (Share(HELD, 1.0),)
    beneath = _shares_beneath(clock, controls.blend)
    if clock.fade_left_s <= 0 or not beneath:
        return beneath
    held = Share(HELD, clock.fade_left_s / FADE_S)
    return (held, *_scaled(beneath, 1 - held.weight)) if held.weight < 1 else (held,)


def _shares_beneath(clock: Clock, blend: bool) -> Shares:
    if clock.mode is Mode.WAITING:
        return ()
    if clock.loop is not None:
        return _loop_shares(clock.loop, clock.cuts, blend)
    return _at(_on_air(clock), clock.num_fed, clock.cuts, blend)


def _on_air(clock: Clock) -> float:
    """Return the place that is seen: a hold stands at the end of what was shown, on its last."""
    return clock.position - 1 if clock.mode is Mode.HOLD else clock.position


def _loop_shares(loop: Loop, cuts: tuple[int, ...], blend: bool) -> Shares:
    end = loop.start + loop.num_frames
    here = _at(loop.start + loop.phase, end, cuts, blend)
    if loop.phase >= loop.fade_frames:
        return here
    weight = loop.phase / loop.fade_frames
    tail = _at(loop.start + loop.period_frames + loop.phase, end, cuts, blend)
    return _scaled(tail, 1 - weight) + _scaled(here, weight)


def _at(position: float, end: int, cuts: tuple[int, ...], blend: bool) -> Shares:
    """Return the frame at `position`, mixed with the next one when that exists and belongs."""
    frame = int(position)
    fraction = position - frame
    following = frame + 1
    if not blend or fraction == 0 or following >= end or following in cuts:
        return (Share(frame, 1.0),)
    return (Share(frame, 1 - fraction), Share(following, fraction))


def _scaled(shares: Shares, factor: float) -> Shares:
    return tuple(Share(s.frame, s.weight * factor) for s in shares if s.weight * factor > 0)


# ---------------------------------------------------------------- bookkeeping


def _live_frame(clock: Clock) -> int | None:
    if clock.mode not in (Mode.LIVE, Mode.HOLD):
        return None
    return min(int(_on_air(clock)), clock.num_fed - 1)


def _counted(clock: Clock, shares: Shares, *, keeps: bool) -> Clock:
    counts, last_shown = clock.counts, clock.last_shown
    frame = _live_frame(clock)
    if frame is not None and frame > last_shown:
        counts = replace(
            counts, shown=counts.shown + 1, dropped=counts.dropped + frame - last_shown - 1
        )
        last_shown = frame
    if keeps or shares == clock.last_shares:
        counts = replace(counts, repeated=counts.repeated + 1)
    return replace(clock, counts=counts, last_shown=last_shown, last_shares=shares)


def _recent(cuts: Iterable[int], oldest: int) -> tuple[int, ...]:
    return tuple(cut for cut in cuts if cut >= oldest)
