"""App ⇄ host: what goes over the WebSocket, one message a binary frame.

    app  ── AppCommand ─►  host
    app  ◄─ HostEvent ───  host

Commands are imperative and answered by `CommandAccepted` or `CommandRefused` with their
`command_id`; events are past tense. Pictures never travel here; they go through frame rings.
"""

from __future__ import annotations

import msgspec

from engine.protocol.beat import BeatState
from engine.protocol.beat_commands import BeatCommand
from engine.protocol.cues import CueSpec, CueState
from engine.protocol.modulators import Modulator
from engine.protocol.orders import PromptRead
from engine.protocol.pads import PadSpec
from engine.protocol.values import (
    PROTOCOL_VERSION,
    Command,
    Cut,
    Guides,
    LatePrompt,
    Look,
    Message,
    ModelChoice,
    OutputSpec,
    Severity,
    SourceSpec,
    Value,
    WeightedPrompt,
)

# ---------------------------------------------------------------- app → host


class Hello(Command, frozen=True, kw_only=True):
    """First message of a connection."""

    protocol_version: int = PROTOCOL_VERSION
    client: str = "app"


class SetParameters(Command, frozen=True, kw_only=True):
    """Change parameters: latest value wins, chunk rows land together at the next boundary."""

    values: dict[str, float]


class QueuePrompt(Command, frozen=True, kw_only=True):
    """Put a prompt in standby: encoded now, shown as *next*, taken by a cut without a look."""

    text: str


class PreparePrompts(Command, frozen=True, kw_only=True):
    """Encode the prompts of a show ahead of need, in this order; replaces those of another show.

    The pictures of `guides` are read ahead of need too.
    """

    texts: tuple[str, ...]
    guides: tuple[Guides, ...] = ()


class SetGuides(Command, frozen=True, kw_only=True):
    """Change mask, reference images, first and last frame, together at the next boundary.

    The first frame waits for the next hard cut; the last frame is aimed for anew if it changed.
    """

    guides: Guides


class HardCut(Command, frozen=True, kw_only=True):
    """New picture from the next chunk. Without a look: to the queued prompt.

    With a pre-roll the first chunks of the new picture run unseen; until they have, the output goes
    on with what it has: it holds, then loops the last seconds.
    """

    look: Look | None = None
    pre_roll_chunks: int = 0


class SoftCut(Command, frozen=True, kw_only=True):
    """Flow into the look over `num_chunks` ≥ 1 chunks. Re-aims a running soft cut."""

    num_chunks: int
    look: Look | None = None


class CancelCut(Command, frozen=True, kw_only=True):
    """Forget a cut that has not reached its boundary, or stop a soft cut where it is."""


class LoadCues(Command, frozen=True, kw_only=True):
    """Play from this list from now on; what is on air, and cues of the same name, stay."""

    cues: tuple[CueSpec, ...]
    list_name: str = ""


class LoadPads(Command, frozen=True, kw_only=True):
    """Presets that remotes may cut to from now on, in the order of their pads."""

    pads: tuple[PadSpec, ...]


class OpenPage(Command, frozen=True, kw_only=True):
    """Let phones of the network in, by the page and its key, or shut them out."""

    is_open: bool


class Go(Command, frozen=True, kw_only=True):
    """Fire the cue that stands by."""


class Back(Command, frozen=True, kw_only=True):
    """Take back a GO that has not landed, else cut to the cue before the one on air."""


class StandBy(Command, frozen=True, kw_only=True):
    """Choose what GO fires next; its prompt is encoded now."""

    cue: str


class HoldFollow(Command, frozen=True, kw_only=True):
    """Stop the countdown to the follow-on, or let it go on."""

    is_held: bool


class SelectSource(Command, frozen=True, kw_only=True):
    """Change where pictures come in; the old source plays on until the new one delivers."""

    source: SourceSpec


class SetOutput(Command, frozen=True, kw_only=True):
    """Change size, rate or NDI name of what leaves."""

    output: OutputSpec


class StartRecording(Command, frozen=True, kw_only=True):
    """Record the program to an MP4 file; an empty path picks one in the recordings folder."""

    path: str = ""


class StopRecording(Command, frozen=True, kw_only=True):
    """Close the recording."""


class ChangeModel(Command, frozen=True, kw_only=True):
    """Play another model, or the same at another size.

    It loads beside what plays and takes over, with the same look, at the first boundary after
    that. What cannot be loaded changes nothing; asked again while one loads, the last one counts.
    """

    model: ModelChoice


class RestartWorker(Command, frozen=True, kw_only=True):
    """Restart the generator by hand; the output goes on."""


class StopEngine(Command, frozen=True, kw_only=True):
    """End the show: close outputs and leave."""


AppCommand = (
    Hello | SetParameters | QueuePrompt | PreparePrompts | SetGuides | HardCut | SoftCut | CancelCut
    | LoadCues | LoadPads | OpenPage | Go | Back | StandBy | HoldFollow
    | BeatCommand
    | SelectSource | SetOutput | StartRecording | StopRecording
    | ChangeModel | RestartWorker | StopEngine
)  # fmt: skip


# ---------------------------------------------------------------- host → app


class Rates(Value, frozen=True, kw_only=True):
    """The three rates, measured apart, in frames a second."""

    input_fps: float = 0.0
    generation_fps: float = 0.0
    output_fps: float = 0.0
    output_target_fps: float = 0.0


class CutState(Value, frozen=True, kw_only=True):
    """What is queued or running."""

    pending: Cut = Cut.NONE  # waits for the next boundary
    pending_prompt: str = ""
    pending_name: str = ""  # of its look: the preset that is cut to
    pending_chunks: int = 0
    soft_step: int = 0  # k of a running soft cut, 0 = none running
    soft_chunks: int = 0  # N of a running soft cut
    unseen_chunks: int = 0  # of a pre-roll, still to be planned


class PlayoutState(Value, frozen=True, kw_only=True):
    """What the presenter is doing. `mode` is one of live, hold, loop, freeze, black, waiting."""

    mode: str = "waiting"
    reservoir_frames: int = 0
    target_delay_frames: int = 0
    delay_ms: float = 0.0  # from a frame's generation to its presentation
    shown: int = 0
    repeated: int = 0
    dropped: int = 0
    underruns: int = 0
    late: int = 0  # output ticks that missed their deadline
    speed: float = 0.0  # of content as it is steered, 1 is native; 0 before the first chunk
    held_back_s: float = 0.0  # in which it ran slower still, so that cuts met their beat
    chunk_shown: int = -1  # the newest chunk whose first picture was on air
    chunk_shown_s: float = 0.0  # when that was, monotonic


class SourceState(Value, frozen=True, kw_only=True):
    """The source as it is now. `status` is one of none, opening, live, stalled, failed."""

    spec: SourceSpec = SourceSpec()
    status: str = "none"
    message: str = ""
    width_px: int = 0
    height_px: int = 0
    delivered: int = 0
    dropped: int = 0


class OutputState(Value, frozen=True, kw_only=True):
    """One output. `status` is one of off, live, failed."""

    name: str
    status: str
    message: str = ""
    detail: str = ""  # NDI: full source name; recording: path
    receivers: int = 0
    program_tally: bool = False
    preview_tally: bool = False
    sent: int = 0
    dropped: int = 0


class WorkerState(Value, frozen=True, kw_only=True):
    """The generator as the supervisor sees it: starting, loading, live, restarting, stopped."""

    status: str = "starting"
    message: str = ""
    model: str = ""
    choice: ModelChoice = ModelChoice()  # the model as it was asked for, with its size
    coming: ModelChoice | None = None  # loads beside it and will take over
    device: str = ""
    dtype: str = ""
    backends: dict[str, str] = msgspec.field(default_factory=dict)
    stage_ms: dict[str, float] = msgspec.field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = msgspec.field(default_factory=dict)
    control_kind: str = ""  # whose control maps are in use
    stale_frames: int = 0  # how far the last chunk's were behind the source
    takes_guides: bool = False  # the model has VACE
    guides: tuple[str, ...] = ()  # that steered the last chunk: mask, references, …
    guide_refusal: str = ""  # why one did not, in a sentence
    restarts: int = 0
    resets: int = 0
    late_chunks: int = 0  # of the show, made under another text because theirs was not encoded
    late_prompts: tuple[LatePrompt, ...] = ()  # for which the last chunk could not wait
    memory_bytes: int = 0


class RemoteState(Value, frozen=True, kw_only=True):
    """OSC, HTTP and the page for a phone: where they are, and what came."""

    osc_at: str = ""  # host:port; empty when off
    page_at: str = ""  # host:port of the page for the network; empty when off
    osc_listeners: int = 0
    pages: int = 0  # open pages and other listeners over HTTP
    received: int = 0
    refused: int = 0
    dropped: int = 0  # came faster than they could be played
    last_refusal: str = ""


class EngineState(Message, frozen=True, kw_only=True):
    """The whole truth, sent on attach and then about ten times a second."""

    protocol_version: int = PROTOCOL_VERSION
    pid: int
    uptime_s: float
    prompt_now: tuple[WeightedPrompt, ...]
    prompt_next: str
    look_name: str
    live: dict[str, float]  # values that are on air, all rows
    pending: dict[str, float]  # edits that wait for the boundary
    guides: Guides = Guides()  # as last set
    guides_pending: bool = False  # they wait for the boundary
    cut: CutState
    chunk_index: int
    seed: int
    boundary_in_s: float  # estimated time to the next boundary; 0 when unknown
    chunk_period_s: float
    rates: Rates
    playout: PlayoutState
    source: SourceState
    outputs: tuple[OutputState, ...]
    output: OutputSpec
    worker: WorkerState
    preview_ring: str  # path of a BGRX ring with the program, latest frame wins
    take: str  # folder of the running take
    recording: str  # path, empty when off
    cues: CueState = CueState()
    beat: BeatState = BeatState()
    remote: RemoteState = RemoteState()
    modulators: tuple[Modulator, ...] = ()
    modulated: dict[str, float] = msgspec.field(default_factory=dict)  # where they have rows now


class CommandAccepted(Message, frozen=True, kw_only=True):
    """The command was taken; `effect` says when it lands."""

    command_id: int
    effect: str = ""


class CommandRefused(Message, frozen=True, kw_only=True):
    """The command changed nothing; `reason` is one sentence with the remedy."""

    command_id: int
    reason: str


class CutLanded(Message, frozen=True, kw_only=True):
    """A hard cut or a step of a soft cut is in the chunk that was just planned."""

    chunk_index: int
    cut: Cut
    blend: float
    seed: int


class CueLanded(Message, frozen=True, kw_only=True):
    """A cue is on air from the chunk that was just planned."""

    cue: str
    chunk_index: int


class NoticeRaised(Message, frozen=True, kw_only=True):
    """Something the performer should know: a restart, a fallback, a lost source."""

    severity: Severity
    subject: str  # worker, source, output, playout, take …
    text: str
    at_s: float  # engine uptime


HostEvent = (
    EngineState | CommandAccepted | CommandRefused | CutLanded | CueLanded | NoticeRaised
    | PromptRead
)  # fmt: skip
