"""PURE. How much noise the source's own picture is mixed with, chunk by chunk.

The performer's amount says the noise share. With the motion knob up, a source that moves lowers it,
so that its motion is followed more closely, and a share of the one before keeps it from jumping:

    documented = 0.9 * (share of the amount - 0.1 * motion) + 0.1 * share before
    share      = share of the amount + knob * (documented - share of the amount)

At 0 the knob is exactly out of the way, at 1 the rule holds as documented; in between lies what the
line between them says. The amount keeps its say at any setting of the knob: Scope's own rule, which
puts a constant in its place, would take that away.  Source: StreamDiffusionV2.
"""

from engine.worker.schedule import noise_share_streamdiffusion


class VideoNoise:
    """The noise share, with the one before as its memory."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the share before: the next chunk is the first of a source."""
        self._before: float | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether there is no share before."""
        return self._before is None

    def share(self, initial: float, motion: float, knob: float) -> float:
        """Return the noise share of the next chunk.

        Args:
            initial: share that the performer's amount means, 0..1.
            motion: of the source, 0..1, see `schedule.motion_share`.
            knob: 0..1.
        """
        before = initial if self._before is None else self._before
        documented = noise_share_streamdiffusion(motion, before, initial)
        # In this order both ends of the knob are exact.
        self._before = (1 - knob) * initial + knob * documented
        return self._before
