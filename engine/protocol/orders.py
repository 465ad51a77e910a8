"""Host ⇄ worker: what goes through the pipe, length-prefixed.

    host ── HostOrder ──►  worker
    host ◄─ WorkerEvent ─  worker

The chunk is the transaction: one `ChunkPlan` goes in, one `ChunkReport` comes out, and nothing
else changes what the generator does. Pictures go through frame rings.
"""

from __future__ import annotations

from engine.protocol.values import (
    CacheAction,
    Cut,
    Guides,
    LatePrompt,
    Message,
    ModelChoice,
    PictureStatistics,
    Reset,
    WeightedPrompt,
)

KV_CACHE = "KV cache"
"""`Reset.state` of the cache: the reset that makes a new picture, so the one that is counted."""


class LoadModel(Message, frozen=True, kw_only=True):
    """First order to a worker: what to load and which rings to open."""

    model: ModelChoice
    frame_ring: str  # path; worker writes BGRX [H,W,4] uint8 frames
    input_ring: str  # path; worker reads RGB [H,W,3] uint8 frames at model size
    num_threads: int = 0  # CPU threads for torch; 0 = all


class PreparePrompt(Message, frozen=True, kw_only=True):
    """Encode a prompt off the chunk path, so that its cue is never late."""

    text: str


class StoreStill(Message, frozen=True, kw_only=True):
    """Keep a still picture that plans will name. Sent before the first plan that does."""

    key: str
    width_px: int  # those of the model's picture
    height_px: int
    pixels: bytes  # RGB [H, W, 3] uint8
    is_reference: bool = False  # to be encoded at once, off the chunk path


class DropStill(Message, frozen=True, kw_only=True):
    """Forget a still picture: no plan will name it again."""

    key: str


class KeepMasksReady(Message, frozen=True, kw_only=True):
    """Look for these in the source from now on, so that a cut to a mask of them has it at once."""

    kinds: tuple[str, ...]  # of the masks that are made of the source; replaces those before


class ChunkPlan(Message, frozen=True, kw_only=True):
    """Everything the generator needs to know about one chunk. Appended to the take before it runs.

    `input_until` is the newest input frame (ring sequence number) that the source had delivered
    when the plan was made; None when no source is selected. `recorded_condition` is only set by
    replay: what the recorded chunk saw, in the form the report gave it. So is `recorded_text`: the
    text that the recorded chunk was really made under.
    """

    chunk_index: int  # counts all chunks of the show, never reset
    cut_number: int  # how many hard cuts so far
    chunk_in_cut: int  # 0 for the first chunk after a hard cut
    snapshot_version: int
    cut: Cut = Cut.NONE
    blend: float = 1.0  # share of the target look, 1 when no soft cut runs
    cache_action: CacheAction = CacheAction.KEEP
    reset_reason: str = ""  # set when cache_action is RESET
    seed: int
    text: tuple[WeightedPrompt, ...]
    parameters: dict[str, float]  # all rows that apply at the chunk
    guides: Guides = Guides()  # of this chunk: first and last frame only where they are due
    source_cut: bool = False  # the source itself changed since the last plan
    input_until: int | None = None
    is_unseen: bool = False  # of a pre-roll: made, and not shown
    recorded_condition: bytes | None = None
    recorded_text: tuple[WeightedPrompt, ...] | None = None


class Shutdown(Message, frozen=True, kw_only=True):
    """Finish the chunk in hand and leave."""


HostOrder = (
    LoadModel | PreparePrompt | StoreStill | DropStill | KeepMasksReady | ChunkPlan | Shutdown
)


class WorkerReady(Message, frozen=True, kw_only=True):
    """The model is loaded and warm. Sizes in pixels, `native_fps` is the model's own rate."""

    model: ModelChoice
    device: str
    dtype: str
    backends: dict[str, str]  # op → backend that will run, e.g. attention → sdpa
    native_fps: float
    frames_per_chunk: int
    load_s: float
    takes_guides: bool = False  # masks, reference images, first and last frames: it has VACE
    notices: tuple[str, ...] = ()  # fallbacks, one sentence each


class Heartbeat(Message, frozen=True, kw_only=True):
    """Sent every 0.5 s from a thread of its own; `stage` is what the chunk thread is doing."""

    stage: str
    chunk_index: int
    memory_bytes: int


class FramesReady(Message, frozen=True, kw_only=True):
    """Frames of a chunk are in the ring; the clean pass may still be running."""

    chunk_index: int
    first_frame: int  # ring sequence number of the first frame
    num_frames: int
    first_frame_ms: float  # from plan received to frames written
    starts_anew: bool = False  # the cache was reset before them: they go on from nothing


class PromptRead(Message, frozen=True, kw_only=True):
    """How the model understood a prompt: words it knows and words it does not."""

    text: str
    understood: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()  # those of `unknown` that it knows, but had no room for


class PromptFailed(Message, frozen=True, kw_only=True):
    """A prompt cannot be encoded. Told when it was tried, which is before a chunk needs it."""

    text: str
    reason: str


class ChunkReport(Message, frozen=True, kw_only=True):
    """What really happened to one chunk."""

    chunk_index: int
    num_frames: int
    stage_ms: dict[str, float]  # condition, denoise, decode, hand_on, commit, total; chunk: in one
    backends: dict[str, str]
    shapes: dict[str, tuple[int, ...]]
    resets: tuple[Reset, ...] = ()
    statistics: PictureStatistics | None = None
    discarded: str = ""  # reason, when the frames were not shown
    input_first: int | None = None  # input frames that really conditioned the chunk
    input_last: int | None = None
    stale_frames: int = 0  # how far `input_last` was behind `input_until`
    control_kind: str = ""  # whose maps are in use
    control_refusal: str = ""  # why the kind that the plan asks for cannot be, in a sentence
    guides: tuple[str, ...] = ()  # that really steered it: mask, reference, …
    guide_refusal: str = ""  # why one that the plan asks for did not, in a sentence
    condition: bytes | None = None  # safetensors bytes, for the take; None without a source
    frames_crc32: int = 0  # of the BGRX bytes, so that replay can be proven
    text: tuple[WeightedPrompt, ...] = ()  # that it was really made under
    late_prompts: tuple[LatePrompt, ...] = ()  # why `text` is not the plan's


class WorkerFailed(Message, frozen=True, kw_only=True):
    """The worker's last words."""

    reason: str  # one sentence for the performer
    out_of_memory: bool = False
    detail: str = ""  # traceback, for the log


WorkerEvent = (
    WorkerReady | Heartbeat | FramesReady | PromptRead | PromptFailed | ChunkReport | WorkerFailed
)
