"""What a show carries from chunk to chunk, and the reset table put into effect.

In:     what happened at a boundary: cuts, another source, a fault.
Out:    `Reset`s, one a piece of state, each with its reason.
Thread: generator.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.protocol.values import Reset
from engine.worker.inputs import Inputs
from engine.worker.model import LoadedModel
from engine.worker.resets import Effect, Event, State, resets_for
from engine.worker.streams import (
    InactiveEncodeStream,
    ReactiveEncodeStream,
    Streams,
    VideoEncodeStream,
)

_Encoder = VideoEncodeStream | ReactiveEncodeStream | InactiveEncodeStream


class KeptState:
    """Every piece of state, by its row of the table.

    Args:
        model: whose caches they are.
        streams: of its codec.
        inputs: of the source.
        num_frames: tells how many frames were handed on, which nothing resets.
    """

    def __init__(
        self, model: LoadedModel, streams: Streams, inputs: Inputs, num_frames: Callable[[], int]
    ) -> None:
        self._sampler = model.sampler
        self._anchor = model.anchor
        self._inputs = inputs
        self._picture = streams.picture
        self._num_frames = num_frames
        self._encoders: dict[State, _Encoder] = {
            State.ENCODE_VIDEO: streams.video,
            State.ENCODE_REACTIVE: streams.reactive,
            State.ENCODE_INACTIVE: streams.inactive,
        }

    def apply(self, events: dict[Event, str], input_until: int | None) -> list[Reset]:
        """Execute the reset table for these events."""
        resets = []
        for state, effect, reason in resets_for(events):
            self._reset(state, effect, input_until)
            resets.append(Reset(state=state.value, reason=reason))
        return resets

    def is_fresh(self, state: State) -> bool | None:
        """Whether a piece of state is as after loading; None where the plan says what it is."""
        cache = self._sampler.cache.state
        encode = {state: stream.is_fresh for state, stream in self._encoders.items()}
        others = {
            State.DECODE_STREAM: self._picture.is_fresh,
            State.VIDEO_NOISE: self._inputs.noise.is_fresh,
            State.KV_CACHE: cache.cached == 0,
            State.CROSS_ATTENTION: not self._sampler.text.is_valid,
            State.CONTEXT_LATENTS: self._sampler.num_finished == 0,
            State.POSITION: cache.position == 0,
            State.FRAME_COUNTER: self._num_frames() == 0,
            State.PREPROCESSOR: self._inputs.is_preprocessor_fresh,
            State.INPUT_QUEUE: self._inputs.num_waiting == 0,
        }
        return (encode | others).get(state)

    def _reset(self, state: State, effect: Effect, input_until: int | None) -> None:
        match state:
            case State.DECODE_STREAM:
                self._picture.reset()
            case State.ENCODE_VIDEO | State.ENCODE_REACTIVE | State.ENCODE_INACTIVE:
                self._encoders[state].reset()
            case State.VIDEO_NOISE:
                self._inputs.noise.reset()
            case State.KV_CACHE | State.CONTEXT_LATENTS | State.POSITION:
                self._forget_context()
            case State.CROSS_ATTENTION:
                self._sampler.text.invalidate()
            case State.INPUT_QUEUE if effect is Effect.FLUSH:
                self._inputs.flush(input_until)
            case State.INPUT_QUEUE | State.PREPROCESSOR:
                self._inputs.restart(input_until)
            case State.FRAME_COUNTER | State.SEED | State.TEXT | State.PARAMETERS | State.GUIDES:
                raise AssertionError(f"the reset table never resets the {state}")

    def _forget_context(self) -> None:
        """Forget all latents at once: cache, positions and context belong together."""
        self._sampler.reset()
        if self._anchor is not None:
            self._anchor.reset()
